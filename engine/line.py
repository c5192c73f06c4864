"""A straight line by least squares, with what it is worth. NumPy, no JAX."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float


@dataclass(frozen=True)
class Line:
    """slope with its standard error, value at 0, and R^2."""

    slope: float
    error: float
    intercept: float
    r_squared: float


def line(x: Float[np.ndarray, " n"], y: Float[np.ndarray, " n"]) -> Line:
    """Of y on x, at least three points with different x."""
    (slope, intercept), covariance = np.polyfit(x, y, 1, cov=True)
    spread = np.sum((y - y.mean()) ** 2)
    left = np.sum((y - slope * x - intercept) ** 2)
    r_squared = float(1 - left / spread) if spread > 0 else float("nan")
    return Line(float(slope), float(np.sqrt(max(covariance[0, 0], 0.0))), float(intercept), r_squared)
