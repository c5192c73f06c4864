"""The activations, one row each, with the sigma_w that keeps a signal's size through depth.

Values and derivatives are written once for two array libraries: `xp` is `NUMPY` here, or the same
names from JAX (`engine.networks.mlp`). ReLU'(0) = 0. NaN gives NaN: one that is swallowed looks like a dead neuron.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import pi, sqrt
from types import SimpleNamespace
from typing import Any

import numpy as np
import scipy.special

from engine.networks.duals import Dual, erf_dual, gelu_dual, linear_dual, relu_dual, sin_dual

NAMES = ("where", "exp", "tanh", "sin", "cos", "logaddexp", "zeros_like", "ones_like")
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
    """

    label: str
    value: Callable[[Any, Any], Any]
    derivative: Callable[[Any, Any], Any]
    critical: float
    dual: Dual | None = None
    near_critical: bool = False


def _normal_cdf(z: Any, xp: Any) -> Any:
    return (1 + xp.erf(z / sqrt(2))) / 2


ACTIVATIONS = {
    "relu": Activation(
        "ReLU",
        lambda z, xp: xp.where(z <= 0, xp.zeros_like(z), z),
        lambda z, xp: xp.where(z <= 0, xp.zeros_like(z), xp.where(z > 0, xp.ones_like(z), z)),
        sqrt(2),
        relu_dual,
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
    "linear": Activation("linear", lambda z, xp: z, lambda z, xp: xp.ones_like(z), 1.0, linear_dual),
}
