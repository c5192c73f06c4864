"""Networks of many kinds, in linen, nnx and plain JAX: apply, parameters, and a few examples."""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn
from flax import nnx
from flax_networks import (
    BatchNormalised,
    Convolutional,
    Dense,
    Ensemble,
    Local,
    ModernAttention,
    ModernConvolution,
    Normalised,
    Odd,
    Recurrent,
    Residual,
    Scanned,
    Tied,
    Transformer,
    Twice,
)

from engine.networks import model
from engine.networks.mlp_config import MLPConfig


class Case(NamedTuple):
    """An architecture: what it is, its examples, and how many of its leaves should be structured."""

    apply: Callable
    params: Any
    x: jax.Array
    structured: int


def wide(params: Any) -> Any:
    """Floating leaves in float64, and away from zero where they start there."""
    leaves, tree = jax.tree.flatten(params)
    rng = np.random.default_rng(7)
    return tree.unflatten(
        jnp.asarray(leaf + 0.1 * rng.standard_normal(leaf.shape)) if jnp.issubdtype(leaf.dtype, jnp.floating) else leaf
        for leaf in leaves
    )


def points(*shape: int) -> jax.Array:
    return jnp.asarray(np.random.default_rng(3).standard_normal(shape))


def tokens(*shape: int) -> jax.Array:
    return jnp.asarray(np.random.default_rng(3).integers(0, 11, shape))


def linen(model: nn.Module, x: jax.Array, structured: int, **how: Any) -> Case:
    variables = jax.jit(partial(model.init, **how))(jax.random.key(0), x)
    others = {name: wide(value) for name, value in variables.items() if name != "params"}

    def apply(params: Any, x: jax.Array) -> jax.Array:
        return model.apply({"params": params, **others}, x, **how)

    return Case(apply, wide(variables["params"]), x, structured)


def modern(build: Callable[[nnx.Rngs], nnx.Module], x: jax.Array, structured: int) -> Case:
    graph, params, others = nnx.split(build(nnx.Rngs(0)), nnx.Param, ...)
    others = wide(others)

    def apply(params: Any, x: jax.Array) -> jax.Array:
        return nnx.merge(graph, params, others)(x)

    return Case(apply, wide(params), x, structured)


def ours(outputs: int, structured: int, **settings: Any) -> Case:
    network = MLPConfig.from_dict(settings)

    def apply(params: Any, x: jax.Array) -> jax.Array:
        return network.alpha * model.apply(network, params, x)

    return Case(apply, wide(model.init(network, 1, 4, outputs)), points(6, 4), structured)


def plain(apply: Callable, x: jax.Array, structured: int, **shapes: tuple[int, ...]) -> Case:
    rng = np.random.default_rng(5)
    params = {name: jnp.asarray(rng.standard_normal(shape) / max(1, shape[0]) ** 0.5) if shape else jnp.asarray(0.7)
              for name, shape in shapes.items()}  # fmt: skip
    return Case(apply, params, x, structured)


IMAGES = points(5, 8, 8, 2)


def scaled(p, x):
    """The NTK parameterization, with a skip."""
    h = jnp.tanh(x @ p["w"] / 2.0 + 0.3 * p["b"])
    return (h @ (p["v"] * 0.5) + x @ p["s"]) / 3.0


def adapted(p, x):
    """Low-rank adapters, as a product of their own and added to the weights."""
    h = jnp.tanh(x @ p["w"] + (x @ p["a"]) @ p["b"])
    return h @ (p["v"] + p["c"] @ p["d"])


@jax.custom_jvp
def gain(p, h):
    return p * jnp.sin(h)


gain.defjvp(lambda primals, tangents: (gain(*primals), tangents[0] * jnp.sin(primals[1])
                                       + primals[0] * jnp.cos(primals[1]) * tangents[1]))  # fmt: skip


@jax.custom_vjp
def clipped(p, h):
    return jnp.tanh(h @ p)


clipped.defvjp(
    lambda p, h: (clipped(p, h), (p, h)),
    lambda held, g: (held[1].T @ (g * (1 - jnp.tanh(held[1] @ held[0]) ** 2)),
                     (g * (1 - jnp.tanh(held[1] @ held[0]) ** 2)) @ held[0].T),
)  # fmt: skip


def custom(p, x):
    return clipped(p["u"], gain(p["g"], x @ p["w"])) @ p["v"]


def branching(p, x):
    def one(x):
        h = jax.lax.cond(x.sum() > 0, lambda x: jnp.tanh(x @ p["w"]), lambda x: jnp.sin(x @ p["u"]), x)
        return h * jnp.exp(p["e"]) @ p["v"] + jnp.where(x[0] > 0, p["e"], p["e"] ** 2)

    return jax.vmap(one)(x)


def looped(p, x):
    """A recurrence with a learned start; and a loop of a fixed number of turns."""

    def step(h, t):
        h = jnp.tanh(h @ p["w"] + t @ p["u"])
        return h, h

    start = jnp.broadcast_to(p["h"], (x.shape[0], 4))
    h, path = jax.lax.scan(step, start, jnp.moveaxis(x, 1, 0), reverse=True)
    h = jax.lax.fori_loop(0, 2, lambda _, h: jnp.sin(h @ p["w"]), h)
    return h @ p["v"] + path.mean(0) @ p["v"]


def sliced(p, x):
    """Layers as slices of one leaf, one of them flipped; and two slices of another that overlap."""
    h = jnp.tanh(x @ p["w"][0])
    h = jnp.tanh(h @ p["w"][1] + p["b"][0])
    h = jnp.tanh(h @ jnp.flip(p["w"][2:].reshape(4, 4), 1).T + p["b"][1])
    return h @ p["v"][:, :2] + h @ p["v"][:, 1:]


