"""The inductive bias that a spectrum carries: which functions a kernel is good at. NumPy and SciPy, no JAX."""

from dataclasses import dataclass

import numpy as np
import scipy.linalg
import scipy.optimize
from jaxtyping import Float, Int

from engine.numerics import straight_line
from engine.rkhs.gram import Gram
from engine.training.diagnostics import ratio

LARGEST_SPACE = 32
"""Dimension up to which a gap in the spectrum is looked for."""
BINS = 16
"""Logarithmic bins of a decay fit."""
FEWEST = 8
"""Eigenvalues, and bins of them, that a decay fit needs."""
LEAST_R_SQUARED = 0.95
MOST_ERROR = 0.1


def effective_dimension(gram: Gram, ridge: float) -> float:
    """sum l/(l + e), e = `ridge` mean eigenvalues: the degrees of freedom of ridge regression."""
    added = ridge * gram.mean
    return float(np.sum(gram.values * gram.inverse(added)))


def stable_rank(gram: Gram) -> float:
    """tr K/l_1, the stable rank ||Phi||_F^2/||Phi||^2 of the feature map K = Phi Phi^T. Between 1 and p."""
    return ratio(gram.values.sum(), gram.values[0])


def participation_ratio(gram: Gram) -> float:
    """(sum l)^2/sum l^2. Between 1 and p."""
    return ratio(gram.values.sum() ** 2, np.sum(gram.values**2))


def spectral_entropy(gram: Gram) -> float:
    """-sum q ln q with q = l/tr K, in nats. Between 0 and ln p; exp of it is a number of modes."""
    share = gram.values[gram.values > 0] / (gram.values.sum() or 1.0)
    return float(-np.sum(share * np.log(share))) if len(share) else float("nan")


def alignment(K: Float[np.ndarray, "p p"], y: Float[np.ndarray, "p k"]) -> float:
    """Uncentred kernel-target alignment <K, y y^T>/(||K||_F ||y y^T||_F) (Cristianini et al. 2001). In [0, 1]."""
    return ratio(np.vdot(y, K @ y), np.linalg.norm(K) * np.linalg.norm(y.T @ y))


def target_power(gram: Gram, y: Float[np.ndarray, "p k"]) -> Float[np.ndarray, " p"]:
    """Share of ||y||^2 along each eigenvector. Its cumulative sum is how much of y the leading modes hold."""
    power = gram.power(y)
    total = power.sum()
    return power / total if total > 0 else np.full_like(power, np.nan)


def mode_strength(K: Float[np.ndarray, "p p"], start: Gram) -> Float[np.ndarray, " p"]:
    """u_i^T K u_i/(tr K/p) along the eigenvectors u_i of K_0: what K gives to K_0's modes, mean 1."""
    mean = np.trace(K) / len(K)
    strength = np.einsum("pi,pi->i", start.vectors, K @ start.vectors)
    return strength / mean if mean > 0 else np.full_like(strength, np.nan)


def largest_gap(gram: Gram) -> int:
    """The k <= 32, at most p/2, with the largest l_k/l_{k+1} above the noise floor; 1 where there is none."""
    most = min(LARGEST_SPACE, gram.size // 2, gram.rank - 1)
    if most < 1:
        return 1
    logs = np.log(gram.values[: most + 1])
    return 1 + int(np.argmax(logs[:-1] - logs[1:]))


def principal_angles(U: Float[np.ndarray, "p p"], V: Float[np.ndarray, "p p"], k: int) -> Float[np.ndarray, " k"]:
    """Angles between the spans of the leading k eigenvectors, ascending, in radians (Bjorck and Golub 1973)."""
    return np.sort(scipy.linalg.subspace_angles(U[:, :k], V[:, :k]))


def matched_modes(
    start: Gram, now: Gram, count: int
) -> tuple[Int[np.ndarray, " s"], Float[np.ndarray, " s"], Float[np.ndarray, " s"]]:
    """For each of the leading `count` modes of K_0 another mode of K_t, so that the squared overlaps add up to most.

    Returns:
        positions in K_t (among its leading 2 `count`), squared overlaps, signs that turn them the same way.
    """
    overlap = start.vectors[:, :count].T @ now.vectors[:, : 2 * count]
    rows, columns = scipy.optimize.linear_sum_assignment(overlap**2, maximize=True)
    found = overlap[rows, columns]
    return columns, found**2, np.where(found < 0, -1.0, 1.0)


@dataclass(frozen=True)
class Decay:
    """A power law l_i ~ i^-exponent fitted to eigenvalues `first` to `last` (counted from 1), or why there is none.

    Attributes:
        exponent: NaN where `reason` says why.
        error: its standard error over the bins.
        r_squared: of the fit in logarithms.
    """

    exponent: float
    error: float
    r_squared: float
    first: int
    last: int
    reason: str = ""


def decay(values: Float[np.ndarray, " p"]) -> Decay:
    """Least squares of log l on log i over logarithmic bins, from i = max(4, .03 p) to p/2 or the noise floor.

    Args:
        values: eigenvalues of a Gram matrix, descending; 0 for those under the noise floor.

    Beyond p/2 the Gram matrix aliases: a fit to p finds 1.86 +- .03 on the circle where the law is 2. A straight line
    is not enough: an exponential spectrum passes R^2 > .95, and is caught by its standard error.
    """
    size, rank = len(values), int(np.count_nonzero(values))
    first, last = max(4, round(0.03 * size)), min(size // 2, rank)
    nothing = float("nan"), float("nan"), float("nan"), first, last
    if last - first + 1 < FEWEST:
        return Decay(
            *nothing,
            f"only {max(last - first + 1, 0)} eigenvalues from {first} to p/2 and above the noise floor, 8 are needed",
        )
    log_i, log_l = np.log(np.arange(first, last + 1)), np.log(values[first - 1 : last])
    edges = np.linspace(log_i[0], log_i[-1], BINS + 1)[1:-1]
    bins = np.searchsorted(edges, log_i, side="right")
    held = np.bincount(bins, minlength=BINS)
    if np.count_nonzero(held) < FEWEST:
        return Decay(*nothing, f"eigenvalues {first} to {last} span too little to fit")
    mean_i, mean_l = (np.bincount(bins, values, BINS)[held > 0] / held[held > 0] for values in (log_i, log_l))
    fit = straight_line(mean_i, mean_l)
    if not fit.r_squared > LEAST_R_SQUARED or fit.error >= MOST_ERROR:
        reason = f"not a power law (R^2 = {fit.r_squared:.3f}, standard error {fit.error:.2g})"
        return Decay(float("nan"), fit.error, fit.r_squared, first, last, reason)
    return Decay(-fit.slope, fit.error, fit.r_squared, first, last)
