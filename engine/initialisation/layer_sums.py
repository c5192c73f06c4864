"""Moments of one hidden layer's random numbers, and the sums over layers behind the exact moments."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Self

import numpy as np
import scipy.special
from jaxtyping import Float, Int

from engine.initialisation.law import Law

# Moments of one hidden layer's random numbers: m ~ Bin(n, 1/2), X ~ chi2(m), Y ~ chi2(m - 1) (theory.md 3).


@lru_cache(maxsize=64)
def _falling_coefficients(a: int, b: int) -> tuple[int, ...]:
    """c_k with E[X^a Y^b | m] = sum_k c_k m(m-1)...(m-k+1), for m >= 1. Exact integers.

    E[X^a | m] = m(m+2)...(m+2a-2) and E[Y^b | m] = (m-1)(m+1)...(m+2b-3).
    """
    roots = [-2 * i for i in range(a)] + [1 - 2 * i for i in range(b)]
    coefficients = [1]
    for root in roots:  # (sum c_k m^(k)) (m - root), with m m^(k) = m^(k+1) + k m^(k)
        grown = [0] * (len(coefficients) + 1)
        for k, c in enumerate(coefficients):
            grown[k] += c * (k - root)
            grown[k + 1] += c
        coefficients = grown
    return tuple(coefficients)


def mixed_moment(n: Float[np.ndarray, "..."], a: int, b: int) -> Float[np.ndarray, "..."]:
    """(2/n)^(a+b) E[X^a Y^b; m >= 1], exact to rounding for any width n.

    Factorial moments of the binomial: E[m(m-1)...(m-k+1)] = n(n-1)...(n-k+1)/2^k. The dead layer m = 0,
    where the polynomial for Y would not vanish, is taken out.
    """
    n = np.asarray(n, dtype=float)
    falling, total = np.ones_like(n), np.zeros_like(n)
    for k, c in enumerate(_falling_coefficients(a, b)):
        total += c * falling
        falling = falling * (n - k) / 2
    at_zero = float(_falling_coefficients(a, b)[0])
    return (total - at_zero * np.exp2(-n)) * (2 / n) ** (a + b)


_GAMMA_RATIO = (1.0, -1 / 8, 1 / 128, 5 / 1024, -21 / 32768, -399 / 262144, 869 / 4194304, 39325 / 33554432)
"""Gamma(z + 1/2)/Gamma(z) = sqrt(z) sum_k c_k z^-k, the ratio's asymptotic series (DLMF 5.11.13)."""


def _root_chi_square(m: Float[np.ndarray, " k"]) -> Float[np.ndarray, " k"]:
    """E[sqrt(X)] for X ~ chi2(m): sqrt(2) Gamma((m+1)/2)/Gamma(m/2). Differences of gammaln would lose digits."""
    z = m / 2
    small = np.minimum(z, 50.0)
    exact = scipy.special.gamma(small + 0.5) / scipy.special.gamma(small)
    return np.sqrt(2) * np.where(z < 50, exact, np.sqrt(z) * np.polynomial.polynomial.polyval(1 / z, _GAMMA_RATIO))


