"""What a module may be, and each as the same two functions of arrays by path.

- A class of flax linen or nnx, which is called with the arguments (and `rngs`, for nnx). What is in `params`, or of
  type `nnx.Param`, trains; other variables, such as running averages, stay as they are drawn.
- A pair `(init, apply)`, or what has both as attributes: `init(key, x)` gives a tree of arrays, which all train, and
  `apply(params, x)` the outputs.
- A function that gives one of these when it is called with the arguments; one with a parameter `rngs` gives an nnx
  network.

`x` holds examples in the shape of the data, (n, ...); outputs are (n, k), k being those of the data.
"""

import inspect
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen, nnx
from flax.linen import meta
from jaxtyping import Array, Float

from engine.networks.traced.views import floating
from engine.problems import short_repr

Arrays = Mapping[str, Array]

NEEDED = "a flax linen or nnx module, a pair (init, apply), or a function that gives one of these is needed"
TAKEN = "step"
"""What the store of parameters calls their steps (`engine.networks.parameters`)."""


class Refused(ValueError):
    """What a module names, or gives, is no network that can be trained here. The message follows its name."""


class Functions(NamedTuple):
    """A network on examples of one shape.

    Attributes:
        init: arrays by path, such as "Dense_0/kernel", from a key.
        apply: outputs from arrays by path and examples.
        trained: the paths of what trains.
    """

    init: Callable[[Array], dict[str, Array]]
    apply: Callable[[Arrays, Float[Array, "n ..."]], Float[Array, "n k"]]
    trained: frozenset[str]


def functions(thing: Any, arguments: Mapping[str, Any], shape: tuple[int, ...]) -> Functions:
    """Those of what a module names. Raises `Refused`, and what calling it raises."""
    x = np.zeros((1, *shape), np.float32)
    if _called(thing):
        modern = inspect.isclass(thing) and issubclass(thing, nnx.Module)
        if modern or "rngs" in _parameters(thing):
            make = partial(thing, **arguments)
            return _of_nnx(make)
        thing = thing(**arguments)
    elif arguments:
        raise Refused(f"takes no arguments, for it is not called: leave {', '.join(arguments)} out")
    return _of_made(thing, x)


def _called(thing: Any) -> bool:
    """Whether the network comes by calling it. An instance of a module is one, though it can be called."""
    return callable(thing) and not isinstance(thing, linen.Module | nnx.Module)


def _parameters(thing: Callable) -> Mapping[str, Any]:
    try:
        return inspect.signature(thing).parameters
    except (TypeError, ValueError):  # written in C
        return {}


def _of_made(thing: Any, x: np.ndarray) -> Functions:
    if isinstance(thing, linen.Module):
        return _of_tree(lambda key: meta.unbox(thing.init(key, x)), thing.apply, "params/")
    if isinstance(thing, nnx.Module):
        raise Refused("gives an nnx network that is drawn already: take its rngs as a parameter of that name")
    both: Any = thing if isinstance(thing, tuple | list) else [getattr(thing, name, None) for name in ("init", "apply")]
    if len(both) != 2 or not all(map(callable, both)):
        raise Refused(f"is or gives {short_repr(thing)}: {NEEDED}")
    init, apply = both
    return _of_tree(lambda key: init(key, x), apply)


def _of_tree(draw: Callable[[Array], Any], run: Callable[[Any, Array], Any], training: str = "") -> Functions:
    """Of a tree drawn from a key. What trains lies at paths that begin with `training`, and is named by the rest."""
    abstract = jax.eval_shape(draw, jax.random.key(0))
    leaves, tree = jax.tree.flatten(abstract)
    keys = [path for path, _ in jax.tree.leaves_with_path(abstract)]
    inner = [jax.tree_util.keystr(key, simple=True, separator="/") or "params" for key in keys]
    names = [path.removeprefix(training) for path in inner]
    _check(names, leaves)

    def init(key: Array) -> dict[str, Array]:
        return dict(zip(names, jax.tree.leaves(draw(key)), strict=True))

    def apply(arrays: Arrays, x: Array) -> Array:
        return run(tree.unflatten([arrays[name] for name in names]), x)

    return Functions(init, apply, frozenset(path.removeprefix(training) for path in inner if path.startswith(training)))


def _of_nnx(make: Callable[..., Any]) -> Functions:
    """Of an nnx network, whose random state is not drawn: what would use it is refused as random."""
    graph, params, others = nnx.split(nnx.eval_shape(lambda: make(rngs=nnx.Rngs(0))), nnx.Param, ...)
    kept = {path: one for path, one in _variables(params, others).items() if not isinstance(one, nnx.RngState)}
    _check(list(kept), [one.get_value() for one in kept.values()])

    def init(key: Array) -> dict[str, Array]:
        drawn = _variables(nnx.state(make(rngs=nnx.Rngs(key))))
        return {path: drawn[path].get_value() for path in kept}

    def apply(arrays: Arrays, x: Array) -> Array:
        return nnx.merge(graph, _filled(params, arrays), _filled(others, arrays))(x)  # pyright: ignore[reportCallIssue]

    return Functions(init, apply, frozenset(_variables(params)))


def _variables(*states: Any) -> dict[str, nnx.Variable]:
    return {"/".join(map(str, path)): one for state in states for path, one in nnx.to_flat_state(state)}


def _filled(state: Any, arrays: Arrays) -> Any:
    """The state with these arrays in it; its random part always the same."""

    def value(path: str, one: nnx.Variable) -> Array:
        if not isinstance(one, nnx.RngState):
            return arrays[path]
        shape, dtype = one.get_value().shape, one.get_value().dtype
        return jax.random.key(0) if jnp.issubdtype(dtype, jax.dtypes.prng_key) else jnp.zeros(shape, dtype)

    flat = nnx.to_flat_state(state)
    return nnx.from_flat_state([(path, one.replace(value("/".join(map(str, path)), one))) for path, one in flat])


def _check(paths: list[str], leaves: list[Any]) -> None:
    """Raises `Refused` where the arrays cannot be trained, or not be kept under these paths."""
    for path, leaf in zip(paths, leaves, strict=True):
        if not floating(leaf):
            given = f"draws {path} of type {getattr(leaf, 'dtype', type(leaf).__name__)}"
            raise Refused(f"{given}: draw arrays of real numbers, and keep what is none in the function")
    known, parts = set(paths), [path.split("/") for path in paths]
    if len(known) < len(paths) or any("/".join(own[:n]) in known for own in parts for n in range(1, len(own))):
        raise Refused("calls two of its arrays alike, or one as a group of others: rename one")
    if [TAKEN] in parts:
        raise Refused(f"calls an array {TAKEN!r}, which is the name of what is stored beside them: rename it")
