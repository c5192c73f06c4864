"""Products of a leaf with data: J = sum_t a_t d_t^T, over positions t, from inputs a and backpropagated signals d.

Each term says of its product, for one example, how the recorded operand becomes a of shape (batch, positions, p)
and the cotangent of the output becomes d of shape (batch, positions, q). A batch axis is one that the leaf has too:
each of its elements is a product of its own.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from math import prod
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend.core import JaxprEqn
from jaxtyping import Array, Float

from engine.networks.traced.views import View, aval


@dataclass(frozen=True)
class Term:
    """A leaf's part in one product.

    Attributes:
        factor: what multiplies a_t d_t^T.
        key: equal for terms whose J by the same view have their entries in the same order.
    """

    view: View
    factor: float
    key: tuple[Any, ...]

    def inputs(self, record: Array) -> Float[Array, "b t p"]:
        raise NotImplementedError

    def signals(self, cotangent: Array) -> Float[Array, "b t q"]:
        raise NotImplementedError


@dataclass(frozen=True)
class Dot(Term):
    """A general product; axes of the other operand and of the output as batch, positions, then p or q."""

    operand: tuple[tuple[int, ...], ...]
    output: tuple[tuple[int, ...], ...]

    def inputs(self, record: Array) -> Float[Array, "b t p"]:
        return _arranged(record, self.operand)

    def signals(self, cotangent: Array) -> Float[Array, "b t q"]:
        return _arranged(cotangent, self.output)


@dataclass(frozen=True)
class Convolution(Term):
    """A convolution without groups; p runs over the kernel's places, then over its input features."""

    window: tuple[int, ...]
    outputs: tuple[int, ...]
    params: tuple[tuple[str, Any], ...]

    def inputs(self, record: Array) -> Float[Array, "b t p"]:
        params = dict(self.params)
        x = jnp.transpose(record, _last(params["dimension_numbers"].lhs_spec))
        dilations = params["lhs_dilation"]
        edges = [(low, high, by - 1) for (low, high), by in zip(params["padding"], dilations, strict=True)]
        x = jax.lax.pad(x, jnp.zeros((), x.dtype), [(0, 0, 0), *edges, (0, 0, 0)])
        patches = [self._shifted(x, place, params) for place in np.ndindex(*self.window)]
        return jnp.stack(patches, axis=-2).reshape(1, -1, len(patches) * x.shape[-1])

    def _shifted(self, x: Array, place: tuple[int, ...], params: dict[str, Any]) -> Array:
        """What one place of the kernel meets, at every place of the output."""
        starts = [at * by for at, by in zip(place, params["rhs_dilation"], strict=True)]
        strides = params["window_strides"]
        ends = [start + (out - 1) * by + 1 for start, out, by in zip(starts, self.outputs, strides, strict=True)]
        size, features = x.shape[0], x.shape[-1]
        return jax.lax.slice(x, (0, *starts, 0), (size, *ends, features), (1, *strides, 1))

    def signals(self, cotangent: Array) -> Float[Array, "b t q"]:
        d = jnp.transpose(cotangent, _last(dict(self.params)["dimension_numbers"].out_spec))
        return d.reshape(1, -1, d.shape[-1])


@dataclass(frozen=True)
class Bias(Term):
    """What is added to a product at every position: a product with inputs of one."""

    product: Term

    def inputs(self, record: Array) -> Float[Array, "b t 1"]:
        raise TypeError("a bias has no inputs")

    def signals(self, cotangent: Array) -> Float[Array, "b t q"]:
        return self.product.signals(cotangent)


def product_of(eqn: JaxprEqn, views: list[View | None]) -> Term | None:
    """The term of an equation that multiplies a view with data; None where it is nothing of the sort."""
    if len(views) != 2 or None not in views:
        return None
    at = 1 if views[0] is None else 0
    view = views[at]
    if view is None or view.spread or not _plain(eqn):
        return None
    if eqn.primitive.name == "dot_general":
        return _dot(eqn, view, at)
    if eqn.primitive.name == "conv_general_dilated" and at == 1:
        return _convolution(eqn, view)
    return None


