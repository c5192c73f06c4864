"""Loops whose number of turns depends on what runs through them: no signal goes back through one in JAX, derivatives
go forward.
"""

from collections.abc import Callable, Iterator
from typing import Any

import jax
from jax.extend.core import ClosedJaxpr, Jaxpr, JaxprEqn


def programs(eqn: JaxprEqn) -> Iterator[Jaxpr]:
    """The programs within an equation."""
    for value in eqn.params.values():
        for part in value if isinstance(value, tuple | list) else (value,):
            if isinstance(part, ClosedJaxpr):
                yield part.jaxpr
            elif isinstance(part, Jaxpr):
                yield part


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
