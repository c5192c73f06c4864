"""The networks of one seed at its stored parameters: outputs and kernels at any points, in float64."""

from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from engine.config import NetworkConfig, RunConfig
from engine.kernel import ntk
from engine.measure import signal_rows
from engine.network import Params, apply
from engine.parameters import ParameterPath

Points = Float[np.ndarray, "p n_0"]


@dataclass(frozen=True, eq=False)
class StoredNetwork:
    """`index` counts the stored checkpoints of `parameters`; `rounding` is that of K_0, relative to lambda_1."""

    config: RunConfig
    parameters: ParameterPath
    rounding: float = 0.0

    def theta(self, index: int) -> Params:
        return jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.float64), self.parameters.at(index))

    def kernel(self, index: int, x: Points) -> Float[np.ndarray, "p p"]:
        """The traced kernel at the precision of the run."""
        network, precision = self.config.network, self.config.kernel_precision
        rows = signal_rows(network, self.config.data.output_dim)
        return np.asarray(ntk(network, self.theta(index), jnp.asarray(x), precision=precision, rows=rows), np.float64)

    def outputs(self, index: int, x: Points) -> Float[np.ndarray, "p k"]:
        """f = alpha (h - h_0) where centred, else alpha h."""
        network, points = self.config.network, jnp.asarray(x)
        h = _heads(network, self.theta(index), points)
        h_0 = _heads(network, self.theta(0), points) if network.centred else jnp.zeros_like(h)
        return np.asarray(network.alpha * (h - h_0))


@partial(jax.jit, static_argnames="network")
def _heads(network: NetworkConfig, params: Params, x: Array) -> Array:
    return apply(network, params, x)
