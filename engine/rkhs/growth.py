"""Membership by nested grids: y^T K_p^-1 y grows with the p points towards ||y||_H^2, or without bound. No JAX.

A function is in H exactly if the norms of its interpolants on every finite set are bounded (Aronszajn 1950).
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from engine.line import line

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
    fit = line(np.log(sizes[known[-USED:]]), np.log(values[known[-USED:]]))
    return Growth(fit.slope, fit.error, len(known), largest)
