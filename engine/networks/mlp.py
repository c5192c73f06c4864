"""The network: a fully connected flax module whose equal layers are stacked and scanned.

Parameters are `{"hidden_0": {"w": (r, n_in, n_out), "b": (r, n_out)}, ..., "readout": {"w": (n_L, k), "b": (k,)}}`:
one block per run of r consecutive hidden layers of equal shape, so that compile time does not grow with
depth. "b" is missing where a layer has no bias. Conventions: `engine.networks.config.MLPConfig`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import groupby, pairwise
from math import sqrt
from types import SimpleNamespace
from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Float

from engine.networks.activations import ACTIVATIONS, NAMES
from engine.networks.config import MLPConfig
from engine.networks.drawing import declared

Params = Mapping[str, Mapping[str, Array]]
JAX = SimpleNamespace(
    **{name: getattr(jnp, name) for name in NAMES}, erf=jax.scipy.special.erf, expit=jax.scipy.special.expit
)


@dataclass(frozen=True)
class Block:
    """A run of `count` consecutive layers of one shape; `scale` is their c_l and `bias_scale` what multiplies b."""

    name: str
    count: int
    fan_in: int
    fan_out: int
    scale: float
    bias_scale: float
    has_bias: bool

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Shapes of the parameters, stacked over the layers of a hidden block."""
        stack = () if self.name == "readout" else (self.count,)
        weights = {"w": (*stack, self.fan_in, self.fan_out)}
        return weights | {"b": (*stack, self.fan_out)} if self.has_bias else weights


def blocks(network: MLPConfig, input_dim: int, output_dim: int) -> list[Block]:
    """The hidden blocks in order, then the readout (count 1)."""
    ntk = network.parameterization == "ntk"
    bias_scale = network.sigma_b if ntk else 1.0
    sizes = (input_dim, *network.widths)
    found = []
    for (fan_in, fan_out), run in groupby(pairwise(sizes)):
        scale = network.sigma_w / sqrt(fan_in) if ntk else 1.0
        name = f"hidden_{len(found)}"
        found.append(Block(name, len(list(run)), fan_in, fan_out, scale, bias_scale, network.has_bias))
    scale = network.sigma_w_readout / sqrt(sizes[-1]) if ntk else 1.0
    has_bias = network.has_bias and network.output_bias
    found.append(Block("readout", 1, sizes[-1], output_dim, scale, bias_scale, has_bias))
    return found


class MLP(nn.Module):
    """h: R^{n_0} -> R^k, before output scale and centring."""

    network: MLPConfig
    output_dim: int = 1
    param_dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: Float[Array, "n n_0"]) -> Float[Array, "n k"]:
        layers = blocks(self.network, x.shape[-1], self.output_dim)
        spread = {block.name: {"w": self._weight_spread(block), "b": self._bias_spread()} for block in layers}
        params = declared(self, {block.name: block.shapes for block in layers}, spread, self.param_dtype)
        act = ACTIVATIONS[self.network.activation].value
        a = x
        for block in layers[:-1]:
            a, _ = scan_layers(
                lambda a, layer, block=block: (act(affine(block, layer, a), JAX), None), a, params[block.name]
            )
        h = affine(layers[-1], params["readout"], a)
        return ACTIVATIONS[self.network.readout].value(h, JAX)

    def _weight_spread(self, block: Block) -> float:
        """Standard deviation of the weights of a block at initialisation."""
        sigma = self.network.sigma_w_readout if block.name == "readout" else self.network.sigma_w
        return 1.0 if self.network.parameterization == "ntk" else sigma / sqrt(block.fan_in)

    def _bias_spread(self) -> float:
        """Standard deviation of the biases at initialisation."""
        normal = 1.0 if self.network.parameterization == "ntk" else self.network.sigma_b
        return normal if self.network.bias_init == "normal" else 0.0


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


def init(network: MLPConfig, seed: int, input_dim: int, output_dim: int = 1) -> Params:
    """Float32 parameters at initialisation, the same for the same seed."""
    return draw(network, jax.random.key(seed), input_dim, output_dim)


@partial(jax.jit, static_argnums=(0, 2, 3, 4))
def draw(network: MLPConfig, key: Array, input_dim: int, output_dim: int, dtype: Any = jnp.float32) -> Params:
    """Parameters at initialisation from a key; can be mapped over keys."""
    return MLP(network, output_dim, dtype).init(key, jnp.zeros((1, input_dim), dtype))["params"]


def apply(network: MLPConfig, params: Params, x: Float[Array, "n n_0"]) -> Float[Array, "n k"]:
    """h(x), before output scale and centring. Parameters that do not train pass no gradient."""
    output_dim = params["readout"]["w"].shape[-1]
    params = {
        block: {name: a if network.trains(block, name) else jax.lax.stop_gradient(a) for name, a in leaves.items()}
        for block, leaves in params.items()
    }
    return MLP(network, output_dim).apply({"params": params}, x)  # type: ignore[return-value]


def trained(network: MLPConfig, params: Params) -> Params:
    """The parameters that train."""
    return {
        block: {leaf: array for leaf, array in leaves.items() if network.trains(block, leaf)}
        for block, leaves in params.items()
    }
