"""Largest and smallest entries whose derivatives are right in a compiled program.

JAX finds the entry that a maximum was taken from by `x == max(x)`. A compiler may compute x a second time for that, in
another order, so that no entry is equal, and the derivative is that of another function, without a word.
"""

from collections.abc import Callable, Sequence
from functools import partial, wraps
from math import prod
from typing import Any

import jax
import jax.numpy as jnp
from jax.extend.core import ClosedJaxpr, Jaxpr, JaxprEqn, jaxpr_as_fun
from jaxtyping import Array

from engine.networks.traced.program import CALLS, KEPT, Environment, bound, called, programs
from engine.networks.traced.views import aval

EXTREMES = ("max", "min", "reduce_max", "reduce_min")
BODIES = ("scan", "while", "cond")


def steady(f: Callable) -> Callable:
    """A function of trees of arrays, with the right derivatives."""

    @wraps(f)
    def mended(*args: Any) -> Any:
        # JAX keeps programs by function: by one of its own f is read as it stands.
        closed, shapes = jax.make_jaxpr(lambda *args: f(*args), return_shape=True)(*args)
        outputs = jaxpr_as_fun(mend(closed))(*jax.tree.leaves(args))
        return jax.tree.unflatten(jax.tree.structure(shapes), outputs)

    return mended


def mend(closed: ClosedJaxpr) -> ClosedJaxpr:
    """A program with the right derivatives; itself where it has no extremes."""
    if not _has_extremes(closed.jaxpr):
        return closed
    return jax.make_jaxpr(partial(_run, closed.jaxpr, closed.consts))(*closed.in_avals)


def _has_extremes(jaxpr: Jaxpr) -> bool:
    """Also in what it calls, but for functions that say their own derivatives."""
    return any(_is_extreme(eqn) or _holds_extremes(eqn) for eqn in jaxpr.eqns)


def _holds_extremes(eqn: JaxprEqn) -> bool:
    return eqn.primitive.name in (*CALLS, *KEPT, *BODIES) and any(map(_has_extremes, programs(eqn)))


def _is_extreme(eqn: JaxprEqn) -> bool:
    return eqn.primitive.name in EXTREMES and jnp.issubdtype(aval(eqn.outvars[0]).dtype, jnp.floating)


def _run(jaxpr: Jaxpr, consts: Sequence[Any], *args: Any) -> list[Any]:
    env = Environment(jaxpr, consts, args)
    for eqn in jaxpr.eqns:
        env.put(eqn, _mended(eqn, [env[atom] for atom in eqn.invars]))
    return [env[atom] for atom in jaxpr.outvars]


def _mended(eqn: JaxprEqn, values: Sequence[Any]) -> Sequence[Any]:
    name, params = eqn.primitive.name, eqn.params
    if _is_extreme(eqn):
        least = name.endswith("min")
        if name.startswith("reduce"):
            return [_over(tuple(params["axes"]), values[0], least)]
        return [_of_two(*jnp.broadcast_arrays(*values), least)]
    if not _holds_extremes(eqn):
        return bound(eqn, values)
    if name in CALLS:
        inner = called(eqn)
        return _run(inner.jaxpr, inner.consts, *values)
    if name in KEPT:
        how = {key: params[key] for key in ("policy", "prevent_cse")}
        return jax.checkpoint(partial(_run, params["jaxpr"], ()), **how)(*values)
    return bound(_with_mended_bodies(eqn), values)


def _with_mended_bodies(eqn: JaxprEqn) -> JaxprEqn:
    def mended(param: Any) -> Any:
        if isinstance(param, tuple):
            return tuple(map(mended, param))
        return mend(param) if isinstance(param, ClosedJaxpr) else param

    return eqn.replace(params={name: mended(param) for name, param in eqn.params.items()})


@partial(jax.custom_jvp, nondiff_argnums=(2,))
def _of_two(x: Array, y: Array, least: bool) -> Array:
    return jnp.minimum(x, y) if least else jnp.maximum(x, y)


@_of_two.defjvp
def _(least: bool, at: tuple[Array, Array], along: tuple[Array, Array]) -> tuple[Array, Array]:
    x, y = at
    first = jnp.where((x < y) if least else (x > y), 1.0, jnp.where(x == y, 0.5, 0.0)).astype(x.dtype)
    return _of_two(x, y, least), first * along[0] + (1 - first) * along[1]


@partial(jax.custom_jvp, nondiff_argnums=(0, 2))
def _over(axes: tuple[int, ...], x: Array, least: bool) -> Array:
    return jnp.min(x, axes) if least else jnp.max(x, axes)


@_over.defjvp
def _(axes: tuple[int, ...], least: bool, at: tuple[Array], along: tuple[Array]) -> tuple[Array, Array]:
    """The mean over all that are largest. One of them is found by its place, which needs no equality."""
    (x,), (moved,) = at, along
    found = _over(axes, x, least)
    rows = _rows(x, axes)
    place: Callable = jnp.argmin if least else jnp.argmax
    is_found = (rows == found[..., None]) | (jnp.arange(rows.shape[-1]) == place(rows, -1)[..., None])
    share = is_found / is_found.sum(-1, keepdims=True)
    return found, (share.astype(x.dtype) * _rows(moved, axes)).sum(-1)


def _rows(x: Array, axes: tuple[int, ...]) -> Array:
    """The entries over these axes in the last one."""
    kept = [axis for axis in range(x.ndim) if axis not in axes]
    return jnp.transpose(x, (*kept, *axes)).reshape(*(x.shape[axis] for axis in kept), prod(x.shape[a] for a in axes))
