"""What has no kernel example by example, refused before anything is computed, with the reason in words.

A check on a few examples is no proof: a network that mixes examples under a condition that they do not meet passes.
"""

from collections.abc import Callable, Iterator
from typing import Any, NoReturn

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend.core import ClosedJaxpr, Jaxpr, JaxprEqn

from engine.networks.gram import Precision, dtypes
from engine.networks.traced.kernel import Apply, leaf_paths
from engine.networks.traced.views import aval, floating
from engine.problems import ConfigError, Problem, shown

MOST = 8
"""Examples that are tried."""

APART = {"float64": 1e-7, "mixed": 1e-3, "float32": 1e-3}
"""Outputs further apart than this share of the largest are others: rounding in that precision is far less."""


def check(apply: Apply, params: Any, x: np.ndarray, precision: Precision = "float64") -> list[str]:
    """Raises `ConfigError` where `apply` has no kernel at these parameters and examples. Needs 64-bit JAX.

    Refused are outputs that are not (n, k) or not finite, outputs that depend on the other examples or differ from call
    to call, numbers rounded to fewer bits on the way, and what cannot be differentiated.

    Args:
        precision: of the kernel; what rounds to fewer bits than its signals have is refused.

    Returns:
        The paths of leaves that the outputs do not depend on at the examples tried: their part of the kernel is zero.
    """
    params, some = _wide(params), _some(x)
    _check_shape(apply, params, some)
    if narrow := narrowed(jax.make_jaxpr(apply)(params, some).jaxpr, jnp.finfo(dtypes(precision)[0]).bits):
        lower = ', or give precision="float32"' if narrow == precision.replace("64", "32") else ""
        _refuse(
            f"rounds to {narrow} on the way: a {precision} kernel would be that of another function. Let it compute in "
            f"the precision of its parameters (in flax: no dtype or param_dtype of fewer bits){lower}"
        )
    most = APART[precision]
    together = _called(apply, params, some)
    if not np.isfinite(together).all():
        raise ConfigError([Problem("x", "the outputs are not finite: give smaller inputs, or finite, smaller params")])
    if apart(together, _called(_one_at_a_time(apply), params, some)) > most:
        _refuse_mixture(apart(together, _called(apply, params, some)) > most)
    return _dead(apply, params, some)


def narrowed(jaxpr: Jaxpr, bits: int) -> str:
    """The first precision of fewer bits that a program rounds to; empty where there is none."""
    for eqn in jaxpr.eqns:
        inner = [narrowed(program, bits) for program in _programs(eqn)]
        found = next(filter(None, inner), "") if inner else _rounded(eqn, bits)
        if found:
            return found
    return ""


def apart(one: np.ndarray, other: np.ndarray) -> float:
    """How far outputs differ, as a share of the largest; 0 where they are equal."""
    far = np.max(np.abs(one - other))
    return float(far / np.max(np.abs(one))) if far else 0.0


def _wide(params: Any) -> Any:
    """The parameters in float64."""
    leaves = jax.tree.leaves(params)
    if not any(_is_array(leaf) and floating(leaf) for leaf in leaves):
        _refuse_params(params, "arrays of real numbers, in a tree, are needed")
    for path, leaf in zip(leaf_paths(params), leaves, strict=True):
        if not _is_array(leaf) or jnp.issubdtype(leaf.dtype, jnp.complexfloating):
            _refuse_params(leaf, f"at {path or 'its root'} an array of real numbers is needed")
    return jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.float64) if floating(leaf) else leaf, params)


def _is_array(leaf: Any) -> bool:
    return hasattr(leaf, "dtype") and hasattr(leaf, "shape")


