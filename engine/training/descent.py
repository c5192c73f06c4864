"""The dynamics: gradient descent through optax, or Runge-Kutta on the gradient flow, in jitted chunks; and the lazy
network stepped beside them.

Everything is written for S = sum l (`engine.losses`) and the effective rate: a step of size eta on any loss
is a step of size eta_eff on S, and weight decay lambda on it is d = lambda eta/eta_eff on S. r = dl/df is the residual,
f - y for the squared losses. Everything is computed in the precision of the parameters.
"""

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Bool, Float

from engine.config import RunConfig, TrainingConfig
from engine.data import Dataset
from engine.losses import LOSSES
from engine.networks.base import NetworkConfig
from engine.networks.model import Params, apply, dtype_of, heads, trained
from engine.runge_kutta import runge_kutta
from engine.training.diagnostics import ratio

DIVERGED = 1e4
"""A residual this many times its start counts as divergence."""


class Method(NamedTuple):
    """What of the training settings a step depends on, so that others do not cost a compilation."""

    integrator: str
    momentum: float
    batch_size: int | None
    loss: str = "half_sum"
    decay: float = 0.0

    @classmethod
    def of(cls, training: TrainingConfig, size: int) -> "Method":
        """On so many points. The squared losses share their programs: they are one in units of eta_eff."""
        loss = training.loss if LOSSES[training.loss].classes else "half_sum"
        return cls(training.integrator, training.momentum, training.batch_size, loss, training.decay(size))


class Objective(NamedTuple):
    """What one seed trains on: points, targets, h_0 (zero unless centred), eta_eff and the seed's key."""

    x: Float[Array, "M n_0"]
    y: Float[Array, "M k"]
    h_0: Float[Array, "M k"]
    rate: Float[Array, ""]
    key: Array


class State(NamedTuple):
    """A point of the trajectory. Gradient and residual are those at `params`; `fresh` says they are not known yet."""

    params: Params
    optimiser: Any
    step: Array
    gradient: Params
    residual: Float[Array, ""]
    fresh: Array


def start(method: Method, params: Params) -> State:
    """The state before the first step."""
    optimiser = optax.sgd(1.0, method.momentum or None).init(params)  # type: ignore[arg-type]
    zeros = jax.tree.map(lambda leaf: np.zeros(leaf.shape, leaf.dtype), params)
    # NumPy's scalars and zeros: JAX would compile a program for each.
    unknown: Any = (np.int32(0), zeros, dtype_of(params).type(np.inf), np.bool_(True))
    return State(params, optimiser, *unknown)


def outputs(
    network: NetworkConfig, params: Params, x: Float[Array, "n n_0"], h_0: Float[Array, "n k"]
) -> Float[Array, "n k"]:
    """f = alpha (h - h_0)."""
    return network.output_scale * (apply(network, params, x) - h_0)


def limits(state: State, until: int, below: Any = -1.0, above: Any = np.inf) -> tuple[Any, ...]:
    """What `advance` takes them as: for one network, or for each of several with a leading axis in common."""
    shape, real = np.shape(state.step), dtype_of(state.params)
    bounds = (np.broadcast_to(np.asarray(bound, real), shape) for bound in (below, above))
    return np.full(shape, until, np.int32), *bounds


@partial(jax.jit, static_argnames=("network", "method"))
def advance(
    network: NetworkConfig,
    method: Method,
    objective: Objective,
    state: State,
    until: Array,
    below: Array,
    above: Array,
    beside: Any,
) -> tuple[State, Any]:
    """Steps on until step `until`, or the residual norm is at most `below`, or it passes `above` or is not finite.

    Args:
        beside: a tree that is `compared` after every step (`Companion`), or None.
    """

    def going(both: tuple[State, Any]) -> Array:
        state, _ = both
        inside = (state.residual > below) & (state.residual < above)
        return state.fresh | ((state.step < until) & inside)

    def body(both: tuple[State, Any]) -> tuple[State, Any]:
        state, beside = both
        moved = jax.lax.cond(state.fresh, lambda state: state, partial(_step, network, method, objective), state)
        gradient, residual = _gradient(network, method, objective, moved.params, moved.step)
        if beside is not None:
            r = outputs(network, moved.params, objective.x, objective.h_0) - objective.y
            beside = beside.compared(r.ravel(), ~state.fresh)
        return moved._replace(gradient=gradient, residual=residual, fresh=jnp.bool_(False)), beside

    return jax.lax.while_loop(going, body, (state, beside))


def _step(network: NetworkConfig, method: Method, objective: Objective, state: State) -> State:
    if method.integrator == "rk4":
        # theta' = -gradient: a step of -h along the gradient.
        params = runge_kutta(
            lambda params: _gradient(network, method, objective, params, state.step)[0],
            state.params,
            -objective.rate,
            first=state.gradient,
        )
        return state._replace(params=params, step=state.step + 1)
    optimiser = optax.sgd(objective.rate, method.momentum or None)  # type: ignore[arg-type]
    updates, memory = optimiser.update(state.gradient, state.optimiser)
    return state._replace(params=optax.apply_updates(state.params, updates), optimiser=memory, step=state.step + 1)


