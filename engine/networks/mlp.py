"""The fully connected network. Conventions: `engine.networks.mlp_config.MLPConfig`.

Parameters are `{"hidden_0": {"w": (r, n_in, n_out), "b": (r, n_out)}, ..., "readout": {"w": (n_L, k), "b": (k,)}}`:
one block per run of r consecutive hidden layers of equal shape. "b" is missing where a layer has no bias.
"""

from itertools import groupby, pairwise

from jaxtyping import Array, Float

from engine.networks.activations import ACTIVATIONS
from engine.networks.blocks import JAX, Block, Leaves, Params, affine, readout, scan_layers
from engine.networks.mlp_config import MLPConfig


def blocks(network: MLPConfig, input_dim: int, output_dim: int) -> list[Block]:
    """The hidden blocks in order, then the readout (count 1)."""
    found = []
    for sizes, run in groupby(pairwise((input_dim, *network.widths))):
        found.append(Block.of(network, f"hidden_{len(found)}", network.sigma_w, sizes, len(list(run))))
    return [*found, readout(network, output_dim)]


def leaves(network: MLPConfig, input_dim: int, output_dim: int) -> Leaves:
    """Of the parameters."""
    return {block.name: block.leaves for block in blocks(network, input_dim, output_dim)}


def heads(network: MLPConfig, params: Params, x: Float[Array, "n n_0"]) -> Float[Array, "n k"]:
    """h(x), before output scale and centring."""
    *hidden, last = blocks(network, x.shape[-1], params["readout"]["w"].shape[-1])
    act, a = ACTIVATIONS[network.activation].value, x
    for block in hidden:
        a, _ = scan_layers(
            lambda a, layer, block=block: (act(affine(block, layer, a), JAX), None), a, params[block.name]
        )
    return ACTIVATIONS[network.readout].value(affine(last, params["readout"], a), JAX)
