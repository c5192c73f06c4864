"""The closed integrals against adaptive quadrature and their limits."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad

from engine.perturbation.propagator import DEGREE, cumulative, integrals, ramp, rule, spans, weights
from engine.training.frozen import phi

rates = st.one_of(st.just(0.0), st.floats(1e-6, 40.0))


@settings(max_examples=60, deadline=None)
@given(rates, rates, st.floats(0.01, 3.0))
def test_integrals_of_two_exponentials(a: float, b: float, h: float) -> None:
    constant, rising = integrals(np.array(a), np.array(b), h)
    expected = [
        quad(lambda s, p=p: (s / h) ** p * np.exp(-a * (h - s) - b * s), 0, h, epsabs=1e-14, epsrel=1e-12, limit=200)[0]
        for p in (0, 1)
    ]
    np.testing.assert_allclose([constant, rising], expected, rtol=1e-10, atol=1e-13)


def test_equal_zero_and_huge_rates() -> None:
    a = np.array([0.0, 2.0, 1e8, 0.0, 1e8])
    b = np.array([0.0, 2.0, 1e8, 1e8, 0.0])
    constant, rising = integrals(a, b, 1.0)
    np.testing.assert_allclose(constant, [1, np.exp(-2), 0, 1e-8, 1e-8], rtol=1e-12)
    np.testing.assert_allclose(rising, [1 / 2, np.exp(-2) / 2, 0, 1e-16, 1e-8 * (1 - 1e-8)], rtol=1e-7)


def test_series_and_formula_meet() -> None:
    z = -np.array([0.0, 1e-9, 1e-3, 0.4999999, 0.5000001])
    np.testing.assert_allclose(phi(z), [1, 1 - 5e-10, 0.9995001666, 0.78693868, 0.78693868], rtol=1e-7)
    np.testing.assert_allclose(ramp(z)[:2], [0.5, 0.5 - 1e-9 / 3], rtol=1e-15)
    assert ramp(z)[3] == pytest.approx(ramp(z)[4], rel=1e-6)


@pytest.mark.parametrize("z", [0.0, 1e-3, 1.0, 30.0, 59.9, 60.1, 500.0, 1e8])
def test_collocation_solves_the_scalar_equation(z: float) -> None:
    """y' = -z y + e^{-c x}, y(0) = 0: y = (e^{-cx} - e^{-zx})/(z - c), written without cancellation."""
    x, W = rule().x, weights(np.array([z]))[0]
    for c in (0.0, 1.0, 4.0):
        slow = min(z, c)
        exact = x * np.exp(-slow * x) * phi(-abs(z - c) * x)
        np.testing.assert_allclose(W @ np.exp(-c * x), exact, atol=2e-13 / max(z, 1.0))


def test_collocation_is_exact_for_polynomials_at_rate_zero() -> None:
    x = rule().x
    for degree in range(DEGREE + 1):
        np.testing.assert_allclose(cumulative() @ x**degree, x ** (degree + 1) / (degree + 1), atol=1e-14)


@pytest.mark.parametrize(("z", "count"), [(0.0, 1), (2.0, 1), (2.1, 2), (8.0, 3), (1e8, 27)])
def test_spans_double(z: float, count: int) -> None:
    ends = spans(z)
    assert len(ends) - 1 == count
    assert ends[0] == 0
    assert ends[-1] == 1
    assert z * ends[1] <= 2
