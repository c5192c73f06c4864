"""A known chart is made once and sent again as it was, wherever it is shown."""

import json

import altair as alt
import pandas as pd
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from pages.charts.encodings import layered, side_by_side, stacked
from pages.charts.panels import ROOM, panels
from pages.charts.specification import Specification
from pages.shell.figure import draw_chart, draw_known

FRAME = pd.DataFrame({"x": [1.0, 2.0], "y": [0.5, None], "name": ["a", "b"]})
LINE = alt.Chart(FRAME).mark_line().encode(x="x:Q", y="y:Q", color=alt.Color("name:N", title=None))
CHARTS = {
    "one": LINE,
    "layers": layered(LINE, LINE.mark_point()),
    "columns": side_by_side([LINE, LINE], 4),
    "rows": stacked([LINE, LINE], 4),
    "rows of layers": stacked([layered(LINE, LINE.mark_rule())], 4),
    "parameter": LINE.add_params(alt.param(name="frame", value=1, bind=alt.binding_range(min=1, max=3))),
}


@pytest.fixture
def shown():
    """Runs a page anew and again with nothing kept from before; returns what is left of its charts each time."""
    draw_known.clear()

    def shown(page, times=2):
        globals()["PAGE"] = page
        app = AppTest.from_string("import test_chart_messages as here\nhere.PAGE()")
        for _ in range(times):
            app.run()
            assert not app.exception
            yield [element.proto for element in app.get("vega_lite_chart")]

    yield shown
    draw_known.clear()


@pytest.mark.parametrize("chart", CHARTS)
def test_the_message_is_streamlits_own(shown, chart):
    made = Specification.of(CHARTS[chart])

    def page() -> None:
        st.vega_lite_chart(spec=made(), alt=made.said)
        with st.container(key="ours"):
            draw_known("a chart", lambda: made)

    for own, ours in shown(page):
        assert ours == own
        assert ours.datasets[0].data.data


def test_it_is_made_once_and_stands_where_it_is_shown(shown):
    made = []

    def make() -> Specification:
        made.append(1)
        return Specification.of(LINE)

    def page() -> None:
        left, right = st.columns(2)
        for column in (left, right, left):
            with column:
                draw_known("a chart", make)

    for first, second, third in shown(page, times=3):
        assert first == second == third
    assert len(made) == 1


def test_names_do_not_mix(shown):
    line, rows = Specification.of(LINE), Specification.of(CHARTS["layers"])

    def page() -> None:
        draw_known("line", lambda: line)
        draw_known("rows", lambda: rows)
        draw_chart(rows)

    for other, known, unknown in shown(page):
        assert unknown == known
        assert other.spec != known.spec


def test_panels_are_charts_of_their_own_that_stretch_and_are_kept_as_a_whole(shown):
    left, right = (LINE.properties(width=99, height=50, title=name) for name in ("left?", "right?"))
    grid = stacked([LINE.properties(width=400, height=60, title="over"), side_by_side([left, right], 4)], 4)
    grid.params = [alt.VariableParameter(name="frame", value=1)]

    def page() -> None:
        draw_known("panels", lambda: panels(grid))

    for charts in shown(page):
        specs = [json.loads(chart.spec) for chart in charts]
        assert [spec["title"] for spec in specs] == ["over", "left?", "right?"]
        assert [spec["height"] for spec in specs] == [60 + ROOM, 50 + ROOM, 50 + ROOM]
        assert all(spec["params"] == [{"name": "frame", "value": 1}] for spec in specs)
        assert [chart.alt.split("?")[0] for chart in charts[1:]] == ["Left", "Right"]
        assert not any("width" in spec for spec in specs)
