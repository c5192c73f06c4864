"""E[Delta K_t] over initialisations beyond the first step, under gradient flow.

Flow on (1/2) sum (f_i - y_i)^2, so that t = eta_eff step (theory.md 1), by classical Runge-Kutta with h lambda_max(K_0)
at most `STEP`. ReLU networks are not smooth in t: crossing a kink changes K at once, and E[Delta K_t] leaves its
first-step extrapolation t E[dK/dt] from the start (`engine.initialisation.first_step`).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from engine.config import NetworkConfig
from engine.initialisation.brute_force import chunk_size, draw_network, key_chunks, network_of
from engine.initialisation.config import MAX_STEPS, STEP
from engine.initialisation.first_step import kernel, outputs
from engine.initialisation.law import InitialNetwork
from engine.networks.mlp import Params
from engine.training.descent import runge_kutta

CALL_COST = 3e8
"""Parameters moved in one call, so that progress and cancelling are not kept waiting."""


@dataclass(frozen=True)
class Drifts:
    """Trajectories of drawn networks at the requested times, t = 0 left out.

    Attributes:
        K: mean over points of K_0(x, x); (draws,).
        change: mean over points of K_t(x, x) - K_0(x, x); (times, draws). NaN where a network is too stiff.
        rate: d/dt of it at t = 0, of each network; (draws,).
        residual: ||f - y|| over its start; (times, draws).
    """

    K: Float[np.ndarray, " draws"]
    change: Float[np.ndarray, "times draws"]
    rate: Float[np.ndarray, " draws"]
    residual: Float[np.ndarray, "times draws"]


def drifts(
    setting: InitialNetwork,
    x: Float[Array, "M n_0"],
    y: Float[Array, " M"],
    times: tuple[float, ...],
    draws: int,
    seed: int,
    tick: Callable[[float], None] = lambda fraction: None,
) -> Iterator[Drifts]:
    """Gradient flow from `draws` initialisations, a chunk at a time; `tick` is told the fraction of a chunk done.

    Raises:
        ConfigError: as `brute_force`.
    """
    network = network_of(setting)
    chunk = min(256, draws, chunk_size(network, setting.widths[0], copies=14 + 2 * len(x)))
    most = max(1, int(CALL_COST / (network.parameter_count(setting.widths[0], 1) * chunk * len(x))))
    spans = np.diff(np.concatenate([[0.0], times]))
    for some, wanted in key_chunks(seed, draws, chunk):
        params, f_0, size, rate = _start(network, x, y, some)
        K, start = np.asarray(size, float), np.asarray(_residual(network, x, y, f_0, params), float)
        # The trace bounds the top eigenvalue.
        top = K * len(x)
        stiff = top * times[-1] > STEP * MAX_STEPS
        counts = np.ceil(spans * top[~stiff].max(initial=0.0) / STEP).astype(int).clip(1)
        change, residual, done = [], [], 0
        for span, count in zip(spans, counts, strict=True):
            h, left = span / count, int(count)
            while left:
                now = min(left, most)
                params = _advance(network, x, y, f_0, params, h, now)
                left, done = left - now, done + now
                tick(done / counts.sum())
            change.append(np.where(stiff, np.nan, np.asarray(_size(network, x, params), float) - K))
            after = np.asarray(_residual(network, x, y, f_0, params), float)
            # A network that starts on its target has no residual to relate to; it stays there.
            residual.append(np.where(stiff, np.nan, np.divide(after, start, out=np.zeros_like(start), where=start > 0)))
        yield Drifts(
            K[:wanted], np.stack(change)[:, :wanted], np.asarray(rate, float)[:wanted], np.stack(residual)[:, :wanted]
        )


def _velocity(network: NetworkConfig, x: Array, y: Array, f_0: Array, params: Params) -> Params:
    return jax.grad(lambda params: -0.5 * jnp.sum((outputs(network, params, x) - f_0 - y) ** 2))(params)


def _trace(network: NetworkConfig, x: Array, params: Params) -> Array:
    return jnp.trace(kernel(network, params, x)) / len(x)


@partial(jax.jit, static_argnums=(0,))
def _start(network: NetworkConfig, x: Array, y: Array, keys: Array) -> tuple[Params, Array, Array, Array]:
    """Parameters, subtracted outputs, K and dK/dt of each draw."""

    def one(key: Array) -> tuple[Params, Array, Array, Array]:
        params = draw_network(network, key, x.shape[1])
        f_0 = outputs(network, params, x) if network.centred else jnp.zeros(len(x), x.dtype)
        size = partial(_trace, network, x)
        return params, f_0, *jax.jvp(size, (params,), (_velocity(network, x, y, f_0, params),))

    return jax.vmap(one)(keys)


@partial(jax.jit, static_argnums=(0,))
def _size(network: NetworkConfig, x: Array, params: Params) -> Array:
    return jax.vmap(partial(_trace, network, x))(params)


@partial(jax.jit, static_argnums=(0,))
def _residual(network: NetworkConfig, x: Array, y: Array, f_0: Array, params: Params) -> Array:
    return jax.vmap(lambda f_0, params: jnp.linalg.norm(outputs(network, params, x) - f_0 - y))(f_0, params)


@partial(jax.jit, static_argnums=(0,))
def _advance(network: NetworkConfig, x: Array, y: Array, f_0: Array, params: Params, h: Array, count: Array) -> Params:
    """`count` Runge-Kutta steps of size h for all draws."""
    h = jnp.asarray(h, x.dtype)

    def one(f_0: Array, params: Params) -> Params:
        velocity = partial(_velocity, network, x, y, f_0)
        return jax.lax.fori_loop(0, count, lambda _, params: runge_kutta(velocity, params, h), params)

    return jax.vmap(one)(f_0, params)