def bias_of(eqn: JaxprEqn, views: list[View | None], product: Term) -> Bias | None:
    """The term of a view that an equation adds to a product; None where it runs along other axes than q."""
    at = 1 if views[0] is None else 0
    view, shape, own = views[at], aval(eqn.outvars[0]).shape, aval(eqn.invars[at]).shape
    if view is None or eqn.primitive.name != "add" or aval(eqn.invars[1 - at]).shape != shape or len(own) != len(shape):
        return None
    repeated = view.spread | {axis for axis, size in enumerate(shape) if own[axis] != size}
    if repeated != {axis for axis in _positions(product) if shape[axis] > 1}:
        return None
    return Bias(view, view.factor, ("bias", product.output[0] if isinstance(product, Dot) else ()), product)


def _positions(product: Term) -> tuple[int, ...]:
    """Axes of the output of a product along which the leaf is the same."""
    if isinstance(product, Dot):
        return product.output[1]
    assert isinstance(product, Convolution)
    batch, _, *places = dict(product.params)["dimension_numbers"].out_spec
    return (batch, *places)


def _plain(eqn: JaxprEqn) -> bool:
    """Whether operands and output have one dtype, so that nothing is rounded on the way."""
    return len({aval(atom).dtype for atom in (*eqn.invars, *eqn.outvars)}) == 1


def _dot(eqn: JaxprEqn, view: View, at: int) -> Dot:
    """The leaf is operand `at`, 0 or 1. The output has batch axes, free axes of the first, free axes of the second."""
    contracted, batched = eqn.params["dimension_numbers"]
    free = [
        tuple(axis for axis in range(len(aval(atom).shape)) if axis not in (*contract, *batch))
        for atom, contract, batch in zip(eqn.invars, contracted, batched, strict=True)
    ]
    ends = np.cumsum([len(batched[0]), len(free[0]), len(free[1])])
    axes = [tuple(range(start, end)) for start, end in pairwise(ends.tolist())]
    own, other = contracted[at], contracted[1 - at]
    pairs, batch_order = np.argsort(own), np.argsort(batched[at])
    batch = tuple(batched[1 - at][i] for i in batch_order)
    operand = (batch, free[1 - at], tuple(other[i] for i in pairs))
    output = (tuple(int(i) for i in batch_order), axes[1 - at], axes[at])
    return Dot(view, view.factor, ("dot", tuple(sorted(own)), tuple(sorted(batched[at]))), operand, output)


def _convolution(eqn: JaxprEqn, view: View) -> Convolution | None:
    names = ("window_strides", "padding", "lhs_dilation", "rhs_dilation", "dimension_numbers")
    if eqn.params["feature_group_count"] != 1 or eqn.params["batch_group_count"] != 1:
        return None
    numbers = eqn.params["dimension_numbers"]
    window = tuple(aval(eqn.invars[1]).shape[axis] for axis in numbers.rhs_spec[2:])
    outputs = tuple(aval(eqn.outvars[0]).shape[axis] for axis in numbers.out_spec[2:])
    params = tuple((name, eqn.params[name]) for name in names)
    return Convolution(view, view.factor, ("convolution", numbers.rhs_spec), window, outputs, params)


def _last(spec: tuple[int, ...]) -> tuple[int, ...]:
    """Axes as batch, places, features, of an operand whose spec names batch, features, places."""
    return (spec[0], *spec[2:], spec[1])


def _arranged(array: Array, axes: Iterable[tuple[int, ...]]) -> Array:
    """The array with each group of its axes as one."""
    groups = tuple(axes)
    shape = [prod(array.shape[axis] for axis in group) for group in groups]
    return jnp.transpose(array, [axis for group in groups for axis in group]).reshape(shape)
