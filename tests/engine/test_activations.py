"""Activations against finite differences; duals against quadrature that shares nothing with them."""

from itertools import pairwise

import jax
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import dblquad, quad
from scipy.stats import norm

from engine.networks.activations import ACTIVATIONS, NUMPY, dual_of, gelu_dual, hermite_dual, relu_dual
from engine.networks.blocks import JAX
from engine.schema import ConfigError

SMOOTH = [name for name, row in ACTIVATIONS.items() if not row.kinked]
KINKED = [name for name, row in ACTIVATIONS.items() if row.kinked]
CORRELATIONS = (-1.0, -0.9, -0.3, 0.0, 0.5, 0.95, 0.9999, 1.0)
VARIANCES = ((0.1, 0.1), (1.0, 1.0), (0.1, 10.0), (2.0, 0.5), (10.0, 10.0))


def series(name):
    """The Hermite series of an activation, also where the table has a closed form."""
    row = ACTIVATIONS[name]
    return hermite_dual(lambda z: row.value(z, NUMPY), lambda z: row.derivative(z, NUMPY))


def at(dual, a, b, c):
    value, slope = dual(*(np.array([number]) for number in (a, b, c)))
    return float(value[0]), float(slope[0])


def plane_quadrature(function, a, b, rho):
    """E[function(u) function(v)] by the trapezoidal rule in two independent normal coordinates."""
    z = np.arange(-9, 9.001, 0.05)
    first, second = np.meshgrid(z, z, indexing="ij")
    density = np.exp(-(first**2 + second**2) / 2) / (2 * np.pi) * 0.05**2
    u, v = np.sqrt(a) * first, np.sqrt(b) * (rho * first + np.sqrt(1 - rho**2) * second)
    return float((function(u) * function(v) * density).sum())


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_derivative_is_the_slope_of_the_value(name):
    row, step = ACTIVATIONS[name], 1e-6
    z = np.array([-6.0, -1.3, -0.4, -0.01, 0.01, 0.7, 2.0, 5.0])
    slope = (row.value(z + step, NUMPY) - row.value(z - step, NUMPY)) / (2 * step)
    np.testing.assert_allclose(row.derivative(z, NUMPY), slope, atol=2e-9)


@pytest.mark.parametrize(("name", "slope"), [("relu", 0.0), ("leaky_relu", 0.01), ("abs", 0.0)])
def test_slope_at_a_kink_is_that_of_the_derivative_that_trains(name, slope):
    row = ACTIVATIONS[name]
    assert row.derivative(np.zeros(1), NUMPY)[0] == slope
    assert jax.grad(lambda z: row.value(z, JAX))(0.0) == pytest.approx(slope)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_which_are_homogeneous_and_which_have_a_kink(name):
    """act(s z) = s act(z); and one-sided slopes at 0 that differ."""
    row, z = ACTIVATIONS[name], np.linspace(-3, 3, 13)
    assert np.allclose(row.value(2.5 * z, NUMPY), 2.5 * row.value(z, NUMPY), atol=1e-12) == row.homogeneous
    right, left = (float(row.derivative(np.float64(side), NUMPY)) for side in (1e-9, -1e-9))
    assert (abs(right - left) > 1e-3) == row.kinked


def test_nan_is_not_swallowed():
    nan = np.array([np.nan])
    for name, row in ACTIVATIONS.items():
        with np.errstate(invalid="ignore"):
            assert np.isnan(row.value(nan, NUMPY)).all(), name
            assert np.isnan(row.derivative(nan, NUMPY)).all() or name == "linear"


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_values_stay_finite_far_out(name):
    row, z = ACTIVATIONS[name], np.array([-800.0, 800.0])
    assert np.isfinite(row.value(z, NUMPY)).all()
    assert np.isfinite(row.derivative(z, NUMPY)).all()


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_critical_sigma_keeps_the_second_moment(name):
    """Of a small signal, or at second moment 1 where the row says near-critical."""
    row = ACTIVATIONS[name]
    size = 1.0 if row.near_critical else 1e-3
    moment = quad(lambda z: row.value(np.float64(size * z), NUMPY) ** 2 * norm.pdf(z), -12, 12, points=[0])[0]
    assert row.critical**2 * moment == pytest.approx(size**2, rel=1e-5)


