"""Depth and width to infinity at fixed beta = depth/width, and the rates of Hanin and Nica (theory.md 3).

All are for equal widths, critical weights, trained zero biases and a linear readout; a ReLU readout
doubles every ratio. Functions return the prefactor R/e^{5 beta}, which neither overflows nor cancels.
Source: arXiv 1909.05989, Theorems 1 and 2, whose exp(5 beta) is a rate; the prefactors are theory.md 3's.
"""

import math

import numpy as np
from jaxtyping import Float

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
