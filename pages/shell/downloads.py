"""Files that go out. Each is made when its button is clicked, not before."""

import io
import json
from collections.abc import Callable
from functools import cached_property, partial
from typing import Any, Literal, Protocol

import numpy as np
import pandas as pd
import streamlit as st

from engine.progress import Arrays
from engine.schema import Config
from pages.charts.specification import figure

FigureKind = Literal["svg", "png"]

FIGURES: dict[FigureKind, str] = {"svg": "image/svg+xml", "png": "image/png"}
"""Kinds of figure and their MIME types."""


class Numbers(Protocol):
    """A result that can be taken home."""

    @property
    def config(self) -> Config: ...
    @cached_property
    def summary(self) -> dict[str, Any]: ...
    def to_frame(self) -> pd.DataFrame: ...


def data_files(result: Numbers, arrays: Arrays) -> None:
    """Buttons for the numbers of a run."""
    stem = f"kernel-drift-{result.config.hash[:8]}"
    with st.container(horizontal=True):
        _button("Curves (CSV)", lambda: result.to_frame().to_csv(index=False), f"{stem}.csv", "text/csv")
        _button("Arrays (npz)", lambda: packed(arrays), f"{stem}.npz", "application/octet-stream")
        _button("Config (YAML)", result.config.to_yaml, f"{stem}.yaml", "application/yaml")
        _button("Summary (JSON)", lambda: json.dumps(result.summary, indent=2), f"{stem}.json", "application/json")


def table_file(name: str, frame: pd.DataFrame) -> None:
    """A button for what a chart shows."""
    _button("Data (CSV)", lambda: frame.to_csv(index=False), f"{name}.csv", "text/csv")


def figure_files(name: str, chart: Callable[[], Any]) -> None:
    """Buttons for one figure."""
    with st.container(horizontal=True):
        for kind, mime in FIGURES.items():
            _button(kind.upper(), partial(_drawn, chart, kind), f"{name}.{kind}", mime)


def _drawn(chart: Callable[[], Any], kind: FigureKind) -> bytes:
    return figure(chart(), kind)


def packed(arrays: Arrays) -> bytes:
    """The entry as an npz that `numpy.load` reads without pickle."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()


def _button(label: str, data: Callable[[], str | bytes], file_name: str, mime: str) -> None:
    st.download_button(
        label,
        data,  # pyright: ignore[reportArgumentType]
        file_name,
        mime,
        key=f"download {file_name}",
        on_click="ignore",
        icon=":material/download:",
    )
