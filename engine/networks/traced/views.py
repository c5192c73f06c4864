"""What a product sees of a leaf: the leaf itself, reshaped, transposed, sliced, or scaled by a number.

A view reaches each entry of its leaf at most once; so the Jacobian by the leaf is that by the view, entry by entry.
"""

from dataclasses import dataclass, replace
from math import prod
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax.extend.core import JaxprEqn, Literal

Step = tuple[str, tuple[Any, ...]]
SLICED = ("sliced", ())
"""The step by which a scan takes the first axis of what it is given."""


@dataclass(frozen=True)
class View:
    """A leaf as it is seen somewhere in the program.

    Attributes:
        leaf: its place among the leaves of the parameters.
        steps: what was done to it, in order.
        factor: the number that it is multiplied by.
        scans: the scans around this place that slice it, by depth from 0.
        spread: axes along which the view is repeated; nothing but a factor follows them.
    """

    leaf: int
    steps: tuple[Step, ...] = ()
    factor: float = 1.0
    scans: tuple[int, ...] = ()
    spread: frozenset[int] = frozenset()

    def sliced(self, depth: int) -> "View":
        """An element of it in the body of the scan at this depth."""
        return replace(self, steps=(*self.steps, SLICED), scans=(*self.scans, depth))


def seen_through(eqn: JaxprEqn, views: list[View | None]) -> View | None:
    """The view that an equation gives; None where it is not one."""
    view = next(filter(None, views))
    rule = _RULES.get(eqn.primitive.name)
    if rule is None or (view.spread and rule not in (_scaled, _kept)):
        return None
    return rule(eqn, view)


def number(eqn: JaxprEqn) -> float | None:
    """The number that an equation multiplies its other operand by; None where it does anything else."""
    name, literals = eqn.primitive.name, [isinstance(atom, Literal) for atom in eqn.invars]
    if name == "neg":
        return -1.0
    if name == "mul" and any(literals):
        return _value(eqn.invars[literals.index(True)])
    if name == "div" and literals == [False, True]:
        value = _value(eqn.invars[1])
        return 1 / value if value else None
    return None


def entries(view: View, shape: tuple[int, ...]) -> np.ndarray:
    """Where in its leaf, of this shape, each entry of a view lies."""
    places, ahead = np.arange(prod(shape)).reshape(shape), 0
    for name, how in view.steps:
        if name == "sliced":
            ahead += 1
            continue
        front = places.shape[:ahead]
        each = [_PLACES[name](part, how) for part in places.reshape(-1, *places.shape[ahead:])]
        places = np.stack(each).reshape(*front, *each[0].shape)
    return places.ravel()


_PLACES = {
    "reshape": np.reshape,
    "transpose": np.transpose,
    "slice": lambda part, how: part[tuple(slice(*bounds) for bounds in how)],
    "rev": np.flip,
}


def _value(atom: Any) -> float | None:
    return float(atom.val) if np.ndim(atom.val) == 0 and np.isrealobj(atom.val) else None


def _scaled(eqn: JaxprEqn, view: View) -> View | None:
    factor = number(eqn)
    return None if factor is None else replace(view, factor=view.factor * factor)


def _kept(eqn: JaxprEqn, view: View) -> View | None:
    before, after = aval(eqn.invars[0]), aval(eqn.outvars[0])
    return view if before.dtype == after.dtype else None


def _stepped(view: View, name: str, how: tuple[Any, ...]) -> View:
    return replace(view, steps=(*view.steps, (name, how)))


def _squeezed(eqn: JaxprEqn, view: View) -> View:
    return _stepped(view, "reshape", tuple(aval(eqn.outvars[0]).shape))


def _reshaped(eqn: JaxprEqn, view: View) -> View:
    """`jax.lax.reshape` may transpose first."""
    order = eqn.params["dimensions"]
    return _squeezed(eqn, view if order is None else _stepped(view, "transpose", tuple(order)))


def _transposed(eqn: JaxprEqn, view: View) -> View:
    return _stepped(view, "transpose", tuple(eqn.params["permutation"]))


def _cut(eqn: JaxprEqn, view: View) -> View:
    starts, limits = eqn.params["start_indices"], eqn.params["limit_indices"]
    strides = eqn.params["strides"] or (1,) * len(starts)
    return _stepped(view, "slice", tuple(zip(starts, limits, strides, strict=True)))


def _flipped(eqn: JaxprEqn, view: View) -> View:
    return _stepped(view, "rev", tuple(eqn.params["dimensions"]))


def _spread(eqn: JaxprEqn, view: View) -> View:
    """The view with new axes, of size one or along which it is repeated."""
    before, after = aval(eqn.invars[0]).shape, aval(eqn.outvars[0]).shape
    kept = dict(zip(eqn.params["broadcast_dimensions"], before, strict=True))
    own = tuple(kept.get(axis, 1) for axis in range(len(after)))
    spread = frozenset(axis for axis, size in enumerate(after) if size != own[axis])
    return replace(_stepped(view, "reshape", own), spread=spread)


_RULES = {
    "reshape": _reshaped,
    "squeeze": _squeezed,
    "transpose": _transposed,
    "slice": _cut,
    "rev": _flipped,
    "broadcast_in_dim": _spread,
    "convert_element_type": _kept,
    "copy": _kept,
    "mul": _scaled,
    "div": _scaled,
    "neg": _scaled,
}


def aval(atom: Any) -> Any:
    """Shape and dtype of a variable or a literal of a program."""
    return atom.aval


def floating(leaf: Any) -> bool:
    """Whether a leaf of the parameters has a derivative; others are constants."""
    return bool(jnp.issubdtype(jnp.result_type(leaf), jnp.floating))
