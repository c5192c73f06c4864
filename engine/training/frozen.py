"""A kernel held fixed: what it leaves of each of its modes, in closed form, and its steps by a loss that has none.
NumPy, no JAX."""

import numpy as np
from jaxtyping import Float

from engine.losses import LOSSES
from engine.numerics import RUNGE_KUTTA


def phi(z: Float[np.ndarray, "*s"]) -> Float[np.ndarray, "*s"]:
    """(e^z - 1)/z, 1 at z = 0; for z <= 0."""
    safe = np.where(z == 0, 1.0, z)
    return np.where(z == 0, 1.0, np.expm1(safe) / safe)


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


def stepped(
    loss: str,
    kernels: Float[np.ndarray, "s n n"],
    f: Float[np.ndarray, "s n k"],
    y: Float[np.ndarray, "n k"],
    gathered: Float[np.ndarray, "s n k"],
    rate: float,
    descent: bool,
) -> Float[np.ndarray, "s n k"]:
    """int r of several kernels held fixed, r = dl/df, one step of eta_eff = `rate` after `gathered`.

    By descent or by Runge-Kutta on the flow f' = -K r, as training takes it.

    Args:
        f: where each set out. It now has f - K gathered.
        y: targets as the loss takes them.
    """
    targets, slope = np.tile(y, (len(f), 1)), LOSSES[loss].slope

    def r(gathered: Float[np.ndarray, "s n k"]) -> Float[np.ndarray, "s n k"]:
        now = f - kernels @ gathered
        return slope(now.reshape(targets.shape), targets, np).reshape(f.shape)

    if descent:
        return gathered + rate * r(gathered)
    last, total = np.zeros_like(gathered), np.zeros_like(gathered)
    for node, weight in RUNGE_KUTTA:
        last = r(gathered + node * rate * last)
        total += weight * last
    return gathered + rate / 6 * total
