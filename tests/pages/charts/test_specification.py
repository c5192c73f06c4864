"""Charts on their way to the browser: what is sent, and that those of several people are made at the same time."""

import json
import re
import threading
from concurrent.futures import ThreadPoolExecutor

import altair as alt
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import vl_convert

from pages.charts import specification, theme
from pages.charts.encodings import layered, side_by_side, stacked
from pages.charts.specification import CONFIG, Specification, arrow, data_as


def chart(rows: int) -> alt.Chart:
    frame = pd.DataFrame({"x": np.arange(rows), "y": [0.5, np.nan] * (rows // 2), "name": ["a", "b"] * (rows // 2)})
    return alt.Chart(frame).mark_line().encode(x="x:Q", y="y:Q", color="name:N")


def test_tables_go_as_arrow_streams_under_the_name_of_their_content():
    found = Specification.of(chart(4))
    (stream,) = found.tables.values()
    sent = pa.ipc.open_stream(stream).read_all()
    assert sent.to_pydict() == {"x": [0, 1, 2, 3], "y": [0.5, None, 0.5, None], "name": ["a", "b", "a", "b"]}
    assert found()["data"] == {"name": next(iter(found.tables))}
    assert found()["datasets"] == found.tables
    assert found()["$schema"] == alt.SCHEMA_URL
    assert found()["config"] == CONFIG, "Altair's theme"
    assert Specification.of(chart(4)).text == found.text
    assert Specification.of(chart(6)).tables.keys() != found.tables.keys()


def test_what_several_layers_draw_is_written_once(monkeypatch: pytest.MonkeyPatch):
    written = []
    monkeypatch.setattr(specification, "arrow", lambda frame, tables: written.append(frame) or arrow(frame, tables))
    frame, other = chart(4).data, chart(6).data
    lines, points = (alt.Chart(frame).encode(x="x:Q", y="y:Q") for _ in range(2))
    found = Specification.of(layered(lines.mark_line(), points.mark_point(), alt.Chart(other).mark_rule()))
    assert [len(one) for one in written] == [4, 6]
    names = [layer["data"]["name"] for layer in found()["layer"]]
    assert names[0] == names[1] != names[2]
    assert set(names) == set(found.tables)


def pushed_down(spec: dict, data: object = None) -> dict:
    """The same chart with the data at the parts that draw them, without what a theme adds."""
    spec = {name: value for name, value in spec.items() if name not in ("$schema", "config")}
    data = spec.pop("data", data)
    for name in ("layer", "vconcat", "hconcat"):
        if name in spec:
            return {**spec, name: [pushed_down(part, data) for part in spec[name]]}
    return {**spec, "data": data}


@pytest.mark.parametrize("parameter", [None, "whole", "part"])
def test_a_chart_of_charts_is_what_altair_makes_of_it(parameter):
    slide = alt.VariableParameter(name="frame", value=1, bind=alt.binding_range(min=1, max=3))
    first = layered(chart(4), chart(6).mark_point(), title="first", height=100)
    picking = chart(4).add_params(alt.selection_point(name="pick")) if parameter == "part" else chart(4)
    whole = stacked([first, side_by_side([picking, layered(chart(4), chart(4).mark_rule())], 4)], 8)
    if parameter == "whole":
        whole.params = [slide]
    whole.usermeta = {"embedOptions": {"renderer": "canvas"}}
    with data_as(lambda frame: arrow(frame, {})):
        expected = whole.to_dict()
    assert pushed_down(json.loads(Specification.of(whole).text)) == pushed_down(expected)


def test_charts_are_converted_at_the_same_time():
    together = threading.Barrier(2)

    class Slow(alt.Chart):
        """Whose conversion ends once another has begun."""

        def to_dict(self, *args, **more):
            together.wait(10)
            return super().to_dict(*args, **more)

    frame = pd.DataFrame({"x": [1.0]})
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda kind: Specification.of(Slow(frame, mark=kind).encode(x="x:Q")), ["line", "point"]))
    assert [one()["mark"]["type"] for one in found] == ["line", "point"]


def test_threads_do_not_take_each_others_tables():
    """Files have their rows in the chart, the browser gets tables: both at once, many times."""
    alone = {rows: Specification.of(chart(rows)) for rows in range(2, 42, 2)}

    def in_a_file() -> dict:
        with data_as(alt.to_values):
            return chart(2).to_dict()

    drawn = in_a_file()

    def again(rows: int) -> bool:
        if rows % 20 == 0:
            return in_a_file() == drawn
        found = Specification.of(chart(rows))
        return found.text == alone[rows].text and found.tables == alone[rows].tables

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(again, [*alone] * 5))


LONG = "How does the largest eigenvalue of the kernel go with the width of the network?"


@pytest.mark.parametrize(("width", "lines"), [(285, 3), (700, 1)])
def test_a_long_title_breaks_where_the_plot_is_narrow(width, lines):
    drawn = titles_of(theme.ask(LONG, layered(chart(4))), width)
    assert len(drawn) == lines
    assert " ".join(drawn) == LONG


def titles_of(drawn, width: int) -> list[str]:
    """The lines of the title, as Vega draws them at this width of the plot."""
    spec = Specification.of(drawn)()
    rows = {name: pa.ipc.open_stream(stream).read_all().to_pylist() for name, stream in spec["datasets"].items()}
    svg = vl_convert.vegalite_to_svg({**spec, "datasets": rows, "width": width})
    group = svg[svg.index("role-title-text") :]
    return re.findall(r"<t(?:ext|span)[^>]*>([^<]+)<", group[: group.index("</g>")])
