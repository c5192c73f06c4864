"""What is read off curves that are known: errors over the path, not at its end."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import r2_score

from engine.perturbation.result import SeedPerturbation


@pytest.fixture
def seed() -> SeedPerturbation:
    """One training point and two held-out ones at four times, the third between checkpoints. Errors of order 0 are
    0, .3, .8, .1 of ||r(0)|| = 2, those of order 1 a tenth of them; its largest between any times is .9."""
    network = np.array([2.0, 1.0, 0.5, 0.2])
    error = 2 * np.array([0.0, 0.3, 0.8, 0.1])
    residuals = np.stack([network, network + error, network - error / 10, network, network])[:, :, None]
    outputs = np.zeros((5, 4, 2))
    outputs[1] = np.multiply.outer(np.arange(4.0), [3.0, -4.0])
    arrays = {
        "residuals": residuals,
        "outputs_held_out": outputs,
        "y_held_out": np.array([1.0, 1.0]),
        "at_checkpoint": np.array([True, True, False, True]),
    }
    return SeedPerturbation(arrays, {"lazy_error": 0.9})


def test_errors_are_relative_to_the_first_residual(seed: SeedPerturbation) -> None:
    np.testing.assert_allclose(seed.residual("network"), [1, 0.5, 0.25, 0.1])
    np.testing.assert_allclose(seed.error("order_0"), [0, 0.3, 0.8, 0.1])
    np.testing.assert_allclose(seed.error("order_1"), [0, 0.03, 0.08, 0.01])


def test_the_worst_is_the_supremum_over_the_path(seed: SeedPerturbation) -> None:
    """Of order 0 over every step, of the others over the checkpoints; .1 is the error at the stop."""
    assert seed.at_checkpoints("order_0") == pytest.approx(0.3)
    assert seed.worst("order_0") == pytest.approx(0.9)
    assert seed.worst("order_1") == pytest.approx(0.03)
    assert seed.seen == pytest.approx(0.3 / 0.9)
    assert seed.explained(1) == pytest.approx(0.9)


def test_held_out_errors_are_root_mean_squares(seed: SeedPerturbation) -> None:
    np.testing.assert_allclose(seed.error_held_out("order_0"), np.sqrt((9 + 16) / 2) * np.arange(4))
    np.testing.assert_allclose(seed.residual_held_out("network"), np.ones(4))


def test_the_network_itself_on_held_out_rows(seed: SeedPerturbation) -> None:
    """Two outputs of three points, a row each: sum |f - y|^2/sum |y|^2, and scikit-learn's R^2 weighted by variance."""
    y, f = np.array([[1.0, 2.0], [3.0, -1.0], [0.0, 4.0]]), np.array([[1.5, 2.0], [2.0, 0.0], [0.0, 3.0]])
    outputs = np.zeros((5, 4, 6))
    outputs[0, -1] = f.ravel()
    error, r_squared = replace(
        seed, arrays={**seed.arrays, "y_held_out": y.ravel(), "outputs_held_out": outputs}
    ).network_held_out(2)
    assert error == pytest.approx(3.25 / 31)
    assert r_squared == pytest.approx(r2_score(y, f, multioutput="variance_weighted"))
