"""The lazy network stepped beside the trained one, so that sup over t of ||r - r_lazy|| misses no step.

At checkpoints alone it can be far too low: what the frozen kernel misses often peaks between them, and at a stop by
residual it saturates at the residual of the stop (theory.md 6).
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from engine.config import RunConfig
from engine.data import Dataset
from engine.networks.parameters import Tree
from engine.training.descent import Method, Objective, advance, dtype_of, limits, start
from engine.training.diagnostics import ratio
from engine.training.measure import heads


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
    params: Tree,
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
    network, method, params_0 = config.network, Method.of(config.training), jax.tree.map(jnp.asarray, params)
    real = dtype_of(params_0)
    x, y = jnp.asarray(data.x_train, real), jnp.asarray(data.y_train, real)
    h_0 = heads(network, params_0, x) if network.centred else jnp.zeros_like(y)
    objective, state = Objective(x, y, h_0, jnp.asarray(rate, real), jax.random.key(0)), start(method, params_0)
    beside = Companion.of(values, vectors, r_0, rate, method.integrator == "gd")
    _, found = advance(network, method, objective, state, *limits(state, steps), beside)
    return ratio(float(found.largest), np.linalg.norm(beside.modes))
