"""The programs of an ensemble: functions of networks along a leading axis, each compiled once per shape."""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import numpy as np
from jaxtyping import Array

from engine.config import NetworkConfig
from engine.descent import Method, Problem, State, advance, dtype_of, start
from engine.kernel import ntk
from engine.network import Params, apply, draw


def over_seeds(function: Callable, *arguments: Any) -> Any:
    """`function` over the leading axis. Mapping a single network would only cost copies."""
    if jax.tree.leaves(arguments)[0].shape[0] > 1:
        return jax.vmap(function)(*arguments)
    found = function(*jax.tree.map(lambda leaf: leaf[0], arguments))
    return jax.tree.map(lambda leaf: leaf[None], found)


@partial(jax.jit, static_argnums=(0, 2, 3))
def draw_each(network: NetworkConfig, keys: Array, input_dim: int, output_dim: int) -> Params:
    return over_seeds(lambda key: draw(network, key, input_dim, output_dim), keys)


def start_each(method: Method, params: Params) -> State:
    """That of `engine.descent.start` of every network."""
    one = start(method, jax.tree.map(lambda leaf: leaf[0], params))
    rows = jax.tree.leaves(params)[0].shape[0]
    return jax.tree.map(lambda leaf: np.broadcast_to(leaf, (rows, *np.shape(leaf))), one)._replace(params=params)


@partial(jax.jit, static_argnums=(0, 1))
def look_each(network: NetworkConfig, precision: Any, params: Params, x: Array) -> tuple[Array, Array]:
    def one(params: Params) -> tuple[Array, Array]:
        h = apply(network, params, x.astype(dtype_of(params)))
        return h, ntk(network, params, x, heads="full", precision=precision)

    return over_seeds(one, params)


@partial(jax.jit, static_argnums=(0, 1))
def advance_each(
    network: NetworkConfig, method: Method, problem: Problem, state: State, until: Array, below: Array, above: Array
) -> State:
    return over_seeds(partial(advance, network, method), problem, state, until, below, above)
