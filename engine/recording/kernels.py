"""Outputs and kernel of a JAX network at its parameters: any `apply(params, x)`, of flax linen or plain; or a module of
flax nnx."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from engine.device import in_float64
from engine.networks.empirical import hashable
from engine.networks.gram import Precision, dtypes
from engine.networks.traced.checks import attempted, check
from engine.networks.traced.extremes import steady
from engine.networks.traced.kernel import Apply, leaf_paths, ntk
from engine.networks.traced.views import floating
from engine.problems import ConfigError, Problem, short_repr

PARAMS = "params"
"""What trains in the variables of flax; the others, such as running averages, stand still in the kernel."""


class Measured(NamedTuple):
    """A network at one checkpoint; the kernel traced over outputs, (1/k) sum_o K_oo, and where that is asked for
    between outputs, against the first M points."""

    outputs: Float[np.ndarray, "p k"]
    kernel: Float[np.ndarray, "p p"]
    full: Float[np.ndarray, "pk Mk"] | None = None


@dataclass(frozen=True, eq=False)
class JaxNetwork:
    """An apply function on probe points."""

    apply: Apply
    x: np.ndarray
    precision: Precision
    stands: bool = False

    @property
    def versions(self) -> str:
        return f"jax {version('jax')}, flax {version('flax')}, numpy {version('numpy')}"

    def refuse(self, params: Any) -> list[str]:
        """The leaves that the outputs do not depend on. Raises `ConfigError` (`engine.networks.traced.checks`)."""
        given = self.given(params)
        with in_float64():
            dead = check(self.apply, given, self.x, self.precision)
        trained = _trained(given)
        return [path for path in dead if trained is None or path in trained]

    def at(self, params: Any, full: int = 0) -> Measured:
        """With `full`, some M, also the kernel between outputs. Raises `ConfigError` for parameters that are gone."""
        given, between = self.given(params), None
        with in_float64():
            x, asked = jnp.asarray(self.x), {"precision": self.precision, "trained": _trained(given)}
            K = np.asarray(ntk(self.apply, given, x, **asked), np.float64)
            if full:
                between = np.asarray(ntk(self.apply, given, x, x[:full], heads="full", **asked), np.float64)
        return Measured(self.outputs(params), K, between)

    def outputs(self, params: Any) -> Float[np.ndarray, "p k"]:
        """Errors as of `at`."""
        given = self.given(params)
        with in_float64():
            found = _outputs(self.apply, dtypes(self.precision)[0], given, jnp.asarray(self.x))
        return np.asarray(found, np.float64)

    def moved(self, params: Any, pull: Float[np.ndarray, "M k"]) -> Float[np.ndarray, "p k"]:
        """The outputs at theta - J^T pull, J being that of the first M points: one step of descent on."""
        given = self.given(params)
        trained = _trained(given)
        still = frozenset() if trained is None else frozenset(leaf_paths(given)) - trained
        with in_float64():
            x, back = jnp.asarray(self.x), jnp.asarray(pull)
            return np.asarray(attempted(lambda: _moved(self.apply, still, given, x, back)), np.float64)

    def mark(self) -> list[Any]:
        return []

    def given(self, params: Any) -> Any:
        """The parameters as a tree. Raises `ConfigError`: none, or buffers that a later step took over."""
        if params is None:
            raise ConfigError([Problem("params", "is missing: what apply is given, of this step, is needed")])
        if any(leaf.is_deleted() for leaf in jax.tree.leaves(params) if hasattr(leaf, "is_deleted")):
            raise ConfigError([Problem("params", "were donated to a later step: give those of this step")])
        return params


@dataclass(frozen=True, eq=False)
class NnxNetwork(JaxNetwork):
    """A module of flax nnx: what it holds when it is asked. `apply` takes its state, split by what trains."""

    module: Any = None

    def mark(self) -> list[Any]:
        """Its arrays, which training puts others in the place of."""
        from flax import nnx

        return jax.tree.leaves(nnx.state(self.module, nnx.Param))

    def given(self, params: Any) -> Any:
        from flax import nnx

        module = self.module if params is None else params
        if not isinstance(module, nnx.Module):
            raise ConfigError(
                [Problem("params", f"{short_repr(params)} given; the module itself, or nothing, is needed")]
            )
        _, trained, rest = nnx.split(module, nnx.Param, ...)
        return {PARAMS: trained, "rest": rest}


def jax_network(apply: Any, x: np.ndarray, precision: Precision) -> JaxNetwork:
    """Raises `ConfigError` for what is neither a function nor a module of nnx."""
    if "flax.nnx" in sys.modules and isinstance(apply, sys.modules["flax.nnx"].Module):
        nnx = sys.modules["flax.nnx"]
        graph, *_ = nnx.split(apply, nnx.Param, ...)
        merged = lambda given, x: nnx.merge(graph, given[PARAMS], given["rest"])(x)  # noqa: E731
        return NnxNetwork(merged, x, precision, stands=True, module=apply)
    if not callable(apply):
        raise ConfigError([Problem("apply", f"{short_repr(apply)} given; apply(params, x), or a module, is needed")])
    return JaxNetwork(hashable(apply), x, precision)


def _trained(params: Any) -> frozenset[str] | None:
    """The paths of what trains, where variables beside them do not; None for all."""
    if isinstance(params, Mapping) and PARAMS in params and len(params) > 1:
        return frozenset(path for path in leaf_paths(params) if path.startswith(f"{PARAMS}/"))
    return None


@partial(jax.jit, static_argnames=("apply", "still"))
def _moved(apply: Apply, still: frozenset[str], params: Any, x: jax.Array, pull: jax.Array) -> jax.Array:
    leaves, tree = jax.tree.flatten(params)
    moves = [floating(leaf) and path not in still for path, leaf in zip(leaf_paths(params), leaves, strict=True)]
    leaves = [jnp.asarray(leaf, jnp.float64) if floating(leaf) else leaf for leaf in leaves]
    x = jnp.asarray(x, jnp.float64) if floating(x) else x

    def outputs(trained: list[jax.Array], x: jax.Array) -> jax.Array:
        given = iter(trained)
        own = [next(given) if chosen else leaf for leaf, chosen in zip(leaves, moves, strict=True)]
        return steady(apply)(jax.tree.unflatten(tree, own), x)

    trained = [leaf for leaf, chosen in zip(leaves, moves, strict=True) if chosen]
    _, back = jax.vjp(lambda trained: outputs(trained, x[: len(pull)]), trained)
    (slope,) = back(pull)
    return outputs([leaf - down for leaf, down in zip(trained, slope, strict=True)], x)


@partial(jax.jit, static_argnames=("apply", "dtype"))
def _outputs(apply: Apply, dtype: Any, params: Any, x: jax.Array) -> jax.Array:
    wide = jax.tree.map(lambda leaf: jnp.asarray(leaf, dtype) if floating(leaf) else leaf, params)
    return apply(wide, jnp.asarray(x, dtype) if floating(x) else x)
