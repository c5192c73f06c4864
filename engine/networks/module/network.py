"""A network of one's own as training asks for it (`engine.networks.model`)."""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from engine.networks.gram import Precision
from engine.networks.layers import layer_names
from engine.networks.module.config import ModuleConfig
from engine.networks.module.limits import Endless, limited
from engine.networks.module.loading import NAMED, functions_of, guarded
from engine.networks.parameters import flattened, nested
from engine.networks.traced.checks import check, check_all, no_part
from engine.networks.traced.extremes import steady
from engine.networks.traced.program import goes_back
from engine.problems import ConfigError, Problem

MOST_PARAMETERS = 10**8
"""Numbers that train. Nobody knows before it runs how many a module has."""


@partial(jax.jit, static_argnums=(0, 2, 3, 4))
def draw(network: ModuleConfig, key: Array, input_dim: int, output_dim: int, dtype: Any = jnp.float32) -> Any:
    """Parameters at initialisation from a key, and what does not train beside them."""
    drawn = guarded(network.name, lambda: functions_of(network, network.shape or (input_dim,)).init(key))
    arrays: Any = {path: jnp.asarray(leaf, dtype) for path, leaf in drawn.items()}
    return nested(arrays)


def apply(network: ModuleConfig, params: Any, x: Float[Array, "n ..."]) -> Float[Array, "n k"]:
    """h(x), before output scale and centring. What does not train passes no gradient."""
    shape = network.shape or x.shape[1:]
    own = functions_of(network, shape)
    leaves = flattened(params).items()
    arrays: Any = {path: leaf if path in own.trained else jax.lax.stop_gradient(leaf) for path, leaf in leaves}
    return guarded(network.name, lambda: steady(own.apply)(arrays, x.reshape(x.shape[0], *shape)))


def trained(network: ModuleConfig, shape: tuple[int, ...]) -> frozenset[str]:
    """The paths of the parameters that train, of a network on points of this shape."""
    return functions_of(network, shape).trained


def only_trained(network: ModuleConfig, params: Any) -> Any:
    """The parameters without what stays as it is drawn, of a network on points of a known shape."""
    paths = trained(network, network.shape)
    return nested({path: leaf for path, leaf in flattened(params).items() if path in paths})


class Tried(NamedTuple):
    """What only running a network tells of it.

    Attributes:
        parameters: numbers that train.
        layers: what carries its kernel, by path, in the order of `engine.networks.model.layer_kernels`.
        notes: what a reader should know.
    """

    parameters: int
    layers: list[str]
    notes: list[str]


def tried(
    network: ModuleConfig,
    x: Float[np.ndarray, "n n_0"],
    output_dim: int,
    precision: Precision,
    waiting: Callable[[], None],
) -> Tried:
    """Loads the network, draws it and tries it on a few points. Needs 64-bit JAX.

    Args:
        precision: of the kernel.
        waiting: called meanwhile; may raise.

    Raises:
        ConfigError: it cannot be trained, or has no kernel example by example (`engine.networks.traced.checks`); or
            something that it calls raised, or did not return in time.
    """
    try:
        return limited(lambda: guarded(network.name, lambda: _tried(network, x, output_dim, precision)), waiting)
    except Endless as error:
        raise _refusal(network, str(error)) from None


def _tried(network: ModuleConfig, x: Float[np.ndarray, "n n_0"], output_dim: int, precision: Precision) -> Tried:
    params, of = draw(network, jax.random.key(0), x.shape[1], output_dim), partial(apply, network)
    paths = trained(network, network.shape or x.shape[1:])
    sizes = {path: leaf.size for path, leaf in flattened(params).items()}
    count = sum(sizes[path] for path in paths)
    if not 0 < count <= MOST_PARAMETERS:
        raise _refusal(network, f"has {count:,} parameters to train; 1 to {MOST_PARAMETERS:,} are taken")
    try:
        dead = [path for path in check(of, params, x, precision) if path in paths]
        check_all(of, params, x, precision)
    except ConfigError as error:
        if any(problem.field == NAMED for problem in error.problems):  # of its own code, and told so
            raise
        raise _refusal(network, *(problem.message for problem in error.problems)) from error
    if not goes_back(lambda params: of(params, jnp.asarray(x[:2])), params):
        raise _refusal(network, "has no gradient to train by: none goes back through jax.lax.while_loop, or fori_loop "
                       "with a number of turns that is no constant. Use jax.lax.scan, or a constant")  # fmt: skip
    outputs = jax.eval_shape(of, params, x).shape[1]
    if outputs != output_dim:
        raise _refusal(network, f"gives {outputs} outputs, and the data have {output_dim} to learn: give it as many")
    said = [no_part(dead, f" of {network.name}")] if dead else []
    return Tried(count, layer_names(of, params, x[:2]), said)


def _refusal(network: ModuleConfig, *messages: str) -> ConfigError:
    return ConfigError(Problem(NAMED, f"{network.name} {message}") for message in messages)
