"""The top of a large spectrum without its matrix: Lanczos on v -> J J^T v (ARPACK, by SciPy)."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import scipy.sparse.linalg
from jaxtyping import Array, Float

from engine.config import NetworkConfig
from engine.network import Params, apply

MODES = 32
"""Leading eigenvalues found."""


def top_spectrum(
    network: NetworkConfig, params: Params, x: Float[np.ndarray, "p n_0"], count: int = MODES
) -> Float[np.ndarray, " count"]:
    """The leading eigenvalues of the traced kernel on p points, descending, alpha^2 included.

    Each product costs two passes through the network for each output; memory is that of its signals at p points.
    """
    theta = jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.float64), params)
    points, count = jnp.asarray(x, jnp.float64), min(count, len(x) - 1)

    def product(v: np.ndarray) -> np.ndarray:
        return np.asarray(_apply_kernel(network, theta, points, jnp.asarray(v.ravel())))

    operator = scipy.sparse.linalg.LinearOperator((len(x), len(x)), matvec=product, dtype=np.float64)
    v0 = np.random.default_rng(0).standard_normal(len(x))
    values = scipy.sparse.linalg.eigsh(operator, k=count, which="LA", v0=v0, return_eigenvectors=False)
    return np.sort(values)[::-1]


@partial(jax.jit, static_argnames="network")
def _apply_kernel(network: NetworkConfig, params: Params, x: Array, v: Float[Array, " p"]) -> Float[Array, " p"]:
    """(1/k) sum over heads of J_h J_h^T v."""

    def outputs(params: Params) -> Array:
        return network.alpha * apply(network, params, x)

    h, pull = jax.vjp(outputs, params)
    k = h.shape[1]

    def head(index: Array) -> Array:
        (gradient,) = pull(v[:, None] * jax.nn.one_hot(index, k, dtype=h.dtype))
        return jax.jvp(outputs, (params,), (gradient,))[1][:, index]

    return jnp.mean(jax.lax.map(head, jnp.arange(k)), axis=0)
