"""One step of the browser's history for each thing that a person does (`history.js`)."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import streamlit as st
from streamlit.components.v2 import component

KEY = "history"


def keep() -> None:
    """On every page, before anything that writes an address. It shows nothing."""
    with st.container(key=KEY):
        _component()(key=f"{KEY} steps")


@cache
def _component() -> Callable[..., object]:
    return component("kernel_drift_history", js=Path(__file__).with_suffix(".js").read_text())
