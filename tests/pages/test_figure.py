"""A figure's row carries its question: the chart, on the page and in a file, is drawn under it."""

from functools import partial
from typing import Any

import altair as alt
import pandas as pd
import pytest
import vl_convert
from drawing import figure as as_file

from pages.charts import theme
from pages.charts.panels import panels
from pages.charts.specification import alternative, in_lines
from pages.charts.words import in_one
from pages.shell.figure import Figure

QUESTION = "How far has it moved?"
FRAME = pd.DataFrame({"t": [0.0, 1.0], "drift": [0.0, 0.5]})


def chart(frame: pd.DataFrame, **properties: Any) -> alt.Chart:
    return alt.Chart(frame, **properties).mark_line().encode(x="t:Q", y="drift:Q")


def drawn(**properties: Any) -> dict:
    return Figure("drift", QUESTION, ("drift",), partial(chart, FRAME, **properties)).draw().to_dict()


def test_a_chart_is_drawn_under_the_question_of_its_row():
    assert drawn()["title"]["text"] == QUESTION
    assert drawn()["title"]["anchor"] == "start"


def test_subtitle_and_size_stay_those_of_the_chart():
    title = drawn(title=theme.title(subtitle="thin: each seed", size=13))["title"]
    assert (title["text"], title["subtitle"], title["fontSize"]) == (QUESTION, "thin: each seed", 13)


def test_a_long_subtitle_has_lines_that_fit_on_a_telephone_and_reads_as_one():
    said = "median of 2 seeds, thin: each seed; log axis: zeros are not drawn; values above 1,000 leave the axis"
    lines = drawn(title=theme.title(subtitle=said))["title"]["subtitle"]
    assert max(map(len, lines)) <= 58
    assert in_one(lines) == said
    beside = alt.hconcat(chart(FRAME, height=100), title=theme.title(subtitle=said))
    assert panels(beside).subtitle == said  # pyright: ignore[reportAttributeAccessIssue]
    assert "; values above 1,000 leave the axis." in alternative({"title": {"text": "a?", "subtitle": lines}})


def test_a_legend_of_many_columns_has_two_in_a_narrow_plot():
    assert theme.legend(4).to_dict()["columns"] == {"expr": "width < 360 ? 2 : 4"}
    assert theme.legend(2).to_dict()["columns"] == 2


def test_a_chart_whose_panels_ask_has_no_question_of_its_own():
    whole = Figure("motion", "", ("drift",), lambda: alt.vconcat(chart(FRAME, title="a?"), chart(FRAME, title="b?")))
    assert "title" not in whole.draw().to_dict()


def test_a_file_shows_the_question():
    row = Figure("drift", QUESTION, ("drift",), partial(chart, FRAME))
    assert QUESTION in as_file(row.draw(), "svg").decode()


@pytest.mark.parametrize(("width", "broken"), [(250, True), (800, False)])
def test_a_subtitle_breaks_only_where_its_plot_is_narrow(width, broken):
    said = "values; y = 0: the sign is negative everywhere, and the mean kernel falls"
    spec = chart(FRAME).properties(title=theme.title("Why?", said), width=width).to_dict()
    assert isinstance(spec["title"]["subtitle"], list)
    drawn = vl_convert.vegalite_to_svg(in_lines(spec))
    assert (f">{said}</text>" in drawn) != broken
