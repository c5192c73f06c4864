"""Runs a traced program on all examples: inputs and backpropagated signals of its products, Jacobians of the rest."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from engine.networks.traced.products import Bias
from engine.networks.traced.program import Environment, bound
from engine.networks.traced.reading import Level, Plan

Moves = dict[int, Array]

COLUMNS = 16
"""Of a Jacobian by forward differentiation, that are computed at once for each example."""


class Signals(NamedTuple):
    """Of n examples and k outputs.

    Attributes:
        records: by site, the data that meets the leaf: first the scans around it, then n, then the operand.
        cotangents: by site, of its output: the scans, n, k, then the output.
        jacobians: of each whole leaf, (n, k, entries).
    """

    records: dict[int, Array]
    cotangents: dict[int, Array]
    jacobians: dict[int, Array]


def signals(plan: Plan, leaves: Sequence[Array], x: Float[Array, "n ..."]) -> Signals:
    """One pass forward and one back, for all examples at once."""
    zeros = {i: jnp.zeros((*site.scans, *site.shape), site.dtype) for i, site in plan.sites.items()}
    ahead = {index: len(site.scans) for index, site in plan.sites.items()}
    recorded = {index: depth for index, depth in ahead.items() if index in _recorded(plan)}

    def one(x: Array) -> Signals:
        def moved(moves: Moves, whole: dict[int, Array]) -> tuple[Array, dict[int, Array]]:
            (f,), records = run(plan, plan.level, [*(whole.get(i, leaf) for i, leaf in enumerate(leaves)), x], moves)
            return f, records

        f, pull, records = jax.vjp(moved, zeros, {i: leaves[i] for i in plan.whole}, has_aux=True)
        cotangents, jacobians = _over(pull, (ahead, 0), jnp.eye(plan.k, dtype=f.dtype))
        whole = {i: J.reshape(plan.k, -1) for i, J in jacobians.items()}
        return Signals(records, cotangents, whole | {i: _columns(plan, leaves, x, i) for i in plan.forward})

    return _over(one, Signals(recorded, ahead, 0), x)  # type: ignore[arg-type]


def _columns(plan: Plan, leaves: Sequence[Array], x: Array, leaf: int) -> Float[Array, "k entries"]:
    """The Jacobian of one example by a leaf, column by column."""
    at = leaves[leaf]

    def outputs(moved: Array) -> Array:
        (f,), _ = run(plan, plan.level, [*leaves[:leaf], moved, *leaves[leaf + 1 :], x], {})
        return f

    def column(entry: Array) -> Array:
        along = jnp.zeros(at.size, at.dtype).at[entry].set(1).reshape(at.shape)
        return jax.jvp(outputs, (at,), (along,))[1]

    return jax.lax.map(column, jnp.arange(at.size), batch_size=COLUMNS).T


def _over(f: Callable[[Array], Any], out_axes: Any, each: Array) -> Any:
    """`jax.vmap`; one after another where something within takes no more at once, as a host's function may."""
    try:
        return jax.vmap(f, out_axes=out_axes)(each)
    except (NotImplementedError, ValueError):  # of JAX, by primitive
        found = jax.lax.map(f, each)
    return jax.tree.map(lambda axis, part: jax.tree.map(lambda a: jnp.moveaxis(a, 0, axis), part), out_axes, found)


def _recorded(plan: Plan) -> set[int]:
    """Sites whose inputs are needed: those with more than a bias."""
    return {i for i, site in plan.sites.items() if not all(isinstance(term, Bias) for term in site.terms)}


def run(plan: Plan, level: Level, args: Sequence[Any], moves: Moves) -> tuple[list[Any], dict[int, Array]]:
    """The outputs of a level whose products are moved by `moves`, and the data that they met."""
    jaxpr, sites = level.closed.jaxpr, _recorded(plan)
    env, records = Environment(jaxpr, level.closed.consts, args), {}
    for index, eqn in enumerate(jaxpr.eqns):
        values = [env[atom] for atom in eqn.invars]
        inner = level.scans.get(index)
        if inner and inner.sites & moves.keys():
            results, found = _scanned(plan, inner, eqn.params, values, moves)
            records |= found
        else:
            results = bound(eqn, values)
        site, operand = level.recorded.get(index, (None, 0))
        if site in sites:
            records[site] = values[operand]
        if (site := level.moved.get(index)) in moves:
            results = [results[0] + moves[site]]
        env.put(eqn, results)
    return [env[atom] for atom in jaxpr.outvars], records


def _scanned(
    plan: Plan, level: Level, params: Mapping[str, Any], values: Sequence[Any], moves: Moves
) -> tuple[list[Any], dict[int, Array]]:
    """A scan that takes the moves of its body and gives its records, a row for each iteration."""
    shared, carried = params["num_consts"], params["num_carry"]
    values = list(values)
    consts, carry, xs = values[:shared], values[shared : shared + carried], values[shared + carried :]

    def body(carry: list[Any], each: tuple[list[Any], Moves]) -> tuple[list[Any], Any]:
        outs, records = run(plan, level, [*consts, *carry, *each[0]], each[1])
        return outs[:carried], (outs[carried:], records)

    inner = {index: move for index, move in moves.items() if index in level.sites}
    how = {name: params[name] for name in ("length", "reverse", "unroll")}
    carry, (ys, records) = jax.lax.scan(body, carry, (xs, inner), **how)
    return [*carry, *ys], records
