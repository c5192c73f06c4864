"""A straight line by least squares, with what it is worth. NumPy, no JAX."""

from dataclasses import dataclass

import numpy as np
import scipy.stats
from jaxtyping import Float


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
        return float(scipy.stats.t.ppf((1 + level) / 2, self.freedom)) * self.error


def straight_line(x: Float[np.ndarray, " n"], y: Float[np.ndarray, " n"]) -> StraightLine:
    """Of y on x, at least three points with different x."""
    (slope, intercept), covariance = np.polyfit(x, y, 1, cov=True)
    spread = np.sum((y - y.mean()) ** 2)
    left = np.sum((y - slope * x - intercept) ** 2)
    r_squared = float(1 - left / spread) if spread > 0 else float("nan")
    error = float(np.sqrt(max(covariance[0, 0], 0.0)))
    return StraightLine(float(slope), error, float(intercept), r_squared, len(x) - 2)
