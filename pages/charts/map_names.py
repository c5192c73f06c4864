"""What a cell of a map is called, and its colour."""

from engine.quantities import QUANTITIES
from engine.regimes.result import LAZY, STOCHASTIC_KERNEL, STRONG, UNDECIDED, UNSTABLE, UNTRAINABLE, WEAK
from pages.charts import theme
from pages.charts.expansion import BOUNDS, CURVES
from pages.charts.expansion import COLOURS as PERTURBATION

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

COLOURS = {called: theme.COLOURS[name] for name, called in REGIMES.items()}
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
    "lazy_weak": theme.COLOURS[LAZY],
    "weak_strong": theme.COLOURS[STRONG],
    "stable_unstable": theme.COLOURS[UNTRAINABLE],
    "p2": PERTURBATION[BOUNDS["P2"]],
    "order_0": PERTURBATION[CURVES["order_0"]],
}

SHARES = ("failed",)
"""Metrics from 0 to 1, for which 0 is an answer."""

LARGEST = dict.fromkeys(("elt", "drift", "shape_drift", "first_step", "residual_lazy_error", "p2"), 10.0) | {"cv2": 1e3}
"""Where the axis of a metric ends: networks beyond it have blown up."""


def regime(label: str, reason: str) -> str:
    """What a cell of this label is called."""
    return REGIMES[reason if label == UNSTABLE else label]
