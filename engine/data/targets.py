"""Target functions, one row each, and the zonal harmonics that some of them are."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count, islice
from math import comb, factorial, sqrt
from typing import Any

import numpy as np
from jaxtyping import Float
from numpy.polynomial.hermite_e import hermeval

# Zonal spherical harmonics: Legendre polynomials in dimension n and the number of harmonics per degree.
#
# Source: Mueller, Spherical Harmonics (1966); the polynomials are Gegenbauer's C_k^{(n-2)/2} scaled to 1 at t = 1.


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


# Target functions, one row each. They see coordinates of unit variance, whatever the radius of the inputs.
#
# On the sphere that is u = x sqrt(n_0)/|x|, elsewhere u = x. Coordinates are counted from 0. Each returns
# values of its own size (its formula); the dataset then scales them (`target_rms`).

Points = Float[np.ndarray, "points n_0"]
Values = Float[np.ndarray, " points"]

ZERO = 1e-12
"""Sines below this are zeros of the sine that rounding has missed."""


def linear_plus_product(u: Points, settings: Any) -> Values:
    """(u_0 + u_1 u_2)/sqrt(2)"""
    return (u[:, 0] + u[:, 1] * u[:, 2]) / sqrt(2)


def harmonic(u: Points, settings: Any) -> Values:
    """sqrt(N) P_k(u_0/|u|), the zonal harmonic of degree k = order, one of N; mean square 1 on the sphere"""
    dim, degree = u.shape[1], settings.order
    cosine = np.clip(u[:, 0] / np.linalg.norm(u, axis=1), -1.0, 1.0)
    return sqrt(multiplicity(degree, dim)) * legendre(degree, dim, cosine)


def hermite(u: Points, settings: Any) -> Values:
    """He_k(u_0)/sqrt(k!), k = order"""
    return hermeval(u[:, 0], [0.0] * settings.order + [1.0]) / sqrt(factorial(settings.order))


def staircase(u: Points, settings: Any) -> Values:
    """(u_0 + u_0 u_1 + ... + u_0 u_1 ... u_{k-1})/sqrt(k), k = order (Abbe et al. 2108.10573)"""
    return np.cumprod(u[:, : settings.order], axis=1).sum(axis=1) / sqrt(settings.order)


def parity(u: Points, settings: Any) -> Values:
    """sign(u_0) sign(u_1) ... sign(u_{k-1}), k = order"""
    return np.where(u[:, : settings.order] < 0, -1.0, 1.0).prod(axis=1)


def product(u: Points, settings: Any) -> Values:
    """u_0 u_1"""
    return u[:, 0] * u[:, 1]


def _angle(u: Points) -> Values:
    return np.arctan2(u[:, 1], u[:, 0])


def fourier(u: Points, settings: Any) -> Values:
    """sum_i amplitude_i cos(frequency_i theta + phase_i), theta the angle of (u_0, u_1)"""
    theta = _angle(u)
    terms = zip(settings.amplitudes, settings.frequencies, settings.phases, strict=True)
    return np.sum([amplitude * np.cos(frequency * theta + phase) for amplitude, frequency, phase in terms], axis=0)


def sign(u: Points, settings: Any) -> Values:
    """sign of sin(k theta), k = order, theta the angle of (u_0, u_1); at a jump the value just after it"""
    phase = settings.order * _angle(u)
    sine, after = np.sin(phase), np.cos(phase)
    # On a grid the jumps fall on points, where rounding would otherwise choose the side.
    return np.where(np.where(np.abs(sine) > ZERO * settings.order, sine, after) > 0, 1.0, -1.0)


def abs_sin(u: Points, settings: Any) -> Values:
    """|sin(k theta)|, k = order, theta the angle of (u_0, u_1)"""
    return np.abs(np.sin(settings.order * _angle(u)))


@dataclass(frozen=True)
class Target:
    """One target.

    Attributes:
        function: `(u, settings) -> values`; `settings` is the dataset's config (order, frequencies, ...).
        coordinates: how many input coordinates it needs; None where that number is `order`.
    """

    function: Callable[[Points, Any], Values]
    coordinates: int | None


TARGETS = {
    "x0+x1x2": Target(linear_plus_product, 3),
    "harmonic": Target(harmonic, 2),
    "hermite": Target(hermite, 1),
    "staircase": Target(staircase, None),
    "parity": Target(parity, None),
    "product": Target(product, 2),
    "fourier": Target(fourier, 2),
    "sign": Target(sign, 2),
    "abs_sin": Target(abs_sin, 2),
}

SIGNS = ("parity", "sign")
"""Those that take no values but -1 and 1."""
