"""Monte Carlo estimates with intervals, and whether those intervals can be believed.

A sample's own standard error lies when the law is skewed: the draws that carry the variance are missing from the
sample, so the interval is short and on the wrong side. The exact higher moments say when. Cochran's rule: a normal
95% interval for the mean of a quantity with skewness g needs N > 25 g^2 draws (Cochran, Sampling Techniques,
3rd ed. 1977, section 2.15), and at least `LEAST`. No resampling of the sample itself can tell; a bootstrap is no cure.
How often the intervals then cover is measured (docs/figures.md).
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from engine.initialisation.config import BruteForceConfig, SampleConfig
from engine.initialisation.higher_moments import log_skewness, log_skewness_of_ratio
from engine.initialisation.law import Law
from engine.initialisation.sampler import Draws
from engine.progress import Progress, Report

NORMAL_95 = 1.959963984540054
COCHRAN = 25.0
LEAST = 100
"""Draws below which 1.96 standard errors cover less, whatever the skewness: .92 of 50 draws, .85 of 4."""
LEAST_OF_SQUARE = 400
"""The same for what is near the square of a normal: E[K^2]/E[K]^2 and E[dK/dt], .91 to .93 of 200 draws."""
HEAVIER = 4
"""The power of K whose flag E[dK/dt] takes: its own third moment is not known, and the flag of E[K^2] is too mild."""


@dataclass(frozen=True)
class Estimate:
    """A sample mean.

    Attributes:
        mean, standard_error: of the sample.
        draws: its size.
        trusted: False where the interval is known not to be one; None where nothing is known exactly.
    """

    mean: float
    standard_error: float
    draws: int
    trusted: bool | None = None

    @property
    def interval(self) -> tuple[float, float]:
        """1.96 standard errors to either side: a 95% interval where `trusted`."""
        reach = NORMAL_95 * self.standard_error
        return self.mean - reach, self.mean + reach


def draws_for_interval(law: Law, power: int) -> float:
    """log of the draws from which the 95% interval of a sample mean of K^power can be believed: log(25 skewness^2)."""
    return math.log(COCHRAN) + 2 * log_skewness(law, power)


def trusted(law: Law, draws: int, power: int) -> bool:
    """Whether the 95% interval of E[K^power] from so many independent draws can be believed."""
    return draws >= LEAST and math.log(draws) > draws_for_interval(law, power)


def ratio_trusted(law: Law, draws: int) -> bool:
    """Whether that of E[K^2]/E[K]^2 can be, by the skewness of its own influence."""
    return draws >= LEAST_OF_SQUARE and math.log(draws) > math.log(COCHRAN) + 2 * log_skewness_of_ratio(law)


def rate_trusted(law: Law, draws: int) -> bool:
    """Whether that of E[dK/dt] can be: where that of E[K^4] can."""
    return draws >= LEAST_OF_SQUARE and trusted(law, draws, HEAVIER)


class Tally:
    """Means and covariances of several quantities over chunks, by Chan's update (no cancellation)."""

    def __init__(self, names: tuple[str, ...]):
        self.names = names
        self.draws = 0
        self.mean = np.zeros(len(names))
        self.scatter = np.zeros((len(names), len(names)))

    def add(self, columns: Mapping[str, np.ndarray]) -> None:
        """One more chunk: name to values."""
        values = np.stack([columns[name] for name in self.names])
        size = values.shape[1]
        if size == 0:
            return
        mean = values.mean(axis=1)
        off = values - mean[:, None]
        step, grown = mean - self.mean, self.draws + size
        self.scatter += off @ off.T + np.outer(step, step) * (self.draws * size / grown)
        self.mean += step * (size / grown)
        self.draws = grown

    @property
    def covariance(self) -> np.ndarray:
        """Of the means."""
        return self.scatter / max(self.draws - 1, 1) / max(self.draws, 1)

    def estimate(self, name: str, known: bool | None = None) -> Estimate:
        """The mean of one quantity."""
        i = self.names.index(name)
        return Estimate(float(self.mean[i]), math.sqrt(max(self.covariance[i, i], 0.0)), self.draws, known)

    def combined(self, value: float, slopes: Mapping[str, float], known: bool | None = None) -> Estimate:
        """A smooth function of the means by the delta method: its value, and its derivative by each mean."""
        gradient = np.array([slopes.get(name, 0.0) for name in self.names])
        return Estimate(value, math.sqrt(max(float(gradient @ self.covariance @ gradient), 0.0)), self.draws, known)


POWERS = ("E_K", "E_K2", "E_K3", "E_K4")
PARTS = ("E_Kw", "E_Kb", "E_Kw2", "E_KwKb", "E_Kb2")
FIRST_STEP = ("E_gHg", "E_dK")


