"""The empirical neural tangent kernel of any `apply(params, x)`, example by example.

K(x, x') = sum over leaves of J(x) J(x')^T, J being the Jacobian of the outputs by a leaf. Where a leaf meets data in
products only, J = sum_t a_t d_t^T and the Gram comes from inputs and signals: structured derivatives as in Novak,
Sohl-Dickstein and Schoenholz (arXiv 2206.08720), read from the program instead of the layers.
"""

from collections import Counter
from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from engine.networks.gram import Gram, Heads, Precision, by_rows, dtypes, need_64_bits
from engine.networks.traced.reading import Plan, read
from engine.networks.traced.signals import Signals, signals
from engine.networks.traced.units import add, layers, units
from engine.networks.traced.views import floating

HELD_BYTES = 2**29
"""Signals and Jacobians of examples that are held at once."""

Apply = Callable[[Any, Array], Array]


def ntk(
    apply: Apply,
    params: Any,
    x: Float[Array, "n ..."],
    other: Float[Array, "m ..."] | None = None,
    *,
    heads: Heads = "trace",
    precision: Precision = "float64",
    rows: int | None = None,
    trained: frozenset[str] | None = None,
) -> Float[Array, "n m"]:
    """The kernel between `x` and `other` (or itself), no 1/M factor.

    Args:
        apply: gives (n, k) from parameters and n examples, each on its own: `checks` refuses what does not.
        params: any tree; leaves that are not floating are constants.
        heads, precision: as for `engine.networks.model.ntk`.
        rows: largest number of examples that are held at once; None for as many as fit in `HELD_BYTES`.
        trained: the paths whose leaves count, such as "Dense_0/kernel"; all when None.

    Raises:
        RuntimeError: float64 is asked for while `jax_enable_x64` is off.
    """
    need_64_bits(precision)
    chosen = None if trained is None else places(params, trained)
    signal, _ = dtypes(precision)
    rows = rows or rows_that_fit(apply, params, x, signal, chosen)

    def block(x: Array, other: Array | None) -> Array:
        return _ntk(apply, params, x, other, heads, precision, chosen)

    if max(x.shape[0], 0 if other is None else other.shape[0]) <= rows:
        return block(x, other)
    k = _plan(apply, _cast(params, signal), _cast(x, signal), chosen).k if heads == "full" else 1
    there = None if other is None else _whole_blocks(other, rows)
    kernel = by_rows(block, _whole_blocks(x, rows), there, rows)
    return kernel[: x.shape[0] * k, : (x if other is None else other).shape[0] * k]


def by_leaf(
    apply: Apply, params: Any, x: Float[Array, "n ..."], other: Float[Array, "m ..."] | None = None
) -> dict[str, Float[Array, "layers n m"]]:
    """The part of each leaf in the kernel in float64, by its path; the sum of all is the kernel.

    A leaf that scans or slices take apart has a part for each of its layers, others one. All examples are held at once.
    Arguments and errors as for `ntk`.
    """
    need_64_bits("float64")
    parts = _by_leaf(apply, params, x, other)
    return {path: parts[i] for i, path in enumerate(leaf_paths(params)) if i in parts}


def rows_that_fit(
    apply: Apply, params: Any, x: Float[Array, "n ..."], dtype: Any, trained: frozenset[int] | None = None
) -> int:
    """Examples whose signals and Jacobians fit in `HELD_BYTES`, at least one."""
    leaves, tree = jax.tree.flatten(params)
    kinds = tuple((jnp.shape(leaf), dtype if floating(leaf) else jnp.result_type(leaf)) for leaf in leaves)
    held = _numbers_held(apply, tree, kinds, (x.shape[1:], dtype if floating(x) else x.dtype), trained)
    return max(1, HELD_BYTES // (2 * dtype.itemsize * max(held, 1)))


@lru_cache(maxsize=64)
def _numbers_held(apply: Apply, tree: Any, leaves: tuple, x: tuple, trained: frozenset[int] | None) -> int:
    """For each example, by shapes and dtypes: along a training the function is read once."""
    params = jax.tree.unflatten(tree, [jax.ShapeDtypeStruct(*leaf) for leaf in leaves])
    return read(apply, params, jax.ShapeDtypeStruct(*x), trained).numbers_per_point()


def _whole_blocks(x: Array, rows: int) -> Array:
    """The examples with the last repeated until blocks of `rows` are full, so that all blocks share a program."""
    return jnp.concatenate([x, jnp.repeat(x[-1:], -x.shape[0] % rows, axis=0)])


@partial(jax.jit, static_argnames=("apply", "heads", "precision", "trained"))
def _ntk(
    apply: Apply,
    params: Any,
    x: Array,
    other: Array | None,
    heads: Heads,
    precision: Precision,
    trained: frozenset[int] | None,
) -> Array:
    plan, found, gram = _signals(apply, params, x, other, heads, precision, trained)
    kernel = gram.zeros(plan.k)
    for unit in units(plan, found):
        kernel = add(gram, kernel, unit)
    return gram.assemble(kernel, plan.k)


@partial(jax.jit, static_argnames="apply")
def _by_leaf(apply: Apply, params: Any, x: Array, other: Array | None) -> dict[int, Array]:
    plan, found, gram = _signals(apply, params, x, other, "trace", "float64", None)
    parts: dict[int, list[Array]] = {i: [] for i, leaf in enumerate(jax.tree.leaves(params)) if floating(leaf)}
    for unit in units(plan, found, apart=True):
        (leaf,) = unit.leaves
        parts[leaf].append(layers(gram, unit))
    nothing = gram.assemble(gram.zeros(plan.k), plan.k)[None]
    return {leaf: jnp.concatenate(found or [nothing]) for leaf, found in parts.items()}


def _signals(
    apply: Apply,
    params: Any,
    x: Array,
    other: Array | None,
    heads: Heads,
    precision: Precision,
    trained: frozenset[int] | None,
) -> tuple[Plan, Signals, Gram]:
    signal, gram = dtypes(precision)
    params = _cast(params, signal)
    points = _cast(x if other is None else jnp.concatenate([x, other]), signal)
    plan = _plan(apply, params, points, trained)
    found = signals(plan, jax.tree.leaves(params), points)
    return plan, found, Gram(x.shape[0], None if other is None else other.shape[0], heads, gram)


def _plan(apply: Apply, params: Any, x: Array, trained: frozenset[int] | None) -> Plan:
    return read(apply, params, jax.ShapeDtypeStruct(x.shape[1:], x.dtype), trained)


def _cast(tree: Any, dtype: Any) -> Any:
    """Floating arrays in this precision, others as they are."""
    return jax.tree.map(lambda leaf: jnp.asarray(leaf, dtype) if floating(leaf) else leaf, tree)


def places(params: Any, paths: frozenset[str]) -> frozenset[int]:
    """Which leaves have one of these paths."""
    return frozenset(i for i, path in enumerate(leaf_paths(params)) if path in paths)


def leaf_paths(params: Any) -> list[str]:
    """The path of every leaf, such as "Dense_0/kernel"; where two would be one, as Python has it, such as "['a/b']"."""
    keys = [path for path, _ in jax.tree.leaves_with_path(params)]
    plain = [jax.tree_util.keystr(path, simple=True, separator="/") for path in keys]
    count = Counter(plain)
    return [path if count[path] == 1 else jax.tree_util.keystr(key) for path, key in zip(plain, keys, strict=True)]
