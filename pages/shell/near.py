"""Charts are drawn as they come near the window (`near.js`)."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import streamlit as st
from streamlit.components.v2 import component

KEY = "near"
STYLE = """<style>
[data-testid="stVegaLiteChart"]:not([data-near]) { width: 0; animation: late 1ms 10s forwards; }
[data-testid="stVegaLiteChart"]:not(:has(.marks)) { min-height: 20rem; }
[data-testid="stLayoutWrapper"]:has(> .st-key-near) { display: none; }
@keyframes late { to { width: 100%; } }
</style>"""
"""The place of a chart that is not drawn. Should the script not come, all are drawn after ten seconds."""


def watch() -> None:
    """On every page, before anything that draws. It shows nothing."""
    st.html(STYLE)
    with st.container(key=KEY):
        _component()(key=f"{KEY} charts")


@cache
def _component() -> Callable[..., object]:
    return component("kernel_drift_near", js=Path(__file__).with_suffix(".js").read_text())
