"""One step of the browser's history for each thing that a person does (`history.js`)."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import streamlit as st
from streamlit.components.v2 import component

from pages.shell.gate.streamlit_internals import went_back
from pages.shell.link import flush
from pages.shell.one_at_a_time import one_at_a_time

KEY, READY = "history", "history is kept"


@st.fragment
@one_at_a_time()
def keep() -> None:
    """On every page, before anything that writes an address. It shows nothing."""
    with st.container(key=KEY):
        _component()(key=f"{KEY} steps", data={"ready": is_kept()}, on_ready_change=_begin)


def is_kept() -> bool:
    """Whether the browser has the script: without it an address that a page writes would be a step of its own."""
    return bool(st.session_state.get(READY))


def _begin() -> None:
    """The address of the first page waited for this; not where the browser has just gone back, to one that the page has
    yet to take up: this one would take its place."""
    st.session_state[READY] = True
    if not went_back():
        flush()


@cache
def _component() -> Callable[..., object]:
    return component("kernel_drift_history", js=Path(__file__).with_suffix(".js").read_text())
