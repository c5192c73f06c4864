"""The honest reference: draw a network, differentiate it. Any activation, any bias, both parameterizations.

K(x, x) is the squared gradient by autodiff, g^T H g a forward derivative of the gradient along itself. Nothing of
the exact laws is used. Batched over draws; a draw costs O(width^2 depth), and memory is bounded by the chunk.
"""

from collections.abc import Iterator
from functools import partial
from math import isfinite

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from engine.initialisation.law import InitialNetwork, network_of
from engine.initialisation.sampler import Draws
from engine.networks import model
from engine.networks.base import NetworkConfig
from engine.networks.conv_config import ConvConfig
from engine.networks.mlp_config import MLPConfig
from engine.networks.model import Params, apply, draw
from engine.networks.module.config import ModuleConfig

CHUNK_BYTES = 128_000_000
MAX_CHUNK = 4096
ONE_BY_ONE = 64
"""Draws in one program of a network of unknown size, which are computed one after another."""


def float_type() -> jnp.dtype:
    """float64 where JAX has it switched on."""
    return jnp.result_type(float)


def point(setting: InitialNetwork) -> Float[Array, "1 n_0"]:
    """An input of the setting's norm; by rotation invariance any will do."""
    return jnp.full((1, setting.widths[0]), np.sqrt(setting.norm_x_squared / setting.widths[0]), float_type())


def key_chunks(seed: int, draws: int, chunk: int) -> Iterator[tuple[Array, int]]:
    """Keys a chunk at a time, and how many of them are wanted: every chunk is full, so that one program serves all.

    A draw has the same key whatever the chunk it falls in.
    """
    chunk = max(1, min(chunk, draws))
    for start in range(0, draws, chunk):
        places = jnp.arange(start, start + chunk)
        yield jax.vmap(partial(jax.random.fold_in, jax.random.key(seed)))(places), min(chunk, draws - start)


def draw_network(network: MLPConfig, key: Array, n_0: int) -> Params:
    """Parameters of one output in the widest float there is."""
    return draw(network, key, n_0, 1, float_type())


def chunk_size(network: MLPConfig, n_0: int, copies: int = 6) -> int:
    """Draws held at once, with `copies` of the parameters each."""
    return max(1, min(MAX_CHUNK, CHUNK_BYTES // (8 * copies * network.stored_count(n_0, 1))))


def brute_force(setting: InitialNetwork, draws: int, seed: int, *, first_step: bool = True) -> Iterator[Draws]:
    """Independent draws by autodiff, a chunk at a time.

    Raises:
        ConfigError: no hidden layer, or a sigma_w that differs between hidden layers.
    """
    network = network_of(setting)
    chunk = chunk_size(network, setting.widths[0])
    x = point(setting)
    for some, count in key_chunks(seed, draws, chunk):
        found = _differentiated(network, first_step, x, some)
        f, K_w, K_b, gHg = (np.asarray(array, float)[:count] for array in found)
        yield Draws(f, K_w, K_b, gHg if first_step else None)


def kernel_draws(
    network: NetworkConfig, x: Float[np.ndarray, " n_0"], draws: int, seed: int
) -> Float[np.ndarray, " draws"]:
    """K(x, x) of independent networks of any kind, of one output: the first that a network of one's own has."""
    held = 8 * (4 * (network.stored_count(len(x), 1) or 1) + 2 * network.signals())
    chunk = max(1, min(MAX_CHUNK, int(CHUNK_BYTES / held))) if isfinite(held) else ONE_BY_ONE
    point = jnp.asarray(x, float_type())
    found = [
        np.asarray(_kernels(network, point, some), float)[:count] for some, count in key_chunks(seed, draws, chunk)
    ]
    return np.concatenate(found)


def operations(network: NetworkConfig, x: Float[np.ndarray, " n_0"]) -> float:
    """Of one of `kernel_draws`, as XLA counts them; a loop of the network's own counts once."""
    counted = _kernels.lower(network, jnp.asarray(x, float_type()), jax.random.split(jax.random.key(0), 1))
    return counted.cost_analysis()["flops"]  # pyright: ignore[reportIndexIssue, reportOptionalSubscript]


@partial(jax.jit, static_argnums=0)
def _kernels(network: NetworkConfig, x: Array, keys: Array) -> Array:
    def one(key: Array) -> Array:
        params = model.draw(network, key, len(x), 1, float_type())
        gradient = jax.grad(lambda params: model.scaled(network)(params, x[None])[0, 0])(params)
        return _dot(gradient, gradient)

    # Convolutions of a weight for each draw are computed one at a time, and slower so.
    alone = isinstance(network, ConvConfig | ModuleConfig)
    return jax.lax.map(one, keys) if alone else jax.vmap(one)(keys)


@partial(jax.jit, static_argnums=(0, 1))
def _differentiated(network: MLPConfig, first_step: bool, x: Array, keys: Array) -> tuple[Array, Array, Array, Array]:
    def one(key: Array) -> tuple[Array, Array, Array, Array]:
        params = draw_network(network, key, x.shape[1])

        def f(params: Params) -> Array:
            return network.output_scale * apply(network, params, x)[0, 0]

        value, gradient = jax.value_and_grad(f)(params)
        gHg = _dot(gradient, jax.jvp(jax.grad(f), (params,), (gradient,))[1]) if first_step else jnp.zeros_like(value)
        # Centring subtracts the value at initialisation; derivatives stay.
        return (0.0 * value if network.centred else value), _square(gradient, "w"), _square(gradient, "b"), gHg

    return jax.vmap(one)(keys)


def _square(gradient: Params, name: str) -> Array:
    return sum((jnp.sum(layer[name] ** 2) for layer in gradient.values() if name in layer), jnp.zeros((), float_type()))


def _dot(a: Params, b: Params) -> Array:
    return sum(jax.tree.leaves(jax.tree.map(lambda u, v: jnp.sum(u * v), a, b)), jnp.zeros((), float_type()))
