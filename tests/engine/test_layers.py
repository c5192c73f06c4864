"""The kernel of each layer, and what a run says of them."""

import jax
import numpy as np
import pytest

import engine as kd
from engine.config import RunConfig
from engine.data import generate
from engine.networks.layers import layer_kernels
from engine.networks.model import apply, init
from engine.networks.parameters import ParameterPath
from engine.networks.precision import cast
from engine.training import diagnostics
from engine.training.job import run
from engine.training.result import RunResult

NETWORKS = {
    "equal widths": {"depth": 3, "width": 6},
    "mixed widths, relu readout": {
        "depth": 3, "width": [5, 5, 4], "activation": "erf", "readout": "relu", "alpha": 0.4,
    },
    "standard, biases that stay": {
        "depth": 2, "width": 5, "activation": "tanh", "parameterization": "standard", "sigma_b": 0.5,
        "bias_init": "normal", "train_bias": False,
    },
    "readout alone": {"depth": 2, "width": 5, "train": "readout", "activation": "abs"},
    "hidden layers alone": {"depth": 2, "width": 5, "train": "hidden", "bias_init": "normal"},
    "no output bias": {"depth": 2, "width": 4, "output_bias": False, "sigma_b": 0.7, "activation": "sin"},
}  # fmt: skip


@pytest.mark.parametrize("name", NETWORKS)
def test_each_is_that_of_the_jacobian_by_the_layer_s_own_parameters(name: str) -> None:
    network = RunConfig.from_dict({"data": {"name": "circle"}, "network": NETWORKS[name]}).network
    params, x = cast(init(network, 1, 3, 2), "float64"), np.random.default_rng(0).standard_normal((5, 3))
    jacobians = jax.jit(jax.jacrev(lambda params: network.alpha * apply(network, params, x)))(params)
    expected = []
    for block in sorted(name for name in params if name != "readout"):
        for layer in range(params[block]["w"].shape[0]):
            rows = [np.asarray(J)[:, :, layer].reshape(5, 2, -1) for J in jacobians[block].values()]
            expected.append(sum(np.einsum("ihp,jhp->ij", J, J) / 2 for J in rows))
    rows = [np.asarray(J).reshape(5, 2, -1) for J in jacobians["readout"].values()]
    expected.append(sum(np.einsum("ihp,jhp->ij", J, J) / 2 for J in rows))
    found = layer_kernels(network, params, x)
    assert found.shape == (network.depth + 1, 5, 5)
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-13 * np.abs(expected).max())


def test_shares_add_up_and_drifts_are_of_each_layer() -> None:
    kernels = np.array([np.eye(2), 3 * np.ones((2, 2)), np.zeros((2, 2))])
    np.testing.assert_array_equal(diagnostics.layer_shares(kernels), [0.25, 0.75, 0.0])
    assert np.isnan(diagnostics.layer_shares(0 * kernels)).all()
    moved = kernels + np.array([np.eye(2), 0 * np.eye(2), np.eye(2)])
    np.testing.assert_array_equal(diagnostics.layer_drifts(moved, kernels), [1.0, 0.0, np.nan])


def test_of_a_run_at_its_stored_parameters() -> None:
    """From the parameters at the first and the last checkpoint, by the kernel of any function."""
    config = RunConfig.from_dict({
        "data": {"name": "circle", "size": 40, "test_size": 8},
        "network": {"depth": 2, "width": 16},
        "training": {"max_steps": 40, "checkpoints": 4},
    })  # fmt: skip
    entries = run(config)
    seed = RunResult.from_arrays(dict(entries["result"])).seeds[0]
    path = ParameterPath.from_arrays(entries["parameters"], 0)
    x = generate(config.data).x_train[np.arange(32) * 40 // 32]
    ends = [parts_of(config, path.at(index), x) for index in (0, len(path.steps) - 1)]
    for index, parts in zip((0, -1), ends, strict=True):
        traces = np.einsum("lii->l", parts)
        np.testing.assert_allclose(seed["layer_share"][index], traces / traces.sum(), rtol=1e-9)
    drifts = [np.linalg.norm(last - first) / np.linalg.norm(first) for first, last in zip(*ends, strict=True)]
    np.testing.assert_allclose(seed["layer_drift"][-1], drifts, rtol=1e-7)
    np.testing.assert_array_equal(seed["layer_drift"][0], 0)


def parts_of(config: RunConfig, params, x: np.ndarray) -> np.ndarray:
    """(3, 32, 32): the layers of a network of depth 2 by its leaves."""
    found = kd.ntk_by_leaf(config.network, params, x)
    return np.array([found[f"{block}/w"][0] + found[f"{block}/b"][0] for block in ("hidden_0", "hidden_1", "readout")])
