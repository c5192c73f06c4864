"""Where spaces are compared: nested, clean, and the same function everywhere."""

from itertools import pairwise

import numpy as np
import pytest

from engine.data import generate
from engine.data.circle import CircleConfig
from engine.data.dataset import DatasetConfig
from engine.data.gaussian_product import GaussianProductConfig
from engine.data.parity import ParityConfig
from engine.data.sphere import SphereConfig
from engine.rkhs.points import nested, sample, sets

CIRCLE = CircleConfig.from_dict({"size": 12, "test_size": 20, "frequencies": [1, 3], "noise": 0.5, "target_rms": 2.0})
SPHERE = SphereConfig(dim=5, size=20, test_size=40, noise=0.5)
CONFIGS = (CIRCLE, SPHERE, SphereConfig(dim=5, radius=0.5), ParityConfig(dim=8), GaussianProductConfig(dim=3))


def circle_target(x: np.ndarray) -> np.ndarray:
    """Of CIRCLE before scaling."""
    angle = np.arctan2(x[:, 1], x[:, 0])
    return np.cos(angle) + np.cos(3 * angle)


@pytest.mark.parametrize("config", CONFIGS)
def test_grids_are_nested(config: DatasetConfig) -> None:
    grids = nested(config, generate(config), 256)
    assert len(grids.x) == len(grids.y) == grids.sizes[-1]
    for smaller, larger in pairwise(grids.members):
        assert set(smaller) < set(larger)
        assert len(larger) == 2 * len(smaller)
    assert len(np.unique(grids.x.round(12), axis=0)) == len(grids.x)


def test_grids_of_the_circle_are_equally_spaced_and_clean() -> None:
    data = generate(CIRCLE)
    grids = nested(CIRCLE, data, 64)
    np.testing.assert_array_equal(grids.sizes, [16, 32, 64])
    for member in grids.members:
        angle = np.unwrap(np.arctan2(*grids.x[member].T[::-1]))
        np.testing.assert_allclose(np.diff(angle), 2 * np.pi / len(member))
    np.testing.assert_allclose(grids.y[:, 0], data.target_scale * circle_target(grids.x), atol=1e-12)


def test_a_target_that_vanishes_on_a_grid_is_no_error() -> None:
    """sin(48 t) is zero on the 96 points that are drawn, though not on the training points."""
    config = CircleConfig.from_dict({"size": 100, "test_size": 16, "frequencies": [48], "phases": [np.pi / 2]})
    data = generate(config)
    np.testing.assert_allclose(sets(config, data, 16).y_curve, 0.0, atol=1e-12)
    assert np.abs(nested(config, data, 256).y).max() > 0.5


def test_samples_are_new_points_with_the_same_clean_target() -> None:
    data = generate(SPHERE)
    x, y = sample(SPHERE, data, 500)
    assert x.shape == (500, 5)
    np.testing.assert_allclose(y[:, 0], data.target_scale * (x[:, 0] + x[:, 1] * x[:, 2]) / np.sqrt(2), rtol=1e-12)
    np.testing.assert_array_equal(x[:40], data.x_test)
    few, _ = sample(SPHERE, data, 10)
    assert few.shape == (10, 5)


def test_a_finite_domain_gives_all_that_it_has() -> None:
    config = ParityConfig(dim=6, size=40, test_size=24, noise=0.3)
    x, y = sample(config, generate(config), 1000)
    assert len(np.unique(x, axis=0)) == len(x) == 64
    np.testing.assert_allclose(y[:, 0], x[:, 0] * x[:, 1])


@pytest.mark.parametrize("config", CONFIGS)
def test_sets(config: DatasetConfig) -> None:
    data = generate(config)
    points = sets(config, data, 16)
    np.testing.assert_array_equal(points.x[points.train], data.x_train)
    assert points.x[points.held_out].shape == (16, config.input_dim)
    held_out = {tuple(x) for x in data.x_test}
    assert all(tuple(x) in held_out for x in points.x[points.held_out])
    assert len(points.angle) == len(points.x[points.curve]) == len(points.y_curve)
    assert (len(points.angle) == 0) == isinstance(config, ParityConfig)


def test_curves_follow_the_first_two_coordinates() -> None:
    for config, radius in ((SPHERE, np.sqrt(5)), (SphereConfig(dim=5, radius=0.5), 0.5)):
        data = generate(config)
        points = sets(config, data, 16)
        x = points.x[points.curve]
        np.testing.assert_allclose(np.linalg.norm(x, axis=1), radius)
        np.testing.assert_allclose(x[:, 0], radius * np.cos(points.angle), atol=1e-12)
        expected = data.target_scale * np.sqrt(5) * np.cos(points.angle) / np.sqrt(2)
        np.testing.assert_allclose(points.y_curve[:, 0], expected, atol=1e-12)
    data = generate(CIRCLE)
    points = sets(CIRCLE, data, 16)
    expected = data.target_scale * circle_target(points.x[points.curve])
    np.testing.assert_allclose(points.y_curve[:, 0], expected, atol=1e-12)
