"""Exact first and second moments of the kernel at initialisation, in log space, for many shapes at once.

Source: arXiv 1909.05989 (the law), theory.md 3 (exact values). NumPy only; no JAX. The sums over layers
are in `layer_sums`; here they get their factors of |x|^2, sigma, alpha and the readout.
"""
# ruff: noqa: N802, N815 - the names of the reference file

import math
from dataclasses import dataclass, fields

import numpy as np
from jaxtyping import Float

from engine.initialisation.law import Law
from engine.initialisation.layer_sums import Shapes, scan

Shaped = Float[np.ndarray, " shapes"]


@dataclass(frozen=True)
class Moments:
    """Exact moments, one entry per shape. Natural logarithms, except where a sign is needed.

    Attributes:
        log_E_Kw, log_E_Kb, log_E_K: means of the weight part, the bias part and their sum (alpha^2 included).
        log_E_Kw2, log_E_KwKb, log_E_Kb2, log_E_K2: second moments.
        log_E_gHg: of g^T H g (g and H the gradient and Hessian of f); -inf for a linear readout, where it is 0.
        log_minus_E_dK_0: of minus E[dK/dt] at target 0, for gradient flow on (f - y)^2/2 at the single example x.
        beta: sum of 1/n_l.
    """

    log_E_Kw: Shaped
    log_E_Kb: Shaped
    log_E_K: Shaped
    log_E_Kw2: Shaped
    log_E_KwKb: Shaped
    log_E_Kb2: Shaped
    log_E_K2: Shaped
    log_E_gHg: Shaped
    log_minus_E_dK_0: Shaped
    beta: Shaped

    @property
    def log_ratio(self) -> Shaped:
        """log of E[K^2]/E[K]^2."""
        return self.log_E_K2 - 2 * self.log_E_K

    def log_abs_E_dK(self, target: float = 0.0) -> tuple[Shaped, Shaped]:
        """Sign and log of the size of E[dK/dt] for target y: -2 E[f g^T H g] + 2 y E[g^T H g]."""
        if target == 0:
            return np.where(np.isneginf(self.log_minus_E_dK_0), 0.0, -1.0), self.log_minus_E_dK_0
        shift = np.log(2 * abs(target)) + self.log_E_gHg
        top = np.maximum(shift, self.log_minus_E_dK_0)
        top = np.where(np.isneginf(top), 0.0, top)
        sum_ = np.sign(target) * np.exp(shift - top) - np.exp(self.log_minus_E_dK_0 - top)
        with np.errstate(divide="ignore"):
            return np.sign(sum_), top + np.log(np.abs(sum_))

    def E_dK(self, target: float = 0.0) -> Shaped:
        """E[dK/dt] for target y; +-inf where it exceeds 1e308."""
        sign, log_size = self.log_abs_E_dK(target)
        with np.errstate(over="ignore"):
            return np.where(sign == 0, 0.0, sign * np.exp(log_size))


def moments(law: Law) -> Moments:
    """Exact moments of one law (arrays of length 1); sigma may differ between layers."""
    hidden = law.hidden[::-1, None].astype(np.int64)
    return _moments(law, Shapes(hidden, np.array([len(hidden)]), np.array([law.n_0])), law.log_r[::-1])


def moments_of_shapes(law: Law, shapes: Shapes) -> Moments:
    """Exact moments of many shapes: `law` gives everything but widths.

    |x|^2 is the law's whatever n_0; sigma_w is that of its first layer, sigma_w_readout that of its last.
    """
    log_r = np.full(len(shapes.hidden) + 1, law.log_r[0])
    log_r[0] = law.log_r[-1]
    order = np.argsort(-shapes.depth, kind="stable")
    deepest_first = Shapes(np.take(shapes.hidden, order, axis=1), shapes.depth[order], shapes.n_0[order])
    found = _moments(law, deepest_first, log_r)
    back = np.argsort(order)
    return Moments(*(getattr(found, field.name)[back] for field in fields(Moments)))


def _moments(law: Law, shapes: Shapes, log_r: Float[np.ndarray, " rows1"]) -> Moments:
    """Shapes with the deepest first; `log_r` counted from the output (row j is weight layer d - j)."""
    log_s1 = np.log(law.s1 * law.n_0 / shapes.n_0)
    log_P = np.cumsum(log_r)[shapes.depth]
    sums = scan(law, shapes, log_r)
    a, kappa = np.log(law.alpha), np.log(law.kappa)
    log_Kw = kappa + 2 * a + log_s1 + log_P + np.log(shapes.depth + 1)
    log_Kb = kappa + 2 * a + sums.log_bias
    log_Kw2 = kappa + 4 * a + 2 * (log_s1 + log_P) + sums.log_weights2
    log_KwKb = kappa + 4 * a + log_s1 + log_P + sums.log_mixed
    log_Kb2 = kappa + 4 * a + sums.log_bias2
    drift = np.logaddexp(2 * (log_s1 + log_P) + sums.log_drift_weights, log_s1 + log_P + sums.log_drift_bias)
    gHg = 1.5 * log_P + np.logaddexp(
        1.5 * log_s1 + sums.log_curvature_weights, 0.5 * log_s1 - log_P + sums.log_curvature_bias
    )
    return Moments(
        log_E_Kw=log_Kw,
        log_E_Kb=log_Kb,
        log_E_K=np.logaddexp(log_Kw, log_Kb),
        log_E_Kw2=log_Kw2,
        log_E_KwKb=log_KwKb,
        log_E_Kb2=log_Kb2,
        log_E_K2=np.logaddexp(np.logaddexp(log_Kw2, np.log(2) + log_KwKb), log_Kb2),
        log_E_gHg=3 * a + gHg if law.relu_readout else np.full(len(gHg), -np.inf),
        log_minus_E_dK_0=np.full(len(drift), -np.inf) if law.centred else np.log(4) + kappa + 4 * a + drift,
        beta=sums.beta,
    )


