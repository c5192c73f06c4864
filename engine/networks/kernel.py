"""The empirical neural tangent kernel of an mlp, layer by layer; of other networks `engine.networks.traced.kernel`.

K(x, x') = alpha^2 sum_l (c_l^2 a_{l-1}.a'_{l-1} + b_l^2) (delta_l.delta'_l), where a are activations, delta_l =
dh/dz_l the backpropagated signals, c_l what multiplies W_l and b_l what multiplies b_l (zero where biases
do not train), over the layers l that train. Cost O(n^2 w L) beside two passes through the network; memory
O(n w L + n^2), and less with `rows`; k outputs as in `engine.networks.gram`. Source: theory of Jacot, Gabriel and
Hongler (arXiv 1806.07572);
the layerwise form is the structured derivative of Novak, Sohl-Dickstein and Schoenholz (arXiv 2206.08720) written for
a fully connected network.
"""

from collections.abc import Mapping
from functools import partial

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from engine.networks.activations import ACTIVATIONS
from engine.networks.blocks import JAX, Block, Params, affine, scan_layers
from engine.networks.gram import Gram, Heads, Precision, dtypes
from engine.networks.mlp import blocks
from engine.networks.mlp_config import MLPConfig


@partial(jax.jit, static_argnames=("network", "heads", "precision"))
def ntk(network: MLPConfig, params: Params, x: Array, other: Array | None, heads: Heads, precision: Precision) -> Array:
    """The kernel of all points at once; arguments as of `engine.networks.model.ntk`."""
    signal, gram_dtype = dtypes(precision)
    params = jax.tree.map(lambda leaf: leaf.astype(signal), params)
    points = x if other is None else jnp.concatenate([x, other])
    k = params["readout"]["w"].shape[-1]
    gram = Gram(x.shape[0], None if other is None else other.shape[0], heads, gram_dtype)
    kernel = _sum_layers(network, params, points.astype(signal), gram)
    return network.output_scale**2 * gram.assemble(kernel, k)


def _sum_layers(network: MLPConfig, params: Params, x: Float[Array, "p n_0"], gram: Gram) -> list[Array]:
    """One pass forward that keeps inputs and slopes, one backward that adds each layer's term as it goes."""
    activation, k = ACTIVATIONS[network.activation], params["readout"]["w"].shape[-1]
    *hidden, readout = blocks(network, x.shape[-1], k)

    a, kept = x, {}
    for block in hidden:

        def forward(a: Array, layer: Mapping[str, Array], block: Block = block) -> tuple[Array, tuple[Array, Array]]:
            z = affine(block, layer, a)
            return activation.value(z, JAX), (a, activation.derivative(z, JAX))

        a, kept[block.name] = scan_layers(forward, a, params[block.name])

    h = affine(readout, params["readout"], a)
    gate = ACTIVATIONS[network.readout].derivative(h, JAX)
    D = gate[:, :, None] * jnp.eye(k, dtype=x.dtype)
    kernel = _add(network, readout, gram, gram.zeros(k), a, D)
    if network.train == "readout":
        return kernel
    back = readout.scale * jnp.matmul(D, params["readout"]["w"].T, precision="highest")

    for block in reversed(hidden):

        def backward(carry: tuple[list[Array], Array], layer: tuple, block: Block = block) -> tuple[tuple, None]:
            (kernel, back), ((a, slope), weights) = carry, layer
            D = back * slope[:, None, :]
            kernel = _add(network, block, gram, kernel, a, D)
            return (kernel, block.scale * jnp.matmul(D, weights.T, precision="highest")), None

        layers = (kept[block.name], params[block.name]["w"])
        (kernel, back), _ = scan_layers(backward, (kernel, back), layers, reverse=True)
    return kernel


def _add(network: MLPConfig, block: Block, gram: Gram, kernel: list[Array], a: Array, D: Array) -> list[Array]:
    """The kernel with the term of a layer, if that trains."""
    if not network.trains(block.name):
        return kernel
    return gram.add(kernel, a, D, weight=block.scale**2, bias=bias_term(network, block))


def bias_term(network: MLPConfig, block: Block) -> float:
    """b_l^2: what the biases of a layer add to its inputs' products."""
    return block.bias_scale**2 if block.has_bias and network.trains(block.name, "b") else 0.0
