"""Bounds on ||r - r0|| and on what each order leaves, integrated beside the expansion.

K_t is positive semidefinite, so its propagator is a contraction and Duhamel's formula gives, with R = ||r(0)||,
    P2 = int ||Delta K_s|| ||r0(s)|| ds               the bound
    P3 = int ||Delta K_s r0(s)|| ds                   estimate: 5 times tighter, but as exact as the path only
    P4: v' = -lambda_min(K_t) v + ||Delta K_t r0||    estimate
    Groenwall: R (e^{int ||Delta K||} - 1)            for comparison
    remainder m: int ||Delta K_s r_m(s)|| ds          bounds ||r - r0 - ... - r_m||
Descent: sums over steps of eta_eff, each step damping by ||1 - eta_eff K_k|| (at most 1 while it is stable). All but
Groenwall's add the norms of the defects of the run's steps (`KernelPath.defect`), without which no bound of this form
holds for descent: its first step is at the same kernel as the lazy one, and already misses it by curvature. What is
left out is the rounding of the trained parameters (`engine.networks.precision`), in the facts of a seed.

||Delta K_s|| is bounded through the controls of the path (`KernelPath.controls`), so that between checkpoints, too, P2
is a bound for the interpolated kernel and not an estimate by quadrature.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from engine.perturbation.frame import Frame
from engine.perturbation.propagator import cumulative
from engine.training.path import bernstein

NAMES = ("P2", "P3", "P4", "groenwall")


@dataclass(frozen=True)
class Sizes:
    """Of one interval, at its controls: ||Delta K||, lambda_min and lambda_max of K; and the defects at its ends."""

    change: Float[np.ndarray, " c"]
    lowest: Float[np.ndarray, " c"]
    highest: Float[np.ndarray, " c"]
    defect: Float[np.ndarray, " 2"]

    @classmethod
    def of(cls, frame: Frame, k: int, controls: Float[np.ndarray, "c n+m n"]) -> "Sizes":
        n = len(frame.eigenvalues)
        change = controls[:, :n]
        size = np.abs(np.linalg.eigvalsh(change)).max(axis=1)
        values = np.linalg.eigvalsh(change + np.diag(frame.eigenvalues))
        defect = np.linalg.norm(frame.path.defect[k : k + 2, :n], axis=1)
        return cls(size, values[:, 0], values[:, -1], defect)

    def at(self, x: Float[np.ndarray, " p"], lag: float = 0.0) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Upper bounds of ||Delta K|| and lambda_max, a lower one of lambda_min, at positions x; defects at x - lag."""
        weights = bernstein(x, len(self.change) - 1)
        lowest = np.maximum(self.lowest @ weights, 0.0)
        defect = np.maximum(self.defect @ bernstein(x - lag, 1), 0.0)
        return self.change @ weights, lowest, self.highest @ weights, defect


class Bounds:
    """Running values of every bound along the path, marked at the checkpoints."""

    def __init__(self, frame: Frame, orders: int):
        self.scale = frame.scale
        self.values = dict.fromkeys(NAMES, 0.0) | {f"remainder_{m}": 0.0 for m in range(orders + 1)}
        self.exponent = 0.0
        self.marks: dict[str, list[float]] = {name: [] for name in self.values}
        self.mark()

    def span(
        self,
        sizes: Sizes,
        x: Float[np.ndarray, " p"],
        length: float,
        r0: Float[np.ndarray, " p"],
        pushes: Float[np.ndarray, "orders p"],
        rate: float,
        lag: float,
    ) -> None:
        """A span of the flow: ||r0|| and ||Delta K r_m|| at its points, which lie at x of the interval.

        `lag` is half a step in the unit of x: a step adds its defect at once, and spread over the step it is read
        at the middle.
        """
        change, lowest, _, defect = sizes.at(x, lag)
        pushes = pushes + defect / rate
        integral = cumulative() * length
        values, gathered = self.values, integral[-1] @ pushes.T
        damping = integral @ lowest
        values["P2"] += integral[-1] @ (change * r0 + defect / rate)
        values["P3"] += gathered[0]
        growth = integral[-1] @ (np.exp(damping - damping[-1]) * pushes[0])
        values["P4"] = np.exp(-damping[-1]) * values["P4"] + growth
        self.exponent += integral[-1] @ change
        for m, left in enumerate(gathered):
            values[f"remainder_{m}"] += left

    def step(self, sizes: Sizes, x: float, rate: float, r0: float, pushes: Float[np.ndarray, " orders"]) -> None:
        """One step of descent, at position x of the interval."""
        change, lowest, highest, defect = (float(value[0]) for value in sizes.at(np.array([x])))
        shrink = max(1 - rate * lowest, rate * highest - 1)
        growth, values = max(shrink, 1.0), self.values
        values["P2"] = growth * values["P2"] + rate * change * r0 + defect
        values["P3"] = growth * values["P3"] + rate * pushes[0] + defect
        values["P4"] = shrink * values["P4"] + rate * pushes[0] + defect
        self.exponent += rate * change
        for m, left in enumerate(pushes):
            values[f"remainder_{m}"] = growth * values[f"remainder_{m}"] + rate * left + defect

    def mark(self) -> None:
        """Notes the values at a checkpoint."""
        with np.errstate(over="ignore"):
            self.values["groenwall"] = float(self.scale * np.expm1(self.exponent))
        for name, value in self.values.items():
            self.marks[name].append(float(value))

    def arrays(self) -> dict[str, Float[np.ndarray, " T"]]:
        """Every bound at the checkpoints, in the unit of r."""
        return {name: np.array(values) for name, values in self.marks.items()}
