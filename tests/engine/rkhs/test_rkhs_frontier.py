"""The frontier against roots of its polynomial, an optimiser that knows no multiplier, and its limits."""

import numpy as np
import pytest
import scipy.optimize

from engine.rkhs.comparison import MULTIPLIERS, Frontier
from engine.rkhs.gram import Gram


@pytest.mark.parametrize("radius", [0.05, 0.3, 0.9, 1.2])
def test_two_modes_by_the_roots_of_a_quartic(radius: float) -> None:
    """sum l c^2/(l + mu)^2 = R^2 for eigenvalues 1.6 and .4, c^2 = .3 and .7, solved as a polynomial in mu."""
    values, c2 = np.array([1.6, 0.4]), np.array([0.3, 0.7])
    squares = [np.polymul([1, value], [1, value]) for value in values]
    terms = np.polyadd(values[0] * c2[0] * squares[1], values[1] * c2[1] * squares[0])
    roots = np.roots(np.polysub(radius**2 * np.polymul(*squares), terms))
    (mu,) = roots[(np.abs(roots.imag) < 1e-12) & (roots.real > 0)].real
    expected = np.sum(mu**2 * c2 / (values + mu) ** 2)
    gram, y = Gram.of(np.diag(5 * values)), 3 * np.sqrt(c2)[:, None]
    assert Frontier.of(gram, y).error(radius) == pytest.approx(expected, abs=1e-10)


@pytest.mark.parametrize("radius", [0.0, 0.25, 0.75, 1.0, 2.0])
def test_the_identity_leaves_the_square_of_what_is_missing(radius: float) -> None:
    frontier = Frontier.of(Gram.of(np.eye(6)), np.arange(1.0, 7.0)[:, None])
    assert frontier.error(radius) == pytest.approx(max(1 - radius, 0) ** 2, abs=1e-10)


def test_no_function_in_the_ball_does_better() -> None:
    """min ||f - y||^2 over ||w|| <= R, f = A w with K = A A^T, by SLSQP."""
    rng = np.random.default_rng(0)
    A = rng.standard_normal((6, 6)) * np.array([3, 2, 1, 0.5, 0.3, 0.1])
    K, y = A @ A.T, rng.standard_normal(6)
    frontier = Frontier.of(Gram.of(K), y[:, None])
    for radius in (0.2, 0.6, 1.5):
        budget = radius**2 * (y @ y) / (np.trace(K) / 6)
        found = scipy.optimize.minimize(
            lambda w: np.sum((A @ w - y) ** 2),
            np.zeros(6),
            jac=lambda w: 2 * A.T @ (A @ w - y),
            constraints={"type": "ineq", "fun": lambda w, budget=budget: budget - w @ w, "jac": lambda w: -2 * w},
            method="SLSQP",
            options={"ftol": 1e-14, "maxiter": 2000},
        )
        assert found.success
        assert frontier.error(radius) == pytest.approx(found.fun / (y @ y), rel=1e-5)


def test_what_lies_outside_the_span_stays() -> None:
    """A mode of eigenvalue zero cannot be reached by any ball, and is not mistaken for one at rounding level."""
    values = np.array([1.0, 0.5, 1e-18, 0.0])
    frontier = Frontier.of(Gram.of(np.diag(values)), np.ones((4, 1)))
    assert frontier.error(1e9) == pytest.approx(0.5, abs=1e-10)
    dead = Frontier.of(Gram.of(np.zeros((3, 3))), np.ones((3, 1)))
    assert dead.error(5.0) == pytest.approx(1.0)


def test_curve_and_error_are_one_frontier() -> None:
    rng = np.random.default_rng(1)
    Q = np.linalg.qr(rng.standard_normal((40, 40)))[0]
    gram = Gram.of(Q * np.arange(1.0, 41) ** -2 @ Q.T)
    frontier = Frontier.of(gram, rng.standard_normal((40, 3)))
    radius, error = frontier.radius_squared(MULTIPLIERS), frontier.error_at(MULTIPLIERS)
    assert np.all(np.diff(radius) > 0)
    assert np.all(np.diff(error) < 0)
    for at in range(0, len(MULTIPLIERS), 6):
        assert frontier.error(np.sqrt(radius[at])) == pytest.approx(error[at], abs=1e-10)
    assert frontier.error(0.0) == pytest.approx(1.0, abs=1e-12)
