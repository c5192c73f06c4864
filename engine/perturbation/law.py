"""Power laws through errors of many runs, with bootstrap intervals over seeds. NumPy, no JAX."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

INTERVAL = (2.5, 97.5)
"""Percentiles of the bootstrap."""


@dataclass(frozen=True, eq=False)
class PowerLaw:
    """log q = c + sum_a p_a log a, fitted by least squares to all runs.

    Attributes:
        prefactor: e^c.
        exponents: p_a by name.
        intervals: 95% bootstrap interval of each: seeds are drawn again with replacement within each cell.
        r_squared: of the fit in logarithms.
        used, left_out: runs in the fit, and runs without a positive finite value or not resolved.
        draws: (B, 1 + exponents) of (c, p), in the order of `exponents`.
    """

    prefactor: float
    exponents: dict[str, float]
    intervals: dict[str, tuple[float, float]]
    r_squared: float
    used: int
    left_out: int
    draws: Float[np.ndarray, "B q"]

    def value(self, **at: float | np.ndarray) -> float | np.ndarray:
        """The law at given values of its variables."""
        powers = [np.asarray(at[name], float) ** p for name, p in self.exponents.items()]
        return self.prefactor * np.prod(np.broadcast_arrays(*powers), axis=0)


def fit(
    values: Float[np.ndarray, " N"],
    variables: Mapping[str, Float[np.ndarray, " N"]],
    cells: np.ndarray,
    resolved: np.ndarray | None = None,
    *,
    bootstrap: int = 2000,
    seed: int = 0,
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
    kept = cells[usable]
    design = np.stack([np.ones(usable.sum()), *logs.values()], axis=1)
    if len(np.unique(kept)) < design.shape[1] or np.linalg.matrix_rank(design) < design.shape[1]:
        return None
    target = np.log(values[usable])
    found = _solve(design, target, np.ones((1, len(target))))[0]
    draws = _solve(design, target, _resampled(kept, bootstrap, seed))
    low, high = np.percentile(draws, INTERVAL, axis=0)
    spread = np.sum((target - target.mean()) ** 2)
    missed = np.sum((target - design @ found) ** 2)
    return PowerLaw(
        prefactor=float(np.exp(found[0])),
        exponents={name: float(p) for name, p in zip(logs, found[1:], strict=True)},
        intervals={name: (float(low[i + 1]), float(high[i + 1])) for i, name in enumerate(logs)},
        r_squared=float(1 - missed / spread) if spread > 0 else 1.0,
        used=int(usable.sum()),
        left_out=int(len(values) - usable.sum()),
        draws=draws,
    )


def _solve(
    design: Float[np.ndarray, "N q"], target: Float[np.ndarray, " N"], counts: Float[np.ndarray, "B N"]
) -> Float[np.ndarray, "B q"]:
    """Least squares with each run counted so many times."""
    normal = np.einsum("bn,nq,np->bqp", counts, design, design)
    right = np.einsum("bn,nq,n->bq", counts, design, target)
    return np.linalg.solve(normal, right[:, :, None])[:, :, 0]


def _resampled(cells: np.ndarray, count: int, seed: int) -> Float[np.ndarray, "B N"]:
    """How often each run is drawn when every cell's runs are drawn again with replacement."""
    rng = np.random.default_rng(seed)
    counts = np.zeros((count, len(cells)))
    for cell in np.unique(cells):
        members = np.flatnonzero(cells == cell)
        counts[:, members] = rng.multinomial(len(members), np.full(len(members), 1 / len(members)), size=count)
    return counts


@dataclass(frozen=True)
class Crossing:
    """Where a law in beta reaches a chosen value.

    Attributes:
        beta: there.
        interval: 95% bootstrap interval; infinite where the law of a resample never gets there.
        extrapolated: beta lies outside the range of the study.
    """

    beta: float
    interval: tuple[float, float]
    extrapolated: bool


def crossing(law: PowerLaw, value: float, betas: Float[np.ndarray, " N"]) -> Crossing | None:
    """The beta at which a law in beta alone reaches `value`; None unless it grows with beta."""
    if list(law.exponents) != ["beta"] or law.exponents["beta"] <= 0:
        return None
    beta = (value / law.prefactor) ** (1 / law.exponents["beta"])
    offset, power = law.draws.T
    with np.errstate(divide="ignore", over="ignore"):
        draws = np.where(power > 0, np.exp((np.log(value) - offset) / np.where(power > 0, power, 1.0)), np.inf)
    low, high = np.percentile(draws, INTERVAL, method="nearest")
    outside = not betas.min() <= beta <= betas.max()
    return Crossing(float(beta), (float(low), float(high)), bool(outside))
