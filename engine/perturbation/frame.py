"""A kernel path seen from K_0's eigenbasis, and the same path on more times than its checkpoints."""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Int

from engine.training.diagnostics import spectrum
from engine.training.path import KernelPath, bernstein

# A kernel path seen from K_0: its eigenbasis, in which the frozen kernel only damps.


@dataclass(frozen=True, eq=False)
class Frame:
    """Delta K_t = K_t - K_0 between eigenvectors of K_0 = U Lambda U^T.

    Attributes:
        path: where it comes from.
        eigenvalues: Lambda, descending, clipped at 0.
        vectors: U, eigenvectors as columns.
        start: U^T r(0).
        held_out: K_0(*, X) U.
        change: the path of U^T Delta K U, with Delta K(*, X) U in the rows below.
        defect: of each step, in the same rows.
    """

    path: KernelPath
    eigenvalues: Float[np.ndarray, " n"]
    vectors: Float[np.ndarray, "n n"]
    start: Float[np.ndarray, " n"]
    held_out: Float[np.ndarray, "m n"]
    change: KernelPath
    defect: Float[np.ndarray, "T n+m"]

    @classmethod
    def of(cls, path: KernelPath) -> "Frame":
        values, U = spectrum(path.train[0])
        n = path.size

        def rotated(kernel: np.ndarray) -> np.ndarray:
            right = kernel @ U
            return np.concatenate([U.T @ right[:, :n], right[:, n:]], axis=1)

        change = rotated(path.kernel - path.kernel[0])
        slope = None if path.slope is None else rotated(path.slope)
        moved = KernelPath(
            path.t, path.steps, path.rate, path.descent, change, slope, path.f, path.y, path.defect, path.interpolation
        )
        start, held_out = U.T @ path.residual[0], path.held_out[0] @ U
        defect = np.concatenate([path.defect[:, :n] @ U, path.defect[:, n:]], axis=1)
        return cls(path, np.maximum(values, 0.0), U, start, held_out, moved, defect)

    @property
    def t(self) -> Float[np.ndarray, " T"]:
        return self.path.t

    @property
    def scale(self) -> float:
        """||r(0)||."""
        return float(np.linalg.norm(self.start))

    def forcing(
        self, controls: Float[np.ndarray, "c n+m n"], x: Float[np.ndarray, " p"], r: Float[np.ndarray, "n p"]
    ) -> Float[np.ndarray, "n+m p"]:
        """Delta K r at positions x of an interval, of vectors r given at those positions."""
        weights = bernstein(x, len(controls) - 1)
        return np.einsum("cp,crp->rp", weights, controls @ r)


# The kernel path on more times than its checkpoints, without changing the interpolant.


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
