"""Kernel paths made from known matrices, and reference integrators."""

from collections.abc import Callable

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from engine.training.path import KernelPath

Kernel = Callable[[float], np.ndarray]


def made_path(
    t: np.ndarray, kernels: np.ndarray, residual: np.ndarray, slopes: np.ndarray | None = None, *, descent: bool = False
) -> KernelPath:
    """A path through given kernels (T, n + m, n); targets 0, so that f(0) = r(0). Outputs beyond t = 0 are not set."""
    rows, n = kernels.shape[1:]
    f = np.zeros((len(t), rows))
    f[0, :n] = residual
    rate = float(t[1]) if descent else 1e-9
    steps = np.round(t / rate).astype(int) if descent else np.arange(len(t))
    kind = "linear" if slopes is None else "hermite"
    return KernelPath(t, steps, rate, descent, kernels, slopes, f, np.zeros(n), np.zeros_like(f), kind)


def random_kernels(
    rng: np.random.Generator, count: int, n: int, m: int, values: np.ndarray, drift: float
) -> np.ndarray:
    """(count, n + m, n): K_0 with the given eigenvalues, the others a relative `drift` away and positive."""
    Q, _ = np.linalg.qr(rng.standard_normal((n, n)))
    root = Q * np.sqrt(values)
    kernels = []
    for k in range(count):
        moved = root @ (np.eye(n) + drift * k / max(count - 1, 1) * rng.standard_normal((n, n)) / np.sqrt(n))
        held_out = rng.standard_normal((m, n)) * np.sqrt(values[0] / n)
        kernels.append(np.concatenate([moved @ moved.T, held_out]))
    return np.stack(kernels)


def reference(path: KernelPath) -> tuple[np.ndarray, np.ndarray]:
    """Orders 0, 1, 2 and the whole solution in point space, (4, T, n) and (4, T, m), by DOP853 on the same path."""
    n, m, T = path.size, path.kernel.shape[1] - path.size, len(path.t)
    K_0 = path.kernel[0]

    def velocity(s: float, state: np.ndarray) -> np.ndarray:
        r = state[: 4 * n].reshape(4, n)
        K = path.at(np.array([np.clip(s, path.t[0], path.t[-1])]))[0]
        change = K - K_0
        rates = -r @ K_0.T
        rates[1] -= change @ r[0]
        rates[2] -= change @ r[1]
        rates[3] -= change @ r[3]
        return np.concatenate([rates[:, :n].ravel(), rates[:, n:].ravel()])

    state = np.zeros(4 * (n + m))
    state[:n] = state[3 * n : 4 * n] = path.residual[0]
    states = [state]
    for a, b in zip(path.t[:-1], path.t[1:], strict=True):
        found = solve_ivp(velocity, (a, b), states[-1], method="DOP853", rtol=1e-12, atol=1e-14)
        states.append(found.y[:, -1])
    kept = np.stack(states)
    r = kept[:, : 4 * n].reshape(T, 4, n).transpose(1, 0, 2)
    return r, kept[:, 4 * n :].reshape(T, 4, m).transpose(1, 0, 2)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(5)
