"""Kernel regression with its leave-one-out error, and learning curves foretold and measured. NumPy, no JAX."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import exp, log

import numpy as np
import scipy.optimize
from jaxtyping import Float, Int

from engine.rkhs.config import Options
from engine.rkhs.gram import DECIDES, Flag, Gram
from engine.training.diagnostics import ratio

# Kernel regression, with and without ridge, and its leave-one-out error in closed form.

RIDGES = np.logspace(-10, 2, 49)
"""Ridges that leave-one-out chooses from, in mean eigenvalues."""

NOTHING = 1e-9
"""Errors below this are none, whatever the jitter does to them."""


@dataclass(frozen=True)
class Regression:
    """Regression of targets on one kernel.

    Attributes:
        error: sum |f - y|^2/sum |y|^2 at the test points. NaN where the jitter decides it.
        leave_one_out: the same over training points, each predicted from the others. NaN where the jitter decides it.
        ridge: added to the diagonal of K.
        flag: whether K can be inverted; "ok" where a ridge makes good for it.
    """

    error: float
    leave_one_out: float
    ridge: float
    flag: Flag


@dataclass(frozen=True, eq=False)
class Regressor:
    """A kernel on training points, against test points, and the targets of both.

    Attributes:
        gram: of the kernel on n training points.
        cross: K(test, training).
        y, y_test: targets.
        offset, offset_test: a function that is known already, f_0: y - f_0 is regressed and f_0 added back.
    """

    gram: Gram
    cross: Float[np.ndarray, "m n"]
    y: Float[np.ndarray, "n k"]
    y_test: Float[np.ndarray, "m k"]
    offset: Float[np.ndarray, "n k"] | float = 0.0
    offset_test: Float[np.ndarray, "m k"] | float = 0.0

    def at(self, ridge: float) -> Regression:
        """K(test, X)(K + ridge I)^-1 (y - f_0) + f_0."""
        flag = "ok" if self._regularised(ridge) else self.gram.flag
        return Regression(self.determined_error(ridge), self._determined(self.leave_one_out, ridge), ridge, flag)

    def ridgeless(self) -> Regression:
        """With the jitter, 1e-10 tr K/n, for ridge."""
        return self.at(self.gram.jitter)

    def tuned(self) -> Regression:
        """With the ridge of the smallest leave-one-out error."""
        ridges = np.maximum(RIDGES * self.gram.mean, self.gram.jitter)
        return self.at(float(min(ridges, key=self.leave_one_out)))

    def leave_one_out(self, ridge: float) -> float:
        """sum_i |y_i - f^(-i)(x_i)|^2/sum |y|^2, from one fit: the residual is [(K + r)^-1 y]_i/[(K + r)^-1]_ii.

        Source: Allen (1974), PRESS; Rifkin and Lippert (2007), eq. 7.
        """
        coefficients = self.gram.solve(self.y - self.offset, ridge)
        diagonal = self.gram.vectors**2 @ self.gram.inverse(ridge)
        if not np.all(diagonal > 0):
            return float("nan")
        return ratio(np.sum((coefficients / diagonal[:, None]) ** 2), np.sum(self.y**2))

    def error(self, ridge: float) -> float:
        """sum |f - y|^2/sum |y|^2 at the test points, whatever decides it."""
        return ratio(np.sum((self.predict(ridge) - self.y_test) ** 2), np.sum(self.y_test**2))

    def determined_error(self, ridge: float) -> float:
        """The same; NaN where the jitter decides it."""
        return self._determined(self.error, ridge)

    def predict(self, ridge: float) -> Float[np.ndarray, "m k"]:
        """K(test, X)(K + ridge I)^-1 (y - f_0) + f_0."""
        return self.cross @ self.gram.solve(self.y - self.offset, ridge) + self.offset_test

    def _regularised(self, ridge: float) -> bool:
        """Whether a ridge is more than a jitter."""
        return ridge > 10 * self.gram.jitter

    def _determined(self, value: Callable[[float], float], ridge: float) -> float:
        """A value; NaN where the ridge is a jitter of which a tenth or ten times move it by more than 5%."""
        found = value(ridge)
        if self._regularised(ridge) or abs(value(0.1 * ridge) - value(10 * ridge)) <= DECIDES * max(found, NOTHING):
            return found
        return float("nan")


# Error against training size: predicted from a spectrum, and measured by drawing training sets.
#
# The sample is the population: training points are drawn from it independently, repeats included, and errors are over
# all of it. It stands for a continuous domain while training sets are a small part of it. Without ridge the
# prediction is approximate: 5 to 18% low on spheres, off by 1.2 to 7.7 times on the circle (docs/figures.md).
#
# Prediction (Bordelon, Canatar and Pehlevan 2002.02561; Canatar et al. 2006.13198; Simon et al. 2110.03922): with l, v
# the eigenvalues of the kernel's operator and the target's coefficients, ridge d and noise variance s^2, kappa > 0
# solves n = sum l/(l + kappa) + d/kappa, and with L = l/(l + kappa) the expected squared error is n/(n - sum L^2)
# [sum (1 - L)^2 v^2 + s^2], noise included. Here l = eigenvalues of Gram/p on the sample of p points, v = U^T
# y/sqrt(p).


@dataclass(frozen=True, eq=False)
class Draw:
    """A training set: positions in the sample, and what is added to its targets."""

    points: Int[np.ndarray, " n"]
    noise: Float[np.ndarray, "n k"]


def drawn(rng: np.random.Generator, shape: tuple[int, ...], n: int, noise: float) -> Draw:
    """n independent points of a sample whose targets have this shape (p, k), with noise of this variance."""
    return Draw(rng.integers(shape[0], size=n), np.sqrt(noise) * rng.standard_normal((n, shape[1])))


def predicted_error(
    eigenvalues: Float[np.ndarray, " p"], power: Float[np.ndarray, " p"], n: int, ridge: float, noise: float = 0.0
) -> float:
    """Mean squared error against clean targets after training on n points.

    Args:
        eigenvalues: l >= 0 of the operator.
        power: v^2, whose sum is the mean square of the target.
        ridge: d >= 0, as added to the kernel matrix of n points.
        noise: variance s^2 of the training targets.

    Raises:
        ValueError: without ridge, n is not under the number of positive eigenvalues.
    """
    if not np.any(eigenvalues > 0):
        return float(power.sum())
    if ridge <= 0 and n >= np.count_nonzero(eigenvalues):
        raise ValueError(f"{n} points meet {np.count_nonzero(eigenvalues)} modes: without ridge there must be fewer")

    def excess(log_kappa: float) -> float:
        kappa = exp(log_kappa)
        return float(np.sum(eigenvalues / (eigenvalues + kappa)) + ridge / kappa - n)

    # At kappa = (tr + d)/n the left side is at most n.
    high = log((eigenvalues.sum() + ridge) / n)
    low = high
    while excess(low) < 0:
        low -= 5.0
    kappa = exp(scipy.optimize.brentq(excess, low, high)) if low < high else exp(high)
    learned = eigenvalues / (eigenvalues + kappa)
    overfitting = n / (n - np.sum(learned**2))
    return float(overfitting * (np.sum((1 - learned) ** 2 * power) + noise) - noise)


def predicted_curve(
    gram: Gram, y: Float[np.ndarray, "p k"], sizes: Int[np.ndarray, " s"], ridge: float, noise: float = 0.0
) -> Float[np.ndarray, " s"]:
    """`predicted_error` over sum |y|^2/p at each training size; `noise` is the variance added over k outputs."""
    values, power = gram.values / gram.size, gram.power(y) / gram.size
    return np.array([predicted_error(values, power, int(n), ridge, noise) for n in sizes]) / power.sum()


def measured_errors(
    K: Float[np.ndarray, "p p"],
    y: Float[np.ndarray, "p k"],
    draws: Sequence[Draw],
    ridges: Sequence[float],
    precision: str = "float64",
    rounding: float = 0.0,
) -> Float[np.ndarray, "ridges draws"]:
    """Errors, over sum |y|^2/p, of regression on each training set, over the whole sample.

    NaN where the jitter decides. A ridge of 0 is the jitter of the training set's own kernel matrix.
    """
    errors = []
    for draw in draws:
        gram = Gram.of(K[np.ix_(draw.points, draw.points)], precision, rounding)
        regressor = Regressor(gram, K[:, draw.points], y[draw.points] + draw.noise, y)
        errors.append([regressor.determined_error(max(ridge, gram.jitter)) for ridge in ridges])
    return np.array(errors).reshape(len(draws), len(ridges)).T


def learning_curves(
    kernels: Sequence[Float[np.ndarray, "p p"]],
    y: Float[np.ndarray, "p k"],
    options: Options,
    noise: float,
    precision: str,
    rounding: float = 0.0,
) -> dict[str, np.ndarray]:
    """Predicted and measured errors of several kernels on one sample, ridgeless and with the ridge of the options.

    Every kernel learns from the same training sets. Sizes above a quarter of the sample are left out.

    Args:
        noise: variance of each training target.

    Returns:
        learning_sizes (s,); learning_ridge (kernels, 2); learning_predicted (kernels, 2, s); learning_measured, the
        mean over the draws, and its standard error, learning_error (kernels, 2, s), both NaN unless every draw's error
        is determined; learning_determined, of how many it is.
    """
    sizes = np.array([n for n in sorted(set(options.sizes)) if 4 * n <= len(y)], dtype=int)
    rng = np.random.default_rng(options.seed)
    draws = [[drawn(rng, y.shape, n, noise) for _ in range(options.draws)] for n in sizes]
    found: dict[str, list] = {name: [] for name in ("ridge", "predicted", "measured", "error", "determined")}
    for K in kernels:
        gram = Gram.of(K, precision, rounding)
        ridges = [gram.jitter, options.curve_ridge * gram.mean]
        errors = np.reshape(
            [measured_errors(K, y, of_size, [0.0, ridges[1]], precision, rounding) for of_size in draws],
            (len(sizes), 2, options.draws),
        ).swapaxes(0, 1)
        found["ridge"].append(ridges)
        found["predicted"].append([predicted_curve(gram, y, sizes, ridge, noise * y.shape[1]) for ridge in ridges])
        found["measured"].append(errors.mean(axis=2))
        found["error"].append(errors.std(axis=2, ddof=1) / np.sqrt(options.draws))
        found["determined"].append(np.isfinite(errors).sum(axis=2))
    return {f"learning_{name}": np.array(values) for name, values in ({"sizes": sizes} | found).items()}
