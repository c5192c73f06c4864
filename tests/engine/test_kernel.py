"""The layerwise kernel against Jacobian contraction, which knows nothing of layers."""

import os
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.networks.gram import PANEL
from engine.networks.mlp import blocks
from engine.networks.mlp_config import MLPConfig
from engine.networks.model import apply, init, ntk

NETWORKS = {
    "relu": {"depth": 3, "width": 17},
    "one hidden layer": {"depth": 1, "width": 6, "activation": "tanh"},
    "deep": {"depth": 12, "width": 5, "activation": "erf"},
    "unequal widths": {"depth": 4, "width": [5, 9, 9, 3], "activation": "erf"},
    "width of the input": {"depth": 3, "width": 4, "activation": "linear"},
    "random biases, relu readout": {
        "depth": 2, "width": 7, "activation": "gelu", "bias_init": "normal", "readout": "relu",
    },
    "random biases that stay": {"depth": 3, "width": 6, "bias_init": "normal", "train_bias": False, "alpha": 0.3},
    "readout alone": {"depth": 3, "width": 6, "activation": "erf", "train": "readout", "bias_init": "normal"},
    "readout alone, no trained bias": {"depth": 2, "width": [6, 4], "train": "readout", "train_bias": False},
    "hidden layers alone": {
        "depth": 3, "width": [5, 5, 7], "activation": "abs", "train": "hidden", "alpha": 2.0, "alpha_exponent": 0.7,
    },
    "hidden layers alone, standard, relu readout": {
        "depth": 2, "width": 6, "activation": "leaky_relu", "train": "hidden", "parameterization": "standard",
        "readout": "relu", "sigma_b": 0.5,
    },
    "no biases": {"depth": 3, "width": 6, "sigma_b": 0.0, "train_bias": False, "activation": "sin"},
    "no output bias, sigma_w of its own": {
        "depth": 2, "width": 6, "output_bias": False, "sigma_w": 0.7, "sigma_w_readout": 1.9, "sigma_b": 0.4,
    },
    "standard": {
        "depth": 3, "width": [6, 4, 5], "activation": "softplus", "parameterization": "standard", "sigma_b": 0.5,
    },
    "standard, biases from scale 0": {
        "depth": 2, "width": [6, 4], "activation": "erf", "parameterization": "standard", "sigma_b": 0.0,
    },
}  # fmt: skip

ACROSS = ("unequal widths", "standard")


def network_of(**settings: object) -> MLPConfig:
    return MLPConfig.from_dict(settings)


def points(size: int, dim: int = 4) -> np.ndarray:
    return np.random.default_rng(9).standard_normal((size, dim))


def jacobian(network: MLPConfig, params: dict, x: np.ndarray) -> np.ndarray:
    """(n, k, parameters), alpha included, by reverse mode."""
    params = jax.tree.map(lambda leaf: leaf.astype(jnp.float64), params)
    scale = network.output_scale
    leaves = jax.tree.leaves(jax.jit(jax.jacrev(lambda params: scale * apply(network, params, x)))(params))
    return np.concatenate([np.asarray(leaf).reshape(*leaf.shape[:2], -1) for leaf in leaves], axis=-1)


def close(kernel: jax.Array, expected: np.ndarray) -> bool:
    return bool(np.max(np.abs(np.asarray(kernel) - expected)) <= 1e-12 * np.max(np.abs(expected)))


@pytest.mark.parametrize("name", NETWORKS)
def test_agrees_with_the_jacobian(name: str) -> None:
    network, outputs = network_of(**NETWORKS[name]), 1 if name == "relu" else 3
    size = 2 * PANEL + 3 if name == "relu" else 23  # three panels, the last one small
    params, x = init(network, 1, 4, outputs), points(size)
    J = jacobian(network, params, x)
    trace = np.einsum("ihp,jhp->ij", J, J) / outputs
    rows = J.reshape(size * outputs, -1)
    full = rows @ rows.T
    assert close(ntk(network, params, x), trace)
    assert close(ntk(network, params, x, heads="full"), full)
    if name in ACROSS:
        m = 9
        assert close(ntk(network, params, x[:m], x[m:]), trace[:m, m:])
        assert close(ntk(network, params, x[:m], x[m:], heads="full"), full[: m * outputs, m * outputs :])


