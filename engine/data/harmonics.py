"""Zonal spherical harmonics: Legendre polynomials in dimension n and the number of harmonics per degree.

Source: Mueller, Spherical Harmonics (1966); the polynomials are Gegenbauer's C_k^{(n-2)/2} scaled to 1 at t = 1.
"""

from collections.abc import Iterator
from itertools import count, islice
from math import comb

import numpy as np
from jaxtyping import Float


def multiplicity(degree: int, dim: int) -> int:
    """Number of linearly independent spherical harmonics of a degree on S^{dim-1} (dim >= 2)."""
    lower = comb(degree + dim - 3, dim - 1) if degree >= 2 else 0
    return comb(degree + dim - 1, dim - 1) - lower


def legendre_sequence(dim: int, t: Float[np.ndarray, " points"]) -> Iterator[Float[np.ndarray, " points"]]:
    """P_0, P_1, P_2, ... in dimension `dim` (>= 2) at t, without end.

    P(1) = 1, |P| <= 1 on [-1, 1], mean square 1/multiplicity on the sphere. Dimension 2 gives
    cos(degree arccos t), dimension 3 the classical Legendre polynomials.
    """
    before, now = np.ones_like(t), t
    yield before
    for k in count(1):
        yield now
        before, now = now, ((2 * k + dim - 2) * t * now - k * before) / (k + dim - 2)


def legendre(degree: int, dim: int, t: Float[np.ndarray, " points"]) -> Float[np.ndarray, " points"]:
    """P_degree of `legendre_sequence`."""
    return next(islice(legendre_sequence(dim, t), degree, None))
