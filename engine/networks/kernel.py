"""The empirical neural tangent kernel, layer by layer.

K(x, x') = alpha^2 sum_l (c_l^2 a_{l-1}.a'_{l-1} + b_l^2) (delta_l.delta'_l), where a are activations, delta_l =
dh/dz_l the backpropagated signals, c_l what multiplies W_l and b_l what multiplies b_l (zero where biases
do not train). Cost O(n^2 w L) beside two passes through the network; memory O(n w L + n^2), and less
with `rows`. Source: theory of Jacot, Gabriel and Hongler (arXiv 1806.07572); the layerwise form is the structured
derivative of Novak, Sohl-Dickstein and Schoenholz (arXiv 2206.08720) written for a fully connected network.

k outputs: "trace" is (1/k) sum over heads, shape (n, n'); "full" has entry [i k + h, j k + g] for heads h, g.
"""

from collections.abc import Mapping
from functools import partial
from typing import Literal

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from engine.config import NetworkConfig
from engine.networks.activations import ACTIVATIONS
from engine.networks.mlp import JAX, Block, Params, affine, blocks, scan_layers

Heads = Literal["trace", "full"]
Precision = Literal["float64", "mixed", "float32"]

PANEL = 128
"""Rows of a panel when symmetry is used: products of a panel with the rows up to its own."""


def ntk(
    network: NetworkConfig,
    params: Params,
    x: Float[Array, "n n_0"],
    other: Float[Array, "m n_0"] | None = None,
    *,
    heads: Heads = "trace",
    precision: Precision = "float64",
    rows: int | None = None,
) -> Float[Array, "n m"]:
    """The kernel between `x` and `other` (or itself), alpha^2 included and no 1/M factor.

    Args:
        precision: "float64" computes everything in float64 from the given parameters, "mixed" signals in
            float32 and the Gram in float64, "float32" everything in float32.
        rows: largest number of points whose signals are held at once; None for all.

    Raises:
        RuntimeError: float64 is asked for while `jax_enable_x64` is off.
    """
    if precision != "float32" and not jax.config.read("jax_enable_x64"):
        raise RuntimeError(f"kernel precision {precision!r} needs 64-bit JAX: set jax_enable_x64 first")
    size = max(x.shape[0], 0 if other is None else other.shape[0])
    if rows is None or size <= rows:
        return _ntk(network, params, x, other, heads, precision)
    starts = range(0, x.shape[0], rows)
    if other is not None:
        parts = [
            [
                _ntk(network, params, x[i : i + rows], other[j : j + rows], heads, precision)
                for j in range(0, other.shape[0], rows)
            ]
            for i in starts
        ]
        return jnp.block(parts)
    below = {
        (i, j): _ntk(network, params, x[i : i + rows], None if i == j else x[j : j + rows], heads, precision)
        for i in starts
        for j in starts
        if j <= i
    }
    return jnp.block([[below[i, j] if j <= i else below[j, i].T for j in starts] for i in starts])


@partial(jax.jit, static_argnames=("network", "heads", "precision"))
def _ntk(
    network: NetworkConfig, params: Params, x: Array, other: Array | None, heads: Heads, precision: Precision
) -> Array:
    signal = jnp.float64 if precision == "float64" else jnp.float32
    gram_dtype = jnp.float32 if precision == "float32" else jnp.float64
    params = jax.tree.map(lambda leaf: leaf.astype(signal), params)
    points = x if other is None else jnp.concatenate([x, other])
    k = params["readout"]["w"].shape[-1]
    gram = _Gram(x.shape[0], None if other is None else other.shape[0], heads, gram_dtype)
    kernel = _sum_layers(network, params, points.astype(signal), gram)
    return network.alpha**2 * gram.assemble(kernel, k)


def _sum_layers(network: NetworkConfig, params: Params, x: Float[Array, "p n_0"], gram: "_Gram") -> list[Array]:
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
    kernel = gram.add(gram.zeros(k), a, D, readout, network.train_bias)
    back = readout.scale * jnp.matmul(D, params["readout"]["w"].T, precision="highest")

    for block in reversed(hidden):

        def backward(carry: tuple[list[Array], Array], layer: tuple, block: Block = block) -> tuple[tuple, None]:
            (kernel, back), ((a, slope), weights) = carry, layer
            D = back * slope[:, None, :]
            kernel = gram.add(kernel, a, D, block, network.train_bias)
            return (kernel, block.scale * jnp.matmul(D, weights.T, precision="highest")), None

        layers = (kept[block.name], params[block.name]["w"])
        (kernel, back), _ = scan_layers(backward, (kernel, back), layers, reverse=True)
    return kernel


class _Gram:
    """Sums c^2 A A'^T o D D'^T over layers into panels of rows, then assembles the kernel.

    Without `other`, panel i holds its rows against all rows up to its own end: a little over half the products.
    """

    def __init__(self, size: int, other: int | None, heads: Heads, dtype: jnp.dtype):
        self.size, self.heads, self.dtype = size, heads, dtype
        if other is None:
            self.panels = [(i, min(i + PANEL, size), 0, min(i + PANEL, size)) for i in range(0, size, PANEL)]
        else:
            self.panels = [(0, size, size, size + other)]
        self.symmetric = other is None

    def zeros(self, k: int) -> list[Array]:
        factor = k if self.heads == "full" else 1
        return [jnp.zeros(((i1 - i0) * factor, (j1 - j0) * factor), self.dtype) for i0, i1, j0, j1 in self.panels]

    def add(
        self, kernel: list[Array], A: Float[Array, "p n_in"], D: Float[Array, "p k n_out"], block: Block, trained: bool
    ):
        """`kernel` plus the term of one layer: its inputs A and backpropagated signals D at all points p."""
        k = D.shape[1]
        A, D = A.astype(self.dtype), D.astype(self.dtype)
        D = D.reshape(-1, D.shape[2]) if self.heads == "full" else D.reshape(D.shape[0], -1)
        factor = k if self.heads == "full" else 1
        bias = block.bias_scale**2 if trained and block.has_bias else 0.0
        terms = []
        for i0, i1, j0, j1 in self.panels:
            weights = block.scale**2 * jnp.matmul(A[i0:i1], A[j0:j1].T, precision="highest") + bias
            signals = jnp.matmul(D[i0 * factor : i1 * factor], D[j0 * factor : j1 * factor].T, precision="highest")
            terms.append(jnp.repeat(jnp.repeat(weights, k, 0), k, 1) * signals if factor > 1 else weights * signals)
        return [panel + term for panel, term in zip(kernel, terms, strict=True)]

    def assemble(self, kernel: list[Array], k: int) -> Array:
        if not self.symmetric:
            return kernel[0] if self.heads == "full" else kernel[0] / k
        factor = k if self.heads == "full" else 1
        rows = [jnp.pad(panel, ((0, 0), (0, self.size * factor - panel.shape[1]))) for panel in kernel]
        lower = jnp.concatenate(rows)
        full = jnp.tril(lower) + jnp.tril(lower, -1).T
        return full if self.heads == "full" else full / k
