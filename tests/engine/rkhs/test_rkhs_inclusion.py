"""Inclusion constants against closed forms, SciPy's generalised eigenvalues, and the inequality they promise."""

import numpy as np
import pytest
import scipy.linalg

from engine.rkhs.comparison import Space, compared, enlargement, interpolant_norms
from engine.rkhs.gram import RIDGES, Gram, inclusion_constant
from engine.rkhs.points import Nested


def random_kernel(rng: np.random.Generator, p: int, decay: float) -> np.ndarray:
    Q = np.linalg.qr(rng.standard_normal((p, p)))[0]
    return Q * np.arange(1, p + 1) ** -decay @ Q.T


@pytest.mark.parametrize("ridge", RIDGES)
def test_commuting_kernels(ridge: float) -> None:
    """Diagonal kernels: sqrt(max (a + e)/(b + e)) at mean eigenvalue 1."""
    a, b = np.array([3.0, 1.0, 0.5, 0.1]), np.array([1.0, 2.0, 0.05, 0.4])
    expected = np.sqrt(np.max((a / a.mean() + ridge) / (b / b.mean() + ridge)))
    assert inclusion_constant(5 * np.diag(a), Gram.of(np.diag(b)), ridge) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("ridge", RIDGES)
def test_generalised_eigenvalues(ridge: float) -> None:
    rng = np.random.default_rng(0)
    A, B = random_kernel(rng, 30, 1.5), random_kernel(rng, 30, 2.0)
    a, b = (K / np.trace(K) * 30 + ridge * np.eye(30) for K in (A, B))
    expected = np.sqrt(scipy.linalg.eigh(a, b, eigvals_only=True)[-1])
    assert inclusion_constant(A, Gram.of(B), ridge) == pytest.approx(expected, rel=1e-8)


def test_the_unit_ball_lies_where_it_says() -> None:
    """||f||_outer <= C ||f||_inner for every f, nearly reached by some; itself in itself is 1."""
    rng = np.random.default_rng(1)
    A, B = random_kernel(rng, 12, 1.0), random_kernel(rng, 12, 1.2)
    A, B = A / np.trace(A), B / np.trace(B)
    C = inclusion_constant(A, Gram.of(B), 0.0)
    f = rng.standard_normal((12, 20_000))
    outer, inner = (np.einsum("pn,pn->n", f, np.linalg.solve(K, f)) for K in (B, A))
    assert np.sqrt(np.max(outer / inner)) <= C
    assert np.sqrt(np.max(outer / inner)) > 0.5 * C
    assert inclusion_constant(A, Gram.of(A), 1e-4) == pytest.approx(1.0, rel=1e-10)


def test_norms_across_spaces_keep_to_the_constants() -> None:
    """With the same ridge in both, ||s||_outer <= C ||s||_inner holds for the interpolants too."""
    rng = np.random.default_rng(2)
    now, start = (Space.of(random_kernel(rng, 40, decay), "float64") for decay in (1.5, 2.0))
    y = rng.standard_normal((10, 1))
    own, first = (space.K[:, :10] @ np.linalg.solve(space.K[:10, :10], y) for space in (now, start))
    found = interpolant_norms(now, start, own, first)
    for at, ridge in enumerate(RIDGES[:-1]):
        forward, reverse = (inclusion_constant(a.K, b.gram, ridge) for a, b in ((now, start), (start, now)))
        assert 1 < found["across_t_in_0"][at] / found["across_t_in_t"][at] <= forward**2
        assert 1 < found["across_0_in_t"][at] / found["across_0_in_0"][at] <= reverse**2
    # Without ridge the norm of an interpolant is that of the targets.
    raw = np.trace(now.K) / 40 * y[:, 0] @ np.linalg.solve(now.K[:10, :10], y[:, 0]) / np.sum(own**2)
    assert found["across_t_in_t"][-1] == pytest.approx(raw, rel=0.01)


def test_where_it_is_no_inclusion_the_constant_grows_as_the_ridge_falls() -> None:
    """Quadratics are no linear functions: C^2 ~ 1/e; linear functions are quadratics: bounded."""
    x = np.linspace(-1, 1, 25)
    linear, quadratic = 1 + np.multiply.outer(x, x), (1 + np.multiply.outer(x, x)) ** 2
    reverse = [inclusion_constant(quadratic, Gram.of(linear), ridge) for ridge in RIDGES]
    forward = [inclusion_constant(linear, Gram.of(quadratic), ridge) for ridge in RIDGES]
    assert reverse[1] / reverse[0] == pytest.approx(10, rel=0.02)
    assert reverse[2] / reverse[1] == pytest.approx(10, rel=0.02)
    # At equal trace 1 + x z <= c (1 + x z)^2 has the constant of the traces at most, since 1 + 2 x z >= 1 + x z.
    assert max(forward[:3]) <= np.sqrt(np.trace(quadratic) / np.trace(linear)) * (1 + 1e-9)
    assert np.isnan(reverse[3])
    assert np.isnan(forward[3])


def test_ridges_under_the_noise_floor_give_no_number() -> None:
    K = np.diag(np.concatenate([np.ones(40), np.full(40, 1e-9)]))
    assert np.isnan(inclusion_constant(np.eye(80), Gram.of(K, "float32"), 1e-6))
    assert np.isfinite(inclusion_constant(np.eye(80), Gram.of(K, "float32"), 1e-2))
    assert np.isnan(inclusion_constant(np.zeros((80, 80)), Gram.of(K), 1e-2))


def test_spectra_that_are_nearly_one_value() -> None:
    """One feature in both spaces, everything else the ridge: LAPACK's search for a single eigenvalue fails on it."""
    v = np.random.default_rng(0).standard_normal(512)
    K = np.outer(v, v)
    assert inclusion_constant(K, Gram.of(K), 1e-2) == pytest.approx(1.0, rel=1e-9)


def test_kernels_near_the_ends_of_float64() -> None:
    huge, tiny = 1e300 * np.eye(4), 1e-300 * np.eye(4)
    for K in (huge, tiny):
        assert inclusion_constant(K, Gram.of(K), 1e-2) == pytest.approx(1.0, rel=1e-9)
    assert np.isnan(inclusion_constant(np.inf * np.ones((4, 4)), Gram.of(tiny), 1e-2))


def test_each_direction_under_its_name() -> None:
    """K_t = diag(3, 1) and K_0 = I at equal trace: (3/2 + e)/(1 + e) one way, (1 + e)/(1/2 + e) the other."""
    later, start, f = np.diag([3.0, 1.0]), np.eye(2), np.array([[2.0], [1.0]])
    e = np.array(RIDGES)
    directions = {"H_t_in_H_0": np.sqrt((1.5 + e) / (1 + e)), "H_0_in_H_t": np.sqrt((1 + e) / (0.5 + e))}
    found = compared(Space.of(later, "float64"), Space.of(start, "float64"), f, 1)
    grids = enlargement(Nested(np.zeros((2, 1)), f, (np.arange(2),)), (start, later), f, "float64")
    for name, expected in directions.items():
        np.testing.assert_allclose(found[name], expected, rtol=1e-12)
        np.testing.assert_allclose(grids[f"grid_{name}"][0], expected, rtol=1e-12)
    # f^T K^-1 f: 4/3 + 1 in H_t, 4 + 1 in H_0.
    assert found["function_norm"] == pytest.approx(7 / 3)
    assert found["function_in_H_0_norm"] == pytest.approx(5)