@pytest.mark.parametrize(("a", "b"), VARIANCES)
@pytest.mark.parametrize("name", SMOOTH)
def test_dual_equals_plane_quadrature(name, a, b):
    row, rho = ACTIVATIONS[name], np.array(CORRELATIONS)
    expected = [
        [plane_quadrature(lambda z: function(z, NUMPY), a, b, number) for number in rho]  # noqa: B023
        for function in (row.value, row.derivative)
    ]
    for dual in (dual_of(name), series(name)):
        computed = dual(np.full_like(rho, a), np.full_like(rho, b), rho * np.sqrt(a * b))
        np.testing.assert_allclose(computed, expected, rtol=1e-10, atol=1e-11)


@pytest.mark.parametrize("name", ["tanh", "softplus"])
def test_dual_equals_scipy_dblquad(name):
    row, a, b, rho = ACTIVATIONS[name], 1.5, 0.7, 0.6
    side = np.sqrt(1 - rho**2)

    def integrand(second, first):
        u, v = np.sqrt(a) * first, np.sqrt(b) * (rho * first + side * second)
        return row.value(np.float64(u), NUMPY) * row.value(np.float64(v), NUMPY) * norm_pdf(first) * norm_pdf(second)

    def norm_pdf(z):
        return np.exp(-z * z / 2) / np.sqrt(2 * np.pi)

    expected = dblquad(integrand, -8, 8, -8, 8, epsabs=1e-10, epsrel=1e-10)[0]
    assert at(dual_of(name), a, b, rho * np.sqrt(a * b))[0] == pytest.approx(expected, abs=1e-10)


@pytest.mark.parametrize("rho", [-0.9, -0.3, 0.0, 0.5, 0.95])
@pytest.mark.parametrize(("a", "b"), VARIANCES)
def test_relu_dual_equals_conditional_quadrature(a, b, rho):
    """Given u, v is normal, so E[relu(v) | u] and P(v > 0 | u) are closed and one integral over u > 0 remains."""
    spread = np.sqrt(b * (1 - rho**2))

    def mean(z):
        return np.sqrt(b) * rho * z

    def kinked(z):
        given_u = mean(z) * norm.cdf(mean(z) / spread) + spread * norm.pdf(mean(z) / spread)
        return np.sqrt(a) * z * given_u * norm.pdf(z)

    value, slope = at(relu_dual, a, b, rho * np.sqrt(a * b))
    assert value == pytest.approx(quad(kinked, 0, 12, epsabs=1e-13)[0], rel=1e-9)
    assert slope == pytest.approx(quad(lambda z: norm.cdf(mean(z) / spread) * norm.pdf(z), 0, 12)[0], rel=1e-9)


@pytest.mark.parametrize("rho", [-0.9, -0.3, 0.0, 0.5, 0.95])
@pytest.mark.parametrize(("a", "b"), VARIANCES)
@pytest.mark.parametrize("name", KINKED)
def test_kinked_duals_equal_quadrature_over_the_four_quadrants(name, a, b, rho):
    """In polar coordinates a homogeneous activation leaves one integral over the angle: E[r^2] = 2."""
    row = ACTIVATIONS[name]
    ends = np.sort([-np.pi, np.arctan2(-rho, np.sqrt(1 - rho**2)), -np.pi / 2, np.pi / 2, np.pi])
    ends = np.unique(np.append(ends, np.arctan2(rho, -np.sqrt(1 - rho**2))))

    def pair(function, angle):
        u, v = np.sqrt(a) * np.cos(angle), np.sqrt(b) * (rho * np.cos(angle) + np.sqrt(1 - rho**2) * np.sin(angle))
        return float(function(np.float64(u), NUMPY) * function(np.float64(v), NUMPY))

    def over(function):
        found = [quad(lambda angle: pair(function, angle), *part, epsabs=1e-13)[0] for part in pairwise(ends)]
        return sum(found) / (2 * np.pi)

    value, slope = at(dual_of(name), a, b, rho * np.sqrt(a * b))
    assert value == pytest.approx(2 * over(row.value), rel=1e-9, abs=1e-12)
    assert slope == pytest.approx(over(row.derivative), rel=1e-9, abs=1e-12)