def _gradient(
    network: NetworkConfig, method: Method, objective: Objective, params: Params, step: Array
) -> tuple[Params, Float[Array, ""]]:
    """Gradient of S (of a minibatch: its unbiased estimate) and weight decay, and the norm of the whole residual."""

    def gradient(x: Array, y: Array, h_0: Array) -> tuple[Params, Array]:
        f, pull = jax.vjp(lambda params: outputs(network, params, x, h_0), params)
        r = LOSSES[method.loss].slope(f, y, jnp)
        return pull(r)[0], r

    size, batch = objective.x.shape[0], method.batch_size
    if batch is None:
        found, r = gradient(objective.x, objective.y, objective.h_0)
    else:
        key = jax.random.fold_in(jax.random.fold_in(objective.key, 1), step)
        order = jax.random.permutation(key, size)[:batch]
        found, _ = gradient(objective.x[order], objective.y[order], objective.h_0[order])
        found = jax.tree.map(lambda g: g * (size / batch), found)
        f = outputs(network, params, objective.x, objective.h_0)
        r = LOSSES[method.loss].slope(f, objective.y, jnp)
    return decayed(network, params, found, method.decay), jnp.sqrt(jnp.sum(r**2))


def decayed(network: NetworkConfig, params: Params, gradient: Params, decay: float) -> Params:
    """A gradient plus that of (decay/2)|theta|^2, over the parameters that train."""
    if not decay:
        return gradient

    def half_square(params: Params) -> Any:
        return sum(jnp.sum(leaf**2) for leaf in jax.tree.leaves(trained(network, params))) / 2

    return jax.tree.map(lambda g, own: g + decay * own, gradient, jax.grad(half_square)(params))


# The lazy network stepped beside the trained one, so that sup over t of ||r - r_lazy|| misses no step.
#
# At checkpoints alone it can be far too low: what the frozen kernel misses often peaks between them, and at a stop by
# residual it saturates at the residual of the stop (docs/figures.md).


class Companion(NamedTuple):
    """The network of the frozen kernel, of the same age as the trained one.

    Attributes:
        vectors: eigenvectors of K_0 as columns; rows as r is flattened, entry i k + head.
        factor: what a step leaves of each mode.
        modes: of r_lazy, now.
        largest: sup of ||r - r_lazy|| so far.
    """

    vectors: Float[Array, "n n"]
    factor: Float[Array, " n"]
    modes: Float[Array, " n"]
    largest: Float[Array, ""]

    @classmethod
    def of(
        cls,
        values: Float[np.ndarray, " n"],
        vectors: Float[np.ndarray, "n n"],
        r_0: Float[np.ndarray, " n"],
        rate: float,
        descent: bool,
    ) -> "Companion":
        """At the start: by descent a step leaves 1 - eta_eff l of a mode, by the flow e^{-eta_eff l}."""
        damping = rate * np.maximum(values, 0)
        return cls(vectors, 1 - damping if descent else np.exp(-damping), vectors.T @ r_0, np.float64(0))  # type: ignore[arg-type]

    def compared(self, r: Float[Array, " n"], stepped: Bool[Array, ""]) -> "Companion":
        """After a step of the trained network to residual r; as it was where that has not stepped."""
        modes = jnp.where(stepped, self.factor * self.modes, self.modes)
        apart = jnp.linalg.norm(r.astype(modes.dtype) - self.vectors @ modes)
        # The start, where nothing is apart, is left out: it would add the rounding of a float32 residual.
        largest = jnp.where(stepped, jnp.maximum(self.largest, apart), self.largest)
        return self._replace(modes=modes, largest=largest)


def largest_lazy_error(
    config: RunConfig,
    data: Dataset,
    params: Params,
    rate: float,
    steps: int,
    values: Float[np.ndarray, " n"],
    vectors: Float[np.ndarray, "n n"],
    r_0: Float[np.ndarray, " n"],
) -> float:
    """sup over every step of ||r - r_lazy||/||r(0)||, by training once more from `params`; NaN where r(0) = 0.

    Args:
        values, vectors: of K_0.
    """
    network, params_0 = config.network, jax.tree.map(jnp.asarray, params)
    method = Method.of(config.training, config.data.size)
    real = dtype_of(params_0)
    x, y = jnp.asarray(data.x_train, real), jnp.asarray(data.y_train, real)
    h_0 = heads(network, params_0, x) if network.centred else jnp.zeros_like(y)
    objective, state = Objective(x, y, h_0, jnp.asarray(rate, real), jax.random.key(0)), start(method, params_0)
    beside = Companion.of(values, vectors, r_0, rate, method.integrator == "gd")
    _, found = advance(network, method, objective, state, *limits(state, steps), beside)
    return ratio(float(found.largest), np.linalg.norm(beside.modes))
