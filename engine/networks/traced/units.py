"""From signals to Grams: the parts of a plan whose Jacobian is sum_t a_t d_t^T, and how their Grams cost least."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from engine.networks.gram import Gram
from engine.networks.traced.products import Bias, Term
from engine.networks.traced.reading import Plan
from engine.networks.traced.signals import Signals

CHUNK_BYTES = 2**28
"""Explicit columns of a Jacobian, and products of pairs of positions, that are held at once."""

Members = Sequence[tuple[int, Term]]
"""Sites with the terms in which they see the same of a leaf."""


@dataclass(frozen=True)
class Unit:
    """A part of the kernel: sum over layers s of (weight sum_tt' (a_t.a'_t') (d_t.d'_t') + bias d.d').

    Attributes:
        leaves: whose part it is.
        A: None where all inputs are one.
    """

    leaves: tuple[int, ...]
    A: Float[Array, "s n t p"] | None
    D: Float[Array, "s n k t q"]
    weight: float = 0.0
    bias: float = 0.0


def units(plan: Plan, found: Signals, *, apart: bool = False) -> list[Unit]:
    """The parts of the kernel.

    Args:
        apart: one for each leaf, also where a bias could share the signals of its product.
    """
    biases = [(key[0], members) for key, members in plan.groups.items() if isinstance(members[0][1], Bias)]
    products = [(key[0], members) for key, members in plan.groups.items() if not isinstance(members[0][1], Bias)]
    parts, shared = [], []
    for leaf, members in products:
        A, D, weight = _product(plan, found, members)
        beside = None if apart or D.shape[3] > 1 else _beside(members, biases)
        if beside:
            shared.append(beside)
        factor = beside[1][0][1].factor if beside else 0.0
        parts.append(Unit((leaf, *([beside[0]] if beside else [])), A, D, weight, factor**2))
    parts += [_bias(plan, found, leaf, members) for leaf, members in biases if (leaf, members) not in shared]
    whole = {leaf: J for leaf, J in found.jacobians.items() if J.size}
    return parts + [Unit((leaf,), None, J[None, :, :, None], bias=1.0) for leaf, J in whole.items()]


def add(gram: Gram, kernel: list[Array], unit: Unit) -> list[Array]:
    """`kernel` plus a part, layer by layer."""

    def layer(kernel: list[Array], each: tuple[Array | None, Array]) -> tuple[list[Array], None]:
        return _add_layer(gram, kernel, *each, unit), None

    if unit.D.shape[0] == 1:
        return layer(kernel, (None if unit.A is None else unit.A[0], unit.D[0]))[0]
    return jax.lax.scan(layer, kernel, (unit.A, unit.D))[0]


def layers(gram: Gram, unit: Unit) -> Float[Array, "s n m"]:
    """The kernel of each layer of a part."""
    k = unit.D.shape[2]

    def layer(each: tuple[Array | None, Array]) -> Array:
        return gram.assemble(_add_layer(gram, gram.zeros(k), *each, unit), k)

    return jax.lax.map(layer, (unit.A, unit.D))


def _add_layer(gram: Gram, kernel: list[Array], A: Array | None, D: Array, unit: Unit) -> list[Array]:
    if A is None or A.shape[1] == 1:
        inputs = None if A is None else A[:, 0]
        return gram.add(kernel, inputs, D[:, :, 0], weight=unit.weight, bias=unit.bias)
    if _pairs_cost_less(gram, A, D):
        return gram.add_pairs(kernel, A, D, unit.weight)
    return _add_columns(gram, kernel, A, D, unit.weight)


def _pairs_cost_less(gram: Gram, A: Float[Array, "n t p"], D: Float[Array, "n k t q"]) -> bool:
    """Whether products of all pairs of positions take fewer operations than the columns of the Jacobian."""
    (n, k, t, q), p = D.shape, A.shape[2]
    heads = k * k if gram.heads == "full" else k
    pairs = gram.area * t * t * (p + heads * q)
    columns = n * k * t * p * q + gram.area * heads * p * q
    held = gram.largest * t * t * (k * k if gram.heads == "full" else 1) * gram.dtype.itemsize
    return pairs < columns and held <= CHUNK_BYTES


def _add_columns(
    gram: Gram, kernel: list[Array], A: Float[Array, "n t p"], D: Float[Array, "n k t q"], weight: float
) -> list[Array]:
    """By the Jacobian itself, some of its columns at a time."""
    (n, k, _, q), p = D.shape, A.shape[2]
    count = -(-n * k * p * q * gram.dtype.itemsize // CHUNK_BYTES)
    width = -(-p // min(count, p))
    A = A.astype(gram.dtype)
    D = D.astype(gram.dtype)

    def columns(kernel: list[Array], A: Float[Array, "n t c"]) -> tuple[list[Array], None]:
        J = jnp.einsum("ntp,nhtq->nphq", A, D, precision="highest")
        heads = jnp.moveaxis(J, 2, 1).reshape(n, k, -1) if gram.heads == "full" else J.reshape(n, 1, -1)
        return gram.add(kernel, None, heads, bias=weight), None

    if width >= p:
        return columns(kernel, A)[0]
    count = -(-p // width)
    padded = jnp.pad(A, ((0, 0), (0, 0), (0, count * width - p)))
    chunks = jnp.moveaxis(padded.reshape(n, -1, count, width), 2, 0)
    return jax.lax.scan(columns, kernel, chunks)[0]


def _beside(members: Members, biases: Sequence[tuple[int, Members]]) -> tuple[int, Members] | None:
    """The bias that is added to this product and to nothing else, in the same scans."""
    if len(members) > 1:
        return None
    site, term = members[0]
    for leaf, others in biases:
        if len(others) == 1 and others[0][0] == site and others[0][1].view.scans == term.view.scans:
            return leaf, others
    return None


def _product(plan: Plan, found: Signals, members: Members) -> tuple[Array, Array, float]:
    """Inputs and signals at the joined positions, and the weight of their Gram."""
    inputs = [_inputs(plan, found, site, term) for site, term in members]
    signals = [_signals(plan, found, site, term) for site, term in members]
    if len(members) == 1:
        return inputs[0], signals[0], members[0][1].factor ** 2
    scaled = [A * term.factor for A, (_, term) in zip(inputs, members, strict=True)]
    return jnp.concatenate(scaled, axis=2), jnp.concatenate(signals, axis=3), 1.0


def _bias(plan: Plan, found: Signals, leaf: int, members: Members) -> Unit:
    """Its Jacobian is the sum of the signals over all positions."""
    total = sum(term.factor * _signals(plan, found, site, term).sum(axis=3, keepdims=True) for site, term in members)
    return Unit((leaf,), None, jnp.asarray(total), bias=1.0)


def _inputs(plan: Plan, found: Signals, site: int, term: Term) -> Float[Array, "s n t p"]:
    depth = len(plan.sites[site].scans)
    inputs = term.inputs
    for _ in range(depth + 1):
        inputs = jax.vmap(inputs)
    return _layers_first(inputs(found.records[site]), term, depth, 1)


def _signals(plan: Plan, found: Signals, site: int, term: Term) -> Float[Array, "s n k t q"]:
    depth = len(plan.sites[site].scans)
    signals = term.signals
    for _ in range(depth + 2):
        signals = jax.vmap(signals)
    return _layers_first(signals(found.cotangents[site]), term, depth, 2)


def _layers_first(array: Array, term: Term, depth: int, kept: int) -> Array:
    """From (scans, `kept` axes, batch, positions, features) to (layers, kept, joined positions, features).

    A scan that slices the leaf has a layer for each iteration, as has a batch axis; one that shares it has positions.
    """
    layers = [*term.view.scans, depth + kept]
    own = list(range(depth, depth + kept))
    joined = [*(axis for axis in range(depth) if axis not in term.view.scans), depth + kept + 1]
    moved = jnp.transpose(array, [*layers, *own, *joined, depth + kept + 2])
    sizes = [prod(array.shape[axis] for axis in axes) for axes in (layers, joined)]
    return moved.reshape(sizes[0], *(array.shape[axis] for axis in own), sizes[1], array.shape[-1])
