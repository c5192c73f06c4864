"""Targets of datasets, against their formulas."""

from math import sqrt

import numpy as np
import pytest
from scipy.special import eval_gegenbauer, eval_legendre

from engine.data import DATASETS, TARGETS, DataConfig, generate
from engine.data.targets import legendre, multiplicity
from engine.schema import Config


class Holder(Config):
    data: DataConfig


def config(name, **values):
    return Holder.from_dict({"data": {"name": name, **values}}).data


def every_target():
    for name, kind in DATASETS.items():
        yield from ((name, target) for target in getattr(kind, "targets", ()))
    yield from (("circle", target) for target in ("fourier", "sign", "abs_sin"))


def values(target, u, **settings_):
    class Settings:
        order = settings_.get("order", 2)
        frequencies = settings_.get("frequencies", ())
        amplitudes = settings_.get("amplitudes", ())
        phases = settings_.get("phases", ())

    return TARGETS[target].function(np.asarray(u, float), Settings)


def test_targets_by_hand():
    u = [[2.0, -3.0, 0.5, 4.0]]
    assert values("x0+x1x2", u) == pytest.approx([(2 - 1.5) / sqrt(2)])
    assert values("product", u) == pytest.approx([-6])
    assert values("parity", u, order=3) == pytest.approx([-1])
    assert values("staircase", u, order=3) == pytest.approx([(2 - 6 - 3) / sqrt(3)])
    assert values("hermite", u, order=3) == pytest.approx([(8 - 6) / sqrt(6)])
    angle = np.arctan2(-3.0, 2.0)
    assert values("abs_sin", u, order=2) == pytest.approx([abs(np.sin(2 * angle))])
    assert values("sign", u, order=1) == pytest.approx([-1])
    mixture = values("fourier", u, frequencies=(1, 3), amplitudes=(2.0, -1.0), phases=(0.0, 0.4))
    assert mixture == pytest.approx([2 * np.cos(angle) - np.cos(3 * angle + 0.4)])


@pytest.mark.parametrize("order", [1, 3, 4])
def test_sign_jumps_on_grid_points_take_the_value_just_after(order):
    data = generate(config("circle", target="sign", order=order, size=24))
    just_after = np.sign(np.sin(order * (data.angle_train + 1e-6)))
    np.testing.assert_array_equal(data.y_train[:, 0], just_after)


@pytest.mark.parametrize(
    ("name", "target"),
    [
        (name, target)
        for name in ("sphere", "gaussian_product")
        for target in ("x0+x1x2", "hermite", "staircase", "product", "harmonic")
        if target in DATASETS[name].targets
    ],
)
def test_targets_have_unit_mean_square_over_their_domain(name, target):
    """Exactly so for Gaussian inputs; for harmonics on the sphere; x0+x1x2 and the rest on the sphere up to 1/n_0."""
    data = generate(config(name, target=target, size=20000, dim=30, order=2, target_rms=None))
    squares = data.y_train**2
    error = squares.std() / sqrt(len(squares))
    allowance = 0 if name == "gaussian_product" or target == "harmonic" else 0.1
    assert abs(squares.mean() - 1) < 4.5 * error + allowance


@pytest.mark.parametrize(("name", "target"), list(every_target()))
def test_every_target_of_every_dataset_generates(name, target):
    data = generate(config(name, target=target))
    assert np.mean(data.y_train**2) == pytest.approx(1)


@pytest.mark.parametrize("degree", range(7))
def test_legendre_polynomials_against_scipy(degree):
    t = np.linspace(-1, 1, 41)
    np.testing.assert_allclose(legendre(degree, 2, t), np.cos(degree * np.arccos(t)), atol=1e-13)
    np.testing.assert_allclose(legendre(degree, 3, t), eval_legendre(degree, t), atol=1e-13)
    gegenbauer = eval_gegenbauer(degree, 3.0, t) / eval_gegenbauer(degree, 3.0, 1.0)
    np.testing.assert_allclose(legendre(degree, 8, t), gegenbauer, atol=1e-13)


def test_multiplicities():
    assert [multiplicity(k, 2) for k in range(4)] == [1, 2, 2, 2]
    assert [multiplicity(k, 3) for k in range(4)] == [1, 3, 5, 7]
    assert [multiplicity(k, 4) for k in range(4)] == [1, 4, 9, 16]


def test_frequencies_above_half_the_size_are_noted():
    data = generate(config("circle", size=16, frequencies=[3, 8, 13]))
    assert data.notes == (
        "frequency 8 is equal to size/2 = 8: the training points see it at one phase only",
        "frequency 13 is above size/2 = 8: on the training points it is the same as frequency 3",
    )
    low = generate(config("circle", size=16, frequencies=[3], target_rms=None))
    high = generate(config("circle", size=16, frequencies=[13], target_rms=None))
    np.testing.assert_allclose(low.y_train, high.y_train, atol=1e-12)
