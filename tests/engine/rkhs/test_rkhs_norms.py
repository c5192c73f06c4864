"""Norms known in closed form: the Brownian kernel, polynomial kernels, the circle's NTK by its Fourier series."""

import numpy as np
import pytest

from engine.networks import infinite
from engine.networks.mlp_config import MLPConfig
from engine.rkhs.comparison import growth
from engine.rkhs.gram import Gram

CIRCLE = MLPConfig.from_dict({"depth": 1, "activation": "relu", "sigma_w_readout": 1.0, "output_bias": False})
EIGENVALUES = np.array([0.55396355, 0.35132118, 0.07880537, 0.01125791, 0.00855601, 0.00405285])
"""Of the circle's NTK, frequencies 0 to 5 (docs/figures.md)."""


def brownian(p: int) -> tuple[np.ndarray, Gram]:
    t = np.arange(1, p + 1) / p
    return t, Gram.of(np.minimum.outer(t, t))


@pytest.mark.parametrize("p", [16, 64, 256])
def test_brownian_kernel_is_the_energy_of_the_piecewise_linear_interpolant(p: int) -> None:
    """||f||^2 = int f'^2 for f(0) = 0, and the interpolant is linear between points."""
    t, gram = brownian(p)
    f = np.sin(3 * t)
    solved = gram.norm(f[:, None])
    assert solved.flag == "ok"
    assert solved.value == pytest.approx(p * np.sum(np.diff(f, prepend=0.0) ** 2), rel=1e-9)
    assert solved.value == pytest.approx(4.5 + 0.75 * np.sin(6), rel=2 / p)


def test_growth_tells_members_from_others() -> None:
    """In the Brownian space a jump costs p, white noise p^2, and a smooth function stops."""
    sizes = np.array([32, 64, 128, 256, 512])
    rng, found = np.random.default_rng(0), {"smooth": [], "jump": [], "noise": []}
    for p in sizes:
        t, gram = brownian(p)
        functions = {"smooth": np.sin(3 * t), "jump": np.where(t > 0.5, 1.0, 0.0), "noise": rng.standard_normal(p)}
        for name, f in functions.items():
            found[name].append(gram.norm(f[:, None]).value)
    exponents = {name: growth(sizes, np.array(values)) for name, values in found.items()}
    assert abs(exponents["smooth"].exponent) < 0.01
    assert exponents["jump"].exponent == pytest.approx(1.0, abs=1e-6)
    assert exponents["noise"].exponent == pytest.approx(2.0, abs=4 * exponents["noise"].error + 0.05)
    assert exponents["jump"].largest == sizes[-1]


def test_growth_leaves_out_what_is_not_determined() -> None:
    sizes = np.array([16, 32, 64, 128])
    found = growth(sizes, np.where(sizes == 32, np.nan, sizes**1.5))
    assert found.exponent == pytest.approx(1.5, rel=1e-12)
    assert found.largest == 128
    assert np.isnan(growth(sizes, np.where(sizes < 64, np.nan, 1.0)).exponent)


def test_growth_is_that_of_the_largest_grids() -> None:
    """A norm that saturates is bounded, however steep it was on small grids."""
    sizes = np.array([16, 32, 64, 128, 256])
    assert growth(sizes, np.array([1.0, 5.0, 7.0, 7.0, 7.0])).exponent == pytest.approx(0, abs=1e-12)


def test_polynomial_kernel_is_the_norm_of_its_coefficients() -> None:
    """(1 + x z)^2 has features 1, sqrt(2) x, x^2: f = a + b x + c x^2 costs a^2 + b^2/2 + c^2 on any points."""
    x = np.linspace(-1, 1, 30)
    gram = Gram.of((1 + np.multiply.outer(x, x)) ** 2)
    f = (2 - 3 * x + 0.5 * x**2)[:, None]
    solved = gram.norm(f)
    assert (gram.rank, solved.flag) == (3, "rank-deficient")
    assert solved.value == pytest.approx(4 + 4.5 + 0.25, rel=1e-7)
    assert gram.outside(f) < 1e-10
    # The part of x^3 outside the quadratics, against a least-squares fit of them.
    cubic = x**3
    left = cubic - np.polyval(np.polyfit(x, cubic, 2), x)
    assert gram.outside(cubic[:, None]) == pytest.approx(np.linalg.norm(left) / np.linalg.norm(cubic), rel=1e-8)
    assert not gram.norm(cubic[:, None]).determined


def test_circle_ntk_by_its_fourier_series() -> None:
    """||f||^2 = sum c_k^2/l_k: with the uniform measure a cos(k t) has c^2 = a^2/2 (k > 0) or a^2."""
    amplitudes = np.array([0.5, -1.0, 2.0, 0.3, -0.7, 0.2])
    shares = amplitudes**2 * np.where(np.arange(6) == 0, 1.0, 0.5)
    expected = np.sum(shares / EIGENVALUES)
    norms = []
    for p in (32, 128, 512):
        angle = 2 * np.pi * np.arange(p) / p
        K = infinite.ntk(CIRCLE, np.stack([np.cos(angle), np.sin(angle)], axis=1))
        f = np.cos(np.multiply.outer(angle, np.arange(6))) @ amplitudes
        solved = Gram.of(K).norm(f[:, None])
        assert solved.determined
        norms.append(solved.value)
    assert np.all(np.diff(norms) > 0)  # norms of interpolants on nested grids grow ...
    assert np.all(np.array(norms) <= expected * (1 + 1e-7))  # ... to the norm of the function
    assert norms[-1] == pytest.approx(expected, rel=2e-4)


def test_membership_on_the_circle() -> None:
    """docs/figures.md: a frequency and |sin| stay bounded, a sign function grows like p^1.01 and noise like p^1.91."""
    sizes, rng = np.array([32, 64, 128, 256, 512]), np.random.default_rng(0)
    values: dict[str, list[float]] = {"cos": [], "abs_sin": [], "sign": [], "noise": []}
    for p in sizes:
        angle = 2 * np.pi * (np.arange(p) + 0.5) / p
        gram = Gram.of(infinite.ntk(CIRCLE, np.stack([np.cos(angle), np.sin(angle)], axis=1)))
        functions = {"cos": np.cos(3 * angle), "abs_sin": np.abs(np.sin(angle)), "sign": np.sign(np.sin(angle))}
        for name, f in {**functions, "noise": rng.standard_normal((p, 16))}.items():
            values[name].append(gram.norm(f.reshape(p, -1)).value)
    exponents = {name: growth(sizes, np.array(norms)).exponent for name, norms in values.items()}
    assert abs(exponents["cos"]) < 0.01
    assert 0 < exponents["abs_sin"] < 0.1
    assert exponents["sign"] == pytest.approx(1.01, abs=0.05)
    assert exponents["noise"] == pytest.approx(1.91, abs=0.15)  # 2 in the mean: l_k ~ k^-2


def test_single_frequencies_of_the_circle() -> None:
    angle = 2 * np.pi * np.arange(256) / 256
    gram = Gram.of(infinite.ntk(CIRCLE, np.stack([np.cos(angle), np.sin(angle)], axis=1)))
    for k in range(1, 6):
        assert gram.norm(np.sin(k * angle)[:, None]).value == pytest.approx(0.5 / EIGENVALUES[k], rel=2e-3)