@pytest.mark.parametrize(("name", "mean", "left"), [("relu", 0.5, 0), ("leaky_relu", 0.505, 0.01), ("abs", 0, 0)])
def test_kinked_duals_at_the_ends(name, mean, left):
    """Equal, opposite, and without signal: there act' is its value at 0, and beside it E[act'(u)]."""
    row = ACTIVATIONS[name]
    second = 3 / row.critical**2
    assert at(row.dual, 3.0, 3.0, 3.0) == (pytest.approx(second), pytest.approx(1 / row.critical**2))
    slope = {"relu": 0.0, "leaky_relu": 0.01, "abs": -1.0}[name]
    assert at(row.dual, 3.0, 3.0, -3.0) == (pytest.approx(-3 * slope, abs=1e-15), pytest.approx(slope, abs=1e-15))
    assert at(row.dual, 0.0, 3.0, 0.0) == (0, pytest.approx(mean * left))
    assert at(row.dual, 0.0, 0.0, 0.0) == (0, pytest.approx(left**2))


def test_relu_dual_at_the_ends():
    assert at(relu_dual, 3.0, 3.0, 3.0) == (pytest.approx(1.5), 0.5)
    assert at(relu_dual, 3.0, 3.0, -3.0) == (pytest.approx(0, abs=1e-15), pytest.approx(0, abs=1e-15))
    # A point without signal: u = 0 always, and ReLU'(0) = 0.
    assert at(relu_dual, 0.0, 3.0, 0.0) == (0, 0)
    # Variances whose product underflows still have an angle.
    assert at(relu_dual, 1e-250, 1e-200, 1e-225)[1] == pytest.approx(0.5, abs=1e-7)


@pytest.mark.parametrize("a", [0.1, 1.0, 10.0, 100.0])
def test_gelu_series_equals_gelu_closed_form(a):
    rho = np.array(CORRELATIONS)
    variance = np.full_like(rho, a)
    for computed, closed in zip(
        series("gelu")(variance, variance, rho * a), gelu_dual(variance, variance, rho * a), strict=True
    ):
        np.testing.assert_allclose(computed, closed, rtol=1e-12, atol=1e-12 * np.abs(closed).max())


@pytest.mark.parametrize("name", ["tanh", "gelu", "softplus"])
def test_nearly_parallel_pairs_at_a_large_variance(name):
    """At correlation 1 the expectation is one-dimensional: E[act(sqrt(a) z)^2]."""
    row, a = ACTIVATIONS[name], 80.0
    value, slope = at(series(name), a, a, a)
    for computed, function in ((value, row.value), (slope, row.derivative)):
        z = np.arange(-12, 12, 0.002)
        expected = (function(np.sqrt(a) * z, NUMPY) ** 2 * norm.pdf(z)).sum() * 0.002
        assert computed == pytest.approx(expected, rel=1e-11)


@pytest.mark.parametrize("variance", [2e3, 1e12])
def test_variance_beyond_the_series_is_refused_with_a_remedy(variance):
    with pytest.raises(ConfigError, match=r"variance reaches .*, too large .* lower sigma_w"):
        at(series("tanh"), variance, variance, 0.9999999 * variance)


@pytest.mark.parametrize("name", ["tanh", "gelu", "softplus"])
def test_a_pair_does_not_depend_on_the_pairs_beside_it(name):
    """Pairs are summed in groups, each to the length that its most parallel pair needs."""
    rho, a = np.array(CORRELATIONS), np.full(len(CORRELATIONS), 40.0)
    together = np.array(series(name)(a, a, 40 * rho))
    alone = np.array([at(series(name), 40.0, 40.0, 40 * number) for number in rho]).T
    np.testing.assert_allclose(alone, together, rtol=1e-14, atol=1e-15)


def test_broadcasting_matches_one_pair_at_a_time():
    a, b = np.array([[0.5], [2.0]]), np.array([[1.0, 3.0, 0.5]])
    c = 0.4 * np.sqrt(a * b)
    for name in ACTIVATIONS:
        value, slope = dual_of(name)(a, b, c)
        assert value.shape == slope.shape == (2, 3)
        for i, j in np.ndindex(2, 3):
            expected = at(dual_of(name), a[i, 0], b[0, j], c[i, j])
            assert (value[i, j], slope[i, j]) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("name", ACTIVATIONS)
@settings(max_examples=25, deadline=None)
@given(a=st.floats(0.01, 10), b=st.floats(0.01, 10), rho=st.floats(-1, 1))
def test_duals_are_symmetric_and_obey_cauchy_schwarz(name, a, b, rho):
    dual, c = dual_of(name), rho * np.sqrt(a * b)
    pair = np.array(at(dual, a, b, c))
    np.testing.assert_allclose(pair, at(dual, b, a, c), rtol=1e-11, atol=1e-11)
    bound = np.sqrt(np.array(at(dual, a, a, a)) * at(dual, b, b, b))
    assert (np.abs(pair) <= bound * (1 + 1e-9)).all()
