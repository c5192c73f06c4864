"""The jobs that need no JAX: draws from the exact law, and spectra from exact Gram matrices."""

import numpy as np

from engine.config import NetworkConfig
from engine.initialisation.config import GramSpectrumConfig, SampleConfig
from engine.initialisation.estimates import FIRST_STEP, PARTS, POWERS, Tally, columns, estimates
from engine.initialisation.gram import gram_chunks
from engine.initialisation.law import Law, Setting, exact_law
from engine.initialisation.sampler import Draws, draw_chunks, second_moment
from engine.networks.infinite import ntk
from engine.progress import Entries, Progress, Report, silent
from engine.schema import ConfigError

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


class Gathering:
    """Moments, flags and histogram of draws that come in chunks; the row of each chunk shows the estimates so far."""

    def __init__(self, draws: int, target: float, first_step: bool, law: Law | None):
        self.draws, self.target, self.law = draws, target, law
        self.tally = Tally((*POWERS, *PARTS, *(FIRST_STEP if first_step else ())))
        self.histogram = Histogram()

    def add(self, some: Draws) -> Progress:
        self.tally.add(columns(some, self.target))
        self.histogram.add(some.K)
        done, mean = self.tally.draws, self.tally.mean
        row = {"draws": done, "E_K": float(mean[0]), "E_K2": float(mean[1])}
        return Progress(done / self.draws, f"{done:,} of {self.draws:,} draws", (row,))

    def arrays(self) -> dict[str, np.ndarray]:
        """`names`, and for each `mean`, `standard_error` and `trusted` (1, 0, or -1 where not known); the histogram."""
        found = estimates(self.tally, self.law)
        flags = [-1 if estimate.trusted is None else int(estimate.trusted) for estimate in found.values()]
        return {
            "names": np.array(list(found)),
            "mean": np.array([estimate.mean for estimate in found.values()]),
            "standard_error": np.array([estimate.standard_error for estimate in found.values()]),
            "trusted": np.array(flags),
            "draws": np.array(self.tally.draws),
            **self.histogram.arrays(),
        }


def sample(config: SampleConfig, report: Report = silent) -> Entries:
    """Entry "result": the arrays of `Gathering`; with `importance` also its estimate of E[K^2]."""
    law = exact_law(config.setting)
    gathering = Gathering(config.draws, config.target, config.first_step, law)
    for some in draw_chunks(law, config.draws, config.seed, first_step=config.first_step):
        report(gathering.add(some))
    result = gathering.arrays()
    if config.importance:
        estimate = second_moment(
            law, config.draws, config.seed, lambda done: report(Progress(done, "importance sampling E[K^2]"))
        )
        result |= {
            "importance_E_K2": np.array(estimate.value),
            "importance_standard_error": np.array(estimate.standard_error),
            "importance_effective_sample_size": np.array(estimate.effective_sample_size),
            "importance_trusted": np.array(int(estimate.trusted)),
        }
    return {"result": result}


def inputs(config: GramSpectrumConfig) -> np.ndarray:
    """The p inputs, (p, n_0), all of the setting's norm."""
    norm, p = np.sqrt(config.setting.norm_x_squared), config.points
    if config.inputs == "circle":
        angle = 2 * np.pi * np.arange(p) / p
        return norm * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    x = np.random.default_rng(config.input_seed).standard_normal((p, config.setting.widths[0]))
    return norm * x / np.linalg.norm(x, axis=1, keepdims=True)


def infinite_width_spectrum(setting: Setting, x: np.ndarray) -> np.ndarray | None:
    """Eigenvalues of the infinitely wide kernel, descending; None where that limit is not computed (no hidden layer,
    or a sigma_w of each layer's own)."""
    if setting.depth == 0 or len(set(setting.sigmas[:-1])) > 1:
        return None
    shared = ("sigma_b", "bias_init", "train_bias", "output_bias", "alpha", "activation", "parameterization", "readout")
    values = {name: getattr(setting, name) for name in shared}
    sigma = {"sigma_w": setting.sigmas[0], "sigma_w_readout": setting.sigmas[-1]}
    try:
        network = NetworkConfig.from_dict({"depth": setting.depth, "width": 1, **sigma, **values})
        return np.linalg.eigvalsh(ntk(network, x))[::-1]
    except ConfigError:
        return None


def gram_spectra(config: GramSpectrumConfig, report: Report = silent) -> Entries:
    """Entry "result": `x` (p, n_0), `spectra` (draws, p) descending, `mean_kernel` (p, p), and `infinite_width` (p,)
    where it is known."""
    x = inputs(config)
    spectra, total, done = [], np.zeros((len(x), len(x))), 0
    for K in gram_chunks(config.setting, x, config.draws, np.random.default_rng(config.seed)):
        spectra.append(np.linalg.eigvalsh(K)[:, ::-1])
        total += K.sum(axis=0)
        done += len(K)
        report(Progress(done / config.draws, f"{done:,} of {config.draws:,} kernels"))
    result = {"x": x, "spectra": np.concatenate(spectra), "mean_kernel": total / config.draws}
    limit = infinite_width_spectrum(config.setting, x)
    return {"result": result if limit is None else {**result, "infinite_width": limit}}
