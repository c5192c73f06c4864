"""Moments of one layer against sums over the binomial in rational numbers, and against an integral."""

import math
from fractions import Fraction

import numpy as np
import pytest
import scipy.integrate
from initialisation_oracles import chi

from engine.initialisation.layer_sums import half_moment_table, mixed_moment


@pytest.mark.parametrize("n", [1, 2, 3, 7, 40])
def test_mixed_moments(n):
    for a in range(5):
        for b in range(5):
            exact = sum(
                Fraction(math.comb(n, m), 2**n) * chi(2 * a, m) * chi(2 * b, m - 1) for m in range(1, n + 1)
            ) * Fraction(2, n) ** (a + b)
            assert mixed_moment(np.array(n), a, b) == pytest.approx(float(exact), rel=1e-14, abs=1e-300)


@pytest.mark.parametrize("n", [1, 2, 3, 5, 30, 99, 100, 101, 500])
def test_half_moments(n):
    pmf = [(m, float(Fraction(math.comb(n, m), 2**n))) for m in range(1, n + 1)]

    def root(m):
        return math.exp(math.lgamma((m + 1) / 2) - math.lgamma(m / 2)) * 2 / math.sqrt(n)

    three = sum(p * root(m) * 2 * (m + 1) / n for m, p in pmf)
    one = sum(p * root(m) for m, p in pmf)
    one_m = sum(p * root(m) * 2 * (m - 1) / n for m, p in pmf)
    assert half_moment_table(np.array([n]))[:, n] == pytest.approx([three, one, one_m], rel=1e-12)


@pytest.mark.parametrize("n", [1_000, 30_000, 1_000_000])
def test_half_moments_of_wide_layers(n):
    """E[sqrt(X)] = int (1 - E[e^{-sX}]) s^{-3/2} ds/(2 sqrt(pi)), with E[e^{-sX}] = ((1 + (1+2s)^{-1/2})/2)^n."""

    def integrand(v):  # s = v^2/n
        s = v * v / n
        return -math.expm1(n * math.log1p(0.5 * math.expm1(-0.5 * math.log1p(2 * s)))) / (v * v)

    total = scipy.integrate.quad(integrand, 0, 1, epsabs=1e-13)[0]
    total += scipy.integrate.quad(integrand, 1, np.inf, epsabs=1e-13, limit=200)[0]
    expected = math.sqrt(2 / n) * math.sqrt(n) * 2 * total / (2 * math.sqrt(math.pi))
    assert half_moment_table(np.array([n]))[1, n] == pytest.approx(expected, rel=1e-10)
