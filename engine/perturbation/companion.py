"""The lazy network stepped beside the trained one, so that sup over t of ||r - r_lazy|| misses no step.

At checkpoints alone it can be far too low: what the frozen kernel misses often peaks between them, and at a stop by
residual it saturates at the residual of the stop (theory.md 6).
"""

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from engine.config import NetworkConfig, RunConfig
from engine.data import Dataset
from engine.networks.mlp import apply
from engine.networks.parameters import Tree
from engine.perturbation.frame import Frame
from engine.training.descent import Method, Problem, State, advance, dtype_of, outputs, start
from engine.training.diagnostics import ratio


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


def companion(
    values: Float[np.ndarray, " n"],
    vectors: Float[np.ndarray, "n n"],
    r_0: Float[np.ndarray, " n"],
    rate: float,
    descent: bool,
) -> Companion:
    """At the start: by descent a step leaves 1 - eta_eff l of a mode, by the flow e^{-eta_eff l}."""
    damping = rate * np.maximum(values, 0)
    return Companion(vectors, 1 - damping if descent else np.exp(-damping), vectors.T @ r_0, np.float64(0))  # type: ignore[arg-type]


@partial(jax.jit, static_argnums=(0, 1))
def advance_both(
    network: NetworkConfig,
    method: Method,
    problem: Problem,
    state: State,
    beside: Companion,
    until: Array,
    below: Array,
    above: Array,
) -> tuple[State, Companion]:
    """As `engine.training.descent.advance`, with both compared after every step."""

    def going(both: tuple[State, Companion]) -> Array:
        state = both[0]
        inside = (state.residual > below) & (state.residual < above)
        return state.fresh | ((state.step < until) & inside)

    def body(both: tuple[State, Companion]) -> tuple[State, Companion]:
        state, beside = both
        moved = advance(network, method, problem, state, jnp.minimum(state.step + 1, until), below, above)
        stepped = moved.step > state.step
        modes = jnp.where(stepped, beside.factor * beside.modes, beside.modes)
        r = (outputs(network, moved.params, problem.x, problem.h_0) - problem.y).ravel().astype(modes.dtype)
        apart = jnp.linalg.norm(r - beside.vectors @ modes)
        # The start, where nothing is apart, is left out: it would add the rounding of a float32 residual.
        largest = jnp.where(stepped, jnp.maximum(beside.largest, apart), beside.largest)
        return moved, beside._replace(modes=modes, largest=largest)

    return jax.lax.while_loop(going, body, (state, beside))


def largest_lazy_error(config: RunConfig, data: Dataset, params: Tree, rate: float, steps: int, frame: Frame) -> float:
    """sup over every step of ||r - r_lazy||/||r(0)||, by training once more from `params`; NaN where r(0) = 0.

    Args:
        frame: of the run's kernel path: the spectrum of K_0, and r(0) along it.
    """
    network, method, params_0 = config.network, Method.of(config.training), jax.tree.map(jnp.asarray, params)
    real = dtype_of(params_0)
    x, y = jnp.asarray(data.x_train, real), jnp.asarray(data.y_train, real)
    h_0 = jax.jit(apply, static_argnums=0)(network, params_0, x) if network.centred else jnp.zeros_like(y)
    problem = Problem(x, y, h_0, jnp.asarray(rate, real), jax.random.key(0))
    beside = companion(frame.eigenvalues, frame.vectors, frame.path.residual[0], rate, method.integrator == "gd")
    limits: Any = np.int32(steps), real.type(-1), real.type(np.inf)
    _, beside = advance_both(network, method, problem, start(method, params_0), beside, *limits)
    return ratio(float(beside.largest), frame.scale)
