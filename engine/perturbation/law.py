"""Power laws through errors of many runs, with intervals from the scatter of seeds within cells. No JAX.

The logarithm of an error is taken to scatter alike in every cell. Then the least squares of all runs are those of cell
means, the scatter within cells estimates their covariance with (runs - cells) degrees of freedom, and Student's t gives
the intervals. A bootstrap over seeds has no such factor: at s seeds its variance is (s - 1)/s of what it should be, and
at two seeds it covers 71% where it says 95%. How often these cover: docs/figures.md.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import scipy.special
from jaxtyping import Float

LEVEL = 0.95
MISSED = 0.1
"""Share of the variance of cell means that a law may leave unexplained, whatever seeds say."""


@dataclass(frozen=True, eq=False)
class PowerLaw:
    """log q = c + sum_a p_a log a, fitted by least squares to all runs.

    Attributes:
        prefactor: e^c.
        exponents: p_a by name.
        r_squared: of the fit in logarithms.
        used, left_out: runs in the fit, and runs without a positive finite value or not resolved.
        covariance: (1 + exponents)^2 of (c, p), in the order of `exponents`; NaN where every cell has one run.
        freedom: degrees of freedom that it rests on: runs less cells.
        follows: whether the cells speak for a power law at all, for its intervals take for granted that it is one. Not
            where there are no more cells than parameters and one seed, whose fit cannot fail; nor where their means lie
            off it by more than seeds explain (an F test at 5%), and it leaves a tenth of their variance or more.
    """

    prefactor: float
    exponents: dict[str, float]
    r_squared: float
    used: int
    left_out: int
    covariance: Float[np.ndarray, "q q"]
    freedom: int
    follows: bool

    @property
    def intervals(self) -> dict[str, tuple[float, float]]:
        """95% t interval of each exponent, over draws of the networks; none at one seed."""
        if not self.freedom:
            return {}
        reach = self.quantile * np.sqrt(np.diag(self.covariance))[1:]
        return {name: (p - r, p + r) for (name, p), r in zip(self.exponents.items(), map(float, reach), strict=True)}

    @property
    def quantile(self) -> float:
        """Of Student's t, for an interval of `LEVEL`."""
        return float(scipy.special.stdtrit(self.freedom, (1 + LEVEL) / 2))

    def value(self, **at: float | np.ndarray) -> float | np.ndarray:
        """The law at given values of its variables."""
        powers = [np.asarray(at[name], float) ** p for name, p in self.exponents.items()]
        return self.prefactor * np.prod(np.broadcast_arrays(*powers), axis=0)


def fit(
    values: Float[np.ndarray, " N"],
    variables: Mapping[str, Float[np.ndarray, " N"]],
    cells: np.ndarray,
    resolved: np.ndarray | None = None,
) -> PowerLaw | None:
    """The power law of `values` in `variables`; None where fewer than two cells, or a variable that does not vary, are
    left.

    Args:
        cells: (N,) which runs are the same network with different seeds.
        resolved: runs whose value stands clear of the numerical floor; all when left out.
    """
    with np.errstate(invalid="ignore"):
        usable = np.isfinite(values) & (values > 0)
    usable &= True if resolved is None else resolved
    logs = {name: np.log(column[usable]) for name, column in variables.items()}
    _, cell = np.unique(cells[usable], return_inverse=True)
    count = np.bincount(cell)
    design = np.stack([np.ones(usable.sum()), *logs.values()], axis=1)
    if len(count) < design.shape[1] or np.linalg.matrix_rank(design) < design.shape[1]:
        return None
    target = np.log(values[usable])
    found = np.linalg.lstsq(design, target)[0]
    within = target - (np.bincount(cell, target) / count)[cell]
    freedom = len(target) - len(count)
    inside, spare = float(within @ within), len(count) - design.shape[1]
    variance = inside / freedom if freedom else np.nan
    spread = np.sum((target - target.mean()) ** 2)
    missed = np.sum((target - design @ found) ** 2)
    return PowerLaw(
        prefactor=float(np.exp(found[0])),
        exponents={name: float(p) for name, p in zip(logs, found[1:], strict=True)},
        r_squared=float(1 - missed / spread) if spread > 0 else 1.0,
        used=int(usable.sum()),
        left_out=int(len(values) - usable.sum()),
        covariance=variance * np.linalg.inv(design.T @ design),
        freedom=freedom,
        follows=_follows(missed - inside, spread - inside, inside, spare, freedom) if freedom else spare > 0,
    )


def _follows(missed: float, spread: float, inside: float, spare: int, freedom: int) -> bool:
    """Whether cell means lie on a law: off it by no more than seeds explain, or by less than a tenth of their variance.

    Args:
        missed, spread: sums of squares of cell means about the law and about their mean, weighted by runs.
        inside: that of runs about their cell means, with `freedom` degrees of freedom.
        spare: cells less parameters, the degrees of freedom of `missed`.
    """
    if not spare or missed <= MISSED * spread:
        return True
    return bool(missed / spare <= scipy.stats.f.ppf(LEVEL, spare, freedom) * inside / freedom)


@dataclass(frozen=True)
class Crossing:
    """Where a law in beta reaches a chosen value.

    Attributes:
        beta: there.
        interval: 95% interval, from 0 to infinity where the exponent could be 0; None at one seed.
        extrapolated: beta lies outside the range of the study.
    """

    beta: float
    interval: tuple[float, float] | None
    extrapolated: bool


def crossing(law: PowerLaw, value: float, betas: Float[np.ndarray, " N"]) -> Crossing | None:
    """The beta at which a law in beta alone reaches `value`; None unless it grows with beta."""
    if list(law.exponents) != ["beta"] or law.exponents["beta"] <= 0:
        return None
    beta = (value / law.prefactor) ** (1 / law.exponents["beta"])
    outside = not betas.min() <= beta <= betas.max()
    return Crossing(float(beta), _fieller(law, value) if law.freedom else None, bool(outside))


def _fieller(law: PowerLaw, value: float) -> tuple[float, float]:
    """Every beta at which the law's own interval holds the value (Fieller, J. R. Stat. Soc. B 16, 1954).

    |c + p x - ln value| <= t s(x) is a quadratic inequality in x = ln beta, bounded where p is surely not 0.
    """
    off, p = np.log(law.prefactor / value), law.exponents["beta"]
    V, square = law.covariance, law.quantile**2
    a, b, c = p**2 - square * V[1, 1], off * p - square * V[0, 1], off**2 - square * V[0, 0]
    if a <= 0:
        return 0.0, float("inf")
    root = np.sqrt(max(b**2 - a * c, 0.0))
    with np.errstate(over="ignore"):
        low, high = np.exp((-b - root) / a), np.exp((-b + root) / a)
    return float(low), float(high)
