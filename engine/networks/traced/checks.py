"""What has no kernel example by example, refused before anything is computed, with the reason in words.

A check on a few examples is no proof: a network that mixes examples under a condition that they do not meet passes.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend.core import Jaxpr, JaxprEqn

from engine.networks.gram import Precision, dtypes
from engine.networks.traced.extremes import steady
from engine.networks.traced.kernel import Apply, leaf_paths
from engine.networks.traced.program import goes_back, loops, programs
from engine.networks.traced.views import aval, floating
from engine.problems import ConfigError, Problem, short_repr

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
    program, bits = jax.make_jaxpr(lambda params, x: apply(params, x))(params, some).jaxpr, _bits_of(precision)
    if narrow := narrowed(program, bits):
        _refuse_rounding(narrow, precision)
    if _has_refs(program):
        _refuse(CHANGING)
    most, coarse = APART[precision], narrowed(program, bits, of_whole=True)
    outputs = _called(apply, params, some)
    _check_finite(outputs)
    far = apart(outputs, _called(_one_at_a_time(apply), params, some))
    if far > most:
        drawn = apart(outputs, _called(apply, params, some)) > most
        _refuse_mixture("outputs", drawn, precision, coarse if far < APART["float32"] else "")
    looped = loops(program)
    slopes = _slopes(apply, params, some, looped)
    far = _far(slopes, _slopes(_one_at_a_time(apply), params, some, looped))
    if far > most:
        drawn = _far(slopes, _slopes(apply, params, some, looped)) > most
        _refuse_mixture("derivatives", drawn, precision, coarse if far < APART["float32"] else "")
    return [path for i, path in enumerate(leaf_paths(params)) if i in slopes and not np.any(slopes[i])]


def no_part(dead: Sequence[str], of: str = "") -> str:
    """That these leaves have none in the kernel."""
    what = ", ".join(dead[:5]) + (f" and {len(dead) - 5} more" if len(dead) > 5 else "")
    return f"the outputs{of} do not depend on {what}: that part of the kernel is zero"


def check_all(apply: Apply, params: Any, x: np.ndarray, precision: Precision = "float64") -> None:
    """Raises `ConfigError` where the outputs on all examples together are not finite, or other than of each alone.

    For what is trained on all of them at once: `check` tries a few.
    """
    params = _wide(params)
    outputs = _called(apply, params, x)
    _check_finite(outputs)
    if apart(outputs, _called(_each(apply), params, x)) > APART[precision]:
        _refuse_mixture("outputs", drawn=False)


def narrowed(jaxpr: Jaxpr, bits: int, of_whole: bool = False) -> str:
    """The first precision of fewer bits that a program rounds to; empty where there is none.

    Args:
        of_whole: also that in which whole numbers become floating ones: most, such as masks, lose nothing by it.
    """
    for eqn in jaxpr.eqns:
        inner = [narrowed(program, bits, of_whole) for program in programs(eqn)]
        found = next(filter(None, inner), "") if inner else _rounded(eqn, bits, of_whole)
        if found:
            return found
    return ""


def _check_finite(outputs: np.ndarray) -> None:
    lost = int(np.sum(~np.isfinite(outputs).all(axis=1)))
    if lost:
        of = f" for {lost:,} of {len(outputs):,} examples"
        _refuse(f"gives outputs that are not finite{of}: give smaller inputs, or finite, smaller params")


def apart(one: np.ndarray, other: np.ndarray) -> float:
    """How far outputs differ, as a share of the largest; 0 where they are equal."""
    far = np.max(np.abs(one - other))
    return float(far / np.max(np.abs(one))) if far else 0.0


def _wide(params: Any) -> Any:
    """The parameters in float64."""
    leaves = jax.tree.leaves(params)
    for path, leaf in zip(leaf_paths(params), leaves, strict=True):
        if not _is_array(leaf) or jnp.issubdtype(leaf.dtype, jnp.complexfloating):
            _refuse_params(leaf, f"at {path or 'its root'} an array of real numbers is needed")
        if leaf.dtype == np.longdouble:
            _refuse_params(leaf, f"at {path or 'its root'} numbers of at most 64 bits are needed")
    if not any(map(floating, leaves)):
        _refuse_params(params, "arrays of real numbers, in a tree, are needed")
    return jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.float64) if floating(leaf) else leaf, params)


def _is_array(leaf: Any) -> bool:
    return hasattr(leaf, "dtype") and hasattr(leaf, "shape")


def _some(x: np.ndarray) -> np.ndarray:
    """A few of the examples, at least two that differ: among equal ones what one is beside cannot be told.

    In an order of no meaning: among sorted ones a sort could not be told.
    """
    some = x[np.random.default_rng(0).permutation(len(x))[:MOST]]
    if np.any(some != some[:1]):
        return some
    one = some[:1]
    return np.concatenate([one, one // 2 if x.dtype.kind in "iu" else one / 2, one])


def _check_shape(apply: Apply, params: Any, x: np.ndarray) -> None:
    found = attempted(lambda: jax.eval_shape(apply, params, x))
    shape = getattr(found, "shape", None)
    if shape is None or len(shape) != 2 or shape[0] != len(x) or not shape[1]:
        given = _described(found) if shape is None else f"outputs of shape {shape}"
        _refuse(f"gives {given} for {len(x)} examples; ({len(x)}, k) is needed, a row of outputs for each")
    if not floating(found):
        _refuse(f"gives outputs of type {found.dtype}; floating numbers are needed")
    attempted(lambda: jax.eval_shape(apply, params, x[:1]))


def _described(given: Any) -> str:
    """What is no array, in words."""
    if isinstance(given, Mapping):
        return f"a dict of {short_repr([*given])}, and no array,"
    if isinstance(given, tuple | list):
        return f"a {type(given).__name__} of {len(given)}, and no array,"
    return short_repr(given)


def _called(apply: Apply, params: Any, x: np.ndarray) -> np.ndarray:
    """The outputs by a program of its own, so that what is drawn in Python is drawn anew."""
    return attempted(lambda: np.asarray(jax.jit(lambda params, x: apply(params, x))(params, x)))


def _one_at_a_time(apply: Apply) -> Apply:
    return lambda params, x: jax.lax.map(lambda example: apply(params, example[None])[0], jnp.asarray(x))


def _each(apply: Apply) -> Apply:
    """As `_one_at_a_time`, of all at once."""
    return lambda params, x: jax.vmap(lambda example: apply(params, example[None])[0])(jnp.asarray(x))


def _refuse_rounding(to: str, precision: Precision) -> NoReturn:
    lower = ', or give precision="float32"' if to == precision.replace("64", "32") else ""
    _refuse(
        f"rounds to {to} on the way: a {precision} kernel would be that of another function. Let it compute in "
        f"the precision of its parameters (in flax: no dtype or param_dtype of fewer bits){lower}"
    )


def _refuse_mixture(what: str, drawn: bool, precision: Precision = "float64", coarse: str = "") -> NoReturn:
    """`coarse`: a precision that explains it."""
    if coarse:
        _refuse_rounding(coarse, precision)
    if drawn:
        _refuse(f"gives other {what} when it is called again: it draws at random, so that it has no one kernel. "
                "Switch that off (in flax: deterministic=True)")  # fmt: skip
    _refuse(f"gives an example other {what} beside other examples than alone, as batch normalisation does in training, "
            "or dropout by a fixed key: example by example its kernel would be wrong. Use running averages, "
            "deterministic=True, or a norm of each example")  # fmt: skip


def _slopes(apply: Apply, params: Any, x: np.ndarray, looped: bool) -> dict[int, np.ndarray]:
    """Derivatives by the leaves of real numbers: of a sum of the outputs with random weights; or, where no signal goes
    back through a loop (`looped`: whether there is one), of the outputs with each leaf moved in a random direction."""
    apply, (leaves, tree) = steady(apply), jax.tree.flatten(params)
    rng = np.random.default_rng(0)
    weights = rng.standard_normal(jax.eval_shape(apply, params, x).shape)
    real = {i: leaf for i, leaf in enumerate(leaves) if floating(leaf)}

    def outputs(real: dict[int, Any]) -> jax.Array:
        return apply(tree.unflatten(real.get(i, leaf) for i, leaf in enumerate(leaves)), jnp.asarray(x))

    def forward(real: dict[int, Any], along: dict[int, Any]) -> dict[int, jax.Array]:
        return {i: jax.jvp(lambda leaf, i=i: outputs(real | {i: leaf}), (real[i],), (along[i],))[1] for i in real}

    def found() -> dict[int, jax.Array]:
        if looped and not goes_back(outputs, real):
            return jax.jit(forward)(real, {i: rng.standard_normal(leaf.shape) for i, leaf in real.items()})
        return jax.jit(jax.grad(lambda real: jnp.sum(weights * outputs(real))))(real)

    return {i: np.asarray(slope) for i, slope in attempted(found).items()}


def _has_refs(jaxpr: Jaxpr) -> bool:
    """Whether a program has arrays that change."""
    return any(
        any(hasattr(aval(atom), "inner_aval") for atom in eqn.outvars) or any(map(_has_refs, programs(eqn)))
        for eqn in jaxpr.eqns
    )


def _far(one: dict[int, np.ndarray], other: dict[int, np.ndarray]) -> float:
    """`apart` of all of them; 0 where some are not finite, which the kernel then says."""
    both = [np.concatenate([slope.ravel() for slope in slopes.values()]) for slopes in (one, other)]
    return apart(*both) if np.isfinite(both).all() else 0.0


def _rounded(eqn: JaxprEqn, bits: int, of_whole: bool) -> str:
    """The precision of what an equation gives, where that has fewer bits than these and than what it is given."""
    if eqn.primitive.name == "reduce_precision":
        kept = 1 + eqn.params["exponent_bits"] + eqn.params["mantissa_bits"]
        return f"{kept} bits" if kept < bits else ""
    given, made = _bits(eqn.invars) or (bits if of_whole and eqn.invars else 0), _bits(eqn.outvars)
    return str(aval(eqn.outvars[0]).dtype) if 0 < made < min(given, bits) else ""


def _bits_of(precision: Precision) -> int:
    return jnp.finfo(dtypes(precision)[0]).bits


def _bits(atoms: Any) -> int:
    """Of the widest floating number among them; 0 where there is none."""
    types = [aval(atom).dtype for atom in atoms if hasattr(aval(atom), "dtype")]
    return max((jnp.finfo(dtype).bits for dtype in types if jnp.issubdtype(dtype, jnp.floating)), default=0)


def attempted(call: Callable[[], Any]) -> Any:
    """What a call gives that runs the user's function; an error of its own as a `ConfigError`."""
    try:
        return call()
    except ConfigError:
        raise
    except Exception as error:
        raise ConfigError([Problem("network", raised(error))]) from error


