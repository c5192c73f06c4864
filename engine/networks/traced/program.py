"""A traced program: what lies within it, its equations run one by one, and whether signals go back through it."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import jax
from jax.extend.core import ClosedJaxpr, Jaxpr, JaxprEqn, Literal, Var
from jax.interpreters.partial_eval import dce_jaxpr

CALLS = ("jit", "pjit", "closed_call", "core_call")
KEPT = ("remat2", "checkpoint")
"""Calls whose signals are computed once more on the way back."""


def programs(eqn: JaxprEqn) -> Iterator[Jaxpr]:
    """The programs within an equation."""
    for value in eqn.params.values():
        for part in value if isinstance(value, tuple | list) else (value,):
            if isinstance(part, ClosedJaxpr):
                yield part.jaxpr
            elif isinstance(part, Jaxpr):
                yield part


def called(eqn: JaxprEqn) -> ClosedJaxpr:
    """The program of a call."""
    body: Any = eqn.params.get("jaxpr", eqn.params.get("call_jaxpr"))
    return body if isinstance(body, ClosedJaxpr) else ClosedJaxpr(body, ())


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
        if eqn.primitive.name in (*CALLS, *KEPT):
            inner = called(eqn)
            env.put(eqn, evaluate(inner.jaxpr, inner.consts, values))
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


# Loops whose number of turns depends on what runs through them: no signal goes back through one in JAX, derivatives go
# forward.


def loops(jaxpr: Jaxpr) -> bool:
    """Whether there is such a loop anywhere in a program."""
    return any(eqn.primitive.name == "while" or any(map(loops, programs(eqn))) for eqn in jaxpr.eqns)


def goes_back(f: Callable[[Any], Any], at: Any) -> bool:
    """Whether a function of a tree of arrays, or of their shapes, has reverse differentiation. `at` moves by floats."""

    def slopes(at: Any) -> Any:
        found, pull = jax.vjp(f, at)
        return pull(found)

    try:
        jax.eval_shape(slopes, at)
    except ValueError as error:  # of JAX, in words
        if "Reverse-mode differentiation does not work" not in str(error):
            raise
        return False
    return True