def read_twice(p, x):
    """A product that is read twice, beside its bias; and one of positions with a bias along them."""
    z = x @ p["w"]
    h = jnp.tanh(z + p["b"]) + jnp.sin(z)
    h = jnp.tanh((h[:, :, None] * jnp.ones(2)).transpose(0, 2, 1) @ p["v"] + p["c"][:, None])
    return h.reshape(x.shape[0], -1) @ p["r"]


def contracted(p, x):
    """General products: over two axes, the leaf as first operand, batch axes of its own."""
    x = x.reshape(x.shape[0], 2, 2)
    h = jnp.tanh(jnp.einsum("qab,nab->nq", p["w"], x))
    h = jnp.tanh(jnp.einsum("gq,nq->ngq", p["g"], h))
    h = jnp.einsum("nga,gab->nbg", h, p["b"])
    return jnp.tanh(jnp.einsum("nbg,gbk->nk", h, p["v"]))


def one_dimensional(p, x):
    """Two convolutions of sequences with one kernel, features first, one of them dilated; biases, one by position."""
    h = jnp.swapaxes(x, 1, 2)
    for by in (1, 2):
        numbers = ("NCH", "OIH", "NCH")
        z = jax.lax.conv_general_dilated(h, p["w"], (1,), [(by, by)], rhs_dilation=(by,), dimension_numbers=numbers)
        h = jnp.tanh(0.5 * z + 0.3 * p["b"][:, None])
    h = jnp.tanh(jnp.swapaxes(h, 1, 2) @ p["u"] + p["c"][:, None] + p["d"])
    return h.reshape(h.shape[0], -1) @ p["v"]


def complex_weights(p: Any, x: jax.Array) -> jax.Array:
    return jnp.abs(x @ (p["r"] + 1j * p["i"]) * (2 - 1j)) @ p["v"]


CASES: dict[str, Callable[[], Case]] = {
    "our MLP": lambda: ours(1, 6, depth=3, width=7),
    "our MLP, erf, standard, mixed widths": lambda: ours(
        3, 10, depth=4, width=[5, 7, 7, 3], activation="erf", parameterization="standard", sigma_b=0.5, alpha=1.7
    ),
    "our MLP, biases that stay": lambda: ours(2, 3, depth=3, width=6, train_bias=False, bias_init="normal"),
    "dense": lambda: linen(Dense(), points(7, 4), 6),
    "dense, three outputs": lambda: linen(Dense(3), points(7, 4), 6),
    "residual": lambda: linen(Residual(), points(6, 4), 20),
    "convolutions": lambda: linen(Convolutional(), IMAGES, 6),
    "convolutions with LayerNorm": lambda: linen(Convolutional(nn.LayerNorm), IMAGES, 6),
    "convolutions with GroupNorm": lambda: linen(Convolutional(partial(nn.GroupNorm, num_groups=2)), IMAGES, 6),
    "odd convolutions": lambda: linen(Odd(), IMAGES, 8),
    "local convolution": lambda: linen(Local(), IMAGES, 3),
    "transformer": lambda: linen(Transformer(), tokens(4, 5), 14),
    "tied embedding": lambda: linen(Tied(), tokens(5, 3), 2),
    "one layer twice": lambda: linen(Twice(), points(6, 4), 6),
    "scan": lambda: linen(Scanned(), points(6, 4), 6),
    "scan with remat": lambda: linen(Scanned(remat=True), points(6, 4), 6),
    "nested scan": lambda: linen(Scanned(nested=True), points(6, 4), 6),
    "LSTM": lambda: linen(Recurrent(), points(4, 3, 2), 2),
    "ensemble": lambda: linen(Ensemble(), points(5, 4), 5),
    "weight normalisation": lambda: linen(Normalised(), points(6, 4), 2),
    "batch normalisation by running averages": lambda: linen(BatchNormalised(), points(6, 4), 4),
    "nnx: convolution, normalisation, a layer twice": lambda: modern(ModernConvolution, IMAGES, 6),
    "nnx: attention": lambda: modern(ModernAttention, tokens(4, 5), 10),
    "scaled weights": lambda: plain(scaled, points(6, 4), 4, w=(4, 5), b=(5,), v=(5, 3), s=(4, 3)),
    "low-rank adapters": lambda: plain(
        adapted, points(6, 4), 3, w=(4, 5), a=(4, 2), b=(2, 5), v=(5, 2), c=(5, 1), d=(1, 2)
    ),
    "custom derivatives": lambda: plain(custom, points(6, 4), 2, w=(4, 5), g=(), u=(5, 4), v=(4, 2)),
    "branches": lambda: plain(branching, points(6, 4), 1, w=(4, 5), u=(4, 5), e=(), v=(5, 2)),
    "recurrence with a learned start": lambda: plain(
        looped, points(5, 3, 2), 3, w=(4, 4), u=(2, 4), h=(4,), v=(4, 2)
    ),
    "slices of a leaf": lambda: plain(sliced, points(6, 4), 2, w=(3, 4, 4), b=(2, 4), v=(4, 3)),
    "a product read twice": lambda: plain(read_twice, points(6, 4), 3, w=(4, 5), b=(5,), c=(2,), v=(5, 3), r=(6, 2)),
    "general products": lambda: plain(contracted, points(6, 4), 4, w=(5, 2, 2), g=(3, 5), b=(3, 5, 4), v=(3, 4, 2)),
    "complex weights": lambda: plain(complex_weights, points(6, 4), 1, r=(4, 5), i=(4, 5), v=(5, 2)),
    "sequences, features first": lambda: plain(
        one_dimensional, points(5, 6, 3), 4, w=(3, 3, 3), b=(3,), u=(3, 2), c=(6,), d=(2,), v=(12, 2)
    ),
}  # fmt: skip
