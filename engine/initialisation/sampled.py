"""Draws of K(x, x) taken together: estimates with their right to be trusted, and a histogram. Imports no JAX."""

from collections.abc import Iterator

import numpy as np

from engine.initialisation.config import BruteForceConfig, SampleConfig
from engine.initialisation.estimates import FIRST_STEP, PARTS, POWERS, Tally, columns, estimates
from engine.initialisation.law import Law
from engine.initialisation.sampler import Draws
from engine.progress import Progress, Report

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
