"""On the page: which charts go into the report of this session, and the report as a file."""

from collections.abc import Set
from functools import partial

import streamlit as st

from engine.problems import several
from pages.charts.words import label
from pages.shell.one_at_a_time import one_at_a_time
from pages.shell.recipe import Recipe
from pages.shell.report import LONGEST_NOTE, LONGEST_TITLE, Place, Report, document, place_of
from pages.shell.shown import Drawn, Shown
from pages.shell.viewers import name_given

REPORT = "chosen for a report"
"""Where it stands in the session."""


def report() -> Report:
    """That of this session."""
    return st.session_state.setdefault(REPORT, Report())


@st.fragment
@one_at_a_time()
def button(page: Shown, recipe: Recipe) -> None:
    """Opens the choice."""
    if st.button("Report", icon=":material/co_present:", key="report", help="Charts of any page as one HTML file."):
        choose(page, recipe)


@st.dialog("Report", width="large")
def choose(page: Shown, recipe: Recipe) -> None:
    """Charts of this page, those of others, a title and a note; and the file."""
    found, here = report(), place_of(page, recipe)
    st.markdown("Charts in one interactive HTML file, which opens without a network: for a meeting, or to send.")
    st.markdown("**On this page**")
    for figure in page.figures:
        _choice(found, page, recipe, figure)
    others = _others(found, here, {figure.name for figure in page.figures})
    if others:
        st.markdown("**From elsewhere**")
    for place, name, said in others:
        _elsewhere(found, place, name, said)
    found.title = st.text_input("title", found.title, max_chars=LONGEST_TITLE, key="report title")
    found.note = st.text_area("note", found.note, max_chars=LONGEST_NOTE, key="report note")
    st.download_button(
        f"Download {several(found.count, 'chart')} (HTML)",
        partial(document, found),  # pyright: ignore[reportArgumentType]
        "kernel-drift-report.html",
        "text/html",
        key="download report",
        on_click="ignore",
        icon=":material/download:",
        disabled=not found.count,
    )


def _others(found: Report, here: Place, names: Set[str]) -> list[tuple[Place, str, str]]:
    """Charts in the report that this page, whose figures have these names, does not show: place, name, label."""
    return [
        (place, name, f"{section.name or section.title}: {chart.label}")
        for place, section in found.sections.items()
        for name, chart in section.charts.items()
        if place != here or name not in names
    ]


def _choice(found: Report, page: Shown, recipe: Recipe, figure: Drawn) -> None:
    """A chart of this page, in the report or not."""
    place = place_of(page, recipe)
    there = figure.name in found.charts(place)
    ticked = st.checkbox(label(figure.label), there, key=f"report {recipe.identity[:16]} {figure.name}")
    if ticked and not there:
        if said := found.add(page, recipe, figure, name_given(recipe.key)):
            st.error(said)
    elif there and not ticked:
        found.take_out(place, figure.name)


def _elsewhere(found: Report, place: Place, name: str, said: str) -> None:
    """A chart of another page, or one that this page does not show now."""
    key = f"report {place} {name}"
    if not st.checkbox(label(said), True, key=key):
        found.take_out(place, name)
