"""A known chart is made once and sent again as it was, wherever it is shown."""

import altair as alt
import pandas as pd
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from pages.charts.encodings import beside, layered, stacked
from pages.charts.specification import Specification
from pages.shell.figure import draw_chart, draw_known

FRAME = pd.DataFrame({"x": [1.0, 2.0], "y": [0.5, None], "name": ["a", "b"]})
LINE = alt.Chart(FRAME).mark_line().encode(x="x:Q", y="y:Q", color=alt.Color("name:N", title=None))
CHARTS = {
    "one": LINE,
    "layers": layered(LINE, LINE.mark_point()),
    "columns": beside([LINE, LINE], 4),
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


@pytest.mark.parametrize("width", ["stretch", "content"])
@pytest.mark.parametrize("chart", CHARTS)
def test_the_message_is_streamlits_own(shown, chart, width):
    made = Specification.of(CHARTS[chart])

    def page() -> None:
        st.vega_lite_chart(spec=made(), width=width, alt="a line")
        with st.container(key="ours"):
            draw_known("a chart", width, "a line", lambda: made)

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
                draw_known("a chart", "stretch", "", make)

    for first, second, third in shown(page, times=3):
        assert first == second == third
    assert len(made) == 1


def test_names_widths_and_descriptions_do_not_mix(shown):
    line, rows = Specification.of(LINE), Specification.of(CHARTS["rows"])

    def page() -> None:
        draw_known("line", "content", "", lambda: line)
        draw_known("rows", "content", "", lambda: rows)
        draw_known("rows", "stretch", "first", lambda: rows)
        draw_known("rows", "content", "second", lambda: rows)
        draw_chart(rows, "content")

    for other, plain, first, second, unknown in shown(page):
        assert [chart.alt for chart in (plain, first, second)] == ["", "first", "second"]
        assert "fit-x" in first.spec
        assert unknown == plain
        assert second.spec == plain.spec != first.spec
        assert other.spec != plain.spec
