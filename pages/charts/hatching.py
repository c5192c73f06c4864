"""Hatching, which is seen without colours: lines across a cell, and the same across the square of a legend."""

from collections.abc import Iterable
from typing import Literal

import numpy as np
import pandas as pd

Hatch = Literal["none", "rising", "falling", "crossed", "level"]
LINES = 5
"""Across a cell, in each direction."""

Segment = tuple[float, float, float, float]
"""Ends u0, v0 and u1, v1 in a square from 0 to 1."""


def segments(hatch: Hatch, lines: int = LINES) -> list[Segment]:
    """The lines across a square."""
    shifts = [2 * (at + 1) / (lines + 1) - 1 for at in range(lines)]
    rising = [(max(0.0, c), max(0.0, -c), min(1.0, 1 + c), min(1.0, 1 - c)) for c in shifts]
    falling = [(u0, 1 - v0, u1, 1 - v1) for u0, v0, u1, v1 in rising]
    level = [(0.0, (1 + c) / 2, 1.0, (1 + c) / 2) for c in shifts]
    drawn = {"rising": rising, "falling": falling, "crossed": rising + falling, "level": level, "none": []}
    return drawn[hatch]


def hatched(cells: pd.DataFrame, hatches: Iterable[Hatch]) -> pd.DataFrame:
    """Two rows `x`, `y` for each `stripe` across cells with `x0`, `x1`, `y0`, `y1` on log axes; `regime` goes along."""
    parts = []
    for (_, cell), hatch in zip(cells.iterrows(), hatches, strict=True):
        ends = np.array(segments(hatch)).reshape(-1, 2)
        if len(ends):
            x, y = (_between(cell[f"{axis}0"], cell[f"{axis}1"], ends[:, at]) for at, axis in enumerate("xy"))
            names = [f"{cell['cell']} {at // 2}" for at in range(len(ends))]
            parts.append(pd.DataFrame({"x": x, "y": y, "stripe": names, "regime": cell["regime"]}))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def _between(low: float, high: float, share: np.ndarray) -> np.ndarray:
    """Points between two values, even in the logarithm."""
    return low * (high / low) ** share


def symbol(hatch: Hatch) -> str:
    """The square of a legend with its lines, as an SVG path from -1 to 1."""
    lines = [
        f"M{2 * u0 - 1:.2f},{1 - 2 * v0:.2f}L{2 * u1 - 1:.2f},{1 - 2 * v1:.2f}" for u0, v0, u1, v1 in segments(hatch, 3)
    ]
    return "M-1,-1H1V1H-1Z" + "".join(lines)
