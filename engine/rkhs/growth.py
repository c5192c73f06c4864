"""Nested grids: what stays bounded in which space, as the points grow. No JAX."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from engine.numerics import straight_line
from engine.rkhs.comparison import Space
from engine.rkhs.gram import FLAGS, RIDGES, inclusion_constant
from engine.rkhs.points import Nested

# Membership by nested grids: y^T K_p^-1 y grows with the p points towards ||y||_H^2, or without bound.
#
# A function is in H exactly if the norms of its interpolants on every finite set are bounded (Aronszajn 1950).

SPACES = ("H_0", "H_T")
FUNCTIONS = ("target", "function", "noise")
"""The target, the trained function f_T, and white noise, which is in no space: the growth to compare with."""

USED = 3
"""Grids that an exponent is fitted to."""


@dataclass(frozen=True)
class Growth:
    """norm^2 ~ p^exponent over the largest grids where it is determined; near 0 is bounded so far.

    Attributes:
        exponent, error: NaN with fewer than three grids.
        grids: on how many it is determined; the largest `USED` of them are fitted, as boundedness is about large p.
        largest: points of the largest of them; 0 where there is none.
    """

    exponent: float
    error: float
    grids: int
    largest: int


def growth(sizes: Int[np.ndarray, " g"], values: Float[np.ndarray, " g"]) -> Growth:
    """Least squares of log value on log p, leaving out grids on which the value is not determined."""
    known = np.flatnonzero(np.isfinite(values) & (values > 0))
    largest = int(sizes[known[-1]]) if len(known) else 0
    if len(known) < USED:
        return Growth(float("nan"), float("nan"), len(known), largest)
    fit = straight_line(np.log(sizes[known[-USED:]]), np.log(values[known[-USED:]]))
    return Growth(fit.slope, fit.error, len(known), largest)


# Two spaces on nested grids: what stays bounded in which, and what lies outside the span.


def enlargement(
    grids: Nested,
    kernels: tuple[Float[np.ndarray, "P P"], Float[np.ndarray, "P P"]],
    function: Float[np.ndarray, "P k"],
    precision: str,
    rounding: float = 0.0,
) -> dict[str, np.ndarray]:
    """Of the kernels at the start and at the end, on each of the g grids.

    Returns:
        grid_sizes (g,); grid_norm, grid_norm_flag, grid_norm_ridge (2, 3, g) of y^T K_p^-1 y by `SPACES` and
        `FUNCTIONS`; grid_outside (2, 3, g), the part outside the span; grid_trace_mean,
        grid_rank, grid_condition (2, g); grid_H_t_in_H_0, grid_H_0_in_H_t (g, 4) at `RIDGES`.
    """
    noise = np.random.default_rng(0).standard_normal(function.shape)
    functions = (grids.y, function, noise)
    names = ("norm", "norm_flag", "norm_ridge", "outside", "trace_mean", "rank", "condition")
    found: dict[str, list] = {name: [] for name in names}
    included: dict[str, list] = {"H_t_in_H_0": [], "H_0_in_H_t": []}
    for member in grids.members:
        spaces = [Space.of(K[np.ix_(member, member)], precision, rounding) for K in kernels]
        solved = [[space.gram.norm(f[member]) for f in functions] for space in spaces]
        found["norm"].append([[one.value for one in row] for row in solved])
        found["norm_flag"].append([[FLAGS.index(one.flag) for one in row] for row in solved])
        found["norm_ridge"].append([[one.ridge for one in row] for row in solved])
        found["trace_mean"].append([space.gram.mean for space in spaces])
        found["rank"].append([space.gram.rank for space in spaces])
        found["condition"].append([space.gram.condition for space in spaces])
        found["outside"].append([[space.gram.outside(f[member]) for f in functions] for space in spaces])
        start, end = spaces
        included["H_t_in_H_0"].append([inclusion_constant(end.K, start.gram, ridge) for ridge in RIDGES])
        included["H_0_in_H_t"].append([inclusion_constant(start.K, end.gram, ridge) for ridge in RIDGES])
    last = {name: np.moveaxis(np.array(values), 0, -1) for name, values in found.items()}
    arrays = last | {name: np.array(values) for name, values in included.items()} | {"sizes": grids.sizes}
    return {f"grid_{name}": values for name, values in arrays.items()}
