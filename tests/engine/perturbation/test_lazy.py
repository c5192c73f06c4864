"""Order 0 against matrix functions, and the gap between descent and flow (docs/figures.md)."""

import numpy as np
import pytest
from perturbation_oracles import made_path, random_kernels
from scipy.linalg import expm

from engine.perturbation.expansion import lazy
from engine.perturbation.frame import Frame
from engine.training.frozen import frozen

VALUES = np.array([3.0, 1.0, 0.3, 1e-3, 0.0])


@pytest.fixture
def kernels() -> np.ndarray:
    return random_kernels(np.random.default_rng(1), 3, 5, 4, VALUES, 0.2)


def test_flow_is_the_matrix_exponential(kernels: np.ndarray) -> None:
    t, r = np.array([0.0, 0.7, 900.0]), np.arange(1.0, 6.0)
    frame = Frame.of(made_path(t, kernels, r))
    modes, held_out = lazy(frame, t, descent=False)
    system = np.zeros((9, 9))
    system[:, :5] = -kernels[0]
    for k, time in enumerate(t):
        exact = expm(system * time) @ np.concatenate([r, np.zeros(4)])
        np.testing.assert_allclose(frame.vectors @ modes[k], exact[:5], atol=1e-12)
        np.testing.assert_allclose(held_out[k], exact[5:], rtol=1e-11, atol=1e-11)


def test_descent_is_the_matrix_power(kernels: np.ndarray) -> None:
    rate, r = 0.4, np.arange(1.0, 6.0)
    steps = np.array([0, 1, 57])
    path = made_path(rate * steps, kernels, r, descent=True)
    frame = Frame.of(path)
    modes, held_out = lazy(frame, path.t, descent=True)
    state, expected = np.concatenate([r, np.zeros(4)]), []
    for k in range(58):
        if k in steps:
            expected.append(state)
        state = state - rate * kernels[0] @ state[:5]
    np.testing.assert_allclose(modes @ frame.vectors.T, np.array(expected)[:, :5], atol=1e-12)
    np.testing.assert_allclose(held_out, np.array(expected)[:, 5:], atol=1e-12)


@pytest.mark.parametrize("rate", [None, 1e-3])
def test_zero_tiny_and_huge_eigenvalues(rate: float | None) -> None:
    """Continuous in l: the integral is t at l = 0 and 1/l once all has decayed."""
    values = np.array([1e8 if rate is None else 900.0, 1.0, 1e-14, 0.0])
    decay, gathered = frozen(values, np.array([0.0, 1.0]), rate)
    np.testing.assert_array_equal(decay[0], 1.0)
    np.testing.assert_array_equal(gathered[0], 0.0)
    np.testing.assert_allclose(decay[1], [0.0, np.exp(-1.0), 1.0, 1.0], atol=2e-4)
    np.testing.assert_allclose(gathered[1], [1 / values[0], 1 - np.exp(-1.0), 1.0, 1.0], rtol=3e-4)


@pytest.mark.parametrize(("damping", "gap"), [(0.05, 0.009), (0.1, 0.019), (0.25, 0.051), (0.5, 0.118), (1.0, 0.368)])
def test_descent_is_not_flow(damping: float, gap: float) -> None:
    """docs/figures.md: the worst gap of a frozen kernel at eta lambda_max, over all times and modes."""
    values = np.linspace(1e-3, 1.0, 400)
    t = damping * np.arange(200)
    worst = np.abs(frozen(values, t, damping)[0] - frozen(values, t, None)[0]).max()
    assert worst == pytest.approx(gap, abs=6e-4)


def test_beyond_one_over_the_step_modes_alternate() -> None:
    decay, gathered = frozen(np.array([1.5, 2.5]), np.array([0.0, 1.0, 2.0, 3.0]), 1.0)
    np.testing.assert_allclose(decay, [[1, 1], [-0.5, -1.5], [0.25, 2.25], [-0.125, -3.375]])
    np.testing.assert_allclose(gathered, (1 - decay) / np.array([1.5, 2.5]))
