"""The kernel after one real step of gradient descent, against the rate of gradient flow; and along the flow, beyond it.

For a batch of M points and the loss (1/2M) sum (f_i - y_i)^2, a step of size eta moves theta by -eta grad L, and

    Delta K = K(theta - eta grad L) - K(theta) = eta K'(theta)[-grad L] + O(eta^2)

for a smooth activation. A ReLU network is only piecewise smooth: the difference is O(eta^2) until the step
carries a neuron across its kink, which changes the kernel at once by O(1/width). In expectation over
initialisations the crossings are O(eta) too (a neuron within reach of the step is as likely as the step is long), so
E[Delta K]/eta does not tend to E[dK/dt]. The derivative of the paper (arXiv 1909.05989, Theorem 2) is that of almost
every network, not that of the mean: `kink_rate` is the difference, in closed form for one hidden layer.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import scipy.special
import scipy.stats
from jaxtyping import Array, Float

from engine.initialisation.brute_force import chunk_size, draw_network, float_type, key_chunks, point
from engine.initialisation.config import MAX_STEPS, STEP
from engine.initialisation.law import InitialNetwork, Law, network_of
from engine.networks.mlp_config import MLPConfig
from engine.networks.model import Params, apply, ntk
from engine.runge_kutta import runge_kutta

NODES, SPAN, TINY = 200, 9.0, 1e-18
"""Of the quadrature over the length of a layer's activations."""


@dataclass(frozen=True)
class Steps:
    """One step from each drawn network, for every step size.

    Attributes:
        K: kernel matrix before the step; (draws, M, M).
        rate: its derivative along gradient flow on the loss, per unit of eta; (draws, M, M).
        change: K after minus K before; (sizes, draws, M, M).
        residual: f - y before the step; (draws, M).
    """

    K: Float[np.ndarray, "draws M M"]
    rate: Float[np.ndarray, "draws M M"]
    change: Float[np.ndarray, "sizes draws M M"]
    residual: Float[np.ndarray, "draws M"]


def kink_rate(law: Law, target: float) -> float:
    """lim E[Delta K]/eta - E[dK/dt] of one hidden ReLU layer at one point: what neurons that cross their kink add.

    With s = S_1 + sigma_b^2, neuron i has z ~ N(0, S_1), density 1/sqrt(2 pi S_1) at its kink. Living, it moves by
    -eta (f - y) s delta_i, and across the kink it takes s delta_i^2 out of K, with delta_i ~ N(0, c^2) and
    c^2 = sigma^2/n; dead, it does not move. Half the living neurons move towards the kink, so the rate is

        -n s^2 E'|f - y| E|delta|^3/(2 sqrt(2 pi S_1)) = -s^2 E'|f - y| n c^3/(pi sqrt(S_1))

    exactly, with E' over the other n - 1 neurons of the same c: the one at its kink adds nothing to f. Of order
    n^{-1/2}, against 1/n for E[dK/dt]. [widths 4, 32, 1, y = 0: -.1875, and -.4630 with kinks]

    Raises:
        ValueError: another depth, or a ReLU readout.
    """
    if law.d != 2 or law.relu_readout:
        raise ValueError("the closed form is for one hidden layer and a linear readout")
    n, S1 = float(law.hidden[0]), law.s1 * np.exp(law.log_r[0])
    c = np.sqrt(2 * np.exp(law.log_r[1]) / n)
    beside = mean_residual(law, float(c), target)
    return float(-(law.alpha**3) * (S1 + law.bias) ** 2 * beside * n * c**3 / (np.pi * np.sqrt(S1)))


def mean_residual(law: Law, c: float, target: float) -> float:
    """E'|f - y| over the n - 1 neurons beside the one at its kink: given their chi^2(m) length X, m ~ Bin(n - 1, 1/2),
    f is N(0, alpha^2 S_1 c^2 X)."""
    if law.centred:
        return abs(target)
    m = np.arange(int(law.hidden[0]))
    share = np.asarray(scipy.stats.binom.pmf(m, m[-1], 0.5))
    m, share = m[share > TINY], share[share > TINY]
    nodes, weights = np.polynomial.legendre.leggauss(NODES)
    # The length sqrt(X) is a chi variable: it lies within SPAN of sqrt(m), its standard deviation is at most .71.
    low, high = np.maximum(np.sqrt(m) - SPAN, 0.0)[:, None], (np.sqrt(m) + SPAN)[:, None]
    length = (low + high) / 2 + (high - low) / 2 * nodes
    density = scipy.stats.chi.pdf(length, np.maximum(m, 1)[:, None]) * (m > 0)[:, None] * (high - low) / 2 * weights
    deviation = law.alpha * np.sqrt(law.s1 * np.exp(law.log_r[0])) * c * length
    away = target / deviation
    residual = deviation * np.sqrt(2 / np.pi) * np.exp(-(away**2) / 2) + target * scipy.special.erf(away / np.sqrt(2))
    return float(share @ (density * residual).sum(axis=1) + share[m == 0].sum() * abs(target))


def batch(
    setting: InitialNetwork, points: int, target: float, seed: int
) -> tuple[Float[Array, "M n_0"], Float[Array, " M"]]:
    """One point with target y; or M random directions of the setting's norm with Gaussian targets of RMS |y|."""
    if points == 1:
        return point(setting), jnp.full((1,), target, float_type())
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((points, setting.widths[0]))
    x *= np.sqrt(setting.norm_x_squared) / np.linalg.norm(x, axis=1, keepdims=True)
    y = rng.standard_normal(points)
    y *= target / np.sqrt(np.mean(y**2))
    return jnp.asarray(x, float_type()), jnp.asarray(y, float_type())


