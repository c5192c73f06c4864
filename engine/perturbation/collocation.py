"""Exponential collocation: y' = -l y + F(s) solved exactly for polynomials F, for every rate l >= 0.

On a span of length h the forcing is given at Chebyshev points x of [0, 1]. The solution there is
    y(x) = e^{-z x} y(0) + h sum_q W_z[x, q] F_q,  z = l h,  W_z[p, q] = int_0^{x_p} e^{-z(x_p - u)} L_q(u) du,
with the Lagrange polynomials L_q of the points: an exponential integrator (Hochbruck and Ostermann, Acta Numerica 19,
2010) of order `DEGREE` + 1. Sums of decaying exponentials started at s = 0 are resolved to 1e-13 on spans
[0, 2/l_max], [2/l_max, 4/l_max], ...: each is twice the one before, so that l_max h = 1e8 takes 27 of them.
"""

from functools import cache
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

DEGREE = 16
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
