"""Regime map: ensembles over depth and width, coloured by regime, and whether beta alone decides."""

import time

import streamlit as st

from pages.run.asking import PAUSE
from pages.shell.batch import REDRAW
from pages.shell.form import Form
from pages.views import map_controls, map_sweep, regime_map
from pages.views.map_controls import Asked
from pages.views.map_figures import Picture, View
from pages.views.map_sweep import Standing

SHARE = 4
"""A picture in the making is drawn again after this many times what drawing took: the sweep needs the processor."""
DRAWN = "regime map drawn"
PREFIX = "map_"


def page() -> None:
    """The page, top to bottom."""
    st.title("Regime map")
    st.markdown(
        r"Each cell is an ensemble of trained networks, all to the same residual. Is it **lazy**, does it **learn "
        r"features**, or is it **unstable**, and does $\beta = L/n$ decide?"
    )
    come_back()
    form = Form(PREFIX)
    asked = map_controls.show(form)
    if not form.fine() or asked is None:
        return
    view, opens = regime_map.choices(form)
    form.say_left_out(("q", *map_controls.SOMEWHERE))  # drawn below, or on another map
    if map_sweep.running(asked.sweep):
        watch(asked, view, opens)
        return
    found = map_sweep.standing(asked.sweep)
    map_sweep.offer(asked, found)
    picture = Picture(asked.map, found, view)
    regime_map.charts(picture, opens, whole=True)
    regime_map.findings(picture, form)


def come_back() -> None:
    """Back from the run of a cell leads to an address that names the run: it is made to name its map again."""
    foreign = st.query_params and not any(name.startswith(PREFIX) for name in st.query_params)
    if foreign and regime_map.LEFT in st.session_state:
        st.query_params.from_dict(st.session_state[regime_map.LEFT])
        st.rerun()


@st.fragment(run_every=REDRAW)
def watch(asked: Asked, view: View, opens: str) -> None:
    """Drives the sweep on, and shows its cells as they come."""
    started = map_sweep.running(asked.sweep)
    if started is None or not started.step():
        st.rerun()
    found = started.standing()
    map_sweep.progress(asked, started, found)
    drawn = due(found)
    began = time.monotonic()
    regime_map.charts(Picture(asked.map, drawn, view), opens, whole=False)
    if drawn is found:
        st.session_state[DRAWN] = found, time.monotonic() + max(PAUSE, SHARE * (time.monotonic() - began))


def due(found: Standing) -> Standing:
    """What to draw: the newest cells, or those of the last picture while it is too early for another. The first cells
    are never too early."""
    last, until = st.session_state.get(DRAWN, (None, 0.0))
    if last is None or last.config.hash != found.config.hash:
        return found
    early = time.monotonic() < until and len(last.results) > 0
    return last if early or len(found.results) == len(last.results) else found


page()
