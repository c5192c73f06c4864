"""Moments of one hidden layer's random numbers: m ~ Bin(n, 1/2), X ~ chi2(m), Y ~ chi2(m - 1) (theory.md 3)."""

from functools import lru_cache

import numpy as np
import scipy.special
from jaxtyping import Float, Int


@lru_cache(maxsize=64)
def _falling_coefficients(a: int, b: int) -> tuple[int, ...]:
    """c_k with E[X^a Y^b | m] = sum_k c_k m(m-1)...(m-k+1), for m >= 1. Exact integers.

    E[X^a | m] = m(m+2)...(m+2a-2) and E[Y^b | m] = (m-1)(m+1)...(m+2b-3).
    """
    roots = [-2 * i for i in range(a)] + [1 - 2 * i for i in range(b)]
    coefficients = [1]
    for root in roots:  # (sum c_k m^(k)) (m - root), with m m^(k) = m^(k+1) + k m^(k)
        grown = [0] * (len(coefficients) + 1)
        for k, c in enumerate(coefficients):
            grown[k] += c * (k - root)
            grown[k + 1] += c
        coefficients = grown
    return tuple(coefficients)


def mixed_moment(n: Float[np.ndarray, "..."], a: int, b: int) -> Float[np.ndarray, "..."]:
    """(2/n)^(a+b) E[X^a Y^b; m >= 1], exact to rounding for any width n.

    Factorial moments of the binomial: E[m(m-1)...(m-k+1)] = n(n-1)...(n-k+1)/2^k. The dead layer m = 0,
    where the polynomial for Y would not vanish, is taken out.
    """
    n = np.asarray(n, dtype=float)
    falling, total = np.ones_like(n), np.zeros_like(n)
    for k, c in enumerate(_falling_coefficients(a, b)):
        total += c * falling
        falling = falling * (n - k) / 2
    at_zero = float(_falling_coefficients(a, b)[0])
    return (total - at_zero * np.exp2(-n)) * (2 / n) ** (a + b)


_GAMMA_RATIO = (1.0, -1 / 8, 1 / 128, 5 / 1024, -21 / 32768, -399 / 262144, 869 / 4194304, 39325 / 33554432)
"""Gamma(z + 1/2)/Gamma(z) = sqrt(z) sum_k c_k z^-k, the ratio's asymptotic series (DLMF 5.11.13)."""


def _root_chi_square(m: Float[np.ndarray, " k"]) -> Float[np.ndarray, " k"]:
    """E[sqrt(X)] for X ~ chi2(m): sqrt(2) Gamma((m+1)/2)/Gamma(m/2). Differences of gammaln would lose digits."""
    z = m / 2
    small = np.minimum(z, 50.0)
    exact = scipy.special.gamma(small + 0.5) / scipy.special.gamma(small)
    return np.sqrt(2) * np.where(z < 50, exact, np.sqrt(z) * np.polynomial.polynomial.polyval(1 / z, _GAMMA_RATIO))


@lru_cache(maxsize=4096)
def _half_moments(n: int) -> tuple[float, float, float]:
    # Beyond 14 standard deviations (sqrt(n)/2 each) of m the rest is under 1e-43.
    reach = 7 * np.sqrt(n) + 8
    m = np.arange(max(0, np.floor(n / 2 - reach)), min(n, np.ceil(n / 2 + reach)) + 1)
    # Outwards from the mode by pmf(m+1)/pmf(m) = (n-m)/(m+1): gammaln would cost digits at large n.
    mode = int(np.searchsorted(m, n // 2))
    up = np.cumprod((n - m[mode:-1]) / (m[mode:-1] + 1))
    down = np.cumprod(m[mode:0:-1] / (n - m[mode:0:-1] + 1))[::-1]
    pmf = np.concatenate([down, [1.0], up])
    pmf /= pmf.sum()
    m, pmf = m[m > 0], pmf[m > 0]
    root = _root_chi_square(m) * np.sqrt(2 / n)
    return (
        float(pmf @ (root * (m + 1) * (2 / n))),
        float(pmf @ root),
        float(pmf @ (root * (m - 1)) * 2 / n),
    )


def half_moment_table(n: Int[np.ndarray, "..."]) -> Float[np.ndarray, "3 widths"]:
    """E[t^(3/2)], E[t^(1/2)] and (2/n) E[t^(1/2) (m - 1)] with t = 2X/n, over the living m >= 1.

    Column n holds the three for width n, for every n that occurs (others are 1).
    E[X^(1/2) | m] = sqrt(2) Gamma((m+1)/2)/Gamma(m/2), and E[X^(3/2) | m] = (m + 1) E[X^(1/2) | m].
    """
    occurs = np.zeros(int(np.max(n, initial=0)) + 1, dtype=bool)
    occurs[n] = True
    table = np.ones((3, len(occurs)))
    for width in np.flatnonzero(occurs[1:]) + 1:
        table[:, width] = _half_moments(int(width))
    return table
