"""The discrete analogues for gradient descent, stepped one by one: r_{k+1} = (I - eta_eff K_k) r_k.

    r0_k = (I - eta_eff K_0)^k r(0),   rm_{k+1} = (I - eta_eff K_0) rm_k - eta_eff Delta K_k r(m-1)_k
The product of (I - eta_eff K_k) over the true kernels still misses a run, by the curvature within each step:
f(theta + eta v) - f(theta) + eta_eff K r, the defect of `KernelPath`. It is carried along with the same product: the
floor, of order eta_eff, under every order.
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float

from engine.perturbation.bounds import Bounds, Sizes
from engine.perturbation.expansion import Expansion, lazy
from engine.perturbation.frame import Frame
from engine.training.path import bernstein


def step_through(
    frame: Frame, order: int = 2, tick: Callable[[float], None] = lambda fraction: None
) -> tuple[Expansion, Float[np.ndarray, "T n"], Float[np.ndarray, "T m"]]:
    """Every step from 0 to the last checkpoint: terms up to `order` with floor and bounds, and the whole product, as
    modes U^T r and as held-out outputs f* - f*(0)."""
    path, values, rate = frame.path, frame.eigenvalues, frame.path.rate
    n, rows, T = len(values), path.kernel.shape[1], len(path.t)
    # Columns: the terms, then the whole product, then what the defects add. Rows: modes, then held-out outputs.
    state = np.zeros((rows, order + 3))
    state[:n, 0] = state[:n, order + 1] = frame.start
    kept = np.zeros((T, *state.shape))
    kept[0] = state
    damping, bounds = (1 - rate * values)[:, None], Bounds(frame, order)
    for k in range(T - 1):
        count, controls = int(path.steps[k + 1] - path.steps[k]), frame.change.controls(k)
        sizes = Sizes.of(frame, k, controls)
        for j in range(count):
            x = j / count
            change = np.tensordot(bernstein(np.array(x), len(controls) - 1), controls, axes=1)
            pushed = rate * (change @ state[:n])
            sizes_of = np.linalg.norm(pushed[:n, : order + 1], axis=0) / rate if rate else np.zeros(order + 1)
            bounds.step(sizes, x, rate, float(np.linalg.norm(state[:n, 0])), sizes_of)
            state[n:] -= rate * (frame.held_out @ state[:n])
            state[:n] *= damping
            state[:, 1 : order + 1] -= pushed[:, :order]
            state[:, order + 1 :] -= pushed[:, order + 1 :]
            state[:, order + 2] += (1 - x) * frame.defect[k] + x * frame.defect[k + 1]
        kept[k + 1] = state
        bounds.mark()
        tick((k + 1) / (T - 1))
    modes, held = kept[:, :n].transpose(2, 0, 1), kept[:, n:].transpose(2, 0, 1)
    terms, terms_held = modes[: order + 1].copy(), held[: order + 1].copy()
    terms[0], terms_held[0] = lazy(frame, path.t, descent=True)
    floor = np.concatenate([modes[order + 2], held[order + 2]], axis=1)
    expansion = Expansion(path.t, terms, terms_held, floor, bounds.arrays())
    return expansion, modes[order + 1], held[order + 1]