def columns(draws: Draws, target: float) -> dict[str, np.ndarray]:
    """The quantities whose means are the moments, one row per draw; E_gHg and E_dK where the draws have them."""
    K, w, b = draws.K, draws.K_w, draws.K_b
    found = {"E_K": K, "E_K2": K**2, "E_K3": K**3, "E_K4": K**4}
    found |= {"E_Kw": w, "E_Kb": b, "E_Kw2": w**2, "E_KwKb": w * b, "E_Kb2": b**2}
    if draws.gHg is not None:
        found |= {"E_gHg": draws.gHg, "E_dK": draws.dK(target)}
    return found


def estimates(tally: Tally, law: Law | None) -> dict[str, Estimate]:
    """All sample means, the ratio E[K^2]/E[K]^2 and the draws for 5% error that the sample itself suggests.

    `law` gives the flags; without one (brute force of another activation) nothing is flagged.
    """
    flags: dict[str, bool | None] = {}
    if law is not None:
        flags = {name: trusted(law, tally.draws, power) for power, name in enumerate(POWERS, 1)}
        flags |= {"E_dK": rate_trusted(law, tally.draws), "ratio": ratio_trusted(law, tally.draws)}
        # Of a ratio of fourth moments more is not known than when it is certainly none.
        flags["mc_draws_for_5pct_E_K2"] = None if flags["E_K4"] else False
    found = {name: tally.estimate(name, flags.get(name)) for name in tally.names}
    m1, m2, m4 = (found[name].mean for name in ("E_K", "E_K2", "E_K4"))
    if m1 > 0 and math.isfinite(m4):
        slopes = {"E_K": -2 * m2 / m1**3, "E_K2": 1 / m1**2}
        found["ratio"] = tally.combined(m2 / m1**2, slopes, flags.get("ratio"))
        slopes = {"E_K4": 400 / m2**2, "E_K2": -800 * m4 / m2**3}
        found["mc_draws_for_5pct_E_K2"] = tally.combined(
            400 * (m4 / m2**2 - 1), slopes, flags.get("mc_draws_for_5pct_E_K2")
        )
    return found


# Draws taken together.

BINS_PER_DECADE = 50


class Histogram:
    """Counts of a positive quantity in bins of equal width in log10; zeros are counted apart."""

    def __init__(self) -> None:
        self.counts: dict[int, int] = {}
        self.zeros = 0

    def add(self, values: np.ndarray) -> None:
        positive = values[values > 0]
        self.zeros += len(values) - len(positive)
        bins, counts = np.unique(np.floor(np.log10(positive) * BINS_PER_DECADE).astype(int), return_counts=True)
        for place, count in zip(bins.tolist(), counts.tolist(), strict=True):
            self.counts[place] = self.counts.get(place, 0) + count

    def arrays(self) -> dict[str, np.ndarray]:
        """`histogram_edges` (bins + 1, in K), `histogram_counts` and `histogram_zeros`."""
        first, last = min(self.counts, default=0), max(self.counts, default=0)
        counts = np.array([self.counts.get(place, 0) for place in range(first, last + 1)])
        edges = 10.0 ** (np.arange(first, last + 2) / BINS_PER_DECADE)
        return {"histogram_edges": edges, "histogram_counts": counts, "histogram_zeros": np.array(self.zeros)}


def gathered(
    config: SampleConfig | BruteForceConfig, chunks: Iterator[Draws], law: Law | None, report: Report
) -> dict[str, np.ndarray]:
    """What `SampleResult` holds of draws that come in chunks, with flags where the law is known; each chunk is reported
    with the estimates so far."""
    tally = Tally((*POWERS, *PARTS, *(FIRST_STEP if config.first_step else ())))
    histogram, draws = Histogram(), config.draws
    for some in chunks:
        tally.add(columns(some, config.target))
        histogram.add(some.K)
        row = {"draws": tally.draws, "E_K": float(tally.mean[0]), "E_K2": float(tally.mean[1])}
        report(Progress(tally.draws / draws, f"{tally.draws:,} of {draws:,} draws", (row,)))
    found = estimates(tally, law)
    flags = [-1 if estimate.trusted is None else int(estimate.trusted) for estimate in found.values()]
    return {
        "names": np.array(list(found)),
        "mean": np.array([estimate.mean for estimate in found.values()]),
        "standard_error": np.array([estimate.standard_error for estimate in found.values()]),
        "trusted": np.array(flags),
        "draws": np.array(tally.draws),
        **histogram.arrays(),
    }
