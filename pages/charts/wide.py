"""Animation in the browser: a column per frame, and one parameter that picks the column.

Measured in Chromium without a GPU: 200 frames of 512 eigenvalues play at 30 frames a second this way, and no faster
way that Vega-Lite offers comes near. Numbers travel as float32, which holds seven digits.
"""

import json
from collections.abc import Sequence
from typing import TypeVar

import altair as alt
import numpy as np
import pandas as pd
from altair import utils

WIDTH, HEIGHT = 640, 380
"""Of a panel alone, in pixels."""

LARGEST, SMALLEST = 3e38, 1e-37
"""Sizes that float32 holds with full precision."""

AnyChart = TypeVar("AnyChart", alt.Chart, alt.LayerChart, alt.VConcatChart, alt.HConcatChart)


def wide(values: np.ndarray, digits: int = 4) -> pd.DataFrame:
    """Values (T, n) as n rows with columns f0 .. f{T-1}, rounded to significant digits; what is not finite is NaN."""
    values = np.where(np.abs(values) < LARGEST, np.asarray(values, float), np.nan)
    table = significant(values, digits).astype(np.float32)
    return pd.DataFrame(table.T, columns=[f"f{index}" for index in range(len(table))])


def significant(values: np.ndarray, digits: int = 4) -> np.ndarray:
    """Rounded to significant digits, not to decimals. NaN stays."""
    size = np.where((values == 0) | ~np.isfinite(values), 1.0, np.abs(values))
    # In two factors, because 10^-320 is no normal number.
    scale = np.floor(np.log10(size)) - digits + 1
    first = np.trunc(scale / 2)
    return np.round(values / 10.0**first / 10.0 ** (scale - first)) * 10.0**first * 10.0 ** (scale - first)


def positive(values: np.ndarray) -> tuple[np.ndarray, int]:
    """Values with NaN where a log axis cannot show them (not finite, or not above 1e-37), and how many those are."""
    with np.errstate(invalid="ignore"):
        shown = (values > SMALLEST) & (values < LARGEST)
    return np.where(shown, values, np.nan), int(np.sum(~shown))


def frames_of(frame: pd.DataFrame) -> np.ndarray:
    """The values (T, n) of a wide frame."""
    return frame[[name for name in frame.columns if name[0] == "f" and name[1:].isdigit()]].to_numpy(float).T


def current(frame: pd.DataFrame) -> alt.Chart:
    """A chart of the rows with the `value` of the frame shown; rows that have none are dropped."""
    chart = alt.Chart(frame).transform_calculate(value="datum['f' + frame]")
    return chart.transform_filter("isValid(datum.value)") if np.any(np.isnan(frames_of(frame))) else chart


def animated(panel: AnyChart, frames: int, start: int = 0, labels: Sequence[str] = ()) -> AnyChart:
    """Gives a panel, or several, their `frame` parameter: a range input over 0 .. frames - 1, drawn on canvas.

    Args:
        start: frame shown first.
        labels: one line per frame, put behind the panel's title (the time line of `evolution_chart` has its own).
    """
    last = max(frames - 1, 0)
    bind = alt.binding_range(min=0, max=last, step=1, name="checkpoint ")
    panel.params = [alt.VariableParameter(name="frame", value=min(max(start, 0), last), bind=bind)]
    panel.usermeta = {"embedOptions": {"renderer": "canvas"}}
    if isinstance(panel, alt.Chart | alt.LayerChart) and utils.is_undefined(panel.width):
        panel.width, panel.height = WIDTH, HEIGHT
    if labels:
        title = panel.title.copy()
        title.text = alt.ExprRef(f"{json.dumps(title.text)} + ' — ' + {json.dumps(list(labels))}[frame]")
        panel.title = title
    return panel