@pytest.mark.parametrize("heads", ["trace", "full"])
def test_blocks_of_rows_change_nothing(heads: str) -> None:
    network, x = network_of(depth=2, width=8), points(31)
    params = init(network, 0, 4, 2)
    assert close(ntk(network, params, x, heads=heads, rows=10), np.asarray(ntk(network, params, x, heads=heads)))
    across = np.asarray(ntk(network, params, x[:21], x[21:], heads=heads))
    assert close(ntk(network, params, x[:21], x[21:], heads=heads, rows=4), across)


def test_each_term_of_the_standard_parameterization_differs_by_its_factor() -> None:
    """The term of W_l by n_{l-1}/sigma_l^2, that of b_l by 1/sigma_b^2, layer by layer."""
    shared = {"depth": 3, "width": [5, 7, 4], "activation": "tanh", "bias_init": "normal", "sigma_b": 0.6}
    own = {"sigma_w": 1.3, "sigma_w_readout": 0.8}
    x, terms = points(6), {}
    for parameterization in ("ntk", "standard"):
        network = network_of(**shared, **own, parameterization=parameterization)
        params = jax.tree.map(lambda leaf: leaf.astype(jnp.float64), init(network, 2, 4))
        jacobians = jax.jit(jax.jacrev(lambda params, network=network: apply(network, params, x)[:, 0]))(params)
        for block in blocks(network, 4, 1):
            for leaf in ("w", "b"):
                J = np.asarray(jacobians[block.name][leaf]).reshape(len(x), -1)
                terms[parameterization, block.name, leaf] = J @ J.T
    fan_in = {"hidden_0": 4, "hidden_1": 5, "hidden_2": 7, "readout": 4}
    for block, inputs in fan_in.items():
        sigma = 0.8 if block == "readout" else 1.3
        # The two draws are equal to float32, in which parameters are drawn.
        np.testing.assert_allclose(
            terms["standard", block, "w"], terms["ntk", block, "w"] * inputs / sigma**2, rtol=2e-5, atol=1e-6
        )
        np.testing.assert_allclose(
            terms["standard", block, "b"], terms["ntk", block, "b"] / 0.6**2, rtol=2e-5, atol=1e-6
        )


@pytest.mark.parametrize("output_bias", [True, False])
def test_biases_that_train_from_scale_zero_have_the_term_one(output_bias: bool) -> None:
    """Sum over layers of delta_l . delta'_l, the derivatives taken by differences of a network written out in NumPy."""
    shared = {"depth": 2, "width": [5, 4], "activation": "tanh", "parameterization": "standard", "sigma_b": 0.0}
    network = network_of(**shared, alpha=1.5, output_bias=output_bias)
    params, x = init(network, 3, 4), points(6)
    assert not any(np.any(block.get("b", 0)) for block in params.values())
    W = [np.asarray(params[name]["w"], np.float64) for name in ("hidden_0", "hidden_1", "readout")]
    W[:2] = [w[0] for w in W[:2]]

    def f(biases: list[np.ndarray]) -> np.ndarray:
        a = np.asarray(x)
        for w, b in zip(W[:2], biases[:2], strict=True):
            a = np.tanh(a @ w + b)
        return 1.5 * (a @ W[2] + biases[2])[:, 0]

    sizes, step = (5, 4, 1) if output_bias else (5, 4), 1e-5
    J = []
    for layer, size in enumerate(sizes):
        for neuron in range(size):
            moved = [[sign * step * (np.arange(n) == neuron) * (at == layer) for at, n in enumerate((5, 4, 1))]
                     for sign in (1, -1)]  # fmt: skip
            J.append((f(moved[0]) - f(moved[1])) / (2 * step))
    still = network.model_copy(update={"train_bias": False})
    ours = np.asarray(ntk(network, params, x)) - np.asarray(ntk(still, params, x))
    np.testing.assert_allclose(ours, np.transpose(J) @ np.array(J), rtol=1e-8, atol=1e-9)


def test_precisions() -> None:
    network, x = network_of(depth=3, width=64), points(40)
    params = init(network, 0, 4)
    exact = np.asarray(ntk(network, params, x))
    for precision, error, dtype in (("mixed", 1e-6, np.float64), ("float32", 2e-6, np.float32)):
        found = np.asarray(ntk(network, params, x, precision=precision))
        assert found.dtype == dtype
        assert 0 < np.max(np.abs(found - exact)) < error * np.max(exact)


