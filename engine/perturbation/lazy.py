"""Order 0: the network of the frozen kernel K_0, in closed form and without an inverse."""

import numpy as np
from jaxtyping import Float

from engine.perturbation.frame import Frame
from engine.perturbation.phi import phi


def lazy(
    frame: Frame, t: Float[np.ndarray, " s"], *, descent: bool
) -> tuple[Float[np.ndarray, "s n"], Float[np.ndarray, "s m"]]:
    """Modes U^T r0(t), and f0*(t) - f*(0) = -K_0(*, X) q(t) on held-out rows, at times of the run (steps, if descent).

    Args:
        descent: (I - eta_eff K_0)^k with k = t/eta_eff, instead of e^{-K_0 t}.
    """
    decay, gathered = frozen(frame.eigenvalues, t, frame.path.rate if descent else None)
    return decay * frame.start, -(gathered * frame.start) @ frame.held_out.T


def frozen(
    eigenvalues: Float[np.ndarray, " n"], t: Float[np.ndarray, " s"], rate: float | None
) -> tuple[Float[np.ndarray, "s n"], Float[np.ndarray, "s n"]]:
    """What is left of each mode of eigenvalue l >= 0 at t, and its time integral.

    Flow (`rate` None): e^{-l t} and t phi(-l t). Descent with eta_eff = `rate`, k = t/eta_eff steps: (1 - eta_eff l)^k
    and [1 - (1 - eta_eff l)^k]/l. Both are continuous at l = 0, where they are 1 and t.
    """
    if rate is None:
        z = np.multiply.outer(t, eigenvalues)
        return np.exp(-z), t[:, None] * phi(-z)
    steps = np.round(t / rate)[:, None] if rate else np.zeros((len(t), 1))
    damping = rate * eigenvalues
    # Through expm1 and log1p where a = eta_eff l is small, so that 1 - (1 - a)^k does not cancel.
    small = damping < 0.5
    lost = -np.expm1(steps * np.log1p(-np.where(small, damping, 0.0)))
    with np.errstate(over="ignore"):
        lost = np.where(small, lost, 1 - (1 - np.where(small, 0.0, damping)) ** steps)
    positive = damping > 0
    gathered = np.where(positive, rate * lost / np.where(positive, damping, 1.0), rate * steps)
    return 1 - lost, gathered
