"""The closed integrals of exponentials behind Duhamel's formula, stable for every non-negative rate.

phi(z) = (e^z - 1)/z, and for rates a, b >= 0 over a span h:
    I0 = int_0^h e^{-a(h-s) - b s} ds = h e^{-min(a,b) h} phi(-|a - b| h)
    I1 = int_0^h (s/h) e^{-a(h-s) - b s} ds
Rates may be 0, equal, or so large that everything has decayed (tested to a h = 1e8).
"""

import numpy as np
from jaxtyping import Float

SERIES = 0.5
"""Below it, weights that would cancel come from their power series."""


def phi(z: Float[np.ndarray, "*s"]) -> Float[np.ndarray, "*s"]:
    """(e^z - 1)/z, 1 at z = 0; for z <= 0."""
    safe = np.where(z == 0, 1.0, z)
    return np.where(z == 0, 1.0, np.expm1(safe) / safe)


def ramp(z: Float[np.ndarray, "*s"]) -> Float[np.ndarray, "*s"]:
    """int_0^1 x e^{z x} dx = (e^z - phi(z))/z for z <= 0: 1/2 at z = 0, falling as 1/z^2."""
    series, term = np.zeros_like(z), np.ones_like(z)
    small = np.where(np.abs(z) < SERIES, z, 0.0)
    for k in range(18):
        series += term / (k + 2)
        term = term * small / (k + 1)
    safe = np.where(np.abs(z) < SERIES, -1.0, z)
    return np.where(np.abs(z) < SERIES, series, (np.exp(safe) - phi(safe)) / safe)


def integrals(
    a: Float[np.ndarray, "*s"], b: Float[np.ndarray, "*s"], h: float
) -> tuple[Float[np.ndarray, "*s"], Float[np.ndarray, "*s"]]:
    """I0 and I1 over a span h, elementwise in the rates."""
    gap = (b - a) * h
    common = h * np.exp(-np.minimum(a, b) * h)
    away = -np.abs(gap)
    whole, rising = phi(away), ramp(away)
    # With b the faster rate the weight decays from s = 0; with a the faster one, it is the mirror image.
    return common * whole, common * np.where(gap >= 0, rising, whole - rising)
