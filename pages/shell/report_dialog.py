"""On the page: which charts go into the report of this session, and the report as a file."""

from collections.abc import Callable, Set
from functools import partial

import streamlit as st

from engine.problems import several
from pages.charts.words import label
from pages.shell.one_at_a_time import one_at_a_time
from pages.shell.recipe import Recipe
from pages.shell.report import LONGEST_NOTE, LONGEST_TITLE, Place, Report, document, place_of
from pages.shell.shown import Drawn, Shown
from pages.shell.viewers import name_given

REPORT, REFUSED = "chosen for a report", "not taken into the report"
"""Where it stands in the session, and why the chart that was ticked last is not in it."""


def report() -> Report:
    """That of this session."""
    return st.session_state.setdefault(REPORT, Report())


@st.fragment
@one_at_a_time()
def button(page: Shown, recipe: Recipe) -> None:
    """Opens the choice."""
    if st.button("Report", icon=":material/co_present:", key="report", help="Charts of any page as one HTML file."):
        st.session_state[REFUSED] = ""
        choose(page, recipe)


@st.dialog("Report", width="large")
def choose(page: Shown, recipe: Recipe) -> None:
    """Charts of this page, those of others, a title and a note; and the file."""
    found, here = report(), place_of(page, recipe)
    st.markdown("Charts in one interactive HTML file, which opens without a network: for a meeting, or to send.")
    st.markdown("**On this page**")
    for figure in page.figures:
        _choice(found, page, recipe, figure)
    if refused := st.session_state.get(REFUSED):
        st.error(refused)
    others = _others(found, here, {figure.name for figure in page.figures})
    if others:
        st.markdown("**From elsewhere**")
    for place, name, said in others:
        _elsewhere(found, place, name, said)
    _write("title", partial(st.text_input, max_chars=LONGEST_TITLE), found)
    _write("note", partial(st.text_area, max_chars=LONGEST_NOTE), found)
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


# A choice is taken in by a callback: the dialog may be closed, and its page left, before it would be drawn again.


def _choice(found: Report, page: Shown, recipe: Recipe, figure: Drawn) -> None:
    """A chart of this page, in the report or not."""
    place, key = place_of(page, recipe), f"report {recipe.identity[:16]} {figure.name}"

    def ticked() -> None:
        st.session_state[REFUSED] = ""
        if not st.session_state[key]:
            found.take_out(place, figure.name)
        elif refused := found.add(page, recipe, figure, name_given(recipe.key)):
            st.session_state[REFUSED], st.session_state[key] = refused, False

    st.checkbox(label(figure.label), figure.name in found.charts(place), key=key, on_change=ticked)


def _elsewhere(found: Report, place: Place, name: str, said: str) -> None:
    """A chart of another page, or one that this page does not show now."""
    st.checkbox(label(said), True, key=f"report {place} {name}", on_change=found.take_out, args=(place, name))


def _write(name: str, field: Callable[..., str], found: Report) -> None:
    """Title or note."""
    key = f"report {name}"
    field(name, getattr(found, name), key=key, on_change=lambda: setattr(found, name, st.session_state[key]))
