"""Solves on kernels with known spectra: right where they say so, regularised or refused elsewhere."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.rkhs.gram import FLAGS, JITTER, Gram, ridged_norm, scale_free

SIZE = 64
ROUNDOFF = 1.1e-16


def rotation(rng: np.random.Generator, size: int) -> np.ndarray:
    return np.linalg.qr(rng.standard_normal((size, size)))[0]


def made(values: np.ndarray, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """A symmetric matrix with these eigenvalues, and its eigenvectors."""
    Q = rotation(np.random.default_rng(seed), len(values))
    K = Q * values @ Q.T
    return (K + K.T) / 2, Q


@pytest.mark.parametrize("digits", range(2, 17))
def test_condition_numbers_from_1e2_to_1e16(digits: int) -> None:
    """y with equal weight on every mode: y^T K^-1 y = sum 1/l is ruled by the smallest eigenvalues."""
    values = np.logspace(0, -digits, SIZE)
    K, Q = made(values)
    y = Q.sum(axis=1, keepdims=True)
    gram = Gram.of(K)
    solved = gram.norm(y)
    if digits <= 12:
        assert gram.flag == "ok"
        assert gram.condition == pytest.approx(10.0**digits, rel=2e-3)
        assert (solved.ridge, gram.rank) == (0.0, SIZE)
        assert solved.value == pytest.approx(np.sum(1 / values), rel=5 * 10.0**digits * ROUNDOFF)
    else:
        assert solved.flag == ("ill-conditioned" if digits <= 14 else "rank-deficient")
        assert not solved.determined
    # The jitter decides from 1e-10 on; until well below it cannot.
    if digits <= 7:
        assert solved.flag == "ok"
    if digits >= 10:
        assert solved.flag != "ok"


@pytest.mark.parametrize("digits", range(2, 17))
def test_a_target_in_the_leading_modes_is_determined_at_any_condition(digits: int) -> None:
    values = np.logspace(0, -digits, SIZE)
    K, Q = made(values)
    y = Q[:, :3] @ np.array([[1.0], [2.0], [3.0]])
    solved = Gram.of(K).norm(y)
    assert solved.determined
    assert solved.value == pytest.approx(np.sum(np.array([1, 4, 9]) / values[:3]), rel=1e-6)
    assert (solved.ridge > 0) == (digits > 12)


@pytest.mark.parametrize(("condition", "determined"), [(6e12, True), (9e12, False)])
def test_a_norm_that_noise_moves_by_over_5_percent_is_not_determined(condition: float, determined: bool) -> None:
    """a = K^-1 y of the smallest mode: noise at the floor moves y^T a by floor |a|^2, p u cond of it: .042 and .063."""
    gram = Gram.of(np.diag([1.0] * 63 + [1 / condition]))
    y = np.eye(64)[:, -1:]
    assert gram.flag == "ok"
    solved = gram.norm(y)
    assert solved.determined is determined
    if determined:
        assert solved.value == pytest.approx(condition)


def test_a_rank_deficient_kernel_knows_its_span() -> None:
    """K = A A^T: functions A w have norm ||w|| by least squares; others lie partly outside."""
    rng = np.random.default_rng(1)
    A = rng.standard_normal((40, 12))
    gram = Gram.of(A @ A.T)
    inside = A @ rng.standard_normal((12, 2))
    solved = gram.norm(inside)
    weights = np.linalg.lstsq(A, inside, rcond=None)[0]
    assert (gram.rank, solved.flag) == (12, "rank-deficient")
    assert gram.condition == np.inf
    assert solved.ridge == pytest.approx(JITTER * np.sum(A**2) / 40)
    assert solved.value == pytest.approx(np.sum(weights**2), rel=1e-6)
    assert gram.outside(inside) < 1e-12
    Q = np.linalg.qr(A)[0]
    beyond = rng.standard_normal((40, 1))
    beyond -= Q @ (Q.T @ beyond)
    unit = inside[:, :1] / np.linalg.norm(inside[:, 0])
    mixed = 3 * unit + 4 * beyond / np.linalg.norm(beyond)
    assert gram.outside(mixed) == pytest.approx(0.8, rel=1e-12)
    assert not gram.norm(mixed).determined


def test_nothing_is_outside_the_span_of_a_kernel_of_full_rank() -> None:
    K, _ = made(np.linspace(1, 2, 8))
    assert np.isnan(Gram.of(K).outside(np.ones((8, 1))))


def test_precision_moves_the_noise_floor() -> None:
    """Eigenvalues of 1e-6 are rank in float64 and noise in float32 (u p l_1 = 6e-8 x 64)."""
    values = np.concatenate([np.ones(32), np.full(32, 1e-6)])
    K, Q = made(values)
    y = Q.sum(axis=1, keepdims=True)
    assert Gram.of(K).rank == 64
    single = Gram.of(K, "float32")
    assert single.rank == 32
    assert single.jitter == pytest.approx(single.floor)
    assert not single.norm(y).determined
    assert single.norm(Q[:, :32].sum(axis=1, keepdims=True)).value == pytest.approx(32, rel=1e-4)


def test_zero_kernels_determine_nothing() -> None:
    gram, y = Gram.of(np.zeros((5, 5))), np.ones((5, 1))
    assert not gram.norm(y).determined
    assert np.isnan(ridged_norm(gram, y, 1e-2))
    assert (gram.rank, gram.flag) == (0, "rank-deficient")
    np.testing.assert_array_equal(gram.solve(y, 0.0), np.zeros((5, 1)))


def test_solve_inverts() -> None:
    K, _ = made(np.logspace(0, -3, 20))
    y = np.random.default_rng(2).standard_normal((20, 3))
    np.testing.assert_allclose(Gram.of(K).solve(y, 0.1), np.linalg.solve(K + 0.1 * np.eye(20), y), rtol=1e-10)


@given(st.floats(1e-3, 1e3), st.floats(1e-3, 1e3), st.integers(0, 9))
def test_the_scale_free_norm_is_free_of_scale(c: float, a: float, seed: int) -> None:
    K, Q = made(np.logspace(0, -4, 16), seed)
    y = Q @ np.arange(16.0)[:, None]
    gram, scaled = Gram.of(K), Gram.of(c * K)
    S = scale_free(gram, y, gram.norm(y))
    assert scale_free(scaled, a * y, scaled.norm(a * y)) == pytest.approx(S, rel=1e-8)
    assert ridged_norm(scaled, a * y, 1e-3) == pytest.approx(ridged_norm(gram, y, 1e-3), rel=1e-8)


def test_it_is_one_for_a_multiple_of_the_identity() -> None:
    gram, y = Gram.of(7 * np.eye(9)), np.arange(9.0)[:, None]
    assert scale_free(gram, y, gram.norm(y)) == pytest.approx(1.0, rel=1e-12)
    assert ridged_norm(gram, y, 0.25) == pytest.approx(0.8, rel=1e-12)
    assert FLAGS.index(gram.norm(y).flag) == 0
