"""A kernel path seen from K_0: its eigenbasis, in which the frozen kernel only damps."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from engine.diagnostics import spectrum
from engine.path import KernelPath, bernstein


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
