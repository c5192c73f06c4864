"""Monte Carlo points beside the exact curves: which jobs give them, and what to draw of their results."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from engine.initialisation.config import BruteForceConfig, DriftConfig, FirstStepConfig, SampleConfig, parameters_of
from engine.initialisation.estimates import NORMAL_95, Estimate, rate_trusted
from engine.initialisation.law import Law
from engine.initialisation.moments import moments
from engine.initialisation.result import FirstStepResult, SampleResult
from engine.progress import Arrays
from engine.schema import Config, ConfigError
from pages.shell.jobs import Computation
from pages.views.initial_curves import Span
from pages.views.initial_network import Network

SAMPLER, BRUTE_FORCE, STEP, FLOW = "exact sampler", "brute force", "finite step", "gradient flow"
COMPILE = 2.5
"""Seconds that a network of a new shape costs before its first draw."""
COLUMNS = ("source", "width", "depth", "beta", "value", "low", "high", "sign", "draws", "trusted")


@dataclass(frozen=True)
class Point(Computation):
    """One job for one point.

    Attributes:
        source: what it is called on the page.
        width, depth: of its equal hidden layers.
    """

    source: str
    width: int
    depth: int

    @property
    def beta(self) -> float:
        return self.depth / self.width


class Job(NamedTuple):
    """How points of one source are computed: kind of job, its config, and seconds for a setting and so many draws."""

    kind: str
    config: type[Config]
    seconds: Callable[[Any, int], float]


JOBS = {
    SAMPLER: Job("initial_sample", SampleConfig, lambda setting, draws: 0.3e-6 * draws * (setting.depth + 1)),
    BRUTE_FORCE: Job(
        "brute_force", BruteForceConfig, lambda setting, draws: COMPILE + draws * (1e-4 + 3e-8 * parameters_of(setting))
    ),
    STEP: Job(
        "first_step",
        FirstStepConfig,
        lambda setting, draws: COMPILE + 3 * draws * (1e-4 + 2e-8 * parameters_of(setting)),
    ),
    FLOW: Job(
        "drift_ensemble",
        DriftConfig,
        lambda setting, draws: COMPILE + 60 * draws * (1e-6 + 2e-9 * parameters_of(setting)),
    ),
}


def along(
    source: str, network: Network, widths: Sequence[int], span: Span, count: int, draws: int, seed: int, **more: Any
) -> tuple[list[Point], list[str]]:
    """Points of a source of `JOBS` along every curve, and what is refused, such as for its cost."""
    job = JOBS[source]
    found, refused = [], []
    for place, width in enumerate(widths):
        # Curves have their points at different beta, so that intervals do not cover each other.
        for depth in span.depths(width, count, 0.5 * place / len(widths)):
            try:
                setting = network.setting((width,) * depth)
                config = job.config.from_dict({"setting": setting, "draws": draws, "seed": seed, **more})
            except ConfigError as error:
                refused.append(f"n = {width:,}, L = {depth:,}: {error.problems[0].message}")
            else:
                found.append(Point(job.kind, config, job.seconds(setting, draws), source, width, depth))
    return found, refused


def ratio_points(found: Mapping[Point, Arrays]) -> pd.DataFrame:
    """Estimates of E[K^2]/E[K]^2 with bars of 1.96 standard errors: 95% intervals where trusted."""
    rows = []
    for wanted, arrays in found.items():
        if ratio := SampleResult(arrays).estimates.get("ratio"):
            rows.append(_row(wanted, ratio))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def drift_points(found: Mapping[Point, Arrays], law_at: Callable[[Point], Law | None]) -> pd.DataFrame:
    """Estimates of |E[dK/dt]|/E[K], or of |E[Delta K]|/(eta E[K]) for a finite step, with the same bars.

    A finite step's bar is marked where that of the rate is none; otherwise nothing is known of it. E[K] is exact where
    `law_at` has a law.
    """
    rows = []
    for wanted, arrays in found.items():
        law = law_at(wanted)
        if wanted.source == STEP:
            step, draws = FirstStepResult(arrays), int(getattr(wanted.config, "draws", 0))
            eta, K = float(step.sizes[0]), float(step.K_mean)
            mean, error = float(step.change_mean[0]) / eta, float(step.change_error[0]) / eta
            rate = Estimate(mean, error, draws, None if law is None or rate_trusted(law, draws) else False)
        else:
            estimates = SampleResult(arrays).estimates
            rate, K = estimates["E_dK"], estimates["E_K"].mean
        scale = K if law is None else np.exp(float(moments(law).log_E_K[0]))
        if scale > 0:
            rows.append(_row(wanted, rate, scale))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _row(wanted: Point, found: Estimate, scale: float = 1.0) -> dict[str, Any]:
    mean, error = found.mean / scale, found.standard_error / scale
    low, high = abs(mean) - NORMAL_95 * error, abs(mean) + NORMAL_95 * error
    return {
        "source": wanted.source,
        "width": wanted.width,
        "depth": wanted.depth,
        "beta": wanted.beta,
        "value": abs(mean),
        "low": low,
        "high": high,
        "sign": int(np.sign(mean)),
        "draws": found.draws,
        "trusted": {True: "yes", False: "no", None: "not known"}[found.trusted],
    }
