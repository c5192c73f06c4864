"""What training asks of a network of any kind: parameters, outputs, kernels. `KINDS` has a row for each kind.

The fully connected network has a kernel of its own; those of others are read from their programs
(`engine.networks.traced`). Inputs are flat, (n, n_0), whatever their shape.
"""

from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from engine.networks import blocks, conv, kernel, layers, mlp, resnet
from engine.networks.base import NetworkConfig
from engine.networks.gram import Heads, Precision, by_rows, need_64_bits
from engine.networks.layered import LayeredConfig
from engine.networks.mlp_config import MLPConfig
from engine.networks.module import network as module
from engine.networks.module.config import ModuleConfig
from engine.networks.traced import kernel as traced

Params = Any
"""A tree of arrays."""

SIGNAL_BYTES = 2**30
"""Signals held at once while a kernel is computed."""


class Kind(NamedTuple):
    """How a kind of network is drawn and applied.

    Attributes:
        draw: parameters from (network, key, input_dim, output_dim, dtype).
        apply: h from (network, params, x), before output scale and centring.
        trained: the parameters that train from (network, params).
        readout: the paths of the readout's weights; none where nobody knows which they are.
    """

    draw: Callable[..., Params]
    apply: Callable[..., Array]
    trained: Callable[..., Params]
    readout: tuple[str, ...] = ()


def _of_layers(leaves: Callable, heads: Callable) -> Kind:
    return Kind(partial(blocks.draw, leaves), partial(blocks.apply, heads), blocks.trained, ("readout/w",))


KINDS = {
    "mlp": _of_layers(mlp.leaves, mlp.heads),
    "resnet": _of_layers(resnet.leaves, resnet.heads),
    "conv": _of_layers(conv.leaves, conv.heads),
    "module": Kind(module.draw, module.apply, module.only_trained),
}


def tried(
    network: NetworkConfig,
    x: Float[np.ndarray, "n n_0"],
    output_dim: int,
    precision: Precision,
    waiting: Callable[[], None] = lambda: None,
) -> module.Tried | None:
    """What only running a network tells of it; None of ours, of which all is known.

    Args and errors as `engine.networks.module.network.tried`.
    """
    return module.tried(network, x, output_dim, precision, waiting) if isinstance(network, ModuleConfig) else None


def init(network: NetworkConfig, seed: int, input_dim: int, output_dim: int = 1) -> Params:
    """Float32 parameters at initialisation, the same for the same seed."""
    return draw(network, jax.random.key(seed), input_dim, output_dim)


def draw(network: NetworkConfig, key: Array, input_dim: int, output_dim: int, dtype: Any = jnp.float32) -> Params:
    """Parameters at initialisation from a key; can be mapped over keys."""
    return KINDS[network.kind].draw(network, key, input_dim, output_dim, dtype)


def apply(network: NetworkConfig, params: Params, x: Float[Array, "n n_0"]) -> Float[Array, "n k"]:
    """h(x), before output scale and centring. Parameters that do not train pass no gradient."""
    return KINDS[network.kind].apply(network, params, x)


def trained(network: NetworkConfig, params: Params) -> Params:
    """The parameters that train."""
    return KINDS[network.kind].trained(network, params)


@lru_cache(maxsize=64)
def scaled(network: NetworkConfig) -> Callable[[Params, Array], Array]:
    """alpha h of parameters and inputs; the same function for the same config."""
    return lambda params, x: network.output_scale * apply(network, params, x)


def ntk(
    network: NetworkConfig,
    params: Params,
    x: Float[Array, "n n_0"],
    other: Float[Array, "m n_0"] | None = None,
    *,
    heads: Heads = "trace",
    precision: Precision = "float64",
    rows: int | None = None,
) -> Float[Array, "n m"]:
    """The kernel between `x` and `other` (or itself), alpha^2 included and no 1/M factor.

    Args:
        precision: "float64" computes everything in float64 from the given parameters, "mixed" signals in
            float32 and the Gram in float64, "float32" everything in float32.
        rows: largest number of points whose signals are held at once; None for all, or for as many as fit where the
            program of a network is read.

    Raises:
        RuntimeError: float64 is asked for while `jax_enable_x64` is off.
    """
    if not isinstance(network, MLPConfig):
        apply, part = scaled(network), None
        if network.trained_part != "all":
            part = frozenset(traced.leaf_paths(trained(network, params)))
        return traced.ntk(apply, params, x, other, heads=heads, precision=precision, rows=rows, trained=part)
    need_64_bits(precision)
    return by_rows(lambda x, other: kernel.ntk(network, params, x, other, heads, precision), x, other, rows)


def signal_rows(network: NetworkConfig, output_dim: int, share: int = 1) -> int | None:
    """Points whose float64 signals fit in a share of `SIGNAL_BYTES`; None where the kernel itself sees to that."""
    if not isinstance(network, MLPConfig):
        return None
    per_point = 8 * network.signals() * (2 + output_dim)
    return max(64, max(64, SIGNAL_BYTES // per_point) // share)


def layer_kernels(network: NetworkConfig, params: Params, x: Float[np.ndarray, "n n_0"]) -> Float[np.ndarray, "d n n"]:
    """The kernel of each layer, readout last; the mean over k outputs. Their sum is the kernel.

    Args:
        params: float64, on the host.
    """
    if isinstance(network, MLPConfig):
        return layers.layer_kernels(network, params, x)
    whole = scaled(network.all_trained())
    found = layers.by_block(whole, params, x)
    trains = network.trains if isinstance(network, LayeredConfig) else lambda block: True
    return np.concatenate([np.asarray(part) * trains(block) for block, part in found.items()])


def outputs(network: NetworkConfig, params: Params, x: Float[np.ndarray, "n n_0"]) -> Float[np.ndarray, "n k"]:
    """h in the precision of `params` and x, on the host. By NumPy where the network is written for it."""
    if isinstance(network, MLPConfig):
        return layers.outputs(network, params, x)
    return np.asarray(heads(network, params, jnp.asarray(x)))


@partial(jax.jit, static_argnames="network")
def heads(network: NetworkConfig, params: Params, x: Float[Array, "n n_0"]) -> Float[Array, "n k"]:
    """h in the precision of parameters and points, before output scale and centring."""
    return apply(network, params, x)


def shapes(network: NetworkConfig, input_dim: int, output_dim: int) -> dict[str, dict[str, tuple[int, ...]]]:
    """Of the parameters, by block and leaf."""
    tree = jax.eval_shape(lambda key: draw(network, key, input_dim, output_dim), jax.random.key(0))
    return {block: {name: leaf.shape for name, leaf in leaves.items()} for block, leaves in tree.items()}


def dtype_of(params: Params) -> np.dtype:
    """The precision that parameters, and with them a run, are in."""
    return np.dtype(jax.tree.leaves(params)[0].dtype)
