"""The exact-law sampler against exact moments and, by Kolmogorov-Smirnov, against differentiated networks."""

import math

import numpy as np
import pytest
import scipy.stats
from initialisation_oracles import network_draws, z_score

from engine.initialisation.higher_moments import log_moment
from engine.initialisation.law import law_of
from engine.initialisation.moments import moments
from engine.initialisation.sampler import Draws, _Walk, draw, draw_chunks

SHAPES = [(3, 1), (2, 1, 3, 1), (3, 2, 2, 1), (3, 5, 4, 7, 1), (10, 8, 8, 8, 8, 1), (4, 1, 1, 2, 1), (5, 30, 3, 1)]


def gathered(law, draws, seed):
    chunks = list(draw_chunks(law, draws, seed))
    return {name: np.concatenate([getattr(c, name) for c in chunks]) for name in ("f", "K_w", "K_b", "gHg")}


@pytest.mark.parametrize("readout", ["linear", "relu"])
@pytest.mark.parametrize("widths", SHAPES, ids=str)
def test_means_are_the_exact_moments(widths, readout):
    law = law_of(widths, readout=readout, norm_x_squared=1.5)
    found, exact = gathered(law, 40_000, seed=sum(widths)), moments(law)
    f, w, b, gHg = (found[name] for name in ("f", "K_w", "K_b", "gHg"))
    m = {
        name: float(np.exp(getattr(exact, f"log_{name}")[0]))
        for name in ("E_Kw", "E_Kb", "E_Kw2", "E_Kb2", "E_KwKb", "E_K2")
    }
    # In exact standard errors: the sample's own is too small where the law is skewed.
    exact_errors = {
        "E_Kw": (w, m["E_Kw2"] - m["E_Kw"] ** 2),
        "E_Kb": (b, m["E_Kb2"] - m["E_Kb"] ** 2),
        "E_K2": ((w + b) ** 2, np.exp(log_moment(law, 4)) - m["E_K2"] ** 2),
    }
    for name, (values, variance) in exact_errors.items():
        if variance < 1e-9 * m[name] ** 2:
            assert values == pytest.approx(m[name], rel=1e-12)
        else:
            assert abs(values.mean() - m[name]) < 4.5 * np.sqrt(variance / len(values)), name
    if 0 < law.beta < 2:  # beyond, g^T H g is too skewed for its own standard error
        assert abs(z_score(gHg, np.exp(exact.log_E_gHg[0]))) < 5
        for target in (0.0, 1.0):
            assert abs(z_score(Draws(f, w, b, gHg).dK(target), exact.E_dK(target)[0])) < 5


@pytest.mark.parametrize("readout", ["linear", "relu"])
@pytest.mark.parametrize("widths", [(2, 1, 3, 1), (3, 2, 2, 1), (3, 6, 4, 5, 1)], ids=str)
def test_distribution_is_that_of_networks(widths, readout):
    networks = network_draws(widths, 8000, 3, readout=readout, norm=0.7)
    found = gathered(law_of(widths, readout=readout, norm_x_squared=0.7), 8000, 4)
    for name, values in zip(("f", "K_w", "K_b", "gHg"), networks, strict=True):
        # Zeros (dead networks) come out as zeros in both; rounding may not split them.
        got, want = (np.where(np.abs(v) < 1e-13, 0, np.round(v, 12)) for v in (found[name], values))
        assert scipy.stats.ks_2samp(got, want).pvalue > 1e-4, name
    joint = [found["K_w"] * found["K_b"] + found["gHg"], networks[1] * networks[2] + networks[3]]
    assert scipy.stats.ks_2samp(*(np.round(v, 10) for v in joint)).pvalue > 1e-4


REDUCTIONS = {
    "sigma_w": ({"sigma_w": 1.0}, {"sigmas": [1.0] * 3}),
    "each layer's": ({"sigma_w": [1.0, 2.0, 0.7]}, {"sigmas": [1.0, 2.0, 0.7]}),
    "readout": ({"sigma_w_readout": 0.5}, {"sigmas": [math.sqrt(2), math.sqrt(2), 0.5]}),
    "sigma_b": ({"sigma_b": 0.3, "sigma_w": 1.2}, {"sigma_b": 0.3, "sigmas": [1.2] * 3}),
    "untrained": ({"train_bias": False}, {"train_bias": False}),
    "no output bias": ({"output_bias": False}, {"output_bias": False}),
    "alpha": ({"alpha": 2.0}, {"alpha": 2.0}),
}


@pytest.mark.parametrize(("case", "readout"), list(zip(REDUCTIONS, ["linear", "relu"] * 4, strict=False)))
def test_reductions_against_networks(case, readout):
    ours, theirs = REDUCTIONS[case]
    law = law_of((3, 4, 6, 1), readout=readout, **ours)
    f, w, b, gHg = network_draws((3, 4, 6, 1), 20_000, 5, readout=readout, **theirs)
    exact, found = moments(law), gathered(law, 20_000, 6)
    samples = {"E_Kw": w, "E_Kb": b, "E_Kw2": w**2, "E_KwKb": w * b, "E_Kb2": b**2, "E_gHg": gHg}
    for name, values in samples.items():
        expected = np.exp(getattr(exact, f"log_{name}")[0])
        assert abs(z_score(values, expected)) < 4.5 if np.ptp(values) else expected == 0, name
    assert abs(z_score(-2 * (f - 0.5) * gHg, exact.E_dK(0.5)[0])) < 4.5
    for name, values in zip(("f", "K_w", "K_b", "gHg"), (f, w, b, gHg), strict=True):
        pair = [np.where(np.abs(v) < 1e-13, 0, np.round(v, 12)) for v in (found[name], values)]
        assert scipy.stats.ks_2samp(*pair).pvalue > 1e-4, name


