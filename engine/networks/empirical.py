"""The empirical kernel of a network config or of any apply function, as `engine.ntk` is asked for it."""

import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from engine.arguments import (
    KernelArguments,
    check_kernel,
    check_parameters,
    examples_of,
    flat,
    network_of,
    placed,
    points_of,
)
from engine.networks import model
from engine.networks.base import NetworkConfig
from engine.networks.gram import Heads, Precision
from engine.networks.module.config import ModuleConfig
from engine.networks.module.network import trained
from engine.networks.traced.checks import attempted, check, no_part
from engine.networks.traced.kernel import Apply, by_leaf, leaf_paths, ntk
from engine.problems import ConfigError, Problem, did_you_mean, short_repr


class KernelRequest(NamedTuple):
    """A kernel that is asked for: of a network config, or, where there is none, of an apply function."""

    network: NetworkConfig | None
    apply: Apply
    x: Array
    other: Array | None


def empirical(
    network: Any, params: Any, x: Any, other: Any, settings: KernelArguments, tried: bool = True
) -> np.ndarray:
    """The kernel in NumPy, in 64-bit JAX; arguments and errors as for `engine.ntk`."""
    request = _as_arrays(network, params, x, other, settings.precision if tried else None)
    heads: Heads = "full" if settings.full else "trace"
    how: dict[str, Any] = {"heads": heads, "precision": settings.precision, "rows": settings.rows}
    if settings.kernel == "conjugate":
        readout = _readout(request, params, settings.readout)
        apply = model.scaled(request.network.all_trained()) if request.network else request.apply
        found = attempted(lambda: ntk(apply, params, request.x, request.other, trained=readout, **how))
    elif settings.readout:
        raise ConfigError([Problem("readout", 'is for kernel="conjugate" alone: leave it out')])
    elif request.network:
        found = model.ntk(request.network, params, request.x, request.other, **how)
    else:
        found = attempted(lambda: ntk(request.apply, params, request.x, request.other, **how))
    return check_kernel(np.asarray(found))


def parts(network: Any, params: Any, x: Any, other: Any, tried: bool = True) -> dict[str, np.ndarray]:
    """The parts of the kernel by leaf, in 64-bit JAX; arguments and errors as for `engine.ntk_by_leaf`."""
    request = _as_arrays(network, params, x, other, "float64" if tried else None)
    found = attempted(lambda: by_leaf(request.apply, params, request.x, request.other))
    return {path: check_kernel(np.asarray(part)) for path, part in found.items()}


def _as_arrays(network: Any, params: Any, x: Any, other: Any, tried: Precision | None) -> KernelRequest:
    """The arguments as arrays; an apply function is tried first in a precision, where one is given."""
    if callable(network):
        return _of_function(network, params, x, other, tried)
    config = network_of(network)
    if isinstance(config, ModuleConfig):
        return _of_function(model.scaled(config), params, x, other, tried, config)
    x, shape = flat(x)
    here = points_of("x", x)
    there = None if other is None else points_of("other", flat(other)[0], here.shape[1])
    config = placed(config, shape or here.shape[1:])
    check_parameters(config, params, here.shape[1])
    return KernelRequest(config, model.scaled(config), jnp.asarray(here), None if there is None else jnp.asarray(there))


def _of_function(
    apply: Callable, params: Any, x: Any, other: Any, tried: Precision | None, own: ModuleConfig | None = None
) -> KernelRequest:
    """Args as of `_as_arrays`. `own`: whose function it is."""
    here = examples_of("x", x)
    there = None if other is None else examples_of("other", other, here.shape[1:])
    if there is not None and there.dtype != here.dtype:
        raise ConfigError([Problem("other", f"of type {there.dtype}, x of {here.dtype}: give both alike")])
    if tried:
        dead = [path for path in check(apply, params, here, tried) if not own or path in trained(own, here.shape[1:])]
        if dead:
            warnings.warn(no_part(dead), stacklevel=5)
    read = (lambda params, x: apply(params, x)) if tried else hashable(apply)  # what it holds may be another by now
    return KernelRequest(None, read, jnp.asarray(here), None if there is None else jnp.asarray(there))


def hashable(apply: Callable) -> Apply:
    """The function itself, whose programs are kept; or, where it has no hash, one made for this call."""
    try:
        hash(apply)
    except TypeError:
        return lambda params, x: apply(params, x)
    return apply


def _readout(request: KernelRequest, params: Any, readout: tuple[str, ...]) -> frozenset[str]:
    """The paths of the readout's weights."""
    known = leaf_paths(params)
    if not readout and request.network is None:
        listed = short_repr(known)
        message = f"is missing: of a function it is to be said which leaves are the last layer's, among {listed}"
        raise ConfigError([Problem("readout", message)])
    wrong = [path for path in readout if path not in known]
    if wrong:
        hint = did_you_mean(wrong[0], known)
        raise ConfigError([Problem("readout", f"{short_repr(wrong[0])} given; there is no such leaf.{hint}")])
    own = model.KINDS[request.network.kind].readout if request.network else ()
    return frozenset(readout or own)
