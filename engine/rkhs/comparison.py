"""What is said of one kernel against the kernel at the start: on one set of points, with the frontier of a ball; and on
nested grids, what stays bounded in which space as the points grow. No JAX."""

from dataclasses import dataclass
from math import exp, log, sqrt

import numpy as np
import scipy.optimize
from jaxtyping import Float, Int

from engine.numerics import straight_line
from engine.rkhs import bias
from engine.rkhs.gram import FLAGS, RIDGES, Gram, inclusion_constant, ridged_norm, scale_free
from engine.rkhs.points import Nested
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
    gram, frontier, fit = space.gram, Frontier.of(space.gram, y), bias.decay(space.gram.values)
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
    """Norms of the two interpolants in the two spaces, (ridges,) each: "across_t_in_0" is that of K_t's in H_0.

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


# Membership by nested grids: y^T K_p^-1 y grows with the p points towards ||y||_H^2, or without bound.
#
# A function is in H exactly if the norms of its interpolants on every finite set are bounded (Aronszajn 1950).

SPACES = ("H_0", "H_T")
FUNCTIONS = ("target", "function", "noise")
"""The target, the trained function f_T, and white noise, which is in no space: the growth to compare with."""

USED = 3
"""Grids that an exponent is fitted to."""


@dataclass(frozen=True)
class Growth:
    """norm^2 ~ p^exponent over the largest grids where it is determined; near 0 is bounded so far.

    Attributes:
        exponent, error: NaN with fewer than three grids.
        largest: points of the largest grid on which it is determined, 0 where there is none. The largest `USED` are
            fitted, as boundedness is about large p.
    """

    exponent: float
    error: float
    largest: int


def growth(sizes: Int[np.ndarray, " g"], values: Float[np.ndarray, " g"]) -> Growth:
    """Least squares of log value on log p, leaving out grids on which the value is not determined."""
    known = np.flatnonzero(np.isfinite(values) & (values > 0))
    largest = int(sizes[known[-1]]) if len(known) else 0
    if len(known) < USED:
        return Growth(float("nan"), float("nan"), largest)
    fit = straight_line(np.log(sizes[known[-USED:]]), np.log(values[known[-USED:]]))
    return Growth(fit.slope, fit.error, largest)


# Two spaces on nested grids: what stays bounded in which, and what lies outside the span.


def enlargement(
    grids: Nested,
    kernels: tuple[Float[np.ndarray, "P P"], Float[np.ndarray, "P P"]],
    function: Float[np.ndarray, "P k"],
    precision: str,
    rounding: float = 0.0,
) -> dict[str, np.ndarray]:
    """Of the kernels at the start and at the end, on each of the g grids.

    Returns:
        grid_sizes (g,); grid_norm, grid_norm_flag, grid_norm_ridge (2, 3, g) of y^T K_p^-1 y by `SPACES` and
        `FUNCTIONS`; grid_outside (2, 3, g), the part outside the span; grid_trace_mean,
        grid_rank, grid_condition (2, g); grid_H_t_in_H_0, grid_H_0_in_H_t (g, 4) at `RIDGES`.
    """
    noise = np.random.default_rng(0).standard_normal(function.shape)
    functions = (grids.y, function, noise)
    names = ("norm", "norm_flag", "norm_ridge", "outside", "trace_mean", "rank", "condition")
    found: dict[str, list] = {name: [] for name in names}
    included: dict[str, list] = {"H_t_in_H_0": [], "H_0_in_H_t": []}
    for member in grids.members:
        spaces = [Space.of(K[np.ix_(member, member)], precision, rounding) for K in kernels]
        solved = [[space.gram.norm(f[member]) for f in functions] for space in spaces]
        found["norm"].append([[one.value for one in row] for row in solved])
        found["norm_flag"].append([[FLAGS.index(one.flag) for one in row] for row in solved])
        found["norm_ridge"].append([[one.ridge for one in row] for row in solved])
        found["trace_mean"].append([space.gram.mean for space in spaces])
        found["rank"].append([space.gram.rank for space in spaces])
        found["condition"].append([space.gram.condition for space in spaces])
        found["outside"].append([[space.gram.outside(f[member]) for f in functions] for space in spaces])
        start, end = spaces
        included["H_t_in_H_0"].append([inclusion_constant(end.K, start.gram, ridge) for ridge in RIDGES])
        included["H_0_in_H_t"].append([inclusion_constant(start.K, end.gram, ridge) for ridge in RIDGES])
    last = {name: np.moveaxis(np.array(values), 0, -1) for name, values in found.items()}
    arrays = last | {name: np.array(values) for name, values in included.items()} | {"sizes": grids.sizes}
    return {f"grid_{name}": values for name, values in arrays.items()}
