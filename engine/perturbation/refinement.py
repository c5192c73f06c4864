"""The kernel path on more times than its checkpoints, without changing the interpolant."""

from dataclasses import replace

import numpy as np
from jaxtyping import Float, Int

from engine.path import KernelPath, bernstein


def refined(path: KernelPath, between: int) -> tuple[KernelPath, Int[np.ndarray, " checkpoints"]]:
    """The same interpolated K_t on more times, with the positions of the checkpoints among them.

    Every interval gets up to `between` evenly spaced times more (whole steps for descent). Outputs of the network
    there are not known, but interpolated cubically with f' = -K r.
    """
    if between == 0 or len(path.t) < 2:
        return path, np.arange(len(path.t))
    parts = [np.linspace(a, b, between + 2) for a, b in zip(path.steps[:-1], path.steps[1:], strict=True)]
    steps = np.unique(np.concatenate(parts))
    if path.descent:
        steps = np.unique(np.round(steps).astype(np.int64))
    checkpoints = np.searchsorted(steps, path.steps)
    times = path.rate * steps
    times[checkpoints] = path.t
    places = [path.place(time) for time in times]
    f = np.stack([_outputs(path, k, x) for k, x in places])
    defect = np.stack([np.interp(times, path.t, row) for row in path.defect.T], axis=1)
    slope = None if path.interpolation == "linear" else np.stack([_slope(path, k, x) for k, x in places])
    finer = replace(path, t=times, steps=steps, kernel=path.at(times), slope=slope, f=f, defect=defect)
    return finer, checkpoints


def _slope(path: KernelPath, k: int, x: float) -> Float[np.ndarray, "n+m n"]:
    """Derivative of the cubic."""
    rise = 3 * np.diff(path.controls(k), axis=0) / (path.t[k + 1] - path.t[k])
    return np.tensordot(bernstein(np.array(x), 2), rise, axes=(0, 0))


def _outputs(path: KernelPath, k: int, x: float) -> Float[np.ndarray, " n+m"]:
    if x in (0.0, 1.0):
        return path.f[k + int(x)]
    third = (path.t[k + 1] - path.t[k]) / 3
    first, last = (-path.kernel[i] @ path.residual[i] for i in (k, k + 1))
    controls = np.stack([path.f[k], path.f[k] + third * first, path.f[k + 1] - third * last, path.f[k + 1]])
    return bernstein(np.array(x), 3) @ controls
