"""What the tooltip of a cell of a map says."""

import altair as alt
import numpy as np
import pandas as pd

from engine.initialisation.spread import MEASURED_BETA
from pages.charts.encodings import tooltip
from pages.charts.words import number

SAID = ("elt", "drift", "shape_drift")
"""Medians that a tooltip gives in words: they may be none."""
SAID_OF_A_CELL = (
    ("regime:N", "regime"),
    ("depth:Q", "depth L"),
    ("width:Q", "width n", ".4~g"),
    ("beta:Q", "L/n", ".3~g"),
    ("alpha:Q", "α", ".3~g"),
    ("rate:Q", "η_eff λ_max(K₀)", ".3~g"),
    ("runs:Q", "networks"),
    ("elt_said:N", "elt, median"),
    ("elt_low:Q", "elt, lower quartile", ".3~g"),
    ("elt_high:Q", "elt, upper quartile", ".3~g"),
    ("drift_said:N", "drift"),
    ("shape_drift_said:N", "shape drift"),
    ("residual_lazy_error:Q", "lazy error, training", ".3~g"),
    ("cv2:Q", "CV² at initialisation", ".3~g"),
    ("sharpness:Q", "η_eff λ_max(K_T)", ".3~g"),
    ("steps:Q", "steps", ",.0f"),
    ("diverged:Q", "diverged", ".0%"),
    ("dead:Q", "dead", ".0%"),
    ("cap:Q", "stopped by the cap", ".0%"),
)
"""The tooltip: the ensemble's numbers."""
MEASURED = ("measured_said:N", "measured β (95%)")
"""Of networks that have no beta."""


def of_cells(known: pd.DataFrame) -> list[alt.Tooltip]:
    """The rows, of a table with the texts of `in_words`."""
    return tooltip(*SAID_OF_A_CELL, *([MEASURED] if "measured_said" in known else []))


def in_words(table: pd.DataFrame) -> dict[str, list[str]]:
    """Columns for the tooltip: what may not be a number, and the measured beta of networks that have no other."""
    found = {f"{name}_said": _said(table, name) for name in SAID}
    return found | ({"measured_said": _measured(table)} if MEASURED_BETA[0] in table else {})


def below_rounding(table: pd.DataFrame) -> np.ndarray:
    """Cells whose elt is no measured value."""
    return np.array([bool(one) and one == one for one in table.get("unresolved", np.zeros(len(table)))], bool)


def _said(table: pd.DataFrame, name: str) -> list[str]:
    """In a tooltip: never a number that was not measured."""
    values = table[name] if name in table else np.full(len(table), np.nan)
    below = below_rounding(table) & (name == "elt")
    return [
        f"below rounding, {number(value)}" if rounding else number(value) if np.isfinite(value) else "not a number"
        for value, rounding in zip(values, below, strict=True)
    ]


def _measured(table: pd.DataFrame) -> list[str]:
    return [
        f"{number(at)} ({number(low)} to {number(high)})" if np.isfinite(at) else "not determined"
        for at, low, high in table[list(MEASURED_BETA)].to_numpy(float)
    ]