# Depth and width to infinity at fixed beta = depth/width, and the rates of Hanin and Nica (theory.md 3).
#
# All are for equal widths, critical weights, trained zero biases and a linear readout; a ReLU readout
# doubles every ratio. Functions return the prefactor R/e^{5 beta}, which neither overflows nor cancels.
# Source: arXiv 1909.05989, Theorems 1 and 2, whose exp(5 beta) is a rate; the prefactors are theory.md 3's.

Array = Float[np.ndarray, "..."]

_TERMS = 40
_K = np.arange(_TERMS)
_F0, _F1, _F2 = (np.array([math.factorial(k + i) for k in range(_TERMS)], dtype=float) for i in range(3))
_POWER = 5.0**_K
# Power series of each ratio: the closed forms cancel as beta -> 0 (they divide by beta^2).
_SERIES = {
    "weights": _POWER / (3 * _F0) + 10 * _POWER / (9 * _F1) - (25 * _POWER - (-1.0) ** _K) / (27 * _F2),
    "bias": 2 * _POWER / _F2,
    "mixed": _POWER / (3 * _F1) + 11 * _POWER / (9 * _F2) + (-1.0) ** _K / (9 * _F2),
}


def _prefactor(part: str, beta: Array) -> Array:
    beta = np.asarray(beta, dtype=float)
    low = np.minimum(beta, 1.0)
    series = np.polynomial.polynomial.polyval(low, _SERIES[part]) * np.exp(-5 * low)
    b = np.maximum(beta, 1.0)
    decay = np.exp(-5 * b)
    closed = {
        "weights": lambda: 1 / 3 + 2 / (9 * b) - (1 - decay * np.exp(-b)) / (27 * b**2),
        "bias": lambda: 2 * (1 - decay * (1 + 5 * b)) / (25 * b**2),
        "mixed": lambda: (b / 15 + 11 / 225 - decay * (11 / 225 + b / 5 + (1 - np.exp(-b)) / 9)) / b**2,
    }[part]()
    return np.where(beta < 1, series, closed)


def weight_prefactor(beta: Array) -> Array:
    """E[K_w^2]/E[K_w]^2 divided by e^{5 beta}: from 1 at beta = 0 to 1/3."""
    return _prefactor("weights", beta)


def bias_prefactor(beta: Array) -> Array:
    """E[K_b^2]/E[K_b]^2 divided by e^{5 beta}: 2/(25 beta^2) at large beta."""
    return _prefactor("bias", beta)


def mixed_prefactor(beta: Array) -> Array:
    """E[K_w K_b]/(E[K_w] E[K_b]) divided by e^{5 beta}."""
    return _prefactor("mixed", beta)


def prefactor(beta: Array, s1: float) -> Array:
    """E[K^2]/E[K]^2 divided by e^{5 beta}, with s1 = 2|x|^2/n_0."""
    weights, mixed, bias = weight_prefactor(beta), mixed_prefactor(beta), bias_prefactor(beta)
    return (s1**2 * weights + 2 * s1 * mixed + bias) / (1 + s1) ** 2


def log_ratio(beta: Array, s1: float) -> Array:
    """log of E[K^2]/E[K]^2 in the scaling limit, linear readout; add log 2 for a ReLU readout."""
    return 5 * np.asarray(beta, dtype=float) + np.log(prefactor(beta, s1))


def hanin_nica_log_ratio(beta: Array) -> Array:
    """log of the rate of E[K^2]/E[K]^2 in the paper: 5 beta. A slope, not a curve to lie on."""
    return 5 * np.asarray(beta, dtype=float)


def hanin_nica_log_drift(d: Array, beta: Array, n_0: int) -> Array:
    """log of the paper's rate of |E[Delta K]|/E[K]: log((d beta/n_0) exp(5 beta)). -inf without hidden layers."""
    with np.errstate(divide="ignore"):
        return np.log(np.asarray(d) * np.asarray(beta, dtype=float) / n_0) + 5 * np.asarray(beta, dtype=float)
