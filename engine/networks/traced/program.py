"""A traced program, run equation by equation."""

from collections.abc import Sequence
from typing import Any

import jax
from jax.extend.core import ClosedJaxpr, JaxprEqn, Literal, Var
from jax.interpreters.partial_eval import dce_jaxpr

INLINED = ("jit", "pjit", "closed_call", "core_call", "remat2", "checkpoint")
"""Calls that are read as if their body stood in their place."""


def flat(closed: ClosedJaxpr) -> ClosedJaxpr:
    """The same program with calls written out and without what its outputs do not need."""
    written = jax.make_jaxpr(lambda *args: evaluate(closed.jaxpr, closed.consts, args))(*closed.in_avals)
    needed, _ = dce_jaxpr(written.jaxpr, [True] * len(written.jaxpr.outvars), instantiate=True)
    return ClosedJaxpr(needed, written.consts)


def evaluate(jaxpr: Any, consts: Sequence[Any], args: Sequence[Any]) -> list[Any]:
    """The outputs of a program, its calls written out."""
    env = Environment(jaxpr, consts, args)
    for eqn in jaxpr.eqns:
        values = [env[atom] for atom in eqn.invars]
        if eqn.primitive.name in INLINED:
            body = eqn.params.get("jaxpr", eqn.params.get("call_jaxpr"))
            inner, held = (body.jaxpr, body.consts) if isinstance(body, ClosedJaxpr) else (body, ())
            env.put(eqn, evaluate(inner, held, values))
        else:
            env.put(eqn, bound(eqn, values))
    return [env[atom] for atom in jaxpr.outvars]


def bound(eqn: JaxprEqn, values: Sequence[Any]) -> list[Any]:
    """The results of one equation."""
    with eqn.ctx.manager:
        found = eqn.primitive.bind(*values, **eqn.primitive.get_bind_params(eqn.params))
    return list(found) if eqn.primitive.multiple_results else [found]


class Environment:
    """The values of a program's variables."""

    def __init__(self, jaxpr: Any, consts: Sequence[Any], args: Sequence[Any]):
        self._values: dict[Var, Any] = dict(zip((*jaxpr.constvars, *jaxpr.invars), (*consts, *args), strict=True))

    def __getitem__(self, atom: Any) -> Any:
        return atom.val if isinstance(atom, Literal) else self._values[atom]

    def put(self, eqn: JaxprEqn, results: Sequence[Any]) -> None:
        self._values.update(zip(eqn.outvars, results, strict=True))
