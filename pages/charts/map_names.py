"""What a cell of a map is called, how it looks, and what its tooltip says."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import altair as alt
import numpy as np
import pandas as pd

from engine.initialisation.spread import MEASURED_BETA
from engine.quantities import QUANTITIES
from engine.regimes.result import LAZY, STOCHASTIC_KERNEL, STRONG, UNDECIDED, UNSTABLE, UNTRAINABLE, WEAK
from pages.charts import theme
from pages.charts.encodings import tooltip
from pages.charts.expansion import BOUNDS, CURVES
from pages.charts.expansion import SERIES_COLOURS as PERTURBATION
from pages.charts.words import number

# Hatching, which is seen without colours: lines across a cell, and the same across the square of a legend.

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


# Names and looks.

METRICS = {
    name: QUANTITIES[f"map.{name}"]
    for name in (
        "elt", "drift", "shape_drift", "first_step", "residual_lazy_error", "p2", "cv2", "sharpness", "test_error",
        "steps", "failed",
    )
}  # fmt: skip
"""Name of a column of `engine.regimes.result.cells_frame` -> what it is. Medians over the seeds of a cell."""

REGIMES = {
    LAZY: "lazy",
    WEAK: "weak feature learning",
    STRONG: "strong feature learning",
    UNDECIDED: "undecided: not known well enough",
    STOCHASTIC_KERNEL: "unstable: stochastic kernel",
    UNTRAINABLE: "unstable: untrainable",
    f"{STOCHASTIC_KERNEL}, {UNTRAINABLE}": "unstable: both",
}
"""Label of a cell, or the reason of an unstable one -> what it is called."""


@dataclass(frozen=True)
class CellStyle:
    """How a cell looks on either ground.

    Attributes:
        fill: of its face.
        ink: of its edge and its lines, 3:1 from its face where it has lines.
        text: of its number, 4.5:1 from its face.
    """

    fill: str
    ink: str
    hatch: Hatch = "none"
    text: str = "#17181c"


CELL_STYLES = {
    REGIMES[LAZY]: CellStyle("#b5d9f0", theme.GREY),
    REGIMES[WEAK]: CellStyle("#5b9bc8", theme.GREY),
    REGIMES[STRONG]: CellStyle("#17456f", theme.GREY, text="#ffffff"),
    REGIMES[UNDECIDED]: CellStyle("#f3efe2", "#857a5c", "level"),
    REGIMES[STOCHASTIC_KERNEL]: CellStyle("#f6d3b8", "#b3400d", "rising"),
    REGIMES[UNTRAINABLE]: CellStyle("#d6d6d6", "#2b2b2b", "falling"),
    REGIMES[f"{STOCHASTIC_KERNEL}, {UNTRAINABLE}"]: CellStyle("#efc3cc", "#8c1230", "crossed"),
}
"""The more is learned, the darker; what cannot be trained, or is not known, is hatched: seen without colours too."""

BOUNDARIES = {
    "p2": "P₂ = lazy",
    "order_0": "order 0 = lazy",
    "lazy_weak": "lazy | weak",
    "weak_strong": "weak | strong",
    "stable_unstable": "trains | fails",
}
"""By the names of `engine.regimes.boundaries.boundaries` and `dynamics`."""
DASHED = ("p2", "order_0")
"""Those of the dynamics, on training points."""
BOUNDARY_COLOURS = {
    "lazy_weak": theme.SKY,
    "weak_strong": theme.VIOLET,
    "stable_unstable": theme.VERMILION,
    "p2": PERTURBATION[BOUNDS["P2"]],
    "order_0": PERTURBATION[CURVES["order_0"]],
}

KIND_NAMES = {"mlp": "fully connected", "resnet": "residual", "conv": "convolutional"}
"""Of the networks of a map."""
KIND_COLOURS = {"mlp": theme.BLUE, "resnet": theme.VERMILION, "conv": theme.GREEN}


@dataclass(frozen=True)
class Order:
    """What orders networks of several depths and widths.

    Attributes:
        name, title: in a text, and on an axis.
        tex: in a formula.
    """

    name: str
    title: str
    tex: str

    @property
    def base(self) -> str:
        """In a text, to be raised to a power."""
        return f"({self.name})" if "/" in self.name else self.name

    @property
    def factor(self) -> str:
        """The same in a formula."""
        return f"({self.tex})" if "/" in self.tex else self.tex

    def of(self, reason: str) -> str:
        """A reason of `engine.regimes.boundaries` in words."""
        return reason.replace("beta", self.name)


BETA = Order("β", "β = Σ 1/n_l over hidden layers", r"\beta")
RATIO = Order("L/n", "L/n: depth over width", "L/n")
"""Of networks whose beta nobody has defined: numbers of their config."""

SHARES = ("failed",)
"""Metrics from 0 to 1, for which 0 is an answer."""

LARGEST = dict.fromkeys(("elt", "drift", "shape_drift", "first_step", "residual_lazy_error", "p2"), 10.0) | {"cv2": 1e3}
"""Where the axis of a metric ends: networks beyond it have blown up."""


def regime(label: str, reason: str) -> str:
    """What a cell of this label is called."""
    return REGIMES[reason if label == UNSTABLE else label]


# What the tooltip of a cell of a map says.

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
