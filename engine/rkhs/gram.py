"""A kernel matrix, what of it can be inverted, and the norms and inclusions that need it. No JAX."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float

from engine.numerics import UNIT_ROUNDOFF, noise_floor
from engine.training.diagnostics import spectrum

# A kernel matrix and what of it can be inverted: condition number, rank, and a flag with every number.
#
# Eigenvalues under the noise floor are rounding (`engine.numerics.noise_floor`): they count as zero here, so
# that they enter neither a rank nor an inverse. A number that needs an inverse is a `Solved`: it is computed without a
# ridge where the matrix allows it, else with the jitter, and where the jitter decides its value it is not determined.

Flag = Literal["ok", "ill-conditioned", "rank-deficient"]
FLAGS: tuple[Flag, ...] = ("ok", "ill-conditioned", "rank-deficient")
"""Stored as their position."""

JITTER = 1e-10
"""The ridge of what is called ridgeless, relative to the mean eigenvalue tr K/p."""
RIDGES = (1e-2, 1e-4, 1e-6, 0.0)
"""Ridges at which spaces are compared, relative to the mean eigenvalue; 0 is none, at full rank only."""
DECIDES = 0.05
"""What moves a value by more than this decides it: the jitter, from a tenth to ten times itself, or the noise."""
LOST = 1e-3
"""Condition number times unit roundoff from which an inverse is not trusted."""


@dataclass(frozen=True)
class Solved:
    """A number that takes an inverse of K.

    Attributes:
        value: NaN where it is not determined.
        ridge: what was added to the diagonal for it; 0 where nothing was.
        flag: "ok", "ill-conditioned" or "rank-deficient".
    """

    value: float
    ridge: float
    flag: Flag

    @property
    def determined(self) -> bool:
        return bool(np.isfinite(self.value))


@dataclass(frozen=True, eq=False)
class Gram:
    """K = U Lambda U^T on p points.

    Attributes:
        values: Lambda, descending; 0 for those under the noise floor.
        vectors: U, eigenvectors as columns.
        floor: the noise floor.
        roundoff: u of the kernel's precision, or what its own rounding makes of it.
    """

    values: Float[np.ndarray, " p"]
    vectors: Float[np.ndarray, "p p"]
    floor: float
    roundoff: float

    @classmethod
    def of(cls, K: Float[np.ndarray, "p p"], precision: str = "float64", rounding: float = 0.0) -> "Gram":
        """The decomposition of a symmetric, finite K computed at this precision, whose own rounding may be more."""
        values, vectors = spectrum(K)
        floor = float(noise_floor(values, precision, rounding))
        roundoff = max(UNIT_ROUNDOFF[precision], rounding / len(K))
        return cls(np.where(values > floor, values, 0.0), vectors, floor, roundoff)

    @property
    def size(self) -> int:
        """p."""
        return len(self.values)

    @property
    def mean(self) -> float:
        """tr K/p."""
        return float(self.values.mean())

    @property
    def rank(self) -> int:
        """Eigenvalues above the noise floor."""
        return int(np.count_nonzero(self.values))

    @property
    def condition(self) -> float:
        return float(self.values[0] / self.values[-1]) if self.values[-1] > 0 else float("inf")

    @property
    def flag(self) -> Flag:
        """Whether K can be inverted as it is."""
        if self.rank < self.size:
            return "rank-deficient"
        return "ill-conditioned" if self.condition * self.roundoff > LOST else "ok"

    @property
    def jitter(self) -> float:
        """The smallest ridge used: 1e-10 tr K/p, and never under the noise floor."""
        return max(JITTER * self.mean, self.floor)

    def power(self, y: Float[np.ndarray, "p k"]) -> Float[np.ndarray, " p"]:
        """|u_i^T y|^2 along each eigenvector (k outputs summed)."""
        return np.sum((self.vectors.T @ y) ** 2, axis=1)

    def inverse(self, ridge: float) -> Float[np.ndarray, " p"]:
        """1/(l_i + ridge), and 0 where that is 1/0 (the pseudo-inverse)."""
        shifted = self.values + ridge
        return np.divide(1.0, shifted, out=np.zeros_like(shifted), where=shifted > 0)

    def solve(self, y: Float[np.ndarray, "p k"], ridge: float) -> Float[np.ndarray, "p k"]:
        """(K + ridge I)^-1 y."""
        return self.vectors @ (self.inverse(ridge)[:, None] * (self.vectors.T @ y))

    def quadratic(self, y: Float[np.ndarray, "p k"], ridge: float) -> float:
        """tr y^T (K + ridge I)^-1 y."""
        return float(self.inverse(ridge) @ self.power(y))

    def norm(self, y: Float[np.ndarray, "p k"]) -> Solved:
        """tr y^T K^-1 y: the squared norm in H of the interpolant of y (k outputs summed).

        A change E of K moves it by a^T E a to first order, a = K^-1 y: noise at the floor by at most floor |a|^2.
        """
        if self.mean <= 0:
            return Solved(float("nan"), 0.0, self.flag)
        low, value, high = (self.quadratic(y, factor * self.jitter) for factor in (0.1, 1, 10))
        steady, flag = low - high <= DECIDES * value, self.flag
        if flag == "ok":
            exact, noise = self.quadratic(y, 0.0), self.floor * float(self.inverse(0.0) ** 2 @ self.power(y))
            flag = "ok" if steady else "ill-conditioned"
            if noise <= DECIDES * exact:
                return Solved(exact, 0.0, flag)
        return Solved(value if steady else float("nan"), self.jitter, flag)

    def determines(self, ridge: float) -> bool:
        """Whether noise at the floor moves no inverse of K + ridge I by more than 5%."""
        return self.mean > 0 and self.floor <= DECIDES * (self.values[-1] + ridge)

    def outside(self, f: Float[np.ndarray, "p k"]) -> float:
        """||f - P f||/||f||, P the projection on the span of the kernel's functions on these points.

        NaN where K has full rank, as then every f is in the span: that takes more points than the kernel has
        features (at most the number of parameters).
        """
        if self.rank == self.size:
            return float("nan")
        power = self.power(f)
        total = power.sum()
        return float(np.sqrt(power[self.values == 0].sum() / total)) if total > 0 else float("nan")


# Norms of the same function in several spaces.
#
# Kernels are compared at equal trace: cK has the same functions as K with squared norms divided by c.


def scale_free(gram: Gram, y: Float[np.ndarray, "p k"], solved: Solved) -> float:
    """S = (tr K/p) y^T K^-1 y/||y||^2, given `solved` = `gram.norm(y)`: 1 for K = c I, whatever c and y."""
    size = np.sum(y**2)
    return float(gram.mean * solved.value / size) if size > 0 else float("nan")


def ridged_norm(gram: Gram, f: Float[np.ndarray, "p k"], ridge: float) -> float:
    """S with a ridge of that many mean eigenvalues: f^T (K/(tr K/p) + ridge I)^-1 f/||f||^2.

    Finite also for functions outside the space. NaN where noise decides it, or f or K is zero.
    """
    size = np.sum(f**2)
    added = ridge * gram.mean
    if size == 0 or not gram.determines(added):
        return float("nan")
    return gram.mean * gram.quadratic(f, added) / float(size)


# Which space lies in which, and by how much.


def inclusion_constant(inner: Float[np.ndarray, "p p"], outer: Gram, ridge: float) -> float:
    """Smallest C for which the unit ball of `inner`'s space lies in C times the unit ball of `outer`'s.

    C^2 = l_max(A + e I, B + e I), both kernels scaled to mean eigenvalue 1 and e = `ridge`: the order A <= C^2 B of
    kernels is the inclusion of their spaces (Aronszajn 1950, Theory of reproducing kernels, 7). Where there is none,
    C grows without bound as the ridge falls. NaN where noise in B decides it at this ridge, or a kernel is zero.

    Args:
        inner: the kernel matrix A.
        outer: the decomposition of B.
    """
    mean = np.trace(inner) / len(inner)
    if not 0 < mean < np.inf or not outer.determines(ridge * outer.mean):
        return float("nan")
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        shifted = outer.values / outer.mean + ridge
        whitened = outer.vectors / np.sqrt(shifted)
        relative = whitened.T @ (inner / mean) @ whitened + np.diag(ridge / shifted)
    if not np.all(np.isfinite(relative)):  # kernels near the ends of float64
        return float("nan")
    # All of them: LAPACK's search for the largest alone gives up on spectra that are nearly one value.
    return float(np.sqrt(np.linalg.eigvalsh(relative)[-1]))
