"""The convolutional network. Conventions: `engine.networks.conv_config.ConvConfig`.

Parameters are `{"hidden_0": {"w": (r, 3, 3, C_in, C_out), "b": (r, C_out)}, ..., "readout": {"w": (C, k), "b": (k,)}}`:
one block per run of r convolutions of equal shape, as in `engine.networks.mlp`; with a norm also "gain" (its excess
over 1) and "shift", (r, C_out).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from math import sqrt

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from engine.networks.activations import ACTIVATIONS
from engine.networks.blocks import JAX, Leaf, Leaves, Params, affine, readout, scan_layers
from engine.networks.conv_config import TAPS, ConvConfig
from engine.networks.convolution import NORM_EPS, padding

Image = Float[Array, "n height width channels"]


@dataclass(frozen=True)
class Convolutions:
    """A run of `count` convolutions of one shape."""

    name: str
    count: int
    channels: tuple[int, int]
    stride: int

    def leaves(self, network: ConvConfig) -> dict[str, Leaf]:
        spread = {"b": float(network.bias_init == "normal")} if network.has_bias else {}
        spread |= {"gain": 0.0, "shift": 0.0} if network.norm == "layer" else {}
        each = (self.count, self.channels[1])
        return {"w": Leaf((self.count, 3, 3, *self.channels), 1.0)} | {n: Leaf(each, s) for n, s in spread.items()}


def convolutions(network: ConvConfig) -> list[Convolutions]:
    """In order."""
    shapes, found = list(zip(pairwise(network.channels), network.strides, strict=True)), []
    for count in network.runs:
        channels, stride = shapes[sum(run.count for run in found)]
        found.append(Convolutions(f"hidden_{len(found)}", count, channels, stride))
    return found


def leaves(network: ConvConfig, input_dim: int, output_dim: int) -> Leaves:
    """Of the parameters."""
    hidden = {layer.name: layer.leaves(network) for layer in convolutions(network)}
    return hidden | {"readout": readout(network, output_dim).leaves}


def heads(network: ConvConfig, params: Params, x: Float[Array, "n n_0"]) -> Float[Array, "n k"]:
    """h(x), before output scale and centring, of images of `network.shape`, flattened."""
    act, a = ACTIVATIONS[network.activation].value, x.reshape(-1, *network.image)
    for layer in convolutions(network):
        a, _ = scan_layers(
            lambda a, own, layer=layer: (act(_convolved(network, layer, own, a), JAX), None), a, params[layer.name]
        )
    pooled = a.mean((1, 2)) if network.pooling == "average" else a.reshape(len(a), -1)
    last = params["readout"]
    return affine(readout(network, last["w"].shape[-1]), last, pooled)


def _convolved(network: ConvConfig, layer: Convolutions, own: Mapping[str, Array], a: Image) -> Image:
    """z_l, normalised where the network does so."""
    around = tuple(padding(length, layer.stride) for length in a.shape[1:3])
    if network.padding == "circular":
        a, around = jnp.pad(a, ((0, 0), *around, (0, 0)), mode="wrap"), "VALID"
    strides, names = (layer.stride, layer.stride), ("NHWC", "HWIO", "NHWC")
    z = jax.lax.conv_general_dilated(a, own["w"], strides, around, dimension_numbers=names, precision="highest")
    z = network.sigma_w / sqrt(TAPS * layer.channels[0]) * z
    z = z + network.sigma_b * own["b"] if "b" in own else z
    return (1 + own["gain"]) * _normalised(z) + own["shift"] if network.norm == "layer" else z


def _normalised(z: Image) -> Image:
    """Mean 0 and variance 1 over the positions and channels of each example."""
    centred = z - z.mean((1, 2, 3), keepdims=True)
    return centred * jax.lax.rsqrt((centred**2).mean((1, 2, 3), keepdims=True) + NORM_EPS)
