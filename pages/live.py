"""Curves that grow while a run trains."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from cache.job import Row
from pages.charts import live_curve

SHOWN = ("loss", "drift")


def live_curves(rows: Sequence[Row]) -> None:
    """Loss and drift of every seed so far, side by side."""
    frame = pd.DataFrame([dict(row) for row in rows])
    with st.container(key="live"):
        for column, name in zip(st.columns(len(SHOWN), gap="large"), SHOWN, strict=True):
            column.altair_chart(live_curve(frame, name), width="stretch", key=f"live_{name}")
