"""Activations, one row each, with their duals: Gaussian expectations of products of an activation."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from math import pi, sqrt
from types import SimpleNamespace
from typing import Annotated, Any

import numpy as np
import scipy.special
from pydantic import AfterValidator

from engine.schema import ConfigError, Problem, did_you_mean

# Dual activations: Gaussian expectations of products of an activation.
#
# For (u, v) Gaussian, mean zero, with variances a, b and covariance c, a dual returns
# E = E[act(u) act(v)]   and   E' = E[act'(u) act'(v)],
# arrays of the broadcast shape of a, b, c (float64). Closed forms: Cho and Saul (2009) for ReLU and, through
# it, leaky ReLU and the absolute value, Williams (1997) for erf, Tsuchida et al. (2002.08517) for GELU; sin and linear
# are elementary. `hermite_dual` does any smooth other.

EPS = float(np.finfo(np.float64).eps)

Dual = Callable[[np.ndarray, np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]


def relu_dual(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """With ReLU'(0) = 0, so E' = 0 where a variance is 0."""
    # sqrt(a b) would underflow for the faint signals of deep networks; sqrt(a) sqrt(b) is not exactly a at a = b.
    scale = np.where(a == b, a, np.sqrt(a) * np.sqrt(b))
    cosine = np.clip(np.divide(c, scale, out=np.ones_like(scale * c), where=scale > 0), -1.0, 1.0)
    angle = np.arccos(cosine)
    value = scale / (2 * np.pi) * (np.sqrt(1 - cosine**2) + (np.pi - angle) * cosine)
    return value, np.where(scale <= 0, 0.0, (np.pi - angle) / (2 * np.pi))


def kinked_dual(slope: float) -> Dual:
    """Of z for z > 0 and `slope` z for z < 0 (ReLU: 0; absolute value: -1), with derivative max(slope, 0) at 0.

    It is slope z + (1 - slope) ReLU(z), so that E and E' follow from those of ReLU and E[u ReLU(v)] = c/2.
    """

    def dual(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        value, both = relu_dual(a, b, c)
        # Where one of the two points has no signal.
        still = np.where(a > 0, (1 + slope) / 2, max(slope, 0.0)) * np.where(b > 0, (1 + slope) / 2, max(slope, 0.0))
        moving = slope + (1 - slope) ** 2 * both
        return slope * c + (1 - slope) ** 2 * value, np.where((a > 0) & (b > 0), moving, still)

    return dual


def erf_dual(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """2/pi arcsin(2c/root), root^2 = (1 + 2a)(1 + 2b), and its derivative by c (Williams 1997)."""
    product = (1 + 2 * a) * (1 + 2 * b)
    return 2 / np.pi * np.arcsin(np.clip(2 * c / np.sqrt(product), -1.0, 1.0)), 4 / np.pi / np.sqrt(product - 4 * c**2)


def gelu_dual(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For the exact GELU z Phi(z), by Gaussian integration by parts; the density term is E[phi(u) phi(v)]."""
    product = (1 + a) * (1 + b)
    determinant = product - c**2
    quadrant = 0.25 + np.arcsin(np.clip(c / np.sqrt(product), -1.0, 1.0)) / (2 * np.pi)
    density = 1 / (2 * np.pi * np.sqrt(determinant))
    value = c * quadrant + density * (a * b + c**2 * (1 - a * b) / product)
    return value, quadrant + density * c * (1 / (1 + a) + 1 / (1 + b) + 1 / determinant)


