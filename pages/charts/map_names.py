"""What a cell of a map is called, and how it looks."""

from dataclasses import dataclass

from engine.quantities import QUANTITIES
from engine.regimes.result import LAZY, STOCHASTIC_KERNEL, STRONG, UNDECIDED, UNSTABLE, UNTRAINABLE, WEAK
from pages.charts import theme
from pages.charts.expansion import BOUNDS, CURVES
from pages.charts.expansion import SERIES_COLOURS as PERTURBATION
from pages.charts.hatching import Hatch

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
class Look:
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


LOOKS = {
    REGIMES[LAZY]: Look("#b5d9f0", theme.GREY),
    REGIMES[WEAK]: Look("#5b9bc8", theme.GREY),
    REGIMES[STRONG]: Look("#17456f", theme.GREY, text="#ffffff"),
    REGIMES[UNDECIDED]: Look("#f3efe2", "#857a5c", "level"),
    REGIMES[STOCHASTIC_KERNEL]: Look("#f6d3b8", "#b3400d", "rising"),
    REGIMES[UNTRAINABLE]: Look("#d6d6d6", "#2b2b2b", "falling"),
    REGIMES[f"{STOCHASTIC_KERNEL}, {UNTRAINABLE}"]: Look("#efc3cc", "#8c1230", "crossed"),
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
