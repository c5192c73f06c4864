"""What is said of one kernel on one set of points against the kernel at the start; the frontier of a ball. No JAX."""

from dataclasses import dataclass
from math import exp, log, sqrt

import numpy as np
import scipy.optimize
from jaxtyping import Float

from engine.rkhs import bias
from engine.rkhs.gram import FLAGS, RIDGES, Gram, inclusion_constant, ridged_norm, scale_free
from engine.training import diagnostics

# The frontier of a ball: the smallest error that functions of bounded norm leave. No inverse of K.
#
# min ||f - y||^2 subject to ||f||_H <= R has the solution (K + mu I)^-1 K y, with mu >= 0 the multiplier (Tikhonov), so
# that over the eigenvalues l and c = U^T y
# R^2(mu) = sum l c^2/(l + mu)^2,    E(mu) = sum mu^2 c^2/(l + mu)^2
# is the frontier exactly. Both are over ||y||^2, and K is scaled to mean eigenvalue 1.

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


# What is said of one kernel on one set of points, compared with the kernel at the start.
#
# Names and shapes are those of `engine.rkhs.result`.

Values = dict[str, np.ndarray | float]

ANGLES = 8
"""Dimension of the leading eigenspaces whose principal angles are always taken."""


@dataclass(frozen=True, eq=False)
class Space:
    """H of one kernel on p points: its matrix and decomposition."""

    K: Float[np.ndarray, "p p"]
    gram: Gram

    @classmethod
    def of(cls, K: Float[np.ndarray, "p p"], precision: str, rounding: float = 0.0) -> "Space":
        return cls(K, Gram.of(K, precision, rounding))


def described(space: Space, y: Float[np.ndarray, "p k"]) -> tuple[Values, str]:
    """What one space says of a target, and why it has no decay exponent (empty where it has one)."""
    gram, frontier, fit = space.gram, Frontier.of(space.gram, y), bias.decay(space.gram)
    values: Values = {
        **_norm("target", gram, y),
        "condition": gram.condition,
        "rank": gram.rank,
        "trace_mean": gram.mean,
        "eigenvalues": gram.values,
        "floor": gram.floor,
        "target_power": bias.target_power(gram, y),
        "alignment": bias.alignment(space.K, y),
        "alignment_centred": diagnostics.alignment(space.K, y),
        "effective_dimension": np.array([bias.effective_dimension(gram, ridge) for ridge in RIDGES[:-1]]),
        "stable_rank": bias.stable_rank(gram),
        "participation_ratio": bias.participation_ratio(gram),
        "spectral_entropy": bias.spectral_entropy(gram),
        "decay_exponent": fit.exponent,
        "decay_error": fit.error,
        "decay_r_squared": fit.r_squared,
        "decay_range": np.array([fit.first, fit.last]),
        "frontier_radius_squared": frontier.radius_squared(MULTIPLIERS),
        "frontier_error": frontier.error_at(MULTIPLIERS),
    }
    return values, fit.reason


def compared(space: Space, start: Space, f: Float[np.ndarray, "p k"], k: int) -> Values:
    """The space against the one at the start: inclusion, eigenspaces, and the norms in both of a function f.

    Args:
        k: dimension of the leading eigenspaces at the largest gap of the start's spectrum.
    """
    U, V = start.gram.vectors, space.gram.vectors
    return {
        **_norm("function", space.gram, f),
        **_norm("function_in_H_0", start.gram, f),
        "H_t_in_H_0": np.array([inclusion_constant(space.K, start.gram, ridge) for ridge in RIDGES]),
        "H_0_in_H_t": np.array([inclusion_constant(start.K, space.gram, ridge) for ridge in RIDGES]),
        "cka": diagnostics.cka(space.K, start.K),
        "mode_strength": bias.mode_strength(space.K, start.gram),
        "gap_angles": bias.principal_angles(U, V, k),
        "angles": bias.principal_angles(U, V, min(ANGLES, space.gram.size // 2)),
        "overlap": diagnostics.overlaps(U, V),
    }


def interpolant_norms(
    space: Space, start: Space, own: Float[np.ndarray, "p k"], first: Float[np.ndarray, "p k"]
) -> dict[str, np.ndarray]:
    """Norms of the two interpolants in the two spaces, at each ridge.

    Args:
        own, first: interpolants of the same training targets by K_t and by K_0, at p points around the training ones.
    """
    found = {
        "t_in_t": (space.gram, own),
        "t_in_0": (start.gram, own),
        "0_in_t": (space.gram, first),
        "0_in_0": (start.gram, first),
    }
    return {
        f"across_{name}": np.array([ridged_norm(gram, f, ridge) for ridge in RIDGES[:-1]])
        for name, (gram, f) in found.items()
    }


def _norm(name: str, gram: Gram, y: Float[np.ndarray, "p k"]) -> Values:
    """A squared norm: raw, scale-free, with its ridge and flag."""
    solved = gram.norm(y)
    return {
        f"{name}_norm": solved.value,
        f"{name}_S": scale_free(gram, y, solved),
        f"{name}_ridge": solved.ridge,
        f"{name}_flag": FLAGS.index(solved.flag),
    }
