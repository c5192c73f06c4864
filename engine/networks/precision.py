"""What floating point resolves of a network, estimated at t = 0 from the parameters it starts at. Computed by NumPy
where a network is written for it.

Two things go wrong in float32. An update falls under the last bit of the parameters: at a large output scale, where
they hardly move. And rounding grows from layer to layer: in a chaotic or very deep network the function computed in
float32 is another than the one whose kernel is computed in float64. Both are measured: by moving every parameter by
its last bit, and by computing the outputs in both precisions.
"""

from dataclasses import dataclass
from math import sqrt
from typing import Any

import jax
import numpy as np
from jaxtyping import Float

from engine.config import TrainingConfig
from engine.networks.base import NetworkConfig
from engine.networks.model import Params, outputs, trained
from engine.networks.parameters import flattened, nested
from engine.numerics import REFUSED, UNIT_ROUNDOFF, WARNED
from engine.schema import ConfigError, Problem

NOISE = 1e-4
"""Rounding that moves the residual by more than this share of its start by the stop is left for float64."""

LOST = 0.1
"""So is a last bit of the parameters that is more than this share of an update: updates are lost to it."""

SLOWEST = 0.01
"""How far a run without a stop is followed, as a fraction of its first residual."""


@dataclass(frozen=True)
class Rounding:
    """Rounding of one network at t = 0 in one precision.

    Attributes:
        outputs: relative error of h. Float32 against float64; for float64 what the last bit of the parameters moves.
            Not finite where outputs or their squares overflow.
        step: what rounding all parameters that train once moves f by, relative to ||r(0)||.
    """

    outputs: float
    step: float

    def after(self, steps: int) -> float:
        """Error of f, relative to ||r(0)||, once so many steps have each rounded the parameters (a random walk)."""
        return self.step * sqrt(max(steps, 1))


@dataclass(frozen=True)
class Forecast:
    """A run foretold by its frozen kernel.

    Attributes:
        steps: to the stop.
        lost: last bit of float32 parameters against an update there, ||u theta||/||eta_eff J^T r||.
    """

    steps: int
    lost: float


def left_for_float64(float32: Rounding, forecast: Forecast | None = None) -> str:
    """Why float32 does not resolve a run, as a phrase; empty where it does.

    Without a forecast only what is wrong from the first step on is said.
    """
    forecast = forecast or Forecast(steps=1, lost=0.0)
    if not float32.outputs <= WARNED:
        return f"rounding in float32 moves the function at t = 0 by {float32.outputs:.2g} of its size"
    noise = float32.after(forecast.steps)
    if not noise <= NOISE:
        return f"rounding in float32 would move the function by {noise:.2g} of the first residual"
    if not forecast.lost <= LOST:
        return f"the last bit of float32 parameters is {forecast.lost:.2g} of an update near the stop"
    return ""


def refuse(rounding: Rounding, name: str, seed: int) -> None:
    """Raises `ConfigError` where a network's function is not determined in this precision.

    Outputs that overflow are not refused: the run ends as diverged.
    """
    if np.isfinite(rounding.outputs) and rounding.outputs > REFUSED:
        last = "" if name == "float64" else ", or set training.precision to float64"
        message = (
            f"{name} does not determine the function of seed {seed}: the last bit moves it by {rounding.outputs:.2g} "
            f"of its size at t = 0, more than {REFUSED:g}: lower sigma_w or depth{last}"
        )
        raise ConfigError([Problem("network", message)])


def refuse_kernel(rounding: float, seed: int) -> None:
    """Raises `ConfigError` where float64 does not determine a kernel: rounding is relative to its top eigenvalue."""
    if rounding > REFUSED:
        message = (
            f"float64 does not determine the kernel of seed {seed}: the last bit moves it by {rounding:.2g} of its "
            f"size at t = 0, more than {REFUSED:g}: lower sigma_w or depth"
        )
        raise ConfigError([Problem("network", message)])


def rounding_of(
    network: NetworkConfig, params: Params, x: Float[np.ndarray, "p n_0"], y: Float[np.ndarray, "p k"], name: str
) -> Rounding:
    """Rounding at these points of the network that starts at `params`."""
    exact = cast(params, "float64")
    h = outputs(network, exact, x)
    rounded = last_bit(exact, name)
    moved = outputs(network, _replaced(exact, trained(network, rounded)), x) - h
    f = 0.0 * h if network.centred else network.output_scale * h
    other = rounded if name == "float64" else cast(params, name)
    off = outputs(network, other, x.astype(name)) - h
    with np.errstate(over="ignore", invalid="ignore"):
        square = np.sum((f - y).astype(name) ** 2)
        residual = np.sqrt(square) if np.isfinite(square) else np.nan
        error = network.output_scale * max(np.linalg.norm(moved), np.linalg.norm(off) * (name != "float64"))
        return Rounding(_share(np.linalg.norm(off) + 0 * residual, np.linalg.norm(h)), _share(error, residual))


def _replaced(params: Params, part: Params) -> Params:
    """The parameters with those of a part in the place of their own."""
    return nested(flattened(params) | flattened(part))


def _share(error: Any, size: Any) -> float:
    """error/size; 0 of no error."""
    return 0.0 if error == 0 else float(error / size) if size > 0 else float("inf") + 0 * float(error * size)


def last_bit(params: Params, name: str) -> Params:
    """Every parameter times 1 +- u, signs at random but the same at every call."""
    rng, u = np.random.default_rng(0), UNIT_ROUNDOFF[name]
    return jax.tree.map(lambda array: array * np.where(rng.integers(0, 2, array.shape, bool), 1 + u, 1 - u), params)


def cast(params: Params, name: str) -> Params:
    """Parameters in this precision, on the host."""
    return jax.tree.map(lambda array: np.asarray(array, name), params)


def foretold(
    training: TrainingConfig,
    values: Float[np.ndarray, " n"],
    modes: Float[np.ndarray, " n"],
    rate: float,
    params: Params,
) -> Forecast:
    """The run by its frozen kernel: values and modes are eigenvalues of K_0 and the residual along its eigenvectors.

    Where that is not linear (`TrainingConfig.is_linear`) the run is taken to go on to the step cap, and to end with a
    residual that has fallen to the stop in every mode.
    """
    values = np.maximum(values, 0.0)
    if not training.is_linear:
        left = (training.stop_residual or SLOWEST) * modes
        return _lost(training.max_steps, float(rate * np.linalg.norm(np.sqrt(values) * left)), params)
    factor = np.exp(-rate * values) if training.integrator == "rk4" else np.abs(1 - rate * values)
    steps = np.unique(np.geomspace(1, training.max_steps, 200).round())
    with np.errstate(over="ignore", invalid="ignore"):  # beyond the stability limit
        left = factor ** steps[:, None] * modes
        reached = np.linalg.norm(left, axis=1) <= (training.stop_residual or SLOWEST) * np.linalg.norm(modes)
        at = int(np.argmax(reached)) if reached.any() else -1
        update = float(rate * np.linalg.norm(np.sqrt(values) * left[at]))
    return _lost(int(steps[at]), update, params)


def _lost(steps: int, update: float, params: Params) -> Forecast:
    size = sqrt(sum(np.vdot(array, array) for array in jax.tree.leaves(params)))
    return Forecast(steps, UNIT_ROUNDOFF["float32"] * size / update if update > 0 else float("inf"))
