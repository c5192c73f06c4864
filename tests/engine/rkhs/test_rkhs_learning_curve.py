"""Learning curves against closed forms of the theory, and against training sets that were drawn."""

import numpy as np
import pytest
import scipy.stats

from engine.data import generate
from engine.data.sphere import SphereConfig
from engine.networks import infinite
from engine.networks.mlp_config import MLPConfig
from engine.rkhs.config import Options
from engine.rkhs.gram import Gram
from engine.rkhs.regression import Draw, drawn, learning_curves, measured_errors, predicted_curve, predicted_error


@pytest.mark.parametrize("n", [5, 40, 90])
def test_white_spectrum_without_ridge(n: int) -> None:
    """p equal modes: L = n/p, so the error is (1 - n/p)^2 n/(n - n^2/p) = 1 - n/p, plus n/(p - n) of the noise."""
    p, power, noise = 100, np.full(100, 0.02), 0.3
    assert predicted_error(np.full(p, 0.7), power, n, 0.0) == pytest.approx(2 * (1 - n / p), rel=1e-9)
    expected = 2 * (1 - n / p) + noise * n / (p - n)
    assert predicted_error(np.full(p, 0.7), power, n, 0.0, noise) == pytest.approx(expected, rel=1e-9)


def test_white_spectrum_with_ridge() -> None:
    """With eigenvalue l, n = p l/(l + kappa) + d/kappa is a quadratic in kappa."""
    p, value, n, ridge = 50, 0.4, 80, 3.0
    kappa = np.roots([n, n * value - p * value - ridge, -ridge * value])
    learned = value / (value + kappa[kappa > 0].item())
    expected = n / (n - p * learned**2) * (1 - learned) ** 2
    assert predicted_error(np.full(p, value), np.full(p, 1 / p), n, ridge) == pytest.approx(expected, rel=1e-9)


def test_more_points_than_modes_need_a_ridge() -> None:
    with pytest.raises(ValueError, match="without ridge there must be fewer"):
        predicted_error(np.array([1.0, 0.5, 0.0]), np.ones(3), 2, 0.0)
    assert predicted_error(np.array([1.0, 0.5, 0.0]), np.array([1.0, 1.0, 0.25]), 100, 1e-9) == pytest.approx(
        0.25 * 100 / 98, rel=1e-6
    )


@pytest.fixture(scope="module")
def sphere() -> tuple[np.ndarray, np.ndarray]:
    """A sample of the sphere with the kernel of infinite width and a target of two degrees."""
    data = generate(SphereConfig(dim=6, size=64, test_size=640))
    network = MLPConfig.from_dict({"depth": 2, "train_bias": False, "output_bias": False})
    return infinite.ntk(network, data.x_test), data.y_test


@pytest.mark.parametrize("noise", [0.0, 0.2])
def test_with_a_ridge_the_prediction_is_right(sphere: tuple, noise: float) -> None:
    """Within 3 standard errors at every size."""
    K, y = sphere
    rng, gram, sizes = np.random.default_rng(1), Gram.of(K), np.array([10, 20, 40, 80])
    predicted = predicted_curve(gram, y, sizes, gram.mean, noise)
    for n, expected in zip(sizes, predicted, strict=True):
        errors = measured_errors(K, y, [drawn(rng, y.shape, n, noise) for _ in range(200)], [gram.mean])[0]
        assert abs(errors.mean() - expected) < 3 * errors.std(ddof=1) / np.sqrt(200)


def test_without_ridge_it_is_approximate(sphere: tuple) -> None:
    """docs/figures.md: 5 to 18% low. No better is claimed."""
    K, y = sphere
    rng, gram, sizes = np.random.default_rng(1), Gram.of(K), np.array([20, 80])
    predicted = predicted_curve(gram, y, sizes, gram.jitter)
    for n, expected in zip(sizes, predicted, strict=True):
        errors = measured_errors(K, y, [drawn(rng, y.shape, n, 0.0) for _ in range(200)], [0.0])[0]
        assert 0.75 < expected / errors.mean() < 1.1


def test_zero_kernels_learn_nothing() -> None:
    gram, y = Gram.of(np.zeros((6, 6))), np.ones((6, 1))
    np.testing.assert_allclose(predicted_curve(gram, y, np.array([2, 3]), 0.0), 1.0)


def test_all_points_learn_all(sphere: tuple) -> None:
    K, y = sphere
    every = Draw(np.arange(len(y)), np.zeros_like(y))
    np.testing.assert_allclose(measured_errors(K, y, [every], [0.0]), 0.0, atol=1e-12)


def test_curves_of_two_kernels(sphere: tuple) -> None:
    K, y = sphere
    options = Options(sizes=(160, 16, 8, 200), draws=6, curve_ridge=0.5)
    found = learning_curves((K, 3 * K), y, options, 0.1, "float64")
    np.testing.assert_array_equal(found["learning_sizes"], [8, 16, 160])
    assert found["learning_predicted"].shape == found["learning_measured"].shape == (2, 2, 3)
    # 3 K with three times the ridge is the same regression, on the same training sets.
    np.testing.assert_allclose(found["learning_ridge"][1], 3 * found["learning_ridge"][0], rtol=1e-9)
    for name in ("predicted", "measured", "error"):
        both = found[f"learning_{name}"]
        np.testing.assert_allclose(both[1], both[0], rtol=1e-4)
    none = learning_curves((K[:16, :16],), y[:16], Options(sizes=(8,)), 0.0, "float64")
    assert none["learning_measured"].shape == (1, 2, 0)


def test_error_bars_are_standard_errors_of_the_mean(sphere: tuple) -> None:
    """Of the same training sets, drawn again."""
    K, y = sphere
    options = Options(sizes=(16,), draws=4, curve_ridge=0.5, seed=7)
    found, rng = learning_curves((K,), y, options, 0.1, "float64"), np.random.default_rng(7)
    draws = [drawn(rng, y.shape, 16, 0.1) for _ in range(4)]
    errors = measured_errors(K, y, draws, [0.5 * np.trace(K) / len(K)])[0]
    assert found["learning_measured"][0, 1, 0] == pytest.approx(errors.mean(), rel=1e-9)
    assert found["learning_error"][0, 1, 0] == pytest.approx(scipy.stats.sem(errors), rel=1e-9)


def test_a_size_at_which_the_jitter_decides_is_not_determined() -> None:
    """Two features and noisy targets: of 4 points on, a ridgeless fit is the noise over the jitter."""
    rng = np.random.default_rng(3)
    features = rng.standard_normal((200, 6)) * [1, 1, 3e-6, 3e-6, 3e-6, 3e-6]
    y = features[:, :1]
    options = Options(sizes=(4, 50), draws=4, curve_ridge=0.1)
    found = learning_curves((features @ features.T,), y, options, 1.0, "float64")
    assert np.all(found["learning_determined"][0, 0] < 4)
    assert np.all(np.isnan(found["learning_measured"][0, 0]))
    assert np.all(found["learning_determined"][0, 1] == 4)
    assert np.all(np.isfinite(found["learning_measured"][0, 1]))
