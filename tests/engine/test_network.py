"""The network's conventions: parameterizations, biases, readouts, counts."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from engine.networks.activations import ACTIVATIONS, NUMPY
from engine.networks.mlp_config import MLPConfig
from engine.networks.model import apply, init

program = jax.jit(apply, static_argnums=0)


def network_of(**settings: object) -> MLPConfig:
    return MLPConfig.from_dict({"bias_init": "normal", **settings})


@pytest.mark.parametrize("readout", ["linear", "relu"])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_forward_pass_is_the_formula(activation: str, readout: str) -> None:
    """z_l = sigma_l/sqrt(n_{l-1}) W_l a_{l-1} + sigma_b b_l, written out in NumPy."""
    network = network_of(depth=3, width=[5, 5, 6], activation=activation, readout=readout, sigma_b=0.3, sigma_w=1.1)
    params = jax.tree.map(lambda leaf: np.asarray(leaf, np.float64), init(network, 3, 4, 2))
    x = np.random.default_rng(0).standard_normal((7, 4))
    a = x
    layers = [
        (params[name]["w"][i], params[name]["b"][i])
        for name in ("hidden_0", "hidden_1", "hidden_2")
        for i in range(params[name]["w"].shape[0])
    ]
    for w, b in layers:
        z = 1.1 / np.sqrt(a.shape[1]) * a @ w + 0.3 * b
        a = ACTIVATIONS[activation].value(z, NUMPY)
    h = 1.1 / np.sqrt(6) * a @ params["readout"]["w"] + 0.3 * params["readout"]["b"]
    expected = np.maximum(h, 0) if readout == "relu" else h
    with jax.enable_x64():
        found = program(network, jax.tree.map(jnp.asarray, params), jnp.asarray(x))
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("widths", [32, [8, 8, 5, 5, 7]])
def test_both_parameterizations_are_one_function_at_initialisation(widths: int | list[int]) -> None:
    depth = len(widths) if isinstance(widths, list) else 3
    x = jax.random.normal(jax.random.key(0), (9, 5))
    functions = []
    for parameterization in ("ntk", "standard"):
        sigmas = {"sigma_w_readout": 0.6, "sigma_b": 0.7}
        network = network_of(depth=depth, width=widths, parameterization=parameterization, **sigmas)
        functions.append(program(network, init(network, 11, 5, 2), x))
    np.testing.assert_allclose(*functions, rtol=1e-4, atol=1e-5)


def test_initial_weights_and_biases_have_their_variance() -> None:
    """A variance of N draws has a standard error of sqrt(2/N)."""
    for parameterization, weight, bias in (("ntk", 1.0, 1.0), ("standard", 1.5**2 / 400, 0.2**2)):
        network = network_of(depth=2, width=400, sigma_w=1.5, sigma_b=0.2, parameterization=parameterization)
        block = init(network, 0, 400)["hidden_0"]
        for leaf, variance in (("w", weight), ("b", bias)):
            draws = np.asarray(block[leaf]).ravel()
            assert abs(draws.var() / variance - 1) < 4 * np.sqrt(2 / draws.size)


def test_seeds_are_deterministic_and_distinct() -> None:
    network = network_of(depth=2, width=4)
    first, again, other = (init(network, seed, 3)["hidden_0"]["w"] for seed in (0, 0, 1))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"output_bias": False},
        {"train_bias": False, "bias_init": "zero"},
        {"sigma_b": 0.0},
        {"sigma_b": 0.0, "parameterization": "standard"},
        {"depth": 4, "width": [3, 3, 5, 2]},
    ],
)
def test_parameter_count_is_what_is_trained(settings: dict) -> None:
    network = network_of(**{"depth": 2, "width": 6, "bias_init": "zero", **settings})
    leaves = jax.tree.leaves(init(network, 0, 5, 3))
    assert network.parameter_count(5, 3) == sum(leaf.size for leaf in leaves)


def test_biases_that_do_not_train_get_no_gradient() -> None:
    network = network_of(depth=2, width=6, train_bias=False)
    params, x = init(network, 0, 4), jnp.ones((2, 4))
    gradient = jax.jit(jax.grad(lambda params: apply(network, params, x).sum()))(params)
    assert all(not np.any(block["b"]) for block in gradient.values())
    assert all(np.any(block["w"]) for block in gradient.values())
    assert network.parameter_count(4, 1) == sum(block["w"].size for block in params.values())


def test_compilation_does_not_grow_with_depth() -> None:
    """The program for 64 layers is as long as that for 4."""
    lengths = []
    for depth in (4, 64):
        network = network_of(depth=depth, width=8)
        lowered = program.lower(network, init(network, 0, 3), jnp.ones((2, 3)))
        lengths.append(len(lowered.as_text().splitlines()))
    assert lengths[0] == lengths[1]


@pytest.mark.parametrize("activation", ["relu", "leaky_relu", "abs", "erf", "tanh", "sin", "linear"])
def test_critical_sigma_w_keeps_a_small_signal(activation: str) -> None:
    """sigma_w^2 E[act(z)^2] = E[z^2] for a faint Gaussian z, by Gauss-Hermite quadrature."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(80)
    row, faint = ACTIVATIONS[activation], 1e-4
    moment = np.sum(weights * row.value(faint * nodes, NUMPY) ** 2) / np.sum(weights)
    assert row.critical**2 * moment == pytest.approx(faint**2, rel=1e-6)
    assert not row.near_critical


@pytest.mark.parametrize("activation", ["gelu", "softplus"])
def test_near_critical_sigma_w_keeps_the_unit_second_moment(activation: str) -> None:
    nodes, weights = np.polynomial.hermite_e.hermegauss(150)
    row = ACTIVATIONS[activation]
    moment = np.sum(weights * row.value(nodes, NUMPY) ** 2) / np.sum(weights)
    assert row.critical**2 * moment == pytest.approx(1, rel=1e-6)
    assert row.near_critical


def test_signal_decay_off_the_critical_value() -> None:
    assert network_of(depth=10, width=4, sigma_w=1.0).log_signal_decay == pytest.approx(np.log(2.0**-5))
