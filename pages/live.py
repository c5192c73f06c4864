"""Curves that grow while a run trains."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
import streamlit as st

from cache.job import Row
from pages.charts import live_curve
from pages.prepared import Prepared

SHOWN = ("loss", "drift")
KEPT = "live_drawing"

PAUSE = 2.0
"""Seconds between drawings. A browser without a GPU takes half a second for one, of a core that training needs."""


@dataclass(frozen=True)
class Drawing:
    """Curves as last drawn; `due` is when newer rows are worth another."""

    key: str
    rows: int
    charts: tuple[Prepared, ...]
    due: float


def live_curves(key: str, rows: Sequence[Row]) -> None:
    """Loss and drift of every seed of the job so far, side by side."""
    drawing = st.session_state.get(KEPT)
    if drawing is None or drawing.key != key or (len(rows) > drawing.rows and time.monotonic() >= drawing.due):
        drawing = st.session_state[KEPT] = _drawn(key, rows)
    with st.container(key="live"):
        for column, name, chart in zip(st.columns(len(SHOWN), gap="large"), SHOWN, drawing.charts, strict=True):
            column.altair_chart(chart, width="stretch", key=f"live_{name}")  # pyright: ignore[reportArgumentType]


def _drawn(key: str, rows: Sequence[Row]) -> Drawing:
    frame = pd.DataFrame([dict(row) for row in rows])
    charts = tuple(Prepared(live_curve(frame, name)) for name in SHOWN)
    return Drawing(key, len(rows), charts, time.monotonic() + PAUSE)
