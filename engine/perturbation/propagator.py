"""The time-ordered propagator of the whole kernel path, r' = -K_t r, with nothing expanded.

Fourth-order commutator-free Magnus steps: with K_1, K_2 at the Gauss nodes (1/2 -+ sqrt(3)/6) h,
    r(t + h) = exp(-h [a K_2 + b K_1]) exp(-h [a K_1 + b K_2]) r(t),   a = 1/4 + sqrt(3)/6, b = 1/4 - sqrt(3)/6
(Blanes and Moan, Appl. Numer. Math. 56, 2006, 1519). Held-out outputs f*' = -K(*, X) r are rows of the same linear
system. Steps are halved until that changes nothing that matters.
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float

from engine.path import KernelPath, bernstein
from engine.perturbation.phi import phi

TOLERANCE = 1e-10
"""What halving the steps of an interval may change at most, relative to ||r(0)||."""
MOST_STEPS = 256
"""Per interval."""

_NODES = np.array([0.5 - np.sqrt(3) / 6, 0.5 + np.sqrt(3) / 6])
_FIRST = np.array([0.25 + np.sqrt(3) / 6, 0.25 - np.sqrt(3) / 6])


def propagate(
    path: KernelPath, tick: Callable[[float], None] = lambda fraction: None
) -> tuple[Float[np.ndarray, "T n"], Float[np.ndarray, "T m"]]:
    """r(t) on training rows and f*(t) - f*(0) on held-out rows at the checkpoints."""
    n = path.size
    states = np.zeros((len(path.t), path.kernel.shape[1]))
    states[0, :n] = path.residual[0]
    tolerance = TOLERANCE * max(float(np.linalg.norm(states[0])), 1e-300)
    for k in range(len(path.t) - 1):
        with np.errstate(over="ignore", invalid="ignore"):  # a cubic far below zero grows: infinite is the answer
            states[k + 1] = _across(path.controls(k), path.t[k + 1] - path.t[k], states[k], tolerance)
        tick((k + 1) / (len(path.t) - 1))
    return states[:, :n], states[:, n:]


def _across(
    controls: Float[np.ndarray, "c n+m n"], h: float, state: Float[np.ndarray, " n+m"], tolerance: float
) -> Float[np.ndarray, " n+m"]:
    """The state at the end of an interval, with as many steps as the tolerance needs."""
    coarse, steps = _walk(controls, h, 1, state), 2
    while True:
        fine = _walk(controls, h, steps, state)
        # The coarse error is 16 times the fine one.
        if steps >= MOST_STEPS or not np.linalg.norm(fine - coarse) >= 16 * tolerance:
            return fine
        coarse, steps = fine, 2 * steps


def _walk(
    controls: Float[np.ndarray, "c n+m n"], h: float, steps: int, state: Float[np.ndarray, " n+m"]
) -> Float[np.ndarray, " n+m"]:
    n = controls.shape[2]
    for step in range(steps):
        weights = bernstein((step + _NODES) / steps, len(controls) - 1)
        K = np.tensordot(weights.T, controls, axes=1) * (h / steps)
        for mix in (_FIRST, _FIRST[::-1]):
            part = np.tensordot(mix, K, axes=1)
            values, V = np.linalg.eigh((part[:n] + part[:n].T) / 2)
            amplitudes = V.T @ state[:n]
            held = state[n:] - part[n:] @ (V @ (phi(-values) * amplitudes))
            state = np.concatenate([V @ (np.exp(-values) * amplitudes), held])
    return state
