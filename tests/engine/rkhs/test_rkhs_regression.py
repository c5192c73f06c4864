"""Kernel regression against scikit-learn, and leave-one-out against leaving one out."""

import numpy as np
import pytest
from sklearn.kernel_ridge import KernelRidge
from sklearn.metrics.pairwise import rbf_kernel

from engine.rkhs.gram import Gram
from engine.rkhs.regression import Regressor


@pytest.fixture
def points() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    x, x_test = rng.standard_normal((24, 3)), rng.standard_normal((40, 3))

    def target(x: np.ndarray) -> np.ndarray:
        return np.stack([x[:, 0] + x[:, 1] * x[:, 2], np.sin(x[:, 0])], axis=1)

    return x, x_test, target(x), target(x_test)


def regressor(points: tuple, **offsets: np.ndarray) -> Regressor:
    x, x_test, y, y_test = points
    return Regressor(Gram.of(rbf_kernel(x, x, 0.3)), rbf_kernel(x_test, x, 0.3), y, y_test, **offsets)


@pytest.mark.parametrize("ridge", [1e-6, 1e-2, 1.0])
def test_predictions_are_those_of_scikit_learn(points: tuple, ridge: float) -> None:
    x, x_test, y, y_test = points
    expected = KernelRidge(alpha=ridge, kernel="rbf", gamma=0.3).fit(x, y).predict(x_test)
    found = regressor(points).at(ridge)
    np.testing.assert_allclose(regressor(points).predict(ridge), expected, rtol=1e-6, atol=1e-9)
    assert found.error == pytest.approx(np.sum((expected - y_test) ** 2) / np.sum(y_test**2), rel=1e-6)


@pytest.mark.parametrize("ridge", [1e-8, 1e-3, 1.0])
def test_leave_one_out(points: tuple, ridge: float) -> None:
    x, _, y, _ = points
    K, missed = rbf_kernel(x, x, 0.3), []
    for i in range(len(x)):
        others = np.delete(np.arange(len(x)), i)
        weights = np.linalg.solve(K[np.ix_(others, others)] + ridge * np.eye(len(others)), y[others])
        missed.append(y[i] - K[i, others] @ weights)
    expected = np.sum(np.square(missed)) / np.sum(y**2)
    assert regressor(points).leave_one_out(ridge) == pytest.approx(expected, rel=1e-6)


def test_ridgeless_interpolates_and_tuned_is_best(points: tuple) -> None:
    x, _, y, _ = points
    gram = Gram.of(rbf_kernel(x, x, 0.3))
    assert Regressor(gram, rbf_kernel(x, x, 0.3), y, y).ridgeless().error < 1e-12
    found = regressor(points)
    tuned = found.tuned()
    others = [found.leave_one_out(float(ridge)) for ridge in np.logspace(-9, 2, 60) * gram.mean]
    assert tuned.leave_one_out <= min(others) * 1.01


def test_the_tuned_ridge_scales_with_the_kernel(points: tuple) -> None:
    """c K with c times the ridge is the same regression."""
    x, x_test, y, y_test = points
    K, cross = rbf_kernel(x, x, 0.3), rbf_kernel(x_test, x, 0.3)
    small, large = (Regressor(Gram.of(c * K), c * cross, y, y_test) for c in (1.0, 1e9))
    ridges = small.tuned().ridge, large.tuned().ridge
    assert ridges[1] == pytest.approx(1e9 * ridges[0])
    np.testing.assert_allclose(large.predict(ridges[1]), small.predict(ridges[0]), rtol=1e-6)


def test_what_is_known_already_is_not_regressed(points: tuple) -> None:
    """With f_0 = y everywhere nothing is left; with f_0 = 0 nothing changes."""
    x, x_test, y, y_test = points
    known = regressor(points, offset=y, offset_test=y_test).ridgeless()
    assert known.error == pytest.approx(0.0, abs=1e-20)
    zero, plain = regressor(points, offset=np.zeros_like(y), offset_test=np.zeros_like(y_test)), regressor(points)
    np.testing.assert_array_equal(zero.predict(zero.gram.jitter), plain.predict(plain.gram.jitter))
    assert zero.ridgeless() == plain.ridgeless()
    assert (x.shape, x_test.shape) == ((24, 3), (40, 3))


def test_flags() -> None:
    """Smooth kernels on close points are singular in float64; a ridge makes the question well posed."""
    x = np.linspace(0, 1, 50)[:, None]
    found = Regressor(Gram.of(rbf_kernel(x, x, 1.0)), rbf_kernel(x, x, 1.0), np.sin(9 * x), np.sin(9 * x))
    assert found.ridgeless().flag == "rank-deficient"
    assert found.gram.rank < 50
    assert found.gram.condition == np.inf
    assert found.at(0.1).flag == "ok"
    assert Regressor(Gram.of(np.eye(5)), np.eye(5), np.ones((5, 1)), np.ones((5, 1))).ridgeless().flag == "ok"


def test_errors_that_the_jitter_decides_are_not_determined() -> None:
    """Noise on close points; the same kernel fits a smooth target whatever the jitter."""
    x = np.linspace(0, 1, 50)[:, None]
    K, noise = rbf_kernel(x, x, 1.0), np.random.default_rng(0).standard_normal((50, 1))
    found = Regressor(Gram.of(K), K, noise, np.roll(noise, 1, axis=0)).ridgeless()
    assert np.isnan(found.leave_one_out)
    assert np.isfinite(Regressor(Gram.of(K), K, noise, noise).at(0.1).error)
    smooth = Regressor(Gram.of(K), K, np.sin(x), np.sin(x)).ridgeless()
    assert smooth.flag == "rank-deficient"
    assert smooth.error < 1e-9


def test_zero_kernels_predict_what_was_known() -> None:
    y = np.ones((4, 1))
    of = Regressor(Gram.of(np.zeros((4, 4))), np.zeros((2, 4)), y, y[:2], 0 * y, 0 * y[:2])
    found = of.tuned()
    np.testing.assert_array_equal(of.predict(found.ridge), 0)
    assert found.error == 1.0
    assert np.isnan(found.leave_one_out)
    assert found.flag == "rank-deficient"