def first_steps(
    setting: InitialNetwork,
    x: Float[Array, "M n_0"],
    y: Float[Array, " M"],
    sizes: tuple[float, ...],
    draws: int,
    seed: int,
) -> Iterator[Steps]:
    """Steps of every size in `sizes` from the same drawn networks, a chunk at a time.

    Raises:
        ConfigError: as `brute_force`.
    """
    network = network_of(setting)
    chunk = chunk_size(network, setting.widths[0], copies=10 + 2 * len(x))
    for some, count in key_chunks(seed, draws, chunk):
        found = _steps(network, x, y, jnp.asarray(sizes, float_type()), some)
        K, rate, change, residual = (np.asarray(array, float) for array in found)
        yield Steps(K[:count], rate[:count], change[:, :count], residual[:count])


@partial(jax.jit, static_argnums=(0,))
def _steps(network: MLPConfig, x: Array, y: Array, sizes: Array, keys: Array) -> tuple[Array, Array, Array, Array]:
    def one(key: Array) -> tuple[Array, Array, Array, Array]:
        params = draw_network(network, key, x.shape[1])
        start = outputs(network, params, x) if network.centred else jnp.zeros(len(x), x.dtype)
        residual = outputs(network, params, x) - start - y

        def loss(params: Params) -> Array:
            return jnp.mean((outputs(network, params, x) - start - y) ** 2) / 2

        downhill = jax.tree.map(jnp.negative, jax.grad(loss)(params))
        K, rate = jax.jvp(lambda params: kernel(network, params, x), (params,), (downhill,))

        def change(eta: Array) -> Array:
            return kernel(network, jax.tree.map(lambda p, v: p + eta * v, params, downhill), x) - K

        return K, rate, jax.lax.map(change, sizes), residual

    K, rate, change, residual = jax.vmap(one)(keys)
    return K, rate, jnp.swapaxes(change, 0, 1), residual


def outputs(network: MLPConfig, params: Params, x: Float[Array, "M n_0"]) -> Float[Array, " M"]:
    """alpha h(x)."""
    return network.output_scale * apply(network, params, x)[:, 0]


def kernel(network: MLPConfig, params: Params, x: Float[Array, "M n_0"]) -> Float[Array, "M M"]:
    """K at any parameters, in the widest float there is."""
    return ntk(network, params, x, precision="float64" if float_type() == jnp.float64 else "float32")


# E[Delta K_t] over initialisations beyond the first step, under gradient flow.
#
# Flow on (1/2) sum (f_i - y_i)^2, so that t = eta_eff step (theory.md 1), by classical Runge-Kutta with
# h lambda_max(K_0) at most `STEP`. ReLU networks are not smooth in t: crossing a kink changes K at once, and
# E[Delta K_t] leaves its first-step extrapolation t E[dK/dt] from the start.

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
    most = max(1, int(CALL_COST / (network.stored_count(setting.widths[0], 1) * chunk * len(x))))
    spans = np.diff(np.concatenate([[0.0], times]))
    for some, count in key_chunks(seed, draws, chunk):
        params, f_0, size, rate = _start(network, x, y, some)
        K, start = np.asarray(size, float), np.asarray(_residual(network, x, y, f_0, params), float)
        # The trace bounds the top eigenvalue.
        top = K * len(x)
        stiff = top * times[-1] > STEP * MAX_STEPS
        counts = np.ceil(spans * top[~stiff].max(initial=0.0) / STEP).astype(int).clip(1)
        change, residual, done = [], [], 0
        for span, steps in zip(spans, counts, strict=True):
            h, left = span / steps, int(steps)
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
            K[:count], np.stack(change)[:, :count], np.asarray(rate, float)[:count], np.stack(residual)[:, :count]
        )


def _velocity(network: MLPConfig, x: Array, y: Array, f_0: Array, params: Params) -> Params:
    return jax.grad(lambda params: -0.5 * jnp.sum((outputs(network, params, x) - f_0 - y) ** 2))(params)


def _trace(network: MLPConfig, x: Array, params: Params) -> Array:
    return jnp.trace(kernel(network, params, x)) / len(x)


@partial(jax.jit, static_argnums=(0,))
def _start(network: MLPConfig, x: Array, y: Array, keys: Array) -> tuple[Params, Array, Array, Array]:
    """Parameters, subtracted outputs, K and dK/dt of each draw."""

    def one(key: Array) -> tuple[Params, Array, Array, Array]:
        params = draw_network(network, key, x.shape[1])
        f_0 = outputs(network, params, x) if network.centred else jnp.zeros(len(x), x.dtype)
        size = partial(_trace, network, x)
        return params, f_0, *jax.jvp(size, (params,), (_velocity(network, x, y, f_0, params),))

    return jax.vmap(one)(keys)


@partial(jax.jit, static_argnums=(0,))
def _size(network: MLPConfig, x: Array, params: Params) -> Array:
    return jax.vmap(partial(_trace, network, x))(params)


@partial(jax.jit, static_argnums=(0,))
def _residual(network: MLPConfig, x: Array, y: Array, f_0: Array, params: Params) -> Array:
    return jax.vmap(lambda f_0, params: jnp.linalg.norm(outputs(network, params, x) - f_0 - y))(f_0, params)


@partial(jax.jit, static_argnums=(0,))
def _advance(network: MLPConfig, x: Array, y: Array, f_0: Array, params: Params, h: Array, count: Array) -> Params:
    """`count` Runge-Kutta steps of size h for all draws."""
    h = jnp.asarray(h, x.dtype)

    def one(f_0: Array, params: Params) -> Params:
        velocity = partial(_velocity, network, x, y, f_0)
        return jax.lax.fori_loop(0, count, lambda _, params: runge_kutta(velocity, params, h), params)

    return jax.vmap(one)(f_0, params)
