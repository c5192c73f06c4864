"""Networks of layers: how their parameters are drawn, and which of them pass a gradient."""

from collections.abc import Callable, Mapping
from functools import partial
from itertools import accumulate
from math import prod
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Float

from engine.networks.layered import LayeredConfig

Params = Mapping[str, Mapping[str, Array]]


class Leaf(NamedTuple):
    """A part of the parameters, and the standard deviation that it is drawn with."""

    shape: tuple[int, ...]
    spread: float


Leaves = Mapping[str, Mapping[str, Leaf]]
"""By block and name."""


class _Key(nn.Module):
    """The key that flax derives for the parameters of a module."""

    def __call__(self) -> Array:
        return self.make_rng("params")


@partial(jax.jit, static_argnums=(0, 1, 3, 4, 5))
def draw(
    leaves: Callable[[Any, int, int], Leaves],
    network: LayeredConfig,
    key: Array,
    input_dim: int,
    output_dim: int,
    dtype: Any = jnp.float32,
) -> Params:
    """Parameters at initialisation from a key; can be mapped over keys.

    All come from one normal vector: a generator for each would take seconds to compile.
    """
    wanted = leaves(network, input_dim, output_dim)
    sizes = [prod(leaf.shape) for block in wanted.values() for leaf in block.values()]
    own: Any = _Key().apply({}, rngs={"params": key})
    vector = jax.random.normal(own, (sum(sizes),), dtype)
    # The barrier keeps the compiler from copying the generator into everything that uses a normal.
    pieces = iter(jnp.split(jax.lax.optimization_barrier(vector), list(accumulate(sizes))[:-1]))
    return {
        name: {part: leaf.spread * next(pieces).reshape(leaf.shape) for part, leaf in block.items()}
        for name, block in wanted.items()
    }


def apply(
    heads: Callable[[Any, Params, Array], Array], network: LayeredConfig, params: Params, x: Float[Array, "n n_0"]
) -> Float[Array, "n k"]:
    """h(x), before output scale and centring. Parameters that do not train pass no gradient."""
    given = {
        block: {name: a if network.trains(block, name) else jax.lax.stop_gradient(a) for name, a in leaves.items()}
        for block, leaves in params.items()
    }
    return heads(network, given, x)


def trained(network: LayeredConfig, params: Params) -> Params:
    """The parameters that train."""
    return {
        block: {leaf: array for leaf, array in leaves.items() if network.trains(block, leaf)}
        for block, leaves in params.items()
    }
