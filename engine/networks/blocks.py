"""Networks of layers: how their parameters are drawn, which of them pass a gradient, and runs of equal layers, stacked
and scanned, so that compile time does not grow with depth."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import accumulate
from math import prod, sqrt
from types import SimpleNamespace
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Float

from engine.networks.activations import NAMES
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
    tree = leaves(network, input_dim, output_dim)
    sizes = [prod(leaf.shape) for block in tree.values() for leaf in block.values()]
    own: Any = _Key().apply({}, rngs={"params": key})
    vector = jax.random.normal(own, (sum(sizes),), dtype)
    # The barrier keeps the compiler from copying the generator into everything that uses a normal.
    pieces = iter(jnp.split(jax.lax.optimization_barrier(vector), list(accumulate(sizes))[:-1]))
    return {
        name: {part: leaf.spread * next(pieces).reshape(leaf.shape) for part, leaf in block.items()}
        for name, block in tree.items()
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


JAX = SimpleNamespace(
    **{name: getattr(jnp, name) for name in NAMES}, erf=jax.scipy.special.erf, expit=jax.scipy.special.expit
)


@dataclass(frozen=True)
class Block:
    """A run of `count` consecutive layers of one shape; `scale` is their c_l and `bias_scale` what multiplies b.

    `spread` and `bias_spread` are the standard deviations of w and b at initialisation.
    """

    name: str
    count: int
    fan_in: int
    fan_out: int
    scale: float
    bias_scale: float
    has_bias: bool
    spread: float = 1.0
    bias_spread: float = 0.0

    @classmethod
    def of(
        cls, network: LayeredConfig, name: str, sigma: float, sizes: tuple[int, int], count: int = 1, bias: bool = True
    ) -> "Block":
        """Of layers with weights of this size sigma, and with biases where the network has any and `bias` says so."""
        c, normal = sigma / sqrt(sizes[0]), float(network.bias_init == "normal")
        biased = network.has_bias and bias
        if network.standard:
            return cls(name, count, *sizes, 1.0, 1.0, biased, c, network.sigma_b * normal)
        return cls(name, count, *sizes, c, network.sigma_b, biased, 1.0, normal)

    @property
    def leaves(self) -> dict[str, Leaf]:
        """Of the parameters, stacked over the layers of a hidden block."""
        stack = () if self.name == "readout" else (self.count,)
        weights = {"w": Leaf((*stack, self.fan_in, self.fan_out), self.spread)}
        return weights | ({"b": Leaf((*stack, self.fan_out), self.bias_spread)} if self.has_bias else {})


def readout(network: LayeredConfig, output_dim: int) -> Block:
    """The last layer, of what the hidden ones give."""
    return Block.of(
        network, "readout", network.sigma_w_readout, (network.features, output_dim), bias=network.output_bias
    )


def affine(block: Block, layer: Mapping[str, Array], a: Float[Array, "n n_in"]) -> Float[Array, "n n_out"]:
    """c_l W a + b-term of one layer. Full precision also where a GPU would round to TF32."""
    z = block.scale * jnp.matmul(a, layer["w"], precision="highest")
    return z + block.bias_scale * layer["b"] if block.has_bias else z


def scan_layers(body: Callable, carry: Any, layers: Any, *, reverse: bool = False) -> tuple[Any, Any]:
    """`jax.lax.scan` over stacked layers; a single layer, whose width may change, is applied as it is."""
    if jax.tree.leaves(layers)[0].shape[0] > 1:
        return jax.lax.scan(body, carry, layers, reverse=reverse)
    carry, kept = body(carry, jax.tree.map(lambda leaf: leaf[0], layers))
    return carry, jax.tree.map(lambda leaf: leaf[None], kept)
