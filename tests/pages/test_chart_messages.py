"""What is sent for a chart, against what Streamlit's own command sends: its private names may change."""

import altair as alt
import pandas as pd
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from pages.charts.axes import beside, layered, stacked
from pages.charts.specification import Specification
from pages.shell.chart_messages import draw

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


@pytest.mark.parametrize("width", ["stretch", "content"])
@pytest.mark.parametrize("chart", CHARTS)
def test_the_message_is_streamlits_own(chart, width):
    made = Specification.of(CHARTS[chart])

    def page() -> None:
        with st.container(key="ours"):
            for _ in range(2):
                draw(made, width, "a line")
        with st.sidebar:
            st.vega_lite_chart(spec=made(), width=width, alt="a line")

    app = AppTest.from_string("import test_chart_messages as here\nhere.PAGE()")
    globals()["PAGE"] = page
    app.run()
    assert not app.exception
    ours, again = (element.proto for element in app.main.get("vega_lite_chart"))
    (streamlits,) = (element.proto for element in app.sidebar.get("vega_lite_chart"))
    assert ours == again == streamlits
    assert ours.datasets[0].data.data


def test_widths_and_descriptions_do_not_mix():
    made = Specification.of(CHARTS["rows"])

    def page() -> None:
        draw(made, "stretch", "first")
        draw(made, "content", "second")
        draw(made, "content")

    globals()["PAGE"] = page
    app = AppTest.from_string("import test_chart_messages as here\nhere.PAGE()").run()
    first, second, third = (element.proto for element in app.get("vega_lite_chart"))
    assert (first.alt, second.alt, third.alt) == ("first", "second", "")
    assert "fit-x" in first.spec
    assert second.spec == third.spec != first.spec
