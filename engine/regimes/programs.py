"""The three programs of a cell: draw, observe, advance. Each is compiled once per shape, with its layers scanned."""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Array, Float, Int

from engine.networks.base import NetworkConfig
from engine.networks.model import Params, apply, draw, dtype_of, ntk
from engine.training.descent import Companion, Method, State, advance, start


class Snapshot(NamedTuple):
    """Networks seen at training and held-out points, on the host.

    Attributes:
        step: after how many each was seen.
        h: outputs before scale and centring, in the precision of the training.
        kernel: the full kernel of k outputs, entry [i k + head, j k + head'].
    """

    step: Int[np.ndarray, " g"]
    h: Float[np.ndarray, "g p k"]
    kernel: Float[np.ndarray, "g pk pk"]

    def of(self, g: int) -> "Snapshot":
        """That of one network."""
        return Snapshot(*(array[g] for array in self))


def over_seeds(function: Callable, *arguments: Any) -> Any:
    """`function` over the leading axis. Mapping a single network would only cost copies."""
    if jax.tree.leaves(arguments)[0].shape[0] > 1:
        return jax.vmap(function)(*arguments)
    found = function(*jax.tree.map(lambda leaf: leaf[0], arguments))
    return jax.tree.map(lambda leaf: leaf[None], found)


@partial(jax.jit, static_argnums=(0, 2, 3))
def draw_each(network: NetworkConfig, keys: Array, input_dim: int, output_dim: int) -> Params:
    """Networks at initialisation, in float32."""
    return over_seeds(lambda key: draw(network, key, input_dim, output_dim), keys)


def start_each(method: Method, params: Params) -> State:
    """That of `engine.training.descent.start` of every network."""
    one = start(method, jax.tree.map(lambda leaf: leaf[0], params))
    rows = jax.tree.leaves(params)[0].shape[0]
    return jax.tree.map(lambda leaf: np.broadcast_to(leaf, (rows, *np.shape(leaf))), one)._replace(params=params)


@partial(jax.jit, static_argnums=(0, 1))
def observe_each(network: NetworkConfig, precision: Any, params: Params, x: Array) -> tuple[Array, Array]:
    """Outputs h and full kernel at x."""

    def one(params: Params) -> tuple[Array, Array]:
        h = apply(network, params, x.astype(dtype_of(params)))
        return h, ntk(network, params, x, heads="full", precision=precision)

    return over_seeds(one, params)


@partial(jax.jit, static_argnums=(0, 1))
def advance_each(network: NetworkConfig, method: Method, *arguments: Any) -> tuple[State, Companion]:
    """`engine.training.descent.advance` of every network, each with its lazy one beside it."""
    return over_seeds(partial(advance, network, method), *arguments)
