"""The parameters of a flax module block by block, all drawn from one normal vector."""

from collections.abc import Mapping
from itertools import accumulate
from math import prod

import jax
import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array

Shapes = Mapping[str, Mapping[str, tuple[int, ...]]]
"""Of every leaf, by block."""


def declared(
    module: nn.Module, shapes: Shapes, spread: Mapping[str, Mapping[str, float]], dtype: jnp.dtype
) -> dict[str, Mapping[str, Array]]:
    """The parameters of a module, by block and leaf.

    Args:
        spread: the standard deviation of each leaf at initialisation.
    """
    # Flax asks for the shapes of parameters that it is given, too.
    drawn = _drawn(module.make_rng("params"), shapes, spread, dtype) if module.is_initializing() else {}
    return {name: module.param(name, _given, drawn.get(name), leaves) for name, leaves in shapes.items()}


def _drawn(
    key: Array, shapes: Shapes, spread: Mapping[str, Mapping[str, float]], dtype: jnp.dtype
) -> dict[str, dict[str, Array]]:
    """All parameters from one normal vector: a generator for each would take seconds to compile."""
    sizes = [prod(shape) for leaves in shapes.values() for shape in leaves.values()]
    # The barrier keeps the compiler from copying the generator into everything that uses a normal.
    vector = jax.random.normal(key, (sum(sizes),), dtype)
    pieces = iter(jnp.split(jax.lax.optimization_barrier(vector), list(accumulate(sizes))[:-1]))
    return {
        name: {leaf: spread[name][leaf] * next(pieces).reshape(shape) for leaf, shape in leaves.items()}
        for name, leaves in shapes.items()
    }


def _given(_: Array, drawn: dict[str, Array] | None, shapes: dict[str, tuple[int, ...]]) -> dict[str, Array]:
    """A block's parameters as drawn; zeros of their shapes when flax only checks those."""
    return drawn or {leaf: jnp.zeros(shape) for leaf, shape in shapes.items()}


def with_fixed_biases(params: Mapping[str, Mapping[str, Array]]) -> dict[str, Mapping[str, Array]]:
    """The parameters with biases that pass no gradient."""
    return jax.tree_util.tree_map_with_path(_fix, params)


def without_biases(params: Mapping[str, Mapping[str, Array]]) -> dict[str, dict[str, Array]]:
    """The parameters that are no biases."""
    return {block: {name: leaf for name, leaf in leaves.items() if name != "b"} for block, leaves in params.items()}


def _fix(path: tuple, leaf: Array) -> Array:
    return jax.lax.stop_gradient(leaf) if path[-1].key == "b" else leaf
