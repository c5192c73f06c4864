"""What is measured at a checkpoint: one pass through JAX, then float64 algebra on the host."""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import scipy.sparse.linalg
from jaxtyping import Array, Float

from engine.config import RunConfig
from engine.cost import MOST_WHOLE
from engine.data import Dataset, generate, spread
from engine.networks.base import NetworkConfig
from engine.networks.followed import followed
from engine.networks.model import Params, apply, heads, ntk, scaled, signal_rows
from engine.networks.precision import cast, last_bit
from engine.training import diagnostics
from engine.training.diagnostics import HELD_OUT, Measurement


class Points(NamedTuple):
    """Where outputs and kernel are measured, training points first and the probes last, on the device."""

    outputs: Float[Array, "M+M_test+probes n_0"]
    kernel: Float[Array, "M+m+probes n_0"]
    probes: int = 0


def probe_points(config: RunConfig) -> Float[np.ndarray, "probes n_0"]:
    """The inputs of `probes`; none where a run has none."""
    return generate(config.probes).x_train if config.probes else np.zeros((0, config.data.input_dim))


def points(data: Dataset, probes: Float[np.ndarray, "probes n_0"], precision: str = "float32") -> Points:
    """The measurement points of a dataset, and the probes; those of outputs in the precision of the training."""
    held_out = data.x_test[spread(len(data.x_test), HELD_OUT)]
    outputs, kernel = (np.concatenate([data.x_train, others, probes]) for others in (data.x_test, held_out))
    return Points(jnp.asarray(outputs.astype(precision)), jnp.asarray(kernel), len(probes))


def measure(config: RunConfig, params: Params, h_0: Float[np.ndarray, "points k"], where: Points) -> Measurement:
    """Outputs and kernels at `params`; `h_0` are the subtracted outputs at `where.outputs`."""
    network, M = config.network, config.data.size
    # Both are under way before the first is waited for.
    h = heads(network, params, where.outputs)
    kernel = _kernel(config, params, where)
    f, K = h_0.dtype.type(network.output_scale) * (np.asarray(h) - h_0), np.asarray(kernel)
    end, last = len(f) - where.probes, len(K) - where.probes
    held_out, probes = K[M:last, M:last], K[last:, last:]
    return Measurement(f[:M], f[M:end], K[:M, :M], held_out, K[0, M:last], f[end:], probes)


def _kernel(config: RunConfig, params: Params, where: Points) -> Array:
    """The followed kernel at every point. Parameters arrive in one precision, so that all of a run share a program."""
    rows = signal_rows(config.network, config.data.output_dim)
    if config.kernel_precision == "float64":
        params = cast(params, "float64")
    return followed(config.kernel, config.network, params, where.kernel, precision=config.kernel_precision, rows=rows)


def kernel_rounding(config: RunConfig, params: Params, where: Points, K: Float[np.ndarray, "M M"]) -> float:
    """Rounding of K, the kernel at `params`, relative to its top eigenvalue: what their last bit moves it by.

    0 where there is nothing to compare: K is zero or not finite.
    """
    moved = last_bit(cast(params, "float64"), config.kernel_precision)
    same = moved if config.kernel_precision == "float64" else cast(moved, "float32")
    E = np.asarray(_kernel(config, same, where))[: len(K), : len(K)] - K
    found = diagnostics.ratio(np.abs(diagnostics.spectrum(E)[0]).max(), diagnostics.spectrum(K)[0][0])
    return found if np.isfinite(found) else 0.0


def ntk_modes(
    config: RunConfig, params: Params, x: Float[Array, "M n_0"], r: Float[np.ndarray, "M k"]
) -> tuple[Float[np.ndarray, " M"], Float[np.ndarray, " M"]]:
    """Eigenvalues of the neural tangent kernel, whichever is followed, and the size of the residual along each mode."""
    rows = signal_rows(config.network, config.data.output_dim)
    values, vectors = diagnostics.spectrum(np.asarray(ntk(config.network, cast(params, "float64"), x, rows=rows)))
    return values, diagnostics.mode_amplitudes(vectors, r)


def top_eigenvalue(network: NetworkConfig, params: Params, x: Float[Array, "M n_0"]) -> float:
    """lambda_max of the full (M k, M k) neural tangent kernel of k outputs, which decides stability.

    Small kernels are solved whole; others by Lanczos on v -> J J^T v, to a relative accuracy of 1e-6.
    """
    params = cast(params, "float64")
    size = x.shape[0] * jax.eval_shape(partial(apply, network), params, x).shape[1]
    if size <= MOST_WHOLE:
        return float(diagnostics.spectrum(np.asarray(ntk(network, params, x, heads="full")))[0][0])
    v0 = np.random.default_rng(0).standard_normal(size)
    if not np.all(np.isfinite(_jacobian_gram(network, params, x, jnp.asarray(v0)))):
        return float("nan")
    operator = scipy.sparse.linalg.LinearOperator(
        (size, size), matvec=lambda v: np.asarray(_jacobian_gram(network, params, x, jnp.asarray(v))), dtype=np.float64
    )
    return float(scipy.sparse.linalg.eigsh(operator, k=1, which="LA", v0=v0, tol=1e-6, return_eigenvectors=False)[0])


@partial(jax.jit, static_argnames="network")
def _jacobian_gram(network: NetworkConfig, params: Params, x: Array, v: Array) -> Array:
    """J J^T v by one backward and one forward pass, alpha^2 included."""

    def f(params: Params) -> Array:
        return scaled(network)(params, x)

    h, pull = jax.vjp(f, params)
    return jax.jvp(f, (params,), pull(v.reshape(h.shape)))[1].ravel()
