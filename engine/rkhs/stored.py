"""The networks of one seed at its stored parameters: outputs and kernels at any points, in float64; and the top of a
large spectrum without its matrix."""

from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import scipy.sparse.linalg
from jaxtyping import Array, Float

from engine.config import RunConfig
from engine.networks.base import NetworkConfig
from engine.networks.followed import followed
from engine.networks.model import Params, heads, scaled, signal_rows
from engine.networks.parameters import ParameterPath
from engine.networks.traced.kernel import leaf_paths, places

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
        """The traced kernel that the run follows, at its precision."""
        config, network = self.config, self.config.network
        how: Any = {"precision": config.kernel_precision, "rows": signal_rows(network, config.data.output_dim)}
        return np.asarray(followed(config.kernel, network, self.theta(index), jnp.asarray(x), **how), np.float64)

    def outputs(self, index: int, x: Points) -> Float[np.ndarray, "p k"]:
        """f = alpha (h - h_0) where centred, else alpha h."""
        network, points = self.config.network, jnp.asarray(x)
        h = heads(network, self.theta(index), points)
        h_0 = heads(network, self.theta(0), points) if network.centred else jnp.zeros_like(h)
        return np.asarray(network.output_scale * (h - h_0))


# The top of a large spectrum without its matrix: Lanczos on v -> J J^T v (ARPACK, by SciPy).

MODES = 32
"""Leading eigenvalues found."""


def top_spectrum(
    network: NetworkConfig,
    params: Params,
    x: Float[np.ndarray, "p n_0"],
    count: int = MODES,
    trained: frozenset[str] | None = None,
) -> Float[np.ndarray, " count"]:
    """The leading eigenvalues of the traced kernel on p points, descending, alpha^2 included.

    Each product costs two passes through the network for each output; memory is that of its signals at p points.

    Args:
        trained: the paths whose leaves count, such as those of the readout for the conjugate kernel; all when None.
    """
    theta = jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.float64), params)
    points, count = jnp.asarray(x, jnp.float64), min(count, len(x) - 1)
    chosen = places(theta, frozenset(leaf_paths(theta)) if trained is None else trained)

    def product(v: np.ndarray) -> np.ndarray:
        return np.asarray(_apply_kernel(network, theta, points, jnp.asarray(v.ravel()), chosen))

    operator = scipy.sparse.linalg.LinearOperator((len(x), len(x)), matvec=product, dtype=np.float64)
    v0 = np.random.default_rng(0).standard_normal(len(x))
    values = scipy.sparse.linalg.eigsh(operator, k=count, which="LA", v0=v0, return_eigenvectors=False)
    return np.sort(values)[::-1]


@partial(jax.jit, static_argnames=("network", "chosen"))
def _apply_kernel(
    network: NetworkConfig, params: Params, x: Array, v: Float[Array, " p"], chosen: frozenset[int]
) -> Float[Array, " p"]:
    """(1/k) sum over heads of J_h J_h^T v, J by the chosen leaves."""
    leaves, tree = jax.tree.flatten(params)
    own = {place: leaves[place] for place in sorted(chosen)}

    def outputs(own: dict[int, Array]) -> Array:
        whole = tree.unflatten(own.get(place, leaf) for place, leaf in enumerate(leaves))
        return scaled(network)(whole, x)

    h, pull = jax.vjp(outputs, own)
    k = h.shape[1]

    def head(index: Array) -> Array:
        (gradient,) = pull(v[:, None] * jax.nn.one_hot(index, k, dtype=h.dtype))
        return jax.jvp(outputs, (own,), (gradient,))[1][:, index]

    return jnp.mean(jax.lax.map(head, jnp.arange(k)), axis=0)