def _some(x: np.ndarray) -> np.ndarray:
    """A few of the examples, at least two: of one alone, what it is beside cannot be told."""
    if len(x) > 1:
        return x[:: -(-len(x) // MOST)]
    return np.concatenate([x, x // 2 if x.dtype.kind in "iu" else x / 2])


def _check_shape(apply: Apply, params: Any, x: np.ndarray) -> None:
    found = _tried(lambda: jax.eval_shape(apply, params, x))
    shape = getattr(found, "shape", None)
    if shape is None or len(shape) != 2 or shape[0] != len(x) or not shape[1]:
        given = shown(found) if shape is None else f"outputs of shape {shape}"
        _refuse(f"gives {given} for {len(x)} examples; ({len(x)}, k) is needed, a row of outputs for each")
    if not floating(found):
        _refuse(f"gives outputs of type {found.dtype}; floating numbers are needed")
    _tried(lambda: jax.eval_shape(apply, params, x[:1]))


def _called(apply: Apply, params: Any, x: np.ndarray) -> np.ndarray:
    """The outputs by a program of its own, so that what is drawn in Python is drawn anew."""
    return _tried(lambda: np.asarray(jax.jit(lambda params, x: apply(params, x))(params, x)))


def _one_at_a_time(apply: Apply) -> Apply:
    return lambda params, x: jax.lax.map(lambda example: apply(params, example[None])[0], jnp.asarray(x))


def _refuse_mixture(drawn: bool) -> NoReturn:
    if drawn:
        _refuse("gives other outputs when it is called again: it draws at random, so that it has no one kernel. "
                "Switch that off (in flax: deterministic=True)")  # fmt: skip
    _refuse("gives an example other outputs beside other examples than alone, as batch normalisation does in training, "
            "or dropout by a fixed key: example by example its kernel would be wrong. Use running averages, "
            "deterministic=True, or a norm of each example")  # fmt: skip


def _dead(apply: Apply, params: Any, x: np.ndarray) -> list[str]:
    leaves, tree = jax.tree.flatten(params)
    weights = np.random.default_rng(0).standard_normal(jax.eval_shape(apply, params, x).shape)
    real = {i: leaf for i, leaf in enumerate(leaves) if floating(leaf)}

    def total(real: dict[int, Any]) -> jax.Array:
        given = tree.unflatten(real.get(i, leaf) for i, leaf in enumerate(leaves))
        return jnp.sum(weights * apply(given, jnp.asarray(x)))

    slopes = _tried(lambda: jax.jit(jax.grad(total))(real))
    return [path for i, path in enumerate(leaf_paths(params)) if i in slopes and not np.any(slopes[i])]


def _programs(eqn: JaxprEqn) -> Iterator[Jaxpr]:
    """The programs within an equation."""
    for value in eqn.params.values():
        for part in value if isinstance(value, tuple | list) else (value,):
            if isinstance(part, ClosedJaxpr):
                yield part.jaxpr
            elif isinstance(part, Jaxpr):
                yield part


def _rounded(eqn: JaxprEqn, bits: int) -> str:
    """The precision of what an equation gives, where that has fewer bits than these and than what it is given."""
    if eqn.primitive.name == "reduce_precision":
        kept = 1 + eqn.params["exponent_bits"] + eqn.params["mantissa_bits"]
        return f"{kept} bits" if kept < bits else ""
    given, made = _bits(eqn.invars), _bits(eqn.outvars)
    return str(aval(eqn.outvars[0]).dtype) if 0 < made < min(given, bits) else ""


def _bits(atoms: Any) -> int:
    """Of the widest floating number among them; 0 where there is none."""
    types = [aval(atom).dtype for atom in atoms if hasattr(aval(atom), "dtype")]
    return max((jnp.finfo(dtype).bits for dtype in types if jnp.issubdtype(dtype, jnp.floating)), default=0)


def _tried(call: Callable[[], Any]) -> Any:
    """What a call of the user's function gives; an error of its own as a `ConfigError`."""
    try:
        return call()
    except ConfigError:
        raise
    except Exception as error:
        lines = str(error).strip().splitlines() or [""]
        raise ConfigError([Problem("network", f"raised {type(error).__name__}: {lines[0]}")]) from error


def _refuse(message: str) -> NoReturn:
    raise ConfigError([Problem("network", message)])


def _refuse_params(given: Any, needed: str) -> NoReturn:
    raise ConfigError([Problem("params", f"{shown(given)} given; {needed}")])
