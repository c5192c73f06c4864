"""Charts on the page. What is sent for a known one is made once: Streamlit's cache keeps the messages and sends copies.

Without that `st.vega_lite_chart` reads and writes a chart's JSON four times at every redraw.
"""

from collections.abc import Callable
from typing import Literal

import streamlit as st

from pages.charts.specification import Specification

KEPT = 128
"""Charts kept, over all results."""

Width = Literal["stretch", "content"]


def draw(specification: Specification, width: Width, description: str = "") -> None:
    """The chart, without a selection; `description` is for screen readers."""
    st.vega_lite_chart(spec=specification(), width=width, alt=description or None)


@st.cache_resource(max_entries=KEPT, show_spinner=False)
def draw_known(key: str, width: Width, description: str, _make: Callable[[], Specification]) -> None:
    """As `draw`, of a chart that the key names."""
    draw(_make(), width, description)
