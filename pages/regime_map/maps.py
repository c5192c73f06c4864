"""The three maps: what spans each, and where a run lies on it. No Streamlit here."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from engine.config import RunConfig
from engine.regimes.config import BETA, DEPTH, WIDTH, SweepConfig

ALPHA, STEP = "network.alpha", "training.stability_fraction"
EDGE = 2.0
"""eta_eff lambda_max(K_0) at which plain descent on a frozen kernel no longer converges."""


@dataclass(frozen=True)
class Axis:
    """One direction of a map.

    Attributes:
        name: of the control that lists its values.
        setting: of the sweep's grid; the values of the control are divided by `unit` to give the setting's.
        title, symbol: on a chart and in a sentence.
        of: the value of a run.
        most: the largest value that is accepted.
    """

    name: str
    setting: str
    title: str
    symbol: str
    of: Callable[[RunConfig], float]
    unit: float = 1.0
    most: float = float("inf")


BY_DEPTH = Axis("depths", DEPTH, "depth L, hidden layers", "L", lambda run: float(run.network.depth))
BY_WIDTH = Axis("widths", WIDTH, "width n", "n", lambda run: run.network.depth / run.network.beta)
BY_BETA = Axis("betas", BETA, "β = Σ 1/n_l over hidden layers", "β", lambda run: run.network.beta)
BY_ALPHA = Axis("alphas", ALPHA, "output scale α", "α", lambda run: run.network.alpha)
BY_RATE = Axis(
    "rates",
    STEP,
    "learning rate, η_eff λ_max(K₀)",
    "ηλ",
    lambda run: 2 * (run.training.stability_fraction or 0.0),
    unit=2.0,
    most=20.0,
)


@dataclass(frozen=True)
class Map:
    """A plane of cells.

    Attributes:
        name: in the menu and in the URL.
        question: that its picture answers.
        plain: whether only depth and width vary, so that beta orders the cells.
    """

    name: str
    question: str
    x: Axis
    y: Axis

    @property
    def axes(self) -> tuple[Axis, Axis]:
        return self.x, self.y

    @property
    def plain(self) -> bool:
        return {self.x.setting, self.y.setting} == {DEPTH, WIDTH}

    def places(self, sweep: SweepConfig) -> pd.DataFrame:
        """Where every cell lies: `cell`, `x`, `y`, `depth`, `width`, `beta`, `alpha`, `rate`."""
        rows = [
            {
                "cell": index,
                "x": self.x.of(cell.run),
                "y": self.y.of(cell.run),
                "depth": cell.run.network.depth,
                "width": BY_WIDTH.of(cell.run),
                "beta": cell.run.network.beta,
                "alpha": cell.run.network.alpha,
                "rate": BY_RATE.of(cell.run),
            }
            for index, cell in enumerate(sweep.cells)
        ]
        return pd.DataFrame(rows)


MAPS: Mapping[str, Map] = {
    row.name: row
    for row in (
        Map("depth and width", "Lazy, learning features, or unstable?", BY_WIDTH, BY_DEPTH),
        Map("alpha and beta", "Does the output scale move the regimes?", BY_BETA, BY_ALPHA),
        Map("rate and width", "How large a step does a network of this width bear?", BY_WIDTH, BY_RATE),
    )
}

DATA: Mapping[str, dict[str, Any]] = {
    "sphere": {"name": "sphere", "dim": 8, "test_size": 64},
    "circle": {"name": "circle", "frequencies": [1, 3], "amplitudes": [1.0, 0.5], "test_size": 64},
    "parity": {"name": "parity", "dim": 8, "test_size": 64},
    "two_moons": {"name": "two_moons", "test_size": 64},
}
"""What the networks learn; the number of training points is a control of its own."""
