"""Orders 0, 1, 2 by one augmented linear system per interval: an independent check of `expansion`.

With Delta K linear in the position x = s/h, the vectors r0, x r0, x^2 r0, r1, x r1, r2 and the held-out terms obey a
linear system with constant coefficients, solved by the action of its exponential (`expm_multiply`; Al-Mohy and Higham,
SIAM J. Sci. Comput. 33, 2011). Its cost grows with l_max h: for checks, not for stiff intervals.
"""

import numpy as np
from jaxtyping import Float
from scipy.sparse.linalg import expm_multiply

from engine.perturbation.frame import Frame


def augmented(frame: Frame) -> tuple[Float[np.ndarray, "3 T n"], Float[np.ndarray, "3 T m"]]:
    """Modes and held-out terms of orders 0, 1, 2 at the checkpoints, as `expansion.Expansion` holds them.

    Raises:
        ValueError: the path is not linear between checkpoints.
    """
    if frame.path.interpolation != "linear":
        raise ValueError(f"the augmented system needs linear interpolation, not {frame.path.interpolation!r}")
    n, m, t = len(frame.eigenvalues), len(frame.held_out), frame.t
    modes, held = np.zeros((3, len(t), n)), np.zeros((3, len(t), m))
    modes[0, 0] = frame.start
    for k, h in enumerate(np.diff(t)):
        zero = np.zeros(n)
        state = np.concatenate([modes[0, k], zero, zero, modes[1, k], zero, modes[2, k], *held[:, k]])
        end = expm_multiply(_system(frame, k) * h, state)
        modes[:, k + 1] = end[: 6 * n].reshape(6, n)[[0, 3, 5]]
        held[:, k + 1] = end[6 * n :].reshape(3, m)
    return modes, held


def _system(frame: Frame, k: int) -> Float[np.ndarray, "a a"]:
    """d/ds of (r0, x r0, x^2 r0, r1, x r1, r2, f0*, f1*, f2*) on interval k, from its first checkpoint."""
    n, m = len(frame.eigenvalues), len(frame.held_out)
    h, (first, last) = frame.t[k + 1] - frame.t[k], frame.change.controls(k)
    rise = last - first
    A = np.zeros((6 * n + 3 * m, 6 * n + 3 * m))

    def add(row: int, column: int, block: np.ndarray) -> None:
        A[row * n : (row + 1) * n, column * n : (column + 1) * n] += block

    def gather(term: int, column: int, block: np.ndarray) -> None:
        start = 6 * n + term * m
        A[start : start + m, column * n : (column + 1) * n] -= block

    for row in range(6):
        add(row, row, -np.diag(frame.eigenvalues))
    r0, x_r0, xx_r0, r1, x_r1, r2 = range(6)
    for row, column, factor in ((x_r0, r0, 1.0), (xx_r0, x_r0, 2.0), (x_r1, r1, 1.0)):
        add(row, column, factor / h * np.eye(n))
    for row, constant, linear in ((r1, r0, x_r0), (x_r1, x_r0, xx_r0), (r2, r1, x_r1)):
        add(row, constant, -first[:n])
        add(row, linear, -rise[:n])
    for term, column in ((0, r0), (1, r1), (2, r2)):
        gather(term, column, frame.held_out)
    for term, constant, linear in ((1, r0, x_r0), (2, r1, x_r1)):
        gather(term, constant, first[n:])
        gather(term, linear, rise[n:])
    return A
