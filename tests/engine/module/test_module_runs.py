"""Networks of one's own, trained: against a loop of a few lines, with kernels from whole Jacobians."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import own_nets
import pytest
from flax import nnx

import engine as kd
from engine.config import RunConfig
from engine.data import generate
from engine.networks import model
from engine.networks.parameters import ParameterPath
from engine.training.job import trained

CIRCLE = {"name": "circle", "size": 12, "test_size": 8, "frequencies": [1, 2]}
TRAINING = {"learning_rate": 0.05, "max_steps": 12, "checkpoints": 4, "stop_residual": None, "precision": "float64"}

Tree = Any
Loop = tuple[Callable[[Tree, jax.Array], jax.Array], Tree]


def wide(tree: Tree) -> Tree:
    """As the engine draws them, in float32, and computes with them."""
    return jax.tree.map(lambda leaf: jnp.asarray(np.asarray(leaf, np.float32), jnp.float64), tree)


def linen(module: Any, seed: int, x: np.ndarray) -> Loop:
    variables = module.init(jax.random.key(seed), np.zeros((1, *x.shape[1:]), np.float32))
    others = {name: wide(part) for name, part in variables.items() if name != "params"}
    return lambda params, x: module.apply({"params": params, **others}, x), variables["params"]


def modern(seed: int, x: np.ndarray) -> Loop:
    graph, params, others = nnx.split(own_nets.Modern(width=6, rngs=nnx.Rngs(jax.random.key(seed))), nnx.Param, ...)
    return lambda params, x: nnx.merge(graph, params, others)(x), params


def plain(seed: int, x: np.ndarray) -> Loop:
    init, apply = own_nets.plain(5)
    return apply, init(jax.random.key(seed), x[:1])


NETWORKS = {
    "Linen": ({"width": 6, "activation": "gelu"}, lambda *at: linen(own_nets.Linen(6, "gelu"), *at)),
    "Averaged": ({}, lambda *at: linen(own_nets.Averaged(), *at)),
    "Modern": ({"width": 6}, modern),
    "plain": ({"width": 5}, plain),
}


def config_of(name: str, arguments: dict, data: dict, **more: Any) -> RunConfig:
    network = {"kind": "module", "name": f"own_nets:{name}", "arguments": arguments}
    return RunConfig.from_dict({"data": data, "network": network, "training": TRAINING, **more})


def by_jacobians(apply: Callable, params: Tree, x: jax.Array) -> np.ndarray:
    """1/k sum over outputs of J J^T."""
    leaves = jax.tree.leaves(jax.jit(jax.jacrev(lambda params: apply(params, x)))(params))
    flat = jnp.concatenate([leaf.reshape(*leaf.shape[:2], -1) for leaf in leaves], axis=-1)
    return np.asarray(jnp.einsum("ikp,jkp->ij", flat, flat) / flat.shape[1])


def followed(apply: Callable, params: Tree, x: np.ndarray, y: np.ndarray, steps: list[int]) -> Any:
    """Outputs and kernels of descent on (1/2M) sum |f - y|^2, at these steps."""
    params = wide(params)
    slope = jax.jit(jax.grad(lambda params: jnp.sum((apply(params, x) - y) ** 2) / (2 * len(x))))
    for step in range(max(steps) + 1):
        if step in steps:
            yield np.asarray(jax.jit(apply)(params, x)), by_jacobians(apply, params, x)
        params = jax.tree.map(lambda p, g: p - TRAINING["learning_rate"] * g, params, slope(params))


@pytest.mark.parametrize("name", NETWORKS)
def test_a_run_is_what_a_loop_of_ones_own_gives(name: str) -> None:
    arguments, made = NETWORKS[name]
    config = config_of(name, arguments, CIRCLE, seeds=[3])
    result, parameters = trained(config)
    (seed,), data = result.seeds, generate(config.data)
    apply, params = made(3, data.x_train)
    x, steps = jnp.asarray(data.x_train), [int(step) for step in seed["step"]]
    for index, (f, K) in enumerate(followed(apply, params, x, data.y_train, steps)):
        np.testing.assert_allclose(seed["f_train"][index], f, rtol=0, atol=1e-11 * np.abs(f).max())
        values = np.linalg.eigvalsh(K)[::-1]
        np.testing.assert_allclose(seed["eigenvalues"][index], values, rtol=0, atol=1e-11 * values[0])
    assert result.parameter_count == sum(leaf.size for leaf in jax.tree.leaves(params))
    assert len(result.layers) == seed["layer_share"].shape[1]
    np.testing.assert_allclose(seed["layer_share"].sum(1), 1.0)
    path = ParameterPath.from_arrays(parameters, 0)
    stored = model.ntk(config.network, path.at(-1), x, precision="float64")
    np.testing.assert_allclose(np.linalg.eigvalsh(stored)[::-1], seed["eigenvalues"][-1], atol=1e-9 * values[0])


def test_parts_carry_the_kernel_by_their_names() -> None:
    config = config_of("Linen", {"width": 6}, CIRCLE)
    (seed,), data = trained(config)[0].seeds, generate(config.data)
    apply, params = linen(own_nets.Linen(6), 0, data.x_train)
    params, x = wide(params), jnp.asarray(data.x_train)
    whole = np.trace(by_jacobians(apply, params, x))
    for index, name in enumerate(["Dense_0", "Dense_1", "LayerNorm_0"]):
        own = np.trace(by_jacobians(lambda part, x, name=name: apply({**params, name: part}, x), params[name], x))
        assert seed["layer_share"][0, index] == pytest.approx(own / whole, rel=1e-9)


def test_images_come_in_their_shape_and_the_rest_follows(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("KERNEL_DRIFT_CACHE", str(tmp_path))
    digits = {"name": "digits", "classes": None, "size": 12, "test_size": 12}
    result = kd.run(config_of("Images", {}, digits, seeds=[0, 1], probes={**digits, "size": 4, "seed": 1}))
    assert result.layers == ["Conv_0", "Dense_0"]
    assert result.seeds[1]["f_train"].shape[1:] == (12, 10)
    assert result.seeds[1]["probe_kernel"].shape[1:] == (4, 4)
    assert result.limit_eigenvalues is None
    assert result.summary["parameters"] == 9 * 4 + 4 + 4 * 10 + 10
    assert result.summary["beta"] is None


def test_init_and_kernel_of_a_config() -> None:
    network = {"kind": "module", "name": "own_nets:PAIR"}
    params = kd.init(network, seed=2, input_dim=3)
    assert {name: params["0"][name].shape for name in params["0"]} == {"w": (3, 4), "b": (4,)}
    x = np.random.default_rng(0).standard_normal((5, 3))
    apply, own = own_nets.PAIR[1], own_nets.PAIR[0](jax.random.key(2), x[:1].astype(np.float32))
    np.testing.assert_allclose(kd.ntk(network, params, x), by_jacobians(apply, wide(own), x), rtol=1e-12)
