"""The kernel of each layer: of the fully connected network by NumPy, which compiles nothing, with its outputs; of other
networks from their programs."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from engine.networks.activations import ACTIVATIONS, NUMPY
from engine.networks.blocks import Block
from engine.networks.kernel import bias_term
from engine.networks.mlp import blocks
from engine.networks.mlp_config import MLPConfig
from engine.networks.traced.kernel import Apply, by_leaf

Tree = Mapping[str, Mapping[str, Any]]


def layer_kernels(network: MLPConfig, params: Tree, x: Float[np.ndarray, "n n_0"]) -> Float[np.ndarray, "d n n"]:
    """alpha^2 (c_l^2 A_{l-1} A_{l-1}^T + b_l^2) o (D_l D_l^T) for l = 1..d, readout last; the mean over k outputs.

    Their sum is the kernel (`engine.networks.kernel`, where the letters are said). 0 of a layer that does not train.
    """
    activation, k = ACTIVATIONS[network.activation], params["readout"]["w"].shape[-1]
    *hidden, readout = blocks(network, x.shape[1], k)

    def term(block: Block, a: Float[np.ndarray, "n n_in"], D: Float[np.ndarray, "n k n_out"]) -> np.ndarray:
        signals = D.reshape(len(D), -1)
        trains = float(network.trains(block.name))
        return trains * (block.scale**2 * a @ a.T + bias_term(network, block)) * (signals @ signals.T)

    a, kept = x, []
    for block in hidden:
        for layer in layers(params[block.name]):
            z = affine(block, layer, a)
            kept.append((block, a, activation.derivative(z, NUMPY), layer["w"]))
            a = activation.value(z, NUMPY)
    gate = ACTIVATIONS[network.readout].derivative(affine(readout, params["readout"], a), NUMPY)
    D = gate[:, :, None] * np.eye(k)
    found, back = [term(readout, a, D)], readout.scale * D @ params["readout"]["w"].T
    for block, a, slope, weights in reversed(kept):
        D = back * slope[:, None, :]
        found.append(term(block, a, D))
        back = block.scale * D @ weights.T
    return network.output_scale**2 / k * np.stack(found[::-1])


def outputs(network: MLPConfig, params: Tree, x: Float[np.ndarray, "p n_0"]) -> Float[np.ndarray, "p k"]:
    """h before output scale and centring, in the precision of `params`."""
    k = params["readout"]["w"].shape[-1]
    *hidden, readout = blocks(network, x.shape[1], k)
    act, a = ACTIVATIONS[network.activation].value, x
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        for block in hidden:
            for layer in layers(params[block.name]):
                a = act(affine(block, layer, a), NUMPY)
        return ACTIVATIONS[network.readout].value(affine(readout, params["readout"], a), NUMPY)


def layers(stacked: Mapping[str, np.ndarray]) -> Iterator[dict[str, np.ndarray]]:
    """The parameters of each layer of a block."""
    for index in range(len(stacked["w"])):
        yield {leaf: array[index] for leaf, array in stacked.items()}


def affine(block: Block, layer: Mapping[str, np.ndarray], a: np.ndarray) -> np.ndarray:
    """c_l W a + b-term of one layer, in the precision of a."""
    z = a.dtype.type(block.scale) * (a @ layer["w"])
    return z + a.dtype.type(block.bias_scale) * layer["b"] if block.has_bias else z


# The kernel of each layer of a network whose program is read: the parts of its leaves, block by block.


def layer_names(apply: Apply, params: dict, x: Float[np.ndarray, "n n_0"]) -> list[str]:
    """The paths of the blocks; with the number of each layer where a block stacks several."""
    parts = jax.eval_shape(lambda: by_block(apply, params, x))
    return [
        block if len(parts[block]) == 1 else f"{block} {layer + 1}"
        for block in sorted(parts, key=_order)
        for layer in range(len(parts[block]))
    ]


def by_block(apply: Apply, params: dict, x: Float[np.ndarray, "n n_0"]) -> dict[str, Float[Array, "layers n n"]]:
    """The sum over the leaves of each block, the readout last."""
    found: dict[str, Array] = {}
    for path, part in by_leaf(apply, params, jnp.asarray(x)).items():
        block = path.rpartition("/")[0] or path
        found[block] = found[block] + part if block in found else part
    return {block: found[block] for block in sorted(found, key=_order)}


def _order(block: str) -> tuple[bool, list[tuple[int, str]]]:
    """hidden_2 before hidden_10, the readout last."""
    parts = re.split("([0-9]+)", block)
    return block == "readout", [(int(part), "") if part.isdecimal() else (-1, part) for part in parts]