def sin_dual(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """exp(-(a+b)/2) sinh(c) and its cosh, written so that no exponential overflows."""
    plus, minus = np.exp(c - (a + b) / 2), np.exp(-c - (a + b) / 2)
    return (plus - minus) / 2, (plus + minus) / 2


def linear_dual(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    value = np.broadcast_arrays(c, a, b)[0].astype(np.float64)
    return value, np.ones_like(value)


MAX_ORDER = 32768
MAX_WORK = 300_000_000
"""Order times nodes: seconds at most before a variance is refused."""
TAIL = 1e-13
"""The series stops where its remainder is below this fraction of E[act(u)^2] (and of E[act'(u)^2])."""
MAX_VARIANCE = 1e4
"""The nodes' number grows with its root; beyond it they are not laid out at all."""
CHUNK = 8192
REACH = 13.0
"""Standard deviations covered; the weight there is 1e-37."""


def hermite_dual(value: Callable[[np.ndarray], np.ndarray], derivative: Callable[[np.ndarray], np.ndarray]) -> Dual:
    """The dual of any activation without kinks, as the Hermite series E = sum_k c_k(a) c_k(b) rho^k.

    rho is the correlation and c_k(a) = E[act(sqrt(a) z) h_k(z)], h_k orthonormal Hermite polynomials, z ~ N(0, 1)
    (Daniely et al. 1602.05897). The remainder after K terms is at most the missing part of E[act^2] = sum_k c_k^2,
    which is known, so the number of terms adapts and the error is bounded: 1e-13 of E[act^2].

    The dual raises ConfigError where a variance is so large that the series does not get there: beyond about 300 for
    tanh, 1,000 for GELU and 2,000 for softplus.
    """

    def dual(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        a, b, c = (np.asarray(array, np.float64) for array in (a, b, c))
        variances, index = np.unique(_rounded(np.concatenate([a.ravel(), b.ravel()])), return_inverse=True)
        first, second = index[: a.size].reshape(a.shape), index[a.size :].reshape(b.shape)
        scale, c = np.broadcast_arrays(np.sqrt(a * b), c)
        correlation = np.clip(np.divide(c, scale, out=np.zeros(c.shape), where=scale > 0), -1.0, 1.0)
        if variances[-1] > MAX_VARIANCE:
            raise _too_large(variances[-1])
        nodes = np.sqrt(variances)[:, None] * (z := _nodes(variances[-1]))
        functions = np.concatenate([value(nodes), derivative(nodes)])
        squares = (functions**2) @ _weights(z)
        same = ((correlation == 1) | (scale == 0)) & (first == second)
        if same.all():
            results = np.zeros(same.shape), np.zeros(same.shape)
        else:
            coefficients, tail = _expand(functions, squares, z)
            if tail * np.abs(correlation[~same]).max() ** len(coefficients) > 1e-10:
                raise _too_large(variances[-1])
            few = first.size + second.size < correlation.size
            results = (_sum_products if few else _sum_series)(coefficients, len(variances), first, second, correlation)
        for result, square in zip(results, np.split(squares, 2), strict=True):
            result[same] = square[np.broadcast_to(first, same.shape)[same]]
        return results

    return dual


def _rounded(variances: np.ndarray) -> np.ndarray:
    """To 46 bits: points of equal norm then share coefficients, at an error of 1e-14."""
    mantissa, exponent = np.frexp(variances)
    return np.ldexp(np.round(np.ldexp(mantissa, 46)), exponent - 46)


def _nodes(largest_variance: float) -> np.ndarray:
    """Equally spaced: the trapezoidal rule converges exponentially, like exp(-pi^2/(sqrt(a) step)) for tanh."""
    step = 0.125 / max(1.0, np.sqrt(largest_variance))
    count = int(np.ceil(REACH / step))
    return step * np.arange(-count, count + 1)


def _weights(z: np.ndarray) -> np.ndarray:
    """Of the trapezoidal rule at nodes z, for the mean over a normal variable."""
    return np.exp(-(z**2) / 2) * ((z[1] - z[0]) / sqrt(2 * pi))


def _expand(functions: np.ndarray, squares: np.ndarray, z: np.ndarray) -> tuple[np.ndarray, float]:
    """Hermite coefficients (K, functions), and the largest missing fraction of the mean squares (functions).

    `functions` holds values at the nodes z, one function per row.
    """
    root_weight = np.exp(-(z**2) / 4) * (2 * np.pi) ** -0.25
    weighted = functions * (root_weight * (z[1] - z[0]))
    before, now = np.zeros_like(z), root_weight  # h_k times the root of the density: bounded
    blocks, found, tail, order = [], np.zeros(len(functions)), np.inf, 0
    most = min(MAX_ORDER, MAX_WORK // len(z))
    while order < most and tail > TAIL:
        hermite = []
        for k in range(order, order + 32):
            hermite.append(now)
            before, now = now, (z * now - np.sqrt(k) * before) / np.sqrt(k + 1)
        order += 32
        blocks.append(np.array(hermite) @ weighted.T)
        found += (blocks[-1] ** 2).sum(axis=0)
        tail = np.divide(squares - found, squares, out=np.zeros_like(squares), where=squares > 0).max()
    return np.concatenate(blocks), float(tail)


def _too_large(variance: float) -> ConfigError:
    message = (
        f"the signal's variance reaches {variance:.3g}, too large for the infinite-width kernel of this activation "
        "(no closed form): lower sigma_w, sigma_b or the inputs' norm"
    )
    return ConfigError([Problem("network", message)])


def _sum_series(
    coefficients: np.ndarray, variances: int, first: np.ndarray, second: np.ndarray, correlation: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """sum_k c_k(a) c_k(b) rho^k for the activation (first half of the columns) and its derivative (second half)."""
    shape, (first, second) = correlation.shape, np.broadcast_arrays(first, second)
    first, second, correlation = (np.broadcast_to(array, shape).ravel() for array in (first, second, correlation))
    results = np.zeros(len(correlation)), np.zeros(len(correlation))
    # Pairs of like correlation together: all but the nearly parallel ones need few terms.
    order = np.argsort(-np.abs(correlation), kind="stable")
    for start in range(0, len(order), CHUNK):
        chunk = order[start : start + CHUNK]
        rho, i, j = correlation[chunk], first[chunk], second[chunk]
        terms = _terms(len(coefficients), abs(rho[0]))
        power, sums = np.ones(len(chunk)), (np.zeros(len(chunk)), np.zeros(len(chunk)))
        for row in coefficients[:terms]:
            for total, column in zip(sums, (row[:variances], row[variances:]), strict=True):
                total += (column[0] ** 2 if variances == 1 else column[i] * column[j]) * power
            power *= rho
        for result, total in zip(results, sums, strict=True):
            result[chunk] = total
    return results[0].reshape(shape), results[1].reshape(shape)


def _sum_products(
    coefficients: np.ndarray, variances: int, first: np.ndarray, second: np.ndarray, correlation: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """`_sum_series` where few variances a meet few b: only the products are as many as the pairs."""
    results, product = (np.zeros(correlation.shape), np.zeros(correlation.shape)), np.empty(correlation.shape)
    for row in coefficients[: _terms(len(coefficients), np.abs(correlation).max())][::-1]:
        for total, column in zip(results, (row[:variances], row[variances:]), strict=True):
            total *= correlation
            total += np.multiply(column[first], column[second], out=product)
    return results


def _terms(most: int, largest: float) -> int:
    """How many powers of a correlation count."""
    if 0 < largest < 1:
        return min(most, int(np.log(1e-18) / np.log(largest)) + 2)
    return 1 if largest == 0 else most


# The activations, one row each, with the sigma_w that keeps a signal's size through depth.
#
# Values and derivatives are written once for two array libraries: `xp` is `NUMPY` here, or the same
# names from JAX (`engine.networks.blocks`). At a kink the derivative is 0, of leaky ReLU that of its left; the value is
# written so that JAX finds the same. NaN gives NaN: one that is swallowed looks like a dead neuron.

NAMES = ("where", "exp", "tanh", "sin", "cos", "logaddexp", "zeros_like", "ones_like", "sign")
NUMPY = SimpleNamespace(**{name: getattr(np, name) for name in NAMES}, erf=scipy.special.erf, expit=scipy.special.expit)


@dataclass(frozen=True)
class Activation:
    """One activation.

    Attributes:
        value, derivative: elementwise, `(z, xp) -> array`.
        critical: the `sigma_w` that keeps a small signal's size through depth at zero bias.
        near_critical: True where no sigma_w does so exactly; `critical` then keeps the second moment 1
            at second moment 1: sigma_w^2 E[act(z)^2] = 1 for z ~ N(0, 1).
        dual: closed Gaussian expectations, or None (quadrature).
        label: as written on a page.
        homogeneous: whether act(s z) = s act(z) for s > 0: criticality then holds for signals of any size.
        kinked: whether it has a kink at 0, where it is not differentiable.
    """

    label: str
    value: Callable[[Any, Any], Any]
    derivative: Callable[[Any, Any], Any]
    critical: float
    dual: Dual | None = None
    near_critical: bool = False
    homogeneous: bool = False
    kinked: bool = False


def _normal_cdf(z: Any, xp: Any) -> Any:
    return (1 + xp.erf(z / sqrt(2))) / 2


LEAK = 0.01  # of leaky ReLU below 0, as in Maas, Hannun and Ng (2013), JAX and PyTorch

ACTIVATIONS = {
    "relu": Activation(
        "ReLU",
        lambda z, xp: xp.where(z <= 0, xp.zeros_like(z), z),
        lambda z, xp: xp.where(z <= 0, xp.zeros_like(z), xp.where(z > 0, xp.ones_like(z), z)),
        sqrt(2),
        relu_dual,
        homogeneous=True,
        kinked=True,
    ),
    "leaky_relu": Activation(
        f"leaky ReLU (slope {LEAK:g})",
        lambda z, xp: xp.where(z <= 0, LEAK * z, z),
        lambda z, xp: xp.where(z <= 0, LEAK * xp.ones_like(z), xp.where(z > 0, xp.ones_like(z), z)),
        sqrt(2 / (1 + LEAK**2)),
        kinked_dual(LEAK),
        homogeneous=True,
        kinked=True,
    ),
    "abs": Activation(
        "absolute value",
        lambda z, xp: z * xp.sign(z),
        lambda z, xp: xp.sign(z),
        1.0,
        kinked_dual(-1.0),
        homogeneous=True,
        kinked=True,
    ),
    "erf": Activation(
        "erf", lambda z, xp: xp.erf(z), lambda z, xp: 2 / sqrt(pi) * xp.exp(-z * z), sqrt(pi) / 2, erf_dual
    ),
    "tanh": Activation("tanh", lambda z, xp: xp.tanh(z), lambda z, xp: 1 - xp.tanh(z) ** 2, 1.0),
    "gelu": Activation(
        "GELU (exact)",
        lambda z, xp: z * _normal_cdf(z, xp),
        lambda z, xp: _normal_cdf(z, xp) + z * xp.exp(-z * z / 2) / sqrt(2 * pi),
        1.53353044,
        gelu_dual,
        near_critical=True,
    ),
    "softplus": Activation(
        "softplus",
        lambda z, xp: xp.logaddexp(z, xp.zeros_like(z)),
        lambda z, xp: xp.expit(z),
        1.04186684,
        near_critical=True,
    ),
    "sin": Activation("sin", lambda z, xp: xp.sin(z), lambda z, xp: xp.cos(z), 1.0, sin_dual),
    "linear": Activation("linear", lambda z, xp: z, lambda z, xp: xp.ones_like(z), 1.0, linear_dual, homogeneous=True),
}


@cache
def dual_of(activation: str) -> Dual:
    """E and E' of an activation of the table: its closed form, else its Hermite series."""
    row = ACTIVATIONS[activation]
    return row.dual or hermite_dual(lambda z: row.value(z, NUMPY), lambda z: row.derivative(z, NUMPY))


@cache
def gain_dual(activation: str) -> Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]:
    """E[u act'(u) v act'(v)] of an activation without kinks, by its series; of a homogeneous one it is E."""
    row = ACTIVATIONS[activation]

    def gained(z: np.ndarray) -> np.ndarray:
        return z * row.derivative(z, NUMPY)

    dual = hermite_dual(gained, np.zeros_like)
    return lambda a, b, c: dual(a, b, c)[0]


def snapped(covariance: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Covariances within rounding of correlation 1 or -1 become exactly so.

    ReLU's E' has a square-root singularity there: rounding of 1e-16 would come out as 1e-8.
    """
    largest = np.where(a == b, a, np.sqrt(a) * np.sqrt(b))
    return np.where(np.abs(covariance) >= largest * (1 - 8 * EPS), np.copysign(largest, covariance), covariance)


def _known(name: str) -> str:
    if name not in ACTIVATIONS:
        names = list(ACTIVATIONS)
        raise ValueError(f"{name!r} is unknown.{did_you_mean(name, names)} Allowed: {', '.join(names)}")
    return name


ActivationName = Annotated[str, AfterValidator(_known)]
