"""The fully connected residual network. Conventions: `engine.networks.layered.ResNetConfig`.

Parameters are `{"hidden_0": {"w", "b"}, "hidden_1": {"w", "b"}, "readout": {"w", "b"}}`: the input layer, the L blocks
stacked, the readout. "b" is missing where there are no biases.
"""

from functools import partial
from math import sqrt
from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Float

from engine.networks.activations import ACTIVATIONS
from engine.networks.drawing import declared, with_fixed_biases
from engine.networks.layered import ResNetConfig
from engine.networks.mlp import JAX, Block, Params, affine, scan_layers


def blocks(network: ResNetConfig, input_dim: int, output_dim: int) -> list[Block]:
    """Input layer, the stack of blocks, readout."""
    n, bias, has_bias = network.width, network.sigma_b, network.has_bias
    return [
        Block("hidden_0", 1, input_dim, n, 1 / sqrt(input_dim), bias, has_bias),
        Block("hidden_1", network.depth, n, n, network.sigma_w / sqrt(n), bias, has_bias),
        Block("readout", 1, n, output_dim, network.sigma_w_readout / sqrt(n), bias, has_bias and network.output_bias),
    ]


class ResNet(nn.Module):
    """h: R^{n_0} -> R^k, before output scale and centring."""

    network: ResNetConfig
    output_dim: int = 1
    param_dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: Float[Array, "n n_0"]) -> Float[Array, "n k"]:
        first, block, readout = layers = blocks(self.network, x.shape[-1], self.output_dim)
        spread = {"w": 1.0, "b": 1.0 if self.network.bias_init == "normal" else 0.0}
        shapes = {each.name: each.shapes for each in layers}
        params = declared(self, shapes, dict.fromkeys(shapes, spread), self.param_dtype)
        act, s = ACTIVATIONS[self.network.activation].value, self.network.branch
        a, _ = scan_layers(lambda a, layer: (affine(first, layer, a), None), x, params[first.name])
        a, _ = scan_layers(lambda a, layer: (a + s * affine(block, layer, act(a, JAX)), None), a, params[block.name])
        return affine(readout, params[readout.name], a)


@partial(jax.jit, static_argnums=(0, 2, 3, 4))
def draw(network: ResNetConfig, key: Array, input_dim: int, output_dim: int, dtype: Any = jnp.float32) -> Params:
    """Parameters at initialisation from a key; can be mapped over keys."""
    return ResNet(network, output_dim, dtype).init(key, jnp.zeros((1, input_dim), dtype))["params"]


def apply(network: ResNetConfig, params: Params, x: Float[Array, "n n_0"]) -> Float[Array, "n k"]:
    """h(x), before output scale and centring. Biases that do not train pass no gradient."""
    output_dim = params["readout"]["w"].shape[-1]
    given = params if network.train_bias else with_fixed_biases(params)
    return ResNet(network, output_dim).apply({"params": given}, x)  # type: ignore[return-value]
