"""Orders of r' = -K_t r in Delta K_t: order 0, the frozen kernel's network, in closed form; 1, 2, ... by integrals."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from engine.perturbation.bounds import Bounds, Sizes
from engine.perturbation.frame import Frame
from engine.perturbation.propagator import cumulative, integrals, rule, spans, weights
from engine.training.frozen import frozen, phi
from engine.training.path import bernstein


def lazy(
    frame: Frame, t: Float[np.ndarray, " s"], *, descent: bool
) -> tuple[Float[np.ndarray, "s n"], Float[np.ndarray, "s m"]]:
    """Modes U^T r0(t), and f0*(t) - f*(0) = -K_0(*, X) q(t) on held-out rows, at times of the run (steps, if descent).

    Args:
        descent: (I - eta_eff K_0)^k with k = t/eta_eff, instead of e^{-K_0 t}.
    """
    decay, gathered = frozen(frame.eigenvalues, t, frame.path.rate if descent else None)
    return decay * frame.start, -(gathered * frame.start) @ frame.held_out.T


# Orders 0, 1, 2, ... of r' = -K_t r in Delta K_t, on training and held-out points, for the gradient flow.
#
# r0(t) = e^{-K_0 t} r(0),    r_m(t) = - int_0^t e^{-K_0 (t-s)} Delta K_s r_{m-1}(s) ds
# f_m*(t) = - int_0^t [Delta K_s(*, X) r_{m-1}(s) + K_0(*, X) r_m(s)] ds
# (Duhamel's formula.) In the eigenbasis of K_0 each mode of r_m is a scalar equation with a smooth forcing, solved by
# exponential collocation on dyadic spans of every interval: exact to rounding for the interpolated path, for
# lambda t from 0 to 1e8.


@dataclass(frozen=True, eq=False)
class Expansion:
    """The terms at the checkpoints.

    Attributes:
        modes: U^T r_m(t), term m by term; r is about their sum.
        held_out: f_m*(t), the term's part of f*(t) - f*(0).
        floor: what the defects of the run's steps add to r (as modes) and to held-out outputs. For the flow with K_0
            in the place of K_t, which is its leading order.
        bounds: by the names of `engine.perturbation.bounds`, in the unit of r.
    """

    modes: Float[np.ndarray, "orders T n"]
    held_out: Float[np.ndarray, "orders T m"]
    floor: Float[np.ndarray, "T n+m"]
    bounds: dict[str, Float[np.ndarray, " T"]]


def expand(frame: Frame, order: int = 2, tick: Callable[[float], None] = lambda fraction: None) -> Expansion:
    """The terms up to `order` for the flow, with the bounds; `tick` is told the fraction done."""
    t, values, points = frame.t, frame.eigenvalues, rule().x
    n, m = len(values), len(frame.held_out)
    modes, held = np.zeros((order + 1, len(t), n)), np.zeros((order + 1, len(t), m))
    modes[0], held[0] = lazy(frame, t, descent=False)
    bounds, floor, rate = Bounds(frame, order), np.zeros((len(t), n + m)), frame.path.rate
    for k in range(len(t) - 1):
        length, controls = t[k + 1] - t[k], frame.change.controls(k)
        sizes = Sizes.of(frame, k, controls)
        now, gathered, below = modes[1:, k].copy(), held[1:, k].copy(), floor[k].copy()
        for first, last in _pairs(spans(float(values[0] * length))):
            x, span = first + (last - first) * points, (last - first) * length
            z = values * span
            response, decay = span * weights(z), np.exp(-np.multiply.outer(z, points))
            quadrature = span * cumulative()[-1]
            term = np.exp(-np.multiply.outer(values, t[k] + x * length)) * frame.start[:, None]
            r0, pushes = np.linalg.norm(term, axis=0), []
            for j in range(order):
                forcing = frame.forcing(controls, x, term)
                pushes.append(np.linalg.norm(forcing[:n], axis=0))
                term = decay * now[j][:, None] - np.einsum("ipq,iq->ip", response, forcing[:n])
                gathered[j] -= forcing[n:] @ quadrature + frame.held_out @ (term @ quadrature)
                now[j] = term[:, -1]
            pushes.append(np.linalg.norm(frame.forcing(controls, x, term)[:n], axis=0))
            # Each step adds its defect at once; spread over the step it is read at the middle.
            source = frame.defect[k : k + 2].T @ bernstein(x - rate / (2 * length), 1) / rate
            source[:n] /= phi(-values * rate)[:, None]
            sunk = decay * below[:n, None] + np.einsum("ipq,iq->ip", response, source[:n])
            below[n:] += source[n:] @ quadrature - frame.held_out @ (sunk @ quadrature)
            below[:n] = sunk[:, -1]
            bounds.span(sizes, x, span, r0, np.array(pushes), rate, rate / (2 * length))
        modes[1:, k + 1], held[1:, k + 1], floor[k + 1] = now, gathered, below
        bounds.mark()
        tick((k + 1) / (len(t) - 1))
    return Expansion(modes, held, floor, bounds.arrays())


def _pairs(ends: Float[np.ndarray, " s"]) -> list[tuple[float, float]]:
    return list(zip(ends[:-1].tolist(), ends[1:].tolist(), strict=True))


# Which modes feel Delta K: the first order resolved into source and target modes of K_0, in closed form.
#
# C_ij(t) = - int_0^t e^{-l_i (t-s)} [U^T Delta K_s U]_ij e^{-l_j s} ds  c_j,    c = U^T r(0)
# so that U^T r1 is the sum over j. With Delta K linear between checkpoints every interval is I0 and I1 of
# `engine.perturbation.propagator`.


def coupling(frame: Frame) -> Float[np.ndarray, "T n n"]:
    """C at the checkpoints: from mode j (column) to mode i (row), in the unit of r. For the flow, linear in between.

    The sum over columns is U^T r1 of the linearly interpolated path.
    """
    values, n = frame.eigenvalues, len(frame.eigenvalues)
    change = frame.change.kernel[:, :n]
    found = np.zeros((len(frame.t), n, n))
    for k, h in enumerate(np.diff(frame.t)):
        constant, rising = integrals(values[:, None], values[None, :], float(h))
        source = np.exp(-values * frame.t[k]) * frame.start
        pushed = change[k] * constant + (change[k + 1] - change[k]) * rising
        found[k + 1] = np.exp(-values * h)[:, None] * found[k] - pushed * source
    return found


# The discrete analogues for gradient descent, stepped one by one: r_{k+1} = (I - eta_eff K_k) r_k.
#
# r0_k = (I - eta_eff K_0)^k r(0),   rm_{k+1} = (I - eta_eff K_0) rm_k - eta_eff Delta K_k r(m-1)_k
# The product of (I - eta_eff K_k) over the true kernels still misses a run, by the curvature within each step:
# f(theta + eta v) - f(theta) + eta_eff K r, the defect of `KernelPath`. It is carried along with the same product: the
# floor, of order eta_eff, under every order.


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
    expansion = Expansion(terms, terms_held, floor, bounds.arrays())
    return expansion, modes[order + 1], held[order + 1]
