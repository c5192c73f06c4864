"""Diagnostics on kernels whose answers are known."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import numerics
from engine.training import diagnostics


def kernel_with(spectrum: np.ndarray, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """A kernel with this spectrum (descending) and its eigenvectors."""
    U, _ = np.linalg.qr(np.random.default_rng(seed).standard_normal((len(spectrum),) * 2))
    return (U * spectrum) @ U.T, U


def test_spectrum_of_a_known_kernel() -> None:
    known = 2.0 ** -np.arange(12)
    K, U = kernel_with(known)
    values, vectors = diagnostics.spectrum(K)
    np.testing.assert_allclose(values, known, rtol=1e-12)
    np.testing.assert_allclose(np.abs(np.sum(U * vectors, axis=0)), 1, rtol=1e-10)
    assert numerics.noise_floor(values) == pytest.approx(12 * 1.1e-16)
    assert numerics.noise_floor(values, "mixed") == pytest.approx(12 * 6e-8)
    # A kernel's own rounding, where it was measured, counts where it is the higher one.
    assert numerics.noise_floor(3 * values, rounding=1e-9) == pytest.approx(3e-9)
    assert numerics.noise_floor(3 * values, rounding=1e-17) == pytest.approx(3 * 12 * 1.1e-16)


def test_kernels_that_are_not_finite_have_no_spectrum() -> None:
    values, vectors = diagnostics.spectrum(np.full((3, 3), np.nan))
    assert np.isnan(values).all()
    assert np.isnan(vectors).all()


def test_drift_separates_scale_from_shape() -> None:
    K, _ = kernel_with(np.array([3.0, 2.0, 1.0]))
    assert diagnostics.drift(1.7 * K, K) == pytest.approx(0.7)
    assert diagnostics.shape_drift(1.7 * K, K) == pytest.approx(0, abs=1e-15)
    first, second = np.diag([1.0, 0.0]), np.diag([0.0, 1.0])
    assert diagnostics.shape_drift(first, second) == pytest.approx(np.sqrt(2))
    assert diagnostics.drift(second, first) == pytest.approx(np.sqrt(2))
    assert diagnostics.drift(0 * K, K) == 1.0
    assert np.isnan(diagnostics.drift(K, 0 * K))


def test_alignment_of_the_target_s_own_kernel_is_one() -> None:
    y = np.random.default_rng(1).standard_normal((9, 1))
    assert diagnostics.alignment(y @ y.T, y) == pytest.approx(1)
    assert diagnostics.alignment(y @ y.T + 5.0, y) == pytest.approx(1)  # constants are taken out
    centred = y - y.mean(0)
    assert diagnostics.alignment(np.eye(9), y) == pytest.approx(1 / np.sqrt(8))
    assert diagnostics.cka(np.eye(9), centred @ centred.T) == pytest.approx(1 / np.sqrt(8))


def test_alignment_of_several_outputs_is_with_their_sum() -> None:
    y = np.random.default_rng(2).standard_normal((7, 3))
    assert diagnostics.alignment(y @ y.T, y) == pytest.approx(1)


def test_overlap_of_equal_orthogonal_and_random_spaces() -> None:
    U = np.eye(40)
    assert diagnostics.overlap(U, U, 5) == 1
    assert diagnostics.overlap(U, np.roll(U, 5, axis=1), 5) == 0
    chance = [diagnostics.overlap(U, kernel_with(np.ones(40), seed)[1], 4) for seed in range(400)]
    assert abs(np.mean(chance) - 4 / 40) < 4 * np.std(chance) / 20


def test_mode_amplitudes_are_an_orthogonal_decomposition() -> None:
    _, U = kernel_with(np.arange(6, 0, -1.0))
    r = 3 * U[:, [2]] - 4 * U[:, [4]]
    np.testing.assert_allclose(diagnostics.mode_amplitudes(U, r), [0, 0, 3, 0, 4, 0], atol=1e-12)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6), size=st.integers(2, 9), scale=st.floats(1e-3, 1e3))
def test_ranges_and_invariances(seed: int, size: int, scale: float) -> None:
    A, B = (kernel_with(np.random.default_rng(seed + i).uniform(0.1, 1, size), seed + i)[0] for i in range(2))
    y = np.random.default_rng(seed).standard_normal((size, 2))
    assert -1e-12 <= diagnostics.cka(A, B) <= 1 + 1e-12
    assert diagnostics.cka(A, B) == pytest.approx(diagnostics.cka(scale * B, A))
    assert 0 <= diagnostics.shape_drift(A, B) <= 2
    order = np.random.default_rng(seed).permutation(size)
    shuffled = diagnostics.alignment(A[np.ix_(order, order)], y[order])
    assert diagnostics.alignment(A, y) == pytest.approx(shuffled, abs=1e-12)
