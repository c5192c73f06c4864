"""Exact-law Gram matrices against exact moments, the engine's kernel of drawn networks, and what a Gram must be."""

import jax
import numpy as np
import pytest
import scipy.stats
from initialisation_oracles import z_score

from engine.initialisation.brute_force import draw_network
from engine.initialisation.gram import gram_chunks
from engine.initialisation.law import InitialNetwork, exact_law, network_of
from engine.initialisation.moments import moments
from engine.networks.model import ntk
from engine.schema import ConfigError


def setting(**values):
    return InitialNetwork.from_dict(values)


def sample_gram(setting, x, draws, rng):
    return np.concatenate(list(gram_chunks(setting, x, draws, rng)))


@pytest.mark.parametrize("readout", ["linear", "relu"])
@pytest.mark.parametrize("widths", [(3, 1), (2, 1, 3, 1), (3, 2, 2, 1), (3, 5, 4, 7, 1)], ids=str)
def test_the_diagonal_has_the_exact_moments(widths, readout):
    """Inputs of different norms: each diagonal entry follows the law of its own |x|^2."""
    x = np.zeros((2, widths[0]))
    x[0, 0], x[1] = 1.0, 0.7
    of = setting(widths=widths, readout=readout, sigma_b=0.5, alpha=1.3)
    K = sample_gram(of, x, 30_000, np.random.default_rng(0))
    for i in range(2):
        law = exact_law(of.model_copy(update={"norm_x_squared": float(x[i] @ x[i])}))
        exact, values = moments(law), K[:, i, i]
        if np.ptp(values) < 1e-12:
            assert values[0] == pytest.approx(np.exp(exact.log_E_K[0]), rel=1e-12)
            continue
        assert abs(z_score(values, np.exp(exact.log_E_K[0]))) < 4.5
        assert abs(z_score(values**2, np.exp(exact.log_E_K2[0]))) < 4.5


CASES = {
    "relu": {"widths": [3, 6, 5, 4, 1], "sigma_w": 1.2, "sigma_w_readout": 0.8},
    "fewer neurons than inputs": {"widths": [3, 2, 3, 2, 1], "readout": "relu"},
    "erf, random biases": {"widths": [3, 6, 5, 1], "activation": "erf", "bias_init": "normal", "sigma_b": 0.6},
    "gelu, frozen biases": {"widths": [3, 4, 4, 1], "activation": "gelu", "bias_init": "normal", "train_bias": False},
    "standard": {"widths": [3, 6, 5, 1], "parameterization": "standard", "output_bias": False, "alpha": 1.5},
    "standard, biases from scale 0": {"widths": [3, 6, 5, 1], "parameterization": "standard", "sigma_b": 0.0},
}


QUICK = ("relu", "erf, random biases", "standard", "standard, biases from scale 0")


@pytest.mark.parametrize(
    "case", [pytest.param(case, marks=[] if case in QUICK else [pytest.mark.long]) for case in CASES]
)
def test_the_law_is_that_of_networks(case):
    """Diagonal, off-diagonal and top eigenvalue by Kolmogorov-Smirnov, and their product's mean."""
    of, draws = setting(**CASES[case]), 3000
    x = np.array([[1.0, 0.0, 0.3], [0.8, 0.5, 0.0], [-0.2, 1.0, 1.0], [1.0, 0.1, 0.3]])
    network = network_of(of)
    keys = jax.random.split(jax.random.key(7), draws)
    theirs = np.asarray(jax.jit(jax.vmap(lambda key: ntk(network, draw_network(network, key, 3), x)))(keys))
    ours = sample_gram(of, x, draws, np.random.default_rng(8))
    numbers = {
        "diagonal": lambda K: K[:, 2, 2],
        "off-diagonal": lambda K: K[:, 0, 1],
        "top": lambda K: np.linalg.eigvalsh(K)[:, -1],
        "joint": lambda K: K[:, 0, 1] * K[:, 1, 2] + K[:, 0, 3],
    }
    for name, number in numbers.items():
        one, two = (np.round(number(K), 6) for K in (ours, theirs))
        assert scipy.stats.ks_2samp(one, two).pvalue > 1e-4, name


@pytest.mark.parametrize("widths", [(4, 3, 1), (4, 40, 40, 1), (4, 200, 3, 200, 1)], ids=str)
def test_every_draw_is_a_gram_matrix(widths):
    x = np.random.default_rng(0).standard_normal((12, 4))
    x[5] = x[4]
    for K in sample_gram(setting(widths=widths), x, 20, np.random.default_rng(1)):
        assert pytest.approx(K.T, rel=1e-12, abs=1e-12) == K
        assert np.linalg.eigvalsh(K)[0] > -1e-12 * np.trace(K)
        assert K[4] == pytest.approx(K[5], rel=1e-9, abs=1e-9)


def test_wide_kernels_concentrate_on_the_infinite_width_limit():
    from engine.networks.infinite import ntk as infinite

    of = setting(widths=(3, 20_000, 20_000, 1))
    x = np.array([[1.0, 0.0, 0.3], [0.8, 0.5, 0.0], [-0.2, 1.0, 1.0]])
    K = sample_gram(of, x, 3, np.random.default_rng(1)).mean(axis=0)
    assert pytest.approx(infinite(network_of(of), x), rel=0.03) == K


def test_chunks_add_up():
    x = np.eye(3)
    sizes = [len(K) for K in gram_chunks(setting(widths=(3, 300_000, 1)), x, 5, np.random.default_rng(0))]
    assert sum(sizes) == 5
    assert len(sizes) > 1


def test_what_does_not_fit_is_refused():
    with pytest.raises(ConfigError, match="n_0 = 3"):
        sample_gram(setting(widths=(3, 4, 1)), np.ones((2, 4)), 1, np.random.default_rng(0))
    with pytest.raises(ConfigError, match="GB"):
        sample_gram(setting(widths=(3, *[1_000_000] * 3, 1)), np.ones((100, 3)), 1, np.random.default_rng(0))