@lru_cache(maxsize=4096)
def _half_moments(n: int) -> tuple[float, float, float]:
    # Beyond 14 standard deviations (sqrt(n)/2 each) of m the rest is under 1e-43.
    reach = 7 * np.sqrt(n) + 8
    m = np.arange(max(0, np.floor(n / 2 - reach)), min(n, np.ceil(n / 2 + reach)) + 1)
    # Outwards from the mode by pmf(m+1)/pmf(m) = (n-m)/(m+1): gammaln would cost digits at large n.
    mode = int(np.searchsorted(m, n // 2))
    up = np.cumprod((n - m[mode:-1]) / (m[mode:-1] + 1))
    down = np.cumprod(m[mode:0:-1] / (n - m[mode:0:-1] + 1))[::-1]
    pmf = np.concatenate([down, [1.0], up])
    pmf /= pmf.sum()
    m, pmf = m[m > 0], pmf[m > 0]
    root = _root_chi_square(m) * np.sqrt(2 / n)
    return (
        float(pmf @ (root * (m + 1) * (2 / n))),
        float(pmf @ root),
        float(pmf @ (root * (m - 1)) * 2 / n),
    )


def half_moment_table(n: Int[np.ndarray, "..."]) -> Float[np.ndarray, "3 widths"]:
    """E[t^(3/2)], E[t^(1/2)] and (2/n) E[t^(1/2) (m - 1)] with t = 2X/n, over the living m >= 1.

    Column n holds the three for width n, for every n that occurs (others are 1).
    E[X^(1/2) | m] = sqrt(2) Gamma((m+1)/2)/Gamma(m/2), and E[X^(3/2) | m] = (m + 1) E[X^(1/2) | m].
    """
    occurs = np.zeros(int(np.max(n, initial=0)) + 1, dtype=bool)
    occurs[n] = True
    table = np.ones((3, len(occurs)))
    for width in np.flatnonzero(occurs[1:]) + 1:
        table[:, width] = _half_moments(int(width))
    return table


# The sums over layers behind the exact moments, one pass from the output to the input, many shapes at once.
#
# Layers are counted from the output: j = d - l, so j = 0 is the readout and shapes of different depth agree
# at the top. With G_j = prod_{i<=j} (1 + 5/n_i), T_j the product of sigma^2/2 over the layers above,
# w_j = sigma_b^2 T_j where biases train, and Q_j = prod_{i>j} (1 - 2^-n_i), the sums of theory.md 3 are
#
# e_j = 1 + [2j/n_j + (1 - 1/n_j) e_{j-1}]/(1 + 5/n_j), e_0 = 1;  p_j = rho_j/G_j likewise without the 1, p_0 = 0
# sum w_j Q_j;  G_L sum (2 e_j - 1);  sum w_j (e_j + L - j) G_j;  sum w_j Q_j (w_j G_j + 2 sum_{i<j} w_i G_i)
# drift: G_L sum p_j and sum w_j p_j G_j;  curvature (ReLU readout): theory.md 3's mu, a, k, r (al, ka, rt)
#
# Every sum obeys a recursion with positive terms in which a further layer is one more step, so nothing cancels.
# Scales are carried apart (M = max T_i, N = max T_i G_i so far), so that nothing overflows.

Shaped = Float[np.ndarray, " shapes"]


@dataclass(frozen=True)
class Shapes:
    """Many networks that share everything but their widths.

    Attributes:
        hidden: hidden widths counted from the output, zero past a shape's depth; (rows, shapes).
        depth: hidden layers of each.
        n_0: input width of each.
    """

    hidden: Int[np.ndarray, "rows shapes"]
    depth: Int[np.ndarray, " shapes"]
    n_0: Int[np.ndarray, " shapes"]

    @classmethod
    def of(cls, widths: Sequence[Sequence[int]]) -> Self:
        """From lists n_0,...,n_d = 1."""
        depth = np.array([len(shape) - 2 for shape in widths])
        hidden = np.zeros((len(widths), int(depth.max(initial=0))), dtype=np.int64)
        for row, shape in zip(hidden, widths, strict=True):
            row[: len(shape) - 2] = shape[-2:0:-1]
        return cls(np.ascontiguousarray(hidden.T), depth, np.array([shape[0] for shape in widths]))

    @classmethod
    def equal(cls, depth: Int[np.ndarray, " shapes"], width: Int[np.ndarray, " shapes"] | int, n_0: int) -> Self:
        """Equal hidden widths: one shape per entry of `depth` (and `width`)."""
        depth, width = np.broadcast_arrays(np.asarray(depth), np.asarray(width))
        rows = np.arange(int(depth.max(initial=0)))[:, None]
        return cls(np.where(rows < depth, width, 0), depth, np.full(depth.shape, n_0))


@dataclass(frozen=True)
class LayerSums:
    """Natural logarithms of the sums above, without |x|^2, sigma at the input, alpha and kappa; -inf for 0."""

    log_bias: Shaped
    log_weights2: Shaped
    log_mixed: Shaped
    log_bias2: Shaped
    log_drift_weights: Shaped
    log_drift_bias: Shaped
    log_curvature_weights: Shaped
    log_curvature_bias: Shaped
    beta: Shaped


def scan(law: Law, shapes: Shapes, log_r: Float[np.ndarray, " rows1"]) -> LayerSums:
    """The sums of every shape. Shapes come deepest first; `log_r[j]` is log(sigma^2/2) of weight layer d - j."""
    size = len(shapes.depth)
    log_T = np.concatenate([[0.0], np.cumsum(log_r)])
    log_M = np.maximum.accumulate(log_T)
    # A linear readout's own bias term survives dead layers: it is added at the end.
    lost = law.output_bias if law.relu_readout else 0.0
    kept = 0.0 if law.relu_readout else law.output_bias

    e, rho = np.ones(size), np.ones(size)
    p, sum_p, drift, log_N, log_G, beta = (np.zeros(size) for _ in range(6))
    sum_e = np.ones(size)
    bias, bias2 = np.full(size, lost), np.full(size, lost**2)
    total, mixed = np.full(size, law.output_bias), np.full(size, law.output_bias)

    active = np.searchsorted(-shapes.depth, -np.arange(len(shapes.hidden) + 1), side="right")
    for j in range(1, len(shapes.hidden) + 1):
        on = slice(0, active[j])
        n = shapes.hidden[j - 1, on].astype(float)
        u = 1 / n
        growth = 1 + 5 * u
        carried, added = (1 - u) / growth, 2 * j * u / growth
        e[on] = 1 + added + carried * e[on]
        p[on] = added + carried * p[on]
        beta[on] += u
        sum_e[on] += 2 * e[on] - 1
        sum_p[on] += p[on]
        log_G[on] += np.log1p(5 * u)

        # T_j, and T_j G_j = rho N, against their running maxima.
        weight = law.bias * np.exp(log_T[j] - log_M[j])
        shrink_M = np.exp(log_M[j - 1] - log_M[j])
        rho_j = rho[on] * growth * np.exp(log_r[j - 1])
        up = np.maximum(rho_j, 1)
        log_N[on] += np.log(up)
        rho_j /= up
        rho[on] = rho_j
        shrink = 1 / up
        alive = 1 - np.exp2(-n)

        bias[on] = alive * shrink_M * bias[on] + weight
        total_above = shrink * total[on]
        own = law.bias * rho_j
        bias2[on] = alive * shrink_M * shrink * bias2[on] + weight * (own + 2 * total_above)
        mixed[on] = shrink * mixed[on] + total_above + own * e[on]
        total[on] = total_above + own
        drift[on] = shrink * drift[on] + own * p[on]

    log_M = log_M[shapes.depth]
    with np.errstate(divide="ignore"):
        curvature = _curvature(law, shapes, log_T) if law.relu_readout else (np.full(size, -np.inf),) * 2
        return LayerSums(
            log_bias=np.logaddexp(log_M + np.log(bias), np.log(kept)),
            log_weights2=log_G + np.log(sum_e),
            log_mixed=log_N + np.log(mixed),
            log_bias2=np.logaddexp(log_M + log_N + np.log(bias2), np.log(kept**2)),
            log_drift_weights=log_G + np.log(sum_p),
            log_drift_bias=log_N + np.log(drift),
            log_curvature_weights=curvature[0],
            log_curvature_bias=curvature[1],
            beta=beta,
        )


def _curvature(law: Law, shapes: Shapes, log_T: Float[np.ndarray, " rows2"]) -> tuple[Shaped, Shaped]:
    """log of sum_l E[S_l^(3/2)] rt_l/s1^(3/2), and of sum_l w_l E[S_l^(1/2)] rt_l/s1^(1/2), at criticality.

    al, ka and rt are carried in units of mu.
    """
    size = len(shapes.depth)
    log_M = np.maximum.accumulate(log_T)
    table = half_moment_table(shapes.hidden)
    log_mu = np.full(size, np.log(2 * np.sqrt(2 / np.pi)))
    al, ka = np.full(size, 0.5), np.full(size, 0.5)
    rt, by_weights, by_bias = np.zeros(size), np.zeros(size), np.zeros(size)
    active = np.searchsorted(-shapes.depth, -np.arange(len(shapes.hidden) + 1), side="right")
    for j in range(1, len(shapes.hidden) + 1):
        on = slice(0, active[j])
        n = shapes.hidden[j - 1, on]
        three, one, one_m = np.take(table, n, axis=1)
        one, one_m = one / three, one_m / three
        log_mu[on] += np.log(three)
        twice = 2 * one / n
        rt[on] = twice * ka[on] + one_m * rt[on]
        al[on] = twice + one_m * al[on]
        ka[on] += al[on]
        by_weights[on] += rt[on]
        weight, shrink = law.bias * np.exp(log_T[j] - log_M[j]), np.exp(log_M[j - 1] - log_M[j])
        by_bias[on] = one * shrink * by_bias[on] + weight * rt[on]
    return log_mu + np.log(by_weights), log_mu + log_M[shapes.depth] + np.log(by_bias)
