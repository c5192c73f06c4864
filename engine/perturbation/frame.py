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
    """

    path: KernelPath
    eigenvalues: Float[np.ndarray, " n"]
    vectors: Float[np.ndarray, "n n"]
    start: Float[np.ndarray, " n"]
    held_out: Float[np.ndarray, "m n"]
    change: KernelPath

    @classmethod
    def of(cls, path: KernelPath) -> "Frame":
        values, U = spectrum(path.K[0])
        n = path.size

        def rotated(kernel: np.ndarray) -> np.ndarray:
            right = kernel @ U
            return np.concatenate([U.T @ right[:, :n], right[:, n:]], axis=1)

        change = rotated(path.kernel - path.kernel[0])
        slope = None if path.slope is None else rotated(path.slope)
        moved = KernelPath(
            path.t, path.steps, path.rate, path.descent, change, slope, path.f, path.y, path.defect, path.interpolation
        )
        start = U.T @ path.residual[0]
        return cls(path, np.maximum(values, 0.0), U, start, path.K_held_out[0] @ U, moved)

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

    def order_zero(
        self, t: Float[np.ndarray, " s"], *, descent: bool
    ) -> tuple[Float[np.ndarray, "s n"], Float[np.ndarray, "s m"]]:
        """The frozen kernel: modes U^T r0(t), and the change K_0(*, X) q(t) of held-out outputs with its sign.

        Flow: e^{-lambda t} and -t phi(-lambda t). Descent, k = t/eta_eff steps: (1 - eta_eff lambda)^k and
        -[1 - (1 - eta_eff lambda)^k]/lambda. No inverse: both are continuous at lambda = 0.
        """
        decay, gathered = frozen(self.eigenvalues, t, self.path.rate if descent else None)
        return decay * self.start, -(gathered * self.start) @ self.held_out.T


def frozen(
    eigenvalues: Float[np.ndarray, " n"], t: Float[np.ndarray, " s"], rate: float | None
) -> tuple[Float[np.ndarray, "s n"], Float[np.ndarray, "s n"]]:
    """What is left of each mode, and its time integral, under the frozen kernel. `rate` for descent, None for flow."""
    if rate is None:
        z = np.multiply.outer(t, eigenvalues)
        return np.exp(-z), t[:, None] * _phi(-z)
    steps = np.round(t / rate)[:, None] if rate else np.zeros((len(t), 1))
    damping = rate * eigenvalues
    # 1 - (1 - a)^k through expm1 and log1p: no cancellation where a is small, and (1 - a)^k itself beyond a = 1/2.
    small = damping < 0.5
    lost_small = -np.expm1(steps * np.log1p(-np.where(small, damping, 0.0)))
    with np.errstate(over="ignore"):
        lost = np.where(small, lost_small, 1 - (1 - damping) ** steps)
    positive = eigenvalues > 0
    gathered = np.where(positive, lost / np.where(positive, eigenvalues, 1.0), rate * steps)
    return 1 - lost, gathered


def _phi(z: np.ndarray) -> np.ndarray:
    from engine.perturbation.phi import phi

    return phi(z)
