"""The fully connected residual network. Conventions: `engine.networks.resnet_config.ResNetConfig`.

Parameters are `{"hidden_0": {"w", "b"}, "hidden_1": {"w", "b"}, "readout": {"w", "b"}}`: the input layer, the L blocks
stacked, the readout. "b" is missing where there are no biases.
"""

from jaxtyping import Array, Float

from engine.networks.activations import ACTIVATIONS
from engine.networks.blocks import JAX, Block, Leaves, Params, affine, readout, scan_layers
from engine.networks.resnet_config import ResNetConfig


def blocks(network: ResNetConfig, input_dim: int, output_dim: int) -> list[Block]:
    """Input layer, the stack of blocks, readout."""
    n = network.width
    return [
        Block.of(network, "hidden_0", 1.0, (input_dim, n)),
        Block.of(network, "hidden_1", network.sigma_w, (n, n), network.depth),
        readout(network, output_dim),
    ]


def leaves(network: ResNetConfig, input_dim: int, output_dim: int) -> Leaves:
    """Of the parameters."""
    return {block.name: block.leaves for block in blocks(network, input_dim, output_dim)}


def heads(network: ResNetConfig, params: Params, x: Float[Array, "n n_0"]) -> Float[Array, "n k"]:
    """h(x), before output scale and centring."""
    first, block, last = blocks(network, x.shape[-1], params["readout"]["w"].shape[-1])
    act, s = ACTIVATIONS[network.activation].value, network.branch
    a, _ = scan_layers(lambda a, layer: (affine(first, layer, a), None), x, params[first.name])
    a, _ = scan_layers(lambda a, layer: (a + s * affine(block, layer, act(a, JAX)), None), a, params[block.name])
    return affine(last, params[last.name], a)
