"""Boundaries along beta: where a run is as likely as not to be beyond a threshold. Imports no JAX.

Logistic regression on ln beta with a small ridge on the slope; the band is a bootstrap over configurations and, within
each, seeds, because runs of one configuration are alike. There is no sharp lazy boundary: it moves with the threshold.
"""

from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Int
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from engine.regimes.result import Thresholds, above_rounding

RIDGE = 0.02
"""Weight of slope^2/2 against the log-likelihood of all runs: keeps the slope finite where runs separate perfectly."""

RESAMPLES = 300
LARGEST = 700.0
"""Of |ln beta|: beyond it a boundary is as good as none."""
LEVEL = 0.9
NEWTON_STEPS = 40
FEWEST_CELLS = 6
FEWEST_BETAS = 3
"""Different betas, and cells at them, below which no boundary is sought."""


@dataclass(frozen=True)
class Boundary:
    """The beta at which the odds are even.

    Attributes:
        beta: None where there is none, for the `reason`.
        low, high: what 90% of resamples lie in, no confidence interval on small maps (docs/figures.md); None where open
            on that side.
        reason: one sentence without a full stop.
    """

    beta: float | None
    low: float | None = None
    high: float | None = None
    reason: str = ""

    def summary(self) -> dict[str, float | str | None]:
        """{beta, low, high}, with the reason beside them where beta is None."""
        found = asdict(self)
        return found if self.beta is None else {name: found[name] for name in ("beta", "low", "high")}


def boundary(
    beta: Float[np.ndarray, " runs"],
    beyond: Bool[np.ndarray, " runs"],
    cell: Int[np.ndarray, " runs"],
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Boundary:
    """Where runs pass from not `beyond` to `beyond` as beta grows.

    Args:
        cell: which configuration each run belongs to.
    """
    _, first, place = np.unique(cell, return_index=True, return_inverse=True)
    x = np.log(np.asarray(beta, float)[first])
    runs = np.bincount(place)
    above = np.bincount(place, weights=beyond).astype(int)
    if reason := _too_little(x, above, runs):
        return Boundary(None, reason=reason)
    found = _crossing(x, above, runs)
    if np.isnan(found):
        return Boundary(None, reason="runs do not pass the threshold as beta grows")
    if not x.min() <= found <= x.max():
        side = "below" if found < x.min() else "above"
        return Boundary(None, reason=f"it lies {side} every computed beta: extend the grid")
    crossings = _resampled(np.random.default_rng(seed), x, above, runs, resamples)
    ends = np.quantile(crossings, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], method="nearest")
    low, high = (float(np.exp(end)) if abs(end) < LARGEST else None for end in ends)
    return Boundary(float(np.exp(found)), low, high)


def boundaries(runs: pd.DataFrame, thresholds: Thresholds | None = None) -> dict[str, Boundary]:
    """lazy_weak and weak_strong, by elt; stable_unstable, by failed runs. Runs whose elt is only rounding, and more
    than lazy, are on neither side by elt.

    The other reason to be unstable, CV^2, is no matter of runs: its edge is exact (`engine.initialisation.spread`).
    """
    bounds = thresholds or Thresholds()
    elt, every = largest_if_not_finite(runs["elt"].to_numpy(float)), np.full(len(runs), True)
    known = above_rounding(runs, "elt") | (elt <= bounds.lazy)
    sides = {
        "lazy_weak": (elt > bounds.lazy, known),
        "weak_strong": (elt > bounds.strong, known),
        "stable_unstable": (runs["failed"].to_numpy(bool), every),
    }
    beta, cell = runs["beta"].to_numpy(float), runs["cell"].to_numpy(int)
    return {name: boundary(beta[used], beyond[used], cell[used]) for name, (beyond, used) in sides.items()}


