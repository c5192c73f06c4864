"""Summaries of a spectrum against their closed forms."""

import numpy as np
import pytest

from engine.networks.infinite import ntk
from engine.networks.mlp_config import MLPConfig
from engine.rkhs import bias
from engine.rkhs.gram import Gram


def diagonal(values: np.ndarray) -> Gram:
    return Gram.of(np.diag(values))


def test_numbers_of_modes() -> None:
    flat, mixed = diagonal(np.full(10, 3.0)), diagonal(np.array([4.0, 2.0, 1.0, 1.0]))
    assert bias.effective_dimension(flat, 1.0) == pytest.approx(5.0)
    assert bias.effective_dimension(mixed, 0.5) == pytest.approx(4 / 5 + 2 / 3 + 1 / 2 + 1 / 2)
    assert bias.stable_rank(flat) == pytest.approx(10.0)
    assert bias.stable_rank(mixed) == pytest.approx(2.0)
    assert bias.participation_ratio(mixed) == pytest.approx(64 / 22)
    assert bias.spectral_entropy(flat) == pytest.approx(np.log(10))
    assert bias.spectral_entropy(mixed) == pytest.approx(np.log(2) / 2 + np.log(4) / 4 + np.log(8) / 4)
    assert bias.spectral_entropy(diagonal(np.array([1.0, 0.0]))) == 0.0
    assert np.isnan(bias.spectral_entropy(diagonal(np.zeros(2))))


def test_power_and_strength() -> None:
    rng = np.random.default_rng(0)
    Q = np.linalg.qr(rng.standard_normal((8, 8)))[0]
    values = np.arange(8.0, 0.0, -1.0)
    gram = Gram.of(Q * values @ Q.T)
    y = Q[:, [1]] * 3 + Q[:, [4]] * 4
    np.testing.assert_allclose(bias.target_power(gram, y), [0, 9 / 25, 0, 0, 16 / 25, 0, 0, 0], atol=1e-12)
    np.testing.assert_allclose(bias.mode_strength(Q * values @ Q.T, gram), values / 4.5, rtol=1e-12)
    strength = bias.mode_strength(y @ y.T, gram)
    np.testing.assert_allclose(strength, 8 * np.array([0, 9 / 25, 0, 0, 16 / 25, 0, 0, 0]), atol=1e-12)
    assert bias.alignment(y @ y.T, y) == pytest.approx(1.0)
    assert bias.alignment(np.eye(8), y) == pytest.approx(1 / np.sqrt(8))


def test_angles_of_a_known_rotation() -> None:
    """A plane turned by 0.3 and 1.1 in two orthogonal directions."""
    U, V = np.eye(4), np.zeros((4, 4))
    for column, angle in enumerate((1.1, 0.3)):
        V[column, column], V[column + 2, column] = np.cos(angle), np.sin(angle)
        V[column, column + 2], V[column + 2, column + 2] = -np.sin(angle), np.cos(angle)
    np.testing.assert_allclose(bias.principal_angles(U, V, 2), [0.3, 1.1], atol=1e-12)


def test_modes_are_matched_and_turned() -> None:
    values = np.arange(12.0, 0.0, -1.0)
    rng = np.random.default_rng(0)
    Q = np.linalg.qr(rng.standard_normal((12, 12)))[0]
    order = np.array([2, 0, 1, 3, 4, 5, 6, 7, 8, 9, 10, 11])
    start = Gram(values, Q, 0.0, 1e-16)
    now = Gram(values, Q[:, order] * np.array([-1, 1, -1] + [1] * 9), 0.0, 1e-16)
    position, overlap, sign = bias.matched_modes(start, now, 4)
    np.testing.assert_array_equal(position, [1, 2, 0, 3])
    np.testing.assert_allclose(overlap, 1.0, atol=1e-12)
    np.testing.assert_allclose(now.vectors[:, position] * sign, Q[:, :4], atol=1e-12)


def test_the_largest_gap() -> None:
    assert bias.largest_gap(diagonal(np.array([9.0, 8.0, 7.0, 1.0, 0.9, 0.8, 0.7, 0.6]))) == 3
    assert bias.largest_gap(diagonal(np.zeros(6))) == 1
    # A drop into the noise is no gap.
    assert bias.largest_gap(diagonal(np.array([4.0, 1.0, 0.9, 1e-20, 1e-20, 1e-20, 0, 0]))) == 1


@pytest.mark.parametrize(("points", "exponent", "near"), [("grid", 1.96, 0.02), ("random", 2.01, 0.02)])
def test_the_law_of_the_circle_is_fitted_to_half_of_the_spectrum(points: str, exponent: float, near: float) -> None:
    """docs/figures.md, depth 1, p = 1024, where the law is 2: a fit to p gives 1.86 +- .03."""
    size = 1024
    angle = 2 * np.pi * (np.arange(size) / size if points == "grid" else np.random.default_rng(0).uniform(size=size))
    network = MLPConfig.from_dict({"depth": 1, "width": 8, "sigma_w_readout": 1.0, "output_bias": False})
    K = ntk(network, np.stack([np.cos(angle), np.sin(angle)], axis=1))
    found = bias.decay(Gram.of(K).values)
    assert found.last == size // 2
    assert found.exponent == pytest.approx(exponent, abs=near)
    assert abs(found.exponent - 2) < 0.06


@pytest.mark.parametrize("exponent", [0.7, 1.5, 3.0])
def test_power_laws_are_found(exponent: float) -> None:
    rng = np.random.default_rng(0)
    values = np.arange(1.0, 257) ** -exponent
    exact = bias.decay(diagonal(values).values)
    assert exact.exponent == pytest.approx(exponent, abs=0.02)  # means over bins lie off the curve
    assert (exact.first, exact.last, exact.reason) == (8, 128, "")
    noisy = bias.decay(diagonal(np.sort(values * np.exp(0.1 * rng.standard_normal(256)))[::-1]).values)
    assert noisy.exponent == pytest.approx(exponent, abs=4 * noisy.error + 0.02)
    assert noisy.error > 0


def test_other_spectra_are_not() -> None:
    exponential = bias.decay(diagonal(np.exp(-0.1 * np.arange(128.0))).values)
    assert np.isnan(exponential.exponent)
    assert "not a power law" in exponential.reason
    assert exponential.error > 0.1
    few = bias.decay(diagonal(np.concatenate([np.arange(1.0, 11) ** -2, np.zeros(54)])).values)
    assert "only 7 eigenvalues from 4 to p/2 and above the noise floor" in few.reason
    assert "only 0" in bias.decay(diagonal(np.zeros(64)).values).reason


def test_the_fit_stops_at_the_noise_floor() -> None:
    """A power law until rounding: what lies under p u l_1 does not bend the fit."""
    values = np.arange(1.0, 257) ** -6.0
    values[128:] = 1e-15
    found = bias.decay(diagonal(values).values)
    assert found.last == 128
    assert found.exponent == pytest.approx(6.0, abs=0.1)
