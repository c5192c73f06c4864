"""The frontier of a ball: the smallest error that functions of bounded norm leave. No inverse of K. No JAX.

min ||f - y||^2 subject to ||f||_H <= R has the solution (K + mu I)^-1 K y, with mu >= 0 the multiplier (Tikhonov), so
that over the eigenvalues l and c = U^T y
    R^2(mu) = sum l c^2/(l + mu)^2,    E(mu) = sum mu^2 c^2/(l + mu)^2
is the frontier exactly. Both are over ||y||^2, and K is scaled to mean eigenvalue 1.
"""

from dataclasses import dataclass
from math import exp, log, sqrt

import numpy as np
import scipy.optimize
from jaxtyping import Float

from engine.rkhs.gram import Gram

MULTIPLIERS = np.logspace(4, -8, 49)
"""The mu at which a curve is kept, in mean eigenvalues."""
NEGLIGIBLE = 1e-12
"""mu over the smallest eigenvalue from which E(mu) is E(0) to 1e-24."""


@dataclass(frozen=True, eq=False)
class Frontier:
    """Eigenvalues over their mean, and |c_i|^2/||y||^2 along each eigenvector."""

    values: Float[np.ndarray, " p"]
    power: Float[np.ndarray, " p"]

    @classmethod
    def of(cls, gram: Gram, y: Float[np.ndarray, "p k"]) -> "Frontier":
        """Of one kernel and one target. Noise eigenvalues are modes that no ball reaches."""
        power, mean = gram.power(y), gram.mean
        return cls(gram.values / mean if mean > 0 else gram.values, power / (power.sum() or 1.0))

    def radius_squared(self, mu: Float[np.ndarray, " s"]) -> Float[np.ndarray, " s"]:
        """R^2 at multipliers mu > 0."""
        return (self.values / (self.values + mu[:, None]) ** 2) @ self.power

    def error_at(self, mu: Float[np.ndarray, " s"]) -> Float[np.ndarray, " s"]:
        """E at multipliers mu > 0."""
        return (mu[:, None] / (self.values + mu[:, None])) ** 2 @ self.power

    def error(self, radius: float) -> float:
        """E of the ball of radius R, in units of ||y|| at mean eigenvalue 1."""
        reached = self.values > 0
        if radius <= 0 or not np.any(reached & (self.power > 0)):
            return float(self.power.sum())
        # From above, R^2(mu) <= sum l c^2/mu^2.
        high = log(sqrt(self.values @ self.power) / radius)
        low, lowest = high, log(NEGLIGIBLE * self.values[reached].min())

        def excess(log_mu: float) -> float:
            return float(self.radius_squared(np.array([exp(log_mu)]))[0] / radius**2 - 1)

        while excess(low) < 0:
            low -= 2.0
            if low < lowest:
                return float(self.power[~reached].sum())
        mu = exp(scipy.optimize.brentq(excess, low, high, xtol=1e-15, rtol=1e-15)) if low < high else exp(high)
        return float(self.error_at(np.array([mu]))[0])
