"""Does beta alone decide? A test, what depth adds, and how a metric grows along beta. Imports no JAX.

A metric collapses on beta if configurations of equal beta agree up to their seeds. The test compares the variance
between such configurations with that between seeds, against permutations of the runs among configurations of equal
beta. What depth adds at fixed beta is the residual exponent; the q of depth^q beta is the best single variable.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import scipy.stats
from jaxtyping import Float, Int

from engine.numerics import straight_line
from engine.regimes.result import above_rounding

MOST_BETA = 0.25
"""Above it runs fail too often to be compared."""

COLLAPSED = ("elt", "drift", "shape_drift", "first_step", "residual_lazy_error")
PERMUTATIONS = 1999
Q = np.round(np.arange(-1, 2.001, 0.01), 2)
DEGREE = 3
FEWEST_CELLS = 6
FEWEST_BETAS = 3
"""Betas with several depths each, below which there is no test of beta alone; betas of any kind, below which no law."""
LEVEL = 0.95


@dataclass(frozen=True)
class Collapse:
    """What one metric says; None where there is not enough data.

    Attributes:
        p_value: of the permutation test: small rejects that beta alone decides. It needs `FEWEST_BETAS` groups.
        depth_exponent: of the metric as depth^exponent at fixed beta.
        depth_exponent_error: half its 95% t interval, from the scatter of configurations.
        best_q: the q for which the metric is closest to one smooth curve in depth^q beta; 0 is beta alone.
        groups: betas that several configurations share.
        left_out: cells of which some run has no number.
    """

    p_value: float | None
    depth_exponent: float | None
    depth_exponent_error: float | None
    best_q: float | None
    groups: int
    left_out: int = 0


def collapse(
    depth: Float[np.ndarray, " runs"],
    beta: Float[np.ndarray, " runs"],
    value: Float[np.ndarray, " runs"],
    cell: Int[np.ndarray, " runs"],
    seed: int = 0,
    permutations: int = PERMUTATIONS,
) -> Collapse:
    """The test and both exponents from cells all of whose runs have a finite, positive value; the others are left out.

    Survivors are no sample of their cell, and cells of few runs that scatter more than others of many would pass for
    different: the test of equal means found so 39% of the time where it says 5% (2 runs of 6, four times the scatter).
    """
    value = np.asarray(value, float)
    used = np.isfinite(value) & (value > 0)
    spoiled = np.unique(np.asarray(cell)[~used])
    used &= ~np.isin(cell, spoiled)
    table = pd.DataFrame(
        {
            "cell": np.asarray(cell)[used],
            "x": np.log(np.asarray(depth, float)[used]),
            "b": np.log(np.asarray(beta, float)[used]).round(9),
            "y": np.log(value[used]),
        }
    )
    best = _best_q(table.groupby("cell").mean())
    shared = table.groupby("b").filter(lambda group: group["cell"].nunique() > 1)
    groups = shared["b"].nunique()
    if not groups:
        return Collapse(None, None, None, None, 0, len(spoiled))
    exponent, error = _exponent(shared.groupby("cell").mean())
    tested = groups >= FEWEST_BETAS
    p_value = _p_value(shared, np.random.default_rng(seed), permutations) if tested else None
    return Collapse(p_value, exponent, error, best if tested else None, groups, len(spoiled))


def collapses(runs: pd.DataFrame) -> dict[str, Collapse]:
    """Every metric of `COLLAPSED` (`collapse_of`)."""
    return {name: collapse_of(runs, name) for name in COLLAPSED}


def collapse_of(runs: pd.DataFrame, metric: str) -> Collapse:
    """One metric over runs up to `MOST_BETA`; an elt that is only rounding is no number."""
    some = runs[runs["beta"] <= MOST_BETA * (1 + 1e-9)]
    value = np.where(above_rounding(some, metric), some[metric].to_numpy(float), np.nan)
    return collapse(some["depth"].to_numpy(float), some["beta"].to_numpy(float), value, some["cell"].to_numpy(int))


def _p_value(shared: pd.DataFrame, rng: np.random.Generator, permutations: int) -> float | None:
    """Of the ratio of variances, between configurations of equal beta and between seeds."""
    cells, cell = np.unique(shared["cell"], return_inverse=True)
    group = np.unique(shared["b"], return_inverse=True)[1]
    y = shared["y"].to_numpy() - shared.groupby("b")["y"].transform("mean").to_numpy()
    count = np.bincount(cell)
    seeds = len(y) - len(cells)
    if seeds < 1:
        return None
    total = float(y @ y)

    def between(y: np.ndarray) -> float:
        return float(np.sum(np.bincount(cell, weights=y) ** 2 / count))

    # The ratio of variances grows with the part between configurations: total and degrees of freedom are fixed.
    observed = between(y)
    members = [np.flatnonzero(group == g) for g in range(group.max() + 1)]
    reached = 0
    for _ in range(permutations):
        moved = y.copy()
        for some in members:
            moved[some] = rng.permutation(y[some])
        reached += between(moved) >= observed - 1e-12 * total
    return (1 + reached) / (1 + permutations)


def _exponent(means: pd.DataFrame) -> tuple[float | None, float | None]:
    """Least squares of ln metric on ln depth, both about their means at equal beta."""
    about = means[["x", "y"]] - means.groupby("b")[["x", "y"]].transform("mean")
    x, y = about["x"].to_numpy(), about["y"].to_numpy()
    weight = float(x @ x)
    if weight < 1e-12:
        return None, None
    slope = float(x @ y) / weight
    free = len(means) - means["b"].nunique() - 1
    if free <= 0:
        return slope, None
    error = np.sqrt(np.sum((y - slope * x) ** 2) / free / weight)
    return slope, float(scipy.stats.t.ppf((1 + LEVEL) / 2, free) * error)


def _best_q(means: pd.DataFrame) -> float | None:
    """The q whose curve, a polynomial in ln(depth^q beta), leaves least of ln metric."""
    x, b, y = (means[name].to_numpy() for name in ("x", "b", "y"))
    if len(means) < FEWEST_CELLS or len(np.unique(x)) < 2 or len(np.unique(b)) < 2:
        return None
    return float(Q[np.argmin([_left(b + q * x, y) for q in Q])])


def _left(u: np.ndarray, y: np.ndarray) -> float:
    degree = min(DEGREE, len(np.unique(u.round(9))) - 2)
    if degree < 1:
        return float("inf")
    u = (u - u.mean()) / u.std()
    return float(np.sum((np.polynomial.Polynomial.fit(u, y, degree)(u) - y) ** 2))


# A power law through the cells of a map


@dataclass(frozen=True)
class Scaling:
    """metric = prefactor beta^exponent between the betas `low` and `high`.

    Attributes:
        error: half the 95% t interval of the exponent, from the scatter of cells: what depth adds at equal beta is in
            it.
        r_squared: in logarithms.
    """

    prefactor: float
    exponent: float
    error: float
    r_squared: float
    low: float
    high: float

    @property
    def determined(self) -> bool:
        """Whether the exponent is told from 0: else the data speak for no law."""
        return abs(self.exponent) > self.error

    def at(self, beta: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
        """The metric by the law."""
        return self.prefactor * beta**self.exponent


def scaling(cells: pd.DataFrame, metric: str) -> Scaling | None:
    """Least squares of ln median on ln beta over cells up to `MOST_BETA`; None for fewer than six at three betas. Cells
    whose elt is only rounding have none.

    Args:
        cells: of `engine.regimes.result.cells_frame`.
    """
    beta, value = cells["beta"].to_numpy(float), cells[metric].to_numpy(float)
    used = (beta <= MOST_BETA * (1 + 1e-9)) & np.isfinite(value) & (value > 0)
    if metric == "elt":
        used &= ~cells["unresolved"].to_numpy(bool)
    beta, value = beta[used], value[used]
    if len(beta) < FEWEST_CELLS or len(np.unique(beta.round(9))) < FEWEST_BETAS:
        return None
    fit = straight_line(np.log(beta), np.log(value))
    error = fit.reach(LEVEL)
    return Scaling(float(np.exp(fit.intercept)), fit.slope, error, fit.r_squared, float(beta.min()), float(beta.max()))