def dynamics(runs: pd.DataFrame, thresholds: Thresholds | None = None) -> dict[str, Boundary]:
    """Where Delta K starts to alter the dynamics: order_0, by the training lazy error, and p2, by its bound, both at
    the threshold of the label lazy."""
    level = (thresholds or Thresholds()).lazy
    beta, cell = runs["beta"].to_numpy(float), runs["cell"].to_numpy(int)
    metrics = {"order_0": "residual_lazy_error", "p2": "p2"}
    return {
        name: boundary(beta, largest_if_not_finite(runs[metric].to_numpy(float)) > level, cell)
        for name, metric in metrics.items()
    }


def largest_if_not_finite(values: Float[np.ndarray, " runs"]) -> Float[np.ndarray, " runs"]:
    """What is not finite is beyond every threshold."""
    return np.where(np.isfinite(values), values, np.inf)


def _too_little(x: np.ndarray, above: np.ndarray, runs: np.ndarray) -> str:
    if len(x) < FEWEST_CELLS or len(np.unique(x.round(9))) < FEWEST_BETAS:
        return f"not enough data: {len(x)} cells, at least {FEWEST_CELLS} at {FEWEST_BETAS} different beta are needed"
    if not above.any():
        return "no run is beyond the threshold: it lies above every computed beta"
    if np.all(above == runs):
        return "every run is beyond the threshold: it lies below every computed beta"
    return ""


def _resampled(
    rng: np.random.Generator, x: np.ndarray, above: np.ndarray, runs: np.ndarray, count: int
) -> Float[np.ndarray, " count"]:
    """ln beta of resamples; -inf where all of its runs are beyond, inf where none is or where the odds fall."""
    chosen = rng.integers(len(x), size=(count, len(x)))
    drawn = rng.binomial(runs[chosen], above[chosen] / runs[chosen])
    found = crossings_of(x[chosen], drawn, runs[chosen])
    found[np.isnan(found) | ~drawn.any(axis=1)] = np.inf
    found[np.all(drawn == runs[chosen], axis=1)] = -np.inf
    return found


def _crossing(x: np.ndarray, above: np.ndarray, runs: np.ndarray) -> float:
    """ln beta of even odds; NaN where the odds do not grow with beta."""
    weights = np.concatenate([above, runs - above])
    used = weights > 0
    model = LogisticRegression(C=1 / RIDGE, solver="newton-cholesky")
    centre = x.mean()  # the intercept is not penalised: centring changes nothing but the condition
    points = np.concatenate([x, x])[used, None] - centre
    model.fit(points, np.repeat([1, 0], len(x))[used], sample_weight=weights[used])
    slope, intercept = float(model.coef_[0, 0]), float(np.ravel(model.intercept_)[0])
    return float(centre - intercept / slope) if slope > 0 else float("nan")


def crossings_of(
    x: Float[np.ndarray, "fits cells"], above: Int[np.ndarray, "fits cells"], runs: Int[np.ndarray, "fits cells"]
) -> Float[np.ndarray, " fits"]:
    """The same for many resamples at once, by Newton's method: scikit-learn takes 3 ms for each."""
    centre = x.mean(axis=1, keepdims=True)
    u = x - centre
    intercept, slope = np.zeros((2, len(x), 1))
    for _ in range(NEWTON_STEPS):
        p = expit(intercept + slope * u)
        off, weight = above - runs * p, runs * p * (1 - p) + 1e-12
        g0, g1 = off.sum(axis=1, keepdims=True), (off * u).sum(axis=1, keepdims=True) - RIDGE * slope
        h00, h01 = weight.sum(axis=1, keepdims=True), (weight * u).sum(axis=1, keepdims=True)
        h11 = (weight * u**2).sum(axis=1, keepdims=True) + RIDGE
        determinant = h00 * h11 - h01**2
        moves = (h11 * g0 - h01 * g1) / determinant, (h00 * g1 - h01 * g0) / determinant
        intercept, slope = (at + np.clip(move, -1, 1) for at, move in zip((intercept, slope), moves, strict=True))
    return np.where(slope > 0, centre - intercept / np.where(slope > 0, slope, 1.0), np.nan)[:, 0]
