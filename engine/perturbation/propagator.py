"""Closed integrals of exponentials, collocation, and the propagator of the whole kernel path."""

from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from engine.perturbation.config import DEGREE
from engine.training.frozen import phi
from engine.training.path import KernelPath, bernstein

# The closed integrals of exponentials behind Duhamel's formula, stable for every non-negative rate.
#
# phi(z) = (e^z - 1)/z, and for rates a, b >= 0 over a span h:
# I0 = int_0^h e^{-a(h-s) - b s} ds = h e^{-min(a,b) h} phi(-|a - b| h)
# I1 = int_0^h (s/h) e^{-a(h-s) - b s} ds
# Rates may be 0, equal, or so large that everything has decayed (tested to a h = 1e8).

SERIES = 0.5
"""Below it, weights that would cancel come from their power series."""


def ramp(z: Float[np.ndarray, "*s"]) -> Float[np.ndarray, "*s"]:
    """int_0^1 x e^{z x} dx = (e^z - phi(z))/z for z <= 0: 1/2 at z = 0, falling as 1/z^2."""
    series, term = np.zeros_like(z), np.ones_like(z)
    small = np.where(np.abs(z) < SERIES, z, 0.0)
    for k in range(18):
        series += term / (k + 2)
        term = term * small / (k + 1)
    safe = np.where(np.abs(z) < SERIES, -1.0, z)
    return np.where(np.abs(z) < SERIES, series, (np.exp(safe) - phi(safe)) / safe)


def integrals(
    a: Float[np.ndarray, "*s"], b: Float[np.ndarray, "*s"], h: float
) -> tuple[Float[np.ndarray, "*s"], Float[np.ndarray, "*s"]]:
    """I0 and I1 over a span h, elementwise in the rates."""
    gap = (b - a) * h
    common = h * np.exp(-np.minimum(a, b) * h)
    away = -np.abs(gap)
    whole, rising = phi(away), ramp(away)
    # With b the faster rate the weight decays from s = 0; with a the faster one, it is the mirror image.
    return common * whole, common * np.where(gap >= 0, rising, whole - rising)


# Exponential collocation: y' = -l y + F(s) solved exactly for polynomials F, for every rate l >= 0.
#
# On a span of length h the forcing is given at Chebyshev points x of [0, 1]. The solution there is
# y(x) = e^{-z x} y(0) + h sum_q W_z[x, q] F_q,  z = l h,  W_z[p, q] = int_0^{x_p} e^{-z(x_p - u)} L_q(u) du,
# with the Lagrange polynomials L_q of the points: an exponential integrator (Hochbruck and Ostermann, Acta Numerica 19,
# 2010) of order `DEGREE` + 1. Sums of decaying exponentials started at s = 0 are resolved to 1e-13 on spans
# [0, 2/l_max], [2/l_max, 4/l_max], ...: each is twice the one before, so that l_max h = 1e8 takes 27 of them.

GAUSS = 40
"""Nodes of the quadrature for W_z while z is below `FAR`."""
FAR = 60.0
"""Beyond it, W_z comes from the polynomial solution of q' + z q = F, which then is well conditioned."""
FIRST = 2.0
"""l_max times the first span."""


class Rule(NamedTuple):
    """What does not depend on z.

    Attributes:
        x: the points, 0 and 1 among them.
        derivative: D with (D F)(x) = F'(x) for polynomials up to `DEGREE`.
        gauss, weights: Gauss-Legendre nodes and weights on [0, 1].
        lagrange: L_q(x_p gauss_g).
    """

    x: Float[np.ndarray, " p"]
    derivative: Float[np.ndarray, "p p"]
    gauss: Float[np.ndarray, " g"]
    weights: Float[np.ndarray, " g"]
    lagrange: Float[np.ndarray, "p g p"]


@cache
def rule() -> Rule:
    """The points with everything that they determine."""
    x = (1 - np.cos(np.pi * np.arange(DEGREE + 1) / DEGREE)) / 2
    nodes, weights = np.polynomial.legendre.leggauss(GAUSS)
    gauss, weights = (nodes + 1) / 2, weights / 2
    # Chebyshev polynomials as the way in between: well conditioned at these points.
    basis = np.polynomial.chebyshev.chebvander(2 * x - 1, DEGREE)
    inside = np.polynomial.chebyshev.chebvander(2 * np.multiply.outer(x, gauss) - 1, DEGREE)
    lagrange = np.linalg.solve(basis.T, inside.reshape(-1, DEGREE + 1).T).T.reshape(*inside.shape)
    # Barycentric form, with the diagonal as minus the row sum (Berrut and Trefethen, SIAM Review 46, 2004).
    sign = (-1.0) ** np.arange(DEGREE + 1)
    sign[[0, -1]] /= 2
    gap = x[:, None] - x + np.eye(DEGREE + 1)
    derivative = sign[None, :] / sign[:, None] / gap
    np.fill_diagonal(derivative, 0.0)
    np.fill_diagonal(derivative, -derivative.sum(axis=1))
    return Rule(x, derivative, gauss, weights, lagrange)


def weights(z: Float[np.ndarray, " n"]) -> Float[np.ndarray, "n p p"]:
    """W_z of every z >= 0."""
    fixed = rule()
    found = np.empty((len(z), DEGREE + 1, DEGREE + 1))
    near = z < FAR
    kernel = fixed.weights * np.exp(-np.multiply.outer(np.multiply.outer(fixed.x, z[near]), 1 - fixed.gauss))
    found[near] = (fixed.x[:, None, None] * (kernel @ fixed.lagrange)).transpose(1, 0, 2)
    far = z[~near]
    if len(far):
        identity = np.eye(DEGREE + 1)
        particular = np.linalg.solve(far[:, None, None] * identity + fixed.derivative, identity)
        start = np.exp(-np.multiply.outer(far, fixed.x))
        found[~near] = particular - start[:, :, None] * particular[:, :1, :]
    return found


@cache
def cumulative() -> Float[np.ndarray, "p p"]:
    """W_0: integrals from 0 to each point; the last row is the quadrature over the span."""
    return weights(np.zeros(1))[0]


def spans(z: float) -> Float[np.ndarray, " s"]:
    """Ends of the spans of an interval, as fractions of it, for l_max h = z: 0, ..., 1/4, 1/2, 1."""
    count = max(0, int(np.ceil(np.log2(max(z, FIRST) / FIRST))))
    return np.concatenate([[0.0], 0.5 ** np.arange(count, -1, -1)])


# The time-ordered propagator of the whole kernel path, r' = -K_t r, with nothing expanded.
#
# Fourth-order commutator-free Magnus steps: with K_1, K_2 at the Gauss nodes (1/2 -+ sqrt(3)/6) h,
# r(t + h) = exp(-h [a K_2 + b K_1]) exp(-h [a K_1 + b K_2]) r(t),   a = 1/4 + sqrt(3)/6, b = 1/4 - sqrt(3)/6
# (Blanes and Moan, Appl. Numer. Math. 56, 2006, 1519). Held-out outputs f*' = -K(*, X) r are rows of the same linear
# system. Steps are halved until that changes nothing that matters.

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
            states[k + 1] = _over_interval(path.controls(k), path.t[k + 1] - path.t[k], states[k], tolerance)
        tick((k + 1) / (len(path.t) - 1))
    return states[:, :n], states[:, n:]


def _over_interval(
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
