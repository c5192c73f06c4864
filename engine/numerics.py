"""What floating point leaves of numbers, stages of Runge-Kutta, and a straight line through points. NumPy, no JAX."""

from dataclasses import dataclass

import numpy as np
import scipy.special
from jaxtyping import Float

# What floating point leaves: the noise floor of eigenvalues, and values that are rounding of others.

UNIT_ROUNDOFF = {"float64": 1.1e-16, "mixed": 6e-8, "float32": 6e-8}

WARNED, REFUSED = 1e-3, 0.1
"""Relative error of a network's outputs at t = 0 that a page warns of, and from which no run is made."""

NOTHING = 1e-12
"""Values whose root mean square is at most this share of what they come from are rounding."""


def noise_floor(
    eigenvalues: Float[np.ndarray, "... p"], precision: str = "float64", rounding: float = 0.0
) -> Float[np.ndarray, "..."]:
    """p u lambda_1: eigenvalues (descending) below it are rounding noise of a kernel of this precision.

    Args:
        rounding: the kernel's own, relative to lambda_1, where it was measured: the floor where it is higher.
    """
    return max(eigenvalues.shape[-1] * UNIT_ROUNDOFF[precision], rounding) * np.abs(eigenvalues[..., 0])


def without_rounding(values: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """`values`, or zeros where they are rounding of values such as those in `scale`: a ratio over them is undefined."""
    size = _rms(values)
    return np.zeros_like(values) if np.isfinite(size) and size <= NOTHING * _rms(scale) else values


def _rms(values: np.ndarray) -> float:
    return float(np.linalg.norm(values) / np.sqrt(max(np.size(values), 1)))


RUNGE_KUTTA = np.array([[0.0, 1.0], [0.5, 2.0], [0.5, 2.0], [1.0, 1.0]])
"""Node and weight, in sixths, of each stage of the classical method."""


# A straight line by least squares, with what it is worth.


@dataclass(frozen=True)
class StraightLine:
    """slope with its standard error, value at 0, R^2, and the degrees of freedom of the error: points less 2."""

    slope: float
    error: float
    intercept: float
    r_squared: float
    freedom: int

    def reach(self, level: float) -> float:
        """Half the interval of the slope at this level, by Student's t."""
        return float(scipy.special.stdtrit(self.freedom, (1 + level) / 2)) * self.error


def straight_line(x: Float[np.ndarray, " n"], y: Float[np.ndarray, " n"]) -> StraightLine:
    """Of y on x, at least three points with different x."""
    (slope, intercept), covariance = np.polyfit(x, y, 1, cov=True)
    spread = np.sum((y - y.mean()) ** 2)
    left = np.sum((y - slope * x - intercept) ** 2)
    r_squared = float(1 - left / spread) if spread > 0 else float("nan")
    error = float(np.sqrt(max(covariance[0, 0], 0.0)))
    return StraightLine(float(slope), error, float(intercept), r_squared, len(x) - 2)
