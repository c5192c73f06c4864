"""The kernel path of a run: K_t and K'_t = dK_t/dt along its checkpoints, derived from the stored parameters.

Time t is that of the gradient flow on S = sum l, theta' = -J^T r, so that f' = -K r where no weight decays (theory.md
1): t = eta_eff step for descent. K'_t is the derivative of the kernel along theta', exact by forward differentiation;
where gates of a ReLU switch it misses the jumps. Everything is float64, computed from the parameters of the run.

Rows are training points, then held-out points; columns are training points. k outputs: the full kernel, row
[i k + h] for point i and output h.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property, partial
from math import comb
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from engine.config import RunConfig
from engine.cost import PATH_BYTES, path_bytes
from engine.data import Dataset
from engine.losses import LOSSES
from engine.networks.base import NetworkConfig
from engine.networks.model import Params, apply, heads, ntk, signal_rows
from engine.networks.parameters import ParameterPath
from engine.networks.precision import cast
from engine.runge_kutta import runge_kutta
from engine.schema import ConfigError, Problem
from engine.training.descent import Method, decayed

Interpolation = Literal["hermite", "linear"]


@dataclass(frozen=True, eq=False)
class KernelPath:
    """K_t over T checkpoints on n = M k training rows and m held-out rows, with what the network did.

    Attributes:
        t, steps: (T,) ascending from 0; t = rate steps, where rate = eta_eff.
        descent: True for gradient descent, False for gradient flow.
        kernel: rows are training, then held-out points; columns training points.
        slope: its derivative in t; None where only values are known (linear interpolation).
        f: outputs on the same rows.
        y: targets of the training rows.
        defect: what one step of the run adds to f beyond the exact dynamics: for descent beyond -eta_eff K r, by the
            curvature within a step; for Runge-Kutta beyond the flow, by its truncation (from one step against two
            halves). The floor of everything said of the run.
        interpolation: "hermite" (cubic, from values and slopes) or "linear" between checkpoints.
    """

    t: Float[np.ndarray, " T"]
    steps: Int[np.ndarray, " T"]
    rate: float
    descent: bool
    kernel: Float[np.ndarray, "T n+m n"]
    slope: Float[np.ndarray, "T n+m n"] | None
    f: Float[np.ndarray, "T n+m"]
    y: Float[np.ndarray, " n"]
    defect: Float[np.ndarray, "T n+m"]
    interpolation: Interpolation = "hermite"

    def __post_init__(self) -> None:
        if self.interpolation == "hermite" and self.slope is None:
            raise ValueError("Hermite interpolation needs slopes: use 'linear'")

    @property
    def size(self) -> int:
        """n."""
        return len(self.y)

    @property
    def train(self) -> Float[np.ndarray, "T n n"]:
        """K on training points."""
        return self.kernel[:, : self.size]

    @property
    def held_out(self) -> Float[np.ndarray, "T m n"]:
        """K of held-out against training points."""
        return self.kernel[:, self.size :]

    @cached_property
    def residual(self) -> Float[np.ndarray, "T n"]:
        """f - y on the training points: dl/df of the squared losses."""
        return self.f[:, : self.size] - self.y

    @property
    def f_held_out(self) -> Float[np.ndarray, "T m"]:
        return self.f[:, self.size :]

    def using(self, interpolation: Interpolation) -> "KernelPath":
        """The same checkpoints, interpolated otherwise."""
        return replace(self, interpolation=interpolation)

    def controls(self, k: int) -> Float[np.ndarray, "c n+m n"]:
        """Bernstein coefficients of the kernel between checkpoints k and k + 1 (c = 4, or 2 for linear).

        K at t_k + x (t_{k+1} - t_k) is their mean with the weights `bernstein(x, c - 1)`, so that every convex
        function of K is bounded by the mean of its values at the controls.
        """
        first, last = self.kernel[k], self.kernel[k + 1]
        if self.interpolation == "linear" or self.slope is None:
            return np.stack([first, last])
        third = (self.t[k + 1] - self.t[k]) / 3
        return np.stack([first, first + third * self.slope[k], last - third * self.slope[k + 1], last])

    def at(self, times: Float[np.ndarray, " s"]) -> Float[np.ndarray, "s n+m n"]:
        """The interpolated kernel at times within [0, t_T]."""
        return np.stack([self._between(*self.place(time)) for time in times])

    def place(self, time: float) -> tuple[int, float]:
        """The interval of a time and its position within it, in [0, 1]."""
        if not self.t[0] <= time <= self.t[-1]:
            raise ValueError(f"time {time:.6g} lies outside the run: choose one in [0, {self.t[-1]:.6g}]")
        k = int(np.clip(np.searchsorted(self.t, time, side="right") - 1, 0, max(len(self.t) - 2, 0)))
        return (k, float((time - self.t[k]) / (self.t[k + 1] - self.t[k]))) if len(self.t) > 1 else (0, 0.0)

    def _between(self, k: int, x: float) -> Float[np.ndarray, "n+m n"]:
        if x in (0.0, 1.0):
            return self.kernel[k + int(x)]
        controls = self.controls(k)
        return np.tensordot(bernstein(np.array(x), len(controls) - 1), controls, axes=(0, 0))

    def subset(self, chosen: Int[np.ndarray, " s"]) -> "KernelPath":
        """The path through some of the checkpoints, the first and the last among them."""
        slope = None if self.slope is None else self.slope[chosen]
        arrays = {name: getattr(self, name)[chosen] for name in ("t", "steps", "kernel", "f", "defect")}
        return replace(self, slope=slope, **arrays)

    def halved(self) -> tuple["KernelPath", Int[np.ndarray, " s"]]:
        """Every other checkpoint and the last, with their positions: what halving them changes is an error estimate."""
        chosen = np.unique(np.append(np.arange(0, len(self.t), 2), len(self.t) - 1))
        return self.subset(chosen), chosen

    def interpolation_error(self) -> float:
        """Estimated largest ||K - interpolated K||_F/||K_0||_F between checkpoints; 0 with fewer than three.

        Half the checkpoints miss the others by e; the interpolation is of order p = 4 (Hermite) or 2 (linear), so
        that all of them miss K by about e/2^p. Kernels that jump (ReLU) fall short of that order.
        """
        half, chosen = self.halved()
        dropped = np.setdiff1d(np.arange(len(self.t)), chosen)
        size = np.linalg.norm(self.train[0])
        if len(dropped) == 0 or size == 0:
            return 0.0
        missed = half.at(self.t[dropped])[:, : self.size] - self.train[dropped]
        order = 2 if self.interpolation == "linear" else 4
        return float(np.linalg.norm(missed, axis=(1, 2)).max() / size / 2**order)


def bernstein(x: Float[np.ndarray, "*s"], degree: int) -> Float[np.ndarray, "c *s"]:
    """The degree + 1 Bernstein polynomials on [0, 1]: non-negative, with sum 1."""
    return np.stack([comb(degree, i) * x**i * (1 - x) ** (degree - i) for i in range(degree + 1)])


def kernel_path(
    config: RunConfig,
    data: Dataset,
    parameters: ParameterPath,
    rate: float,
    held_out: Float[np.ndarray, "m n_0"] | None = None,
    *,
    tick: Callable[[float], None] = lambda fraction: None,
) -> KernelPath:
    """The path of one seed at its stored checkpoints, up to the first that is not finite.

    Args:
        data: as the loss of the run takes them (`engine.losses.learned`).
        rate: eta_eff of the seed (`engine.training.result.SeedResult.effective_rate`).
        held_out: points of the rows beyond the training points; none when left out.
        tick: told the fraction done; may raise `Cancelled`.

    Raises:
        ConfigError: the path would exceed `PATH_BYTES`.
    """
    x = jnp.asarray(data.x_train if held_out is None else np.concatenate([data.x_train, held_out]))
    y = jnp.asarray(data.y_train)
    k, n = y.shape[1], y.size
    needed = path_bytes(len(parameters.steps), n, len(x) * k - n)
    if needed > PATH_BYTES:
        message = f"the kernel path takes {needed / 1e9:.3g} GB, {PATH_BYTES / 1e9:.3g} GB are allowed: lower it"
        raise ConfigError([Problem("data.size", message)])
    first = cast(parameters.at(0), "float64")
    h_0 = heads(config.network, first, x) if config.network.centred else jnp.zeros((len(x), k))
    method, descent = Method.of(config.training, config.data.size), config.training.integrator == "gd"
    found, rows = [], signal_rows(config.network, k, share=4)  # derivatives are held beside the signals
    for index in range(len(parameters.steps)):
        params = cast(parameters.at(index), "float64")
        at = _checkpoint(config.network, method, rows, params, x, y, h_0, rate)
        at = {name: np.asarray(value) for name, value in at.items()}
        if not all(np.all(np.isfinite(value)) for value in at.values()):
            break
        found.append(at)
        tick((index + 1) / len(parameters.steps))
    steps = np.asarray(parameters.steps[: len(found)])
    names = list(found[0]) if found else []
    stacked: dict[str, Any] = {name: np.stack([at.pop(name) for at in found]) for name in names}
    if not stacked:
        raise ConfigError([Problem("network", "the kernel is not finite at initialisation: lower sigma_w or depth")])
    y_flat = np.asarray(data.y_train, np.float64).ravel()
    return KernelPath(rate * steps, steps, rate, descent, y=y_flat, **stacked)


@partial(jax.jit, static_argnames=("network", "method", "rows"))
def _checkpoint(
    network: NetworkConfig,
    method: Method,
    rows: int | None,
    params: Params,
    x: Float[Array, "p n_0"],
    y: Float[Array, "M k"],
    h_0: Float[Array, "p k"],
    rate: float,
) -> dict[str, Array]:
    """Outputs, kernel, slope and the defect of a step at `params`; the first M points are the training points."""
    M, n = y.shape[0], y.size

    def outputs(params: Params) -> Array:
        return network.output_scale * (apply(network, params, x) - h_0)

    def kernel(params: Params) -> Array:
        K = ntk(network, params, x, x[:M], heads="full", rows=rows)
        return K.at[:n].set((K[:n] + K[:n].T) / 2)

    def velocity(params: Params) -> Params:
        """theta' = -J^T r on the training points, and what weight decay adds."""
        f, pull = jax.vjp(outputs, params)
        down = pull(jnp.zeros_like(f).at[:M].set(-LOSSES[method.loss].slope(f[:M], y, jnp)))[0]
        return decayed(network, params, down, -method.decay)

    f, direction = outputs(params), velocity(params)
    if method.integrator == "gd":
        moved = jax.tree.map(lambda p, v: p + rate * v, params, direction)
        defect = outputs(moved) - f - rate * jax.jvp(outputs, (params,), (direction,))[1]
    else:

        def after(count: Array) -> Array:
            h = rate / count
            return outputs(jax.lax.fori_loop(0, count, lambda _, y: runge_kutta(velocity, y, h), params))

        # One step against two halves, whose error is 16 times smaller.
        once, twice = jax.lax.map(after, jnp.array([1, 2]))
        defect = 16 / 15 * (once - twice)
    K, slope = jax.jvp(kernel, (params,), (direction,))
    return {"f": f.ravel(), "defect": defect.ravel(), "kernel": K, "slope": slope}
