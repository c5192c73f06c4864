"""Delta K_t predicted from initialisation alone, matrix-free: directional derivatives of the kernel at theta_0.

With O3(theta) r = D_{-J(theta)^T r} K, the third tensor of the neural tangent hierarchy contracted with r, and
O4(q, r) = D_{-J_0^T q}[theta -> O3(theta) r], which holds the fourth (Huang and Yau, arXiv 1909.08156, eq. 1.3):
    leading order, all t:  Delta K(t) = O3 q(t) + int_0^t O4(q(s), r0(s)) ds,    q(t) = int_0^t r0(s) ds
    Taylor:                Delta K(t) = t O3 r(0) + t^2/2 [O4(r(0), r(0)) - O3 K_0 r(0)] + ...,   l_max t < 1 only
Time is that of the gradient flow. Activations with kinks have jumps in K that no derivative sees: for ReLU both fail.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from engine.networks.base import NetworkConfig
from engine.networks.model import Params, ntk, scaled
from engine.perturbation.frame import Frame
from engine.training.frozen import frozen

NODES = 6
"""Gauss nodes on each span of the time integral; the spans double, so that 6 leave an error under 1e-5."""
MOST_SPANS = 40


@dataclass(frozen=True, eq=False)
class Prediction:
    """Delta K on training points at a few times from initialisation alone.

    Attributes:
        t: (P,) doubling from about 1/l_max to the end of the run; t = 0 left out.
        leading, taylor_1, taylor_2: Delta K by the leading-order formula and by Taylor of that order.
        range: 1/l_max, up to which Taylor can be expected to hold.
    """

    t: Float[np.ndarray, " P"]
    leading: Float[np.ndarray, "P n n"]
    taylor_1: Float[np.ndarray, "P n n"]
    taylor_2: Float[np.ndarray, "P n n"]
    range: float


def predict(
    network: NetworkConfig,
    params: Params,
    x: Float[np.ndarray, "M n_0"],
    frame: Frame,
    tick: Callable[[float], None] = lambda fraction: None,
) -> Prediction:
    """The prediction for the flow from `params` = theta_0 on training points x, at times up to the last of `frame`."""
    theta = jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.float64), params)
    points, U, values, end = jnp.asarray(x), frame.vectors, frame.eigenvalues, float(frame.t[-1])
    third, fourth = partial(_third, network, theta, points), partial(_fourth, network, theta, points)
    edges = _edges(float(values[0]), end)
    nodes, weights = np.polynomial.legendre.leggauss(NODES)
    gathered, leading = np.zeros_like(frame.path.train[0]), []
    for index, (a, b) in enumerate(pairwise(edges)):
        for node, weight in zip(nodes, weights, strict=True):
            decay, integral = frozen(values, np.array([a + (b - a) * (node + 1) / 2]), None)
            q, r0 = U @ (integral[0] * frame.start), U @ (decay[0] * frame.start)
            gathered = gathered + weight * (b - a) / 2 * np.asarray(fourth(q, r0))
        q = U @ (frozen(values, np.array([b]), None)[1][0] * frame.start)
        leading.append(np.asarray(third(q)) + gathered)
        tick((index + 1) / (len(edges) - 1))
    r = frame.path.residual[0]
    first = np.asarray(third(r))
    second = np.asarray(fourth(r, r)) - np.asarray(third(frame.path.train[0] @ r))
    t = edges[1:, None, None]
    shape = (len(edges) - 1, *gathered.shape)
    predicted = np.stack(leading) if leading else np.zeros(shape)
    limit = 1 / float(values[0]) if values[0] > 0 else float("inf")
    return Prediction(edges[1:], predicted, t * first, t * first + t**2 / 2 * second, limit)


def _edges(top: float, end: float) -> Float[np.ndarray, " e"]:
    """0, then times doubling up to `end`, the first at or below 1/l_max."""
    if end <= 0:
        return np.zeros(1)
    count = int(np.clip(np.ceil(np.log2(max(top * end, 1.0))), 0, MOST_SPANS))
    return np.concatenate([[0.0], end * 0.5 ** np.arange(count, -1, -1)])


def _downhill(network: NetworkConfig, x: Array, r: Array, params: Params) -> Params:
    """-J^T r."""
    h, pull = jax.vjp(lambda params: scaled(network)(params, x), params)
    return pull(-r.reshape(h.shape))[0]


def _kernel_rate(network: NetworkConfig, x: Array, r: Array, params: Params) -> Array:
    """O3(theta) r = D_{-J^T r} K."""
    direction = _downhill(network, x, r, params)
    return jax.jvp(lambda params: ntk(network, params, x, heads="full"), (params,), (direction,))[1]


@partial(jax.jit, static_argnums=0)
def _third(network: NetworkConfig, params: Params, x: Array, r: Float[Array, " n"]) -> Float[Array, "n n"]:
    return _kernel_rate(network, x, r, params)


@partial(jax.jit, static_argnums=0)
def _fourth(
    network: NetworkConfig, params: Params, x: Array, q: Float[Array, " n"], r: Float[Array, " n"]
) -> Float[Array, "n n"]:
    """D_{-J_0^T q}[theta -> O3(theta) r], a derivative of a derivative: no tensor is formed."""
    return jax.jvp(partial(_kernel_rate, network, x, r), (params,), (_downhill(network, x, q, params),))[1]