UNKNOWN = "it is traced, where no value is known: use jax.numpy for NumPy, and jax.numpy.where or jax.lax.cond for if"
CHANGES = (
    "it changes a state of its own, as batch normalisation does in training and dropout by a stream of keys: use "
    "running averages and deterministic=True (of an nnx network: eval())"
)
CHANGING = (
    "keeps numbers in an array that changes (jax.new_ref), whose derivatives JAX takes wrongly in a loop: give them on "
    "as values, by x.at[...].set(...) or as the carry of jax.lax.scan"
)
HINTS = {
    "ConcretizationTypeError": UNKNOWN,
    "TracerArrayConversionError": UNKNOWN,
    "TracerBoolConversionError": UNKNOWN,
    "TracerIntegerConversionError": UNKNOWN,
    "TraceContextError": CHANGES,
    "ModifyScopeVariableError": CHANGES,
}
"""What an error of JAX or flax means here."""


def raised(error: BaseException) -> str:
    """What a function of the user's raised, in one line, with what it means."""
    name, lines = type(error).__name__, str(error).strip().splitlines()
    said = f"raised {name}" + (f": {lines[0]}" if lines else "")
    return f"{said.rstrip('.')}; {HINTS[name]}" if name in HINTS else said


def _refuse(message: str) -> NoReturn:
    raise ConfigError([Problem("network", message)])


def _refuse_params(given: Any, needed: str) -> NoReturn:
    raise ConfigError([Problem("params", f"{short_repr(given)} given; {needed}")])