@pytest.mark.parametrize("m", [1, 2, 5])
def test_a_layer_adds_a_wishart_matrix(m):
    """theory.md 3: the Gram of (delta, q) is v v^T plus a Wishart matrix W on the Gram above, m - 1 degrees of freedom.

    E[W] = (m - 1) G and Var(W_12) = (m - 1)(G_12^2 + G_11 G_22): no mean of f, K or g^T H g sees all of it.
    """
    size, width, psi, k, u, along, across = 100_000, 8, 0.6, 1.3, 0.9, 0.4, 1.7
    walk = _Walk(law_of((3, width, 1)), np.full(size, psi), True)
    for name, value in {"k": k, "u": u, "q_along": along, "q_across": across}.items():
        setattr(walk, name, np.full(size, value))
    tau = 2 / width * 2.5
    walk.step(width, 1.0, np.full(size, m), np.full(size, 2.5), np.random.default_rng(m))
    G, c = np.array([[u**2, u * along], [u * along, along**2 + across**2]]), 2 / width
    W = [walk.u**2 / c - psi**2, walk.a / (c * np.sqrt(tau)) - psi * k]
    W.append((walk.q_along**2 + walk.q_across**2) / (c * tau) - k**2)
    for values, expected in zip(W, (G[0, 0], G[0, 1], G[1, 1]), strict=True):
        if m == 1:
            assert values == pytest.approx(0, abs=1e-12)
        else:
            assert abs(z_score(values, (m - 1) * expected)) < 4.5
    if m > 1:
        spread = (W[1] - (m - 1) * G[0, 1]) ** 2
        assert abs(z_score(spread, (m - 1) * (G[0, 1] ** 2 + G[0, 0] * G[1, 1]))) < 4.5


def test_same_seed_same_draws():
    law = law_of((3, 5, 4, 1))
    one, two, other = (gathered(law, 20_000, seed) for seed in (1, 1, 2))
    assert np.array_equal(one["gHg"], two["gHg"])
    assert not np.array_equal(one["K_w"], other["K_w"])
    assert len(one["f"]) == 20_000


@pytest.mark.parametrize("widths", [(10, *[1_000_000] * 50, 1), (10, *[3] * 10_000, 1), (5, *[1] * 10_000, 1)], ids=len)
def test_any_width_and_depth(widths):
    found = draw(law_of(widths), 50, np.random.default_rng(0))
    for values in (found.f, found.K_w, found.K_b, found.gHg):
        assert values is not None
        assert np.all(np.isfinite(values))
    assert np.all(found.K_b >= 1)


def test_deep_and_wide_keeps_its_mean():
    """Depth 10^4 at beta = .01: nothing is lost on the way through 10^4 layers."""
    law = law_of((10, *[1_000_000] * 10_000, 1), train_bias=False)
    found, exact = draw(law, 100, np.random.default_rng(0), first_step=False), moments(law)
    assert abs(z_score(found.K, np.exp(exact.log_E_K[0]))) < 4


@pytest.mark.parametrize("sigma", [0.1, 30.0])
def test_far_off_critical(sigma):
    """Scale carried as an exponent: K_w is the critical one times (sigma^2/2)^d, draw by draw."""
    widths = (3, *[6] * 100, 1)
    one, two = (
        draw(law_of(widths, sigma_w=s, train_bias=False), 500, np.random.default_rng(1)) for s in ("critical", sigma)
    )
    ratio = 101 * math.log(sigma**2 / 2)
    living = (two.K_w > 0) & (one.K_w > 0)
    assert np.any(living)
    assert np.log(two.K_w[living]) - np.log(one.K_w[living]) == pytest.approx(ratio, rel=1e-10)


def test_dead_networks():
    """Width 1: half of the networks die; with a linear readout K_b = 1 remains, with a ReLU one nothing."""
    linear, relu = (draw(law_of((3, 1, 1), readout=r), 40_000, np.random.default_rng(2)) for r in ("linear", "relu"))
    dead = linear.K_w == 0
    assert abs(z_score(dead, 0.5)) < 4
    assert np.all(linear.K_b[dead] == 1)
    assert np.all(linear.f[dead] == 0)
    assert abs(z_score(relu.K == 0, 0.75)) < 4


def test_without_the_first_step_there_is_no_rate():
    found = draw(law_of((3, 4, 1)), 10, np.random.default_rng(0), first_step=False)
    with pytest.raises(ValueError, match="first_step"):
        found.dK(0.0)


def test_centred_functions_are_zero():
    assert np.all(draw(law_of((3, 4, 1), centred=True), 10, np.random.default_rng(0)).f == 0)