def test_float64_without_64_bit_jax_is_refused() -> None:
    network = network_of(depth=1, width=3)
    params, x = init(network, 0, 4), points(3)
    jax.config.update("jax_enable_x64", False)
    try:
        with pytest.raises(RuntimeError, match="jax_enable_x64"):
            ntk(network, params, x)
    finally:
        jax.config.update("jax_enable_x64", True)


@settings(max_examples=15, deadline=None)
@given(
    seed=st.integers(0, 2**31 - 1),
    activation=st.sampled_from(["relu", "erf", "sin"]),
    size=st.integers(1, 12),
)
def test_symmetric_positive_semidefinite_and_equivariant(seed: int, activation: str, size: int) -> None:
    network = network_of(depth=2, width=9, activation=activation)
    rng = np.random.default_rng(seed)
    params, x = init(network, seed, 3), rng.standard_normal((size, 3))
    K = np.asarray(ntk(network, params, x))
    values = np.linalg.eigvalsh(K)
    assert np.array_equal(K, K.T)
    assert values[0] >= -1e-12 * values[-1]
    assert np.isclose(values.sum(), np.trace(K), rtol=1e-12)
    order = rng.permutation(size)
    np.testing.assert_allclose(np.asarray(ntk(network, params, x[order])), K[np.ix_(order, order)], rtol=1e-11)


def test_relu_without_biases_is_homogeneous() -> None:
    """K(a x, b x') = a b K(x, x') for a, b > 0."""
    network = network_of(depth=3, width=20, train_bias=False)
    params, x = init(network, 0, 4), points(5)
    np.testing.assert_allclose(ntk(network, params, 3 * x, 0.5 * x), 1.5 * ntk(network, params, x, x), rtol=1e-11)


STAYS = {"depth": 1, "width": 3, "activation": "tanh", "bias_init": "normal", "train_bias": False, "sigma_b": 0.5}
STARTS = [NETWORKS["random biases, relu readout"], STAYS, STAYS | {"output_bias": False}]


@pytest.mark.parametrize("settings", STARTS)
def test_the_start_lies_in_the_span_of_the_features_unless_a_random_bias_stays(settings):
    """On more points than there are parameters: what of f_0 no combination of the features reaches."""
    network = network_of(**settings)
    x = jax.random.normal(jax.random.key(1), (network.parameter_count(2, 1) + 40, 2), jnp.float64)
    params = jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.float64), init(network, 3, 2))
    f = np.asarray(apply(network, params, x))[:, 0]
    features = jax.jacrev(lambda params: apply(network, params, x)[:, 0])(params)
    columns = np.hstack([np.asarray(leaf).reshape(len(x), -1) for leaf in jax.tree.leaves(features)])
    left = f - columns @ np.linalg.lstsq(columns, f, rcond=1e-11)[0]
    outside = np.linalg.norm(left) / np.linalg.norm(f)
    # ReLU, of which a unit may be active everywhere, can have constants in the span.
    assert (outside < 1e-9) if network.spans_start else (outside > 1e-3), outside


MANY_POINTS = """
import jax, jax.numpy as jnp, numpy as np
jax.config.update("jax_enable_x64", True)
from engine.networks.gram import Gram
A = np.random.default_rng(0).standard_normal((1024, 24))
gram = Gram(1024, None, "trace", jnp.dtype(jnp.float64))
signals = lambda: jnp.ones((1024, 1, 1))
kernel = jax.jit(lambda A: gram.assemble(gram.add(gram.zeros(1), A, signals(), weight=0.5, bias=1.0), 1))
for _ in range(30):
    K = np.asarray(kernel(jnp.asarray(A)))
assert np.abs(K - A @ A.T / 2 - 1).max() < 1e-12 and np.array_equal(K, K.T)
"""
"""A A^T/2 + 1, the kernel of a readout, as a program: optimised as it is for people, not as for tests."""


@pytest.mark.whole
def test_the_kernel_of_a_readout_at_many_points_does_not_end_the_process():
    """XLA fused the lower half and its transpose with the sum into a loop that read beyond the panels, and crashed."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("XLA_", "JAX_"))}
    done = subprocess.run(
        [sys.executable, "-c", MANY_POINTS], env=environment, capture_output=True, text=True, timeout=100
    )
    assert done.returncode == 0, done.stderr
