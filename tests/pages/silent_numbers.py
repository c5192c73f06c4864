"""Runs, perturbations, maps and initialisations with numbers of one's choice, and what is said of those that permit no
sentence, by rule; and paths whose ends alone would mislead."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
from small_runs import result, seed

from cache.run_folders import Record
from engine.config import RunConfig
from engine.cost import Cost
from engine.data import remarks
from engine.initialisation.estimates import Estimate
from engine.perturbation.config import StudyConfig
from engine.perturbation.result import StudyResult
from engine.regimes.boundaries import Boundary
from engine.regimes.collapse import Collapse, Scaling
from engine.regimes.kinds import Growth, KindRatio
from engine.regimes.result import Thresholds
from engine.result import Seed as AnySeed
from pages.charts import map_along, over_time
from pages.charts.initial_drift import parting
from pages.run import asking, controls
from pages.shell.jobs import outdated
from pages.views import (
    convention_words,
    evolution_words,
    initial_curves,
    kernel_words,
    map_kinds_words,
    map_words,
    network_words,
    recorded_words,
    study_words,
)
from pages.views import expansion_words as perturb_words
from pages.views import initial_words as initial
from pages.views.initial_curves import Span
from pages.views.initial_network import Network


@dataclass
class Seed:
    """Of a run: eta_eff lambda_max over its checkpoints."""

    path: list[float]
    stop_reason: str = "residual"
    effective_rate: float = 1.0

    def __getitem__(self, name: str) -> np.ndarray:
        return np.array(self.path) if name == "lambda_max" else 0.3 * np.arange(len(self.path))


def trained(*seeds: Seed, batch_size: int | None = None) -> Any:
    values = {"data": {"name": "two_moons", "size": 8}, "training": {"batch_size": batch_size}}
    return SimpleNamespace(config=RunConfig.from_dict(values), seeds=seeds)


def expanded(seen: float = 1.0, error: float = 0.3) -> Any:
    """A perturbation whose checkpoints see this share of the largest lazy error."""
    summary = {"error_order_0": [error], "drift": [0.2], "explained_order_1": [0.8], "explained_order_2": [0.9]}
    seed = SimpleNamespace(
        seen=seen, facts={"lazy_error": error, "seed": 0}, residual=lambda curve: np.array([1.0, 0.1])
    )
    return SimpleNamespace(summary=summary, seeds=[seed])


def studied(law: Callable[[np.ndarray, np.ndarray], np.ndarray], seeds: int = 3) -> StudyResult:
    """A study over four widths whose errors and drift follow a law of the width, given noise of unit size."""
    run = {"data": {"name": "circle", "size": 6, "test_size": 12}, "network": {"depth": 2}, "seeds": list(range(seeds))}
    config = StudyConfig.from_dict({"run": run, "widths": [32, 64, 128, 256]})
    cell = np.repeat(np.arange(4), seeds)
    width = 32.0 * 2**cell
    values = law(width, np.random.default_rng(1).standard_normal(len(cell)))
    names = ("error_order_0", "error_order_1", "error_order_2", "bound_P2", "drift", "drift_predicted")
    columns = {"cell": cell, "width": width, "depth": np.full(len(cell), 2), "alpha": np.ones(len(cell))}
    columns |= {"beta": 2 / width, "seed": np.tile(np.arange(seeds), 4), "error_full": np.zeros(len(cell))}
    return StudyResult(columns | dict.fromkeys(names, values), config, {})


def noisy(width: np.ndarray, noise: np.ndarray) -> np.ndarray:
    """No law: issue 12 had n^-0.09 with the interval [-.48, .31] and R^2 = .02."""
    return 0.1 * width**-0.09 * np.exp(noise)


def clear(width: np.ndarray, noise: np.ndarray) -> np.ndarray:
    return 3 / width * np.exp(0.1 * noise)


NO_BOUNDARY = Boundary(None, reason="not enough data: 2 cells, at least 6 at 3 different beta are needed")
FEW = pd.DataFrame({"elt": [0.05, 0.2], "beta": [0.1, 0.2], "cell": [0, 1]})


UNSEEN: Any = SimpleNamespace(
    seeds=[SimpleNamespace(facts={"looked_at": 0, "off": None, "first_step": 0})],
    recording=SimpleNamespace(learning_rate=0.1, rate=0.01, train=10),
)
NOTHING_TRAINED: Any = SimpleNamespace(seeds=(), config=None)
CIRCLE = SimpleNamespace(run=SimpleNamespace(data=SimpleNamespace(name="circle")))
BINS = pd.DataFrame({"low": [1.0, 10.0], "high": [10.0, 100.0], "tail": [1.0, 0.5]})
NO_END = pd.DataFrame(
    {"width": [8, 8], "depth": [1, 2], "beta": [0.125, 0.25], "ratio": [2.0, np.nan], "size": [1.0, np.nan], "sign": -1}
)
"""A curve that ends beyond what can be drawn."""
TOP = {"mean": 2.0, "ratio": 1.1, "low": 1.5, "high": 2.5}


def values(headlines: list[Any]) -> str:
    return " ".join(headline.value for headline in headlines)


def moved(number: int = 0, steps: int = 4, **paths: list[float]) -> Any:
    """A seed with these paths of its diagnostics."""
    found = seed(number, steps=steps)
    return replace(found, arrays={**found.arrays, **{name: np.array(path) for name, path in paths.items()}})


def measured(config: Any = None, **changes: Any) -> Any:
    """A perturbation with this summary."""
    summary = {"error_full": [0.1], "floor": [0.1], "drift_predicted": [0.1], "drift_predicted_error": [0.2]}
    summary |= {"error_order_0": [0.3], "explained_order_1": [0.8], "explained_order_2": [0.9], "drift": [0.2]}
    own = SimpleNamespace(noise=1e-8, facts={"seed": 0, "lazy_error": 0.3})
    return SimpleNamespace(summary=summary | changes, seeds=[own], config=config, dynamics="gradient descent")


def bounded(error: list[float], bound: list[float]) -> Any:
    """A perturbation with these errors of order 0 and values of P2 at its checkpoints."""
    own = SimpleNamespace(at_checkpoint=np.full(len(error), True), noise=1e-8)
    own.error, own.bound = (lambda name, values=values: np.array(values) for values in (error, bound))
    return SimpleNamespace(seeds=[own], dynamics="gradient flow")


def alphas(elt: list[float], spread: float = 1.0) -> pd.DataFrame:
    """Cells at one beta whose output scales are 1, 2, ...; quartiles are a factor `spread` off twice over."""
    value = np.array(elt)
    columns = {"elt": value, "elt_low": value / spread**2, "elt_high": value * spread**2}
    return pd.DataFrame(columns | {"beta": 0.1, "alpha": np.arange(1.0, len(elt) + 1)})


def bits(*of_cells: float) -> pd.DataFrame:
    return pd.DataFrame({"cell": range(len(of_cells)), "bits": of_cells})


def rates(failed: list[float]) -> pd.DataFrame:
    """Cells of one width with steps 0.5, 1, ... and this share of failed networks."""
    rate = 0.5 * np.arange(1, len(failed) + 1)
    return pd.DataFrame({"failed": failed, "rate": rate, "width": 64.0, "sharpness": rate})


def line(mean: list[float], error: float = 0.1) -> pd.DataFrame:
    """E[Delta K_t]/E[K] at t = 1, 2, ... against a straight line of slope 1."""
    t, value = np.arange(1.0, len(mean) + 1), np.array(mean)
    return pd.DataFrame({"t": t, "mean": value, "low": value - error, "high": value + error, "line": t})


SILENT: dict[str, Callable[[], Any]] = {
    "pages.views.evolution_words.stability": lambda: evolution_words.stability(
        trained(Seed([0.5], "diverged"), Seed([0.5]))
    ),
    "pages.views.expansion_words._lazy": lambda: perturb_words._lazy(expanded(error=0.0)),
    "pages.views.recorded_words.stepped": lambda: recorded_words.stepped(UNSEEN),
    "pages.views.expansion_words._explained": lambda: perturb_words._explained(expanded(seen=0.2)),
    "pages.views.expansion_words._modes": lambda: perturb_words._modes(expanded(seen=0.2)),
    "pages.views.study_words._errors": lambda: study_words._errors(studied(noisy)),
    "pages.views.study_words._drift": lambda: study_words._drift(studied(noisy)),
    "pages.views.study_words._crossings": lambda: study_words._crossings(studied(noisy), 0.1),
    "pages.views.map_words.edges": lambda: map_words.edges({"lazy_weak": NO_BOUNDARY}, Thresholds()),
    "pages.views.map_words.no_sharp_edge": lambda: map_words.no_sharp_edge(FEW, Thresholds()),
    "pages.views.map_words.altered": lambda: map_words.altered(
        {"order_0": NO_BOUNDARY, "p2": Boundary(0.1)}, Thresholds()
    ),
    "pages.views.map_words.grows": lambda: map_words.grows(Scaling(1.0, 0.1, 0.3, 0.02, 0.01, 0.2), "drift"),
    "pages.views.map_words.answer": lambda: map_words.answer(Collapse(0.4, 0.1, 0.05, 0.2, 2), "drift"),
    "pages.views.evolution_words.alignment": lambda: evolution_words.alignment(
        result(moved(alignment_test=[np.nan, 0.3]))
    ),
    "pages.views.evolution_words._drift": lambda: evolution_words._drift(
        result(seed(kernel_rounding=0.6), seed(1, "diverged"))
    ),
    "pages.views.evolution_words.floor": lambda: evolution_words.floor(result(seed())),
    "pages.views.evolution_words._precision": lambda: evolution_words._precision(
        result(seed(rounding=9e-4), seed(1, rounding=None))
    ),
    "pages.views.evolution_words._stop": lambda: evolution_words._stop(NOTHING_TRAINED),
    "pages.views.evolution_words.went_wrong": lambda: evolution_words.went_wrong(
        [AnySeed({}, {"seed": 0, "stop_reason": "residual"})]
    ),
    "pages.views.evolution_words.dropped": lambda: evolution_words.dropped([{"seed": 0, "dropped_checkpoints": 0}]),
    "pages.views.evolution_words.headlines": lambda: values(
        evolution_words.headlines(result(seed(stop_reason="diverged")))[1:3]
    ),
    "pages.views.evolution_words.of_network": lambda: values([evolution_words.of_network([np.nan], np.nan)]),
    "pages.run.asking.costs": lambda: asking.costs(Cost(np.inf, 1e6, 60.0, 1e3, 1e3, 1, 0.0)),
    "pages.shell.jobs.outdated": lambda: outdated(Record("key", "run", {}, "")),
    "pages.views.convention_words._signal": lambda: convention_words._signal(result(seed()).config),
    "pages.views.convention_words._float32": lambda: convention_words._float32(
        result(seed(), seed(1, precision="float64", noise=9.0), seed(2, noise=None))
    ),
    "pages.views.network_words.missing": lambda: network_words.missing(result(seed()).config),
    "pages.views.evolution_words.one_point": lambda: evolution_words.one_point(result(seed())),
    "pages.views.convention_words._outside": lambda: convention_words._outside(result(seed()).config),
    "pages.views.kernel_words.which_kernel": lambda: kernel_words.which_kernel(result(seed()).config),
    "pages.views.convention_words._unequal": lambda: convention_words._unequal(result(seed(), seed(1))),
    "pages.views.convention_words._few": lambda: convention_words._few(result(seed())),
    "pages.run.controls.off_critical": lambda: controls.off_critical(result(seed()).config),
    "engine.data.remarks._repeated": lambda: remarks._repeated(np.arange(3), np.ones((3, 1))),
    "engine.data.remarks._shared": lambda: remarks._shared(np.arange(3), np.arange(3, 6)),
    "pages.views.expansion_words._bound": lambda: perturb_words._bound(bounded([0.0, 1e-9], [0.0, 1.0])),
    "pages.views.expansion_words._floor": lambda: perturb_words._floor(measured(error_full=[0.0])),
    "pages.views.expansion_words._foretold": lambda: perturb_words._foretold(measured(drift_predicted=[None])),
    "pages.views.expansion_words.headlines": lambda: values(
        perturb_words.headlines(measured(drift=[None], config=CIRCLE))[3:]
    ),
    "pages.views.study_words._seeds": lambda: study_words._seeds(studied(clear)),
    "pages.views.map_words.by_alpha": lambda: map_words.by_alpha(alphas([1.0, 2.0], spread=1.2), "elt"),
    "pages.views.map_words.by_rate": lambda: map_words.by_rate(rates([1.0, 1.0])),
    "pages.views.map_words.precision": lambda: map_words.precision(bits(32.0), "auto"),
    "pages.views.map_words.unresolved": lambda: map_words.unresolved(pd.DataFrame({"unresolved": [False]})),
    "pages.views.map_words.cell": lambda: map_words.cell(None),
    "pages.views.map_kinds_words.at_equal_shape": lambda: map_kinds_words.at_equal_shape(
        {"resnet": KindRatio(0.5, np.nan, np.nan, 0.4, 0.6, 3, 0), "conv": None}, "mlp", "drift"
    ),
    "pages.views.map_kinds_words.growth": lambda: map_kinds_words.growth(
        {"mlp": Growth(8.0, 1.0, 4.0, 9.0, 9.0, 9.0)}, None, "1/sqrt(L)"
    ),
    "pages.views.map_kinds_words.edges": lambda: map_kinds_words.edges(
        {"mlp": {"lazy_weak": NO_BOUNDARY}, "resnet": {}}, Thresholds()
    ),
    "pages.views.map_kinds_words.measured": lambda: map_kinds_words.measured(
        pd.DataFrame({"measured_beta": [np.nan], "measured_beta_low": [np.nan], "measured_beta_high": [np.nan]}), "conv"
    ),
    "pages.views.map_kinds_words.counts": lambda: map_kinds_words.counts({"conv": pd.DataFrame()}),
    "pages.views.map_words.counts": lambda: map_words.counts(pd.DataFrame({"regime": []})),
    "pages.views.map_words.dashed": lambda: map_words.dashed(Scaling(1.0, 0.1, 0.3, 0.02, 0.01, 0.2)),
    "pages.charts.map_along.note_of": lambda: map_along.note_of(np.array([False]), "0 or not finite"),
    "pages.charts.over_time._masked": lambda: over_time._masked(0, 4, True),
    "pages.views.initial_words.above_the_mean": lambda: initial.above_the_mean(BINS, -1.0, 1000),
    "pages.views.initial_words.variation": lambda: initial.variation(NO_END),
    "pages.views.initial_words.first_rate": lambda: initial.first_rate(NO_END, 0.0),
    "pages.views.initial_words.zeros": lambda: initial.zeros(0, 10),
    "pages.views.initial_words.out_of_reach": lambda: initial.out_of_reach(Estimate(2.0, 0.1, 100, True)),
    "pages.views.initial_words.breakdown": lambda: initial.breakdown({}, 1e6),
    "pages.views.initial_words.bias_share": lambda: initial.bias_share(np.array([0.5, np.nan]), 2),
    "pages.views.initial_words.signs": lambda: initial.signs(pd.DataFrame({"size": [np.nan], "sign": [1]}), 0.0),
    "pages.views.initial_words.point_signs": lambda: initial.point_signs(
        "brute force", pd.DataFrame({"sign": [1], "low": [-0.1], "trusted": "yes"})
    ),
    "pages.views.initial_words.untrusted": lambda: initial.untrusted(pd.DataFrame({"trusted": ["yes", "not known"]})),
    "pages.views.initial_words.stiff": lambda: initial.stiff(0, 100),
    "pages.views.initial_words.largest_eigenvalue": lambda: initial.largest_eigenvalue(TOP | {"ratio": np.nan}, 100),
    "pages.views.initial_words.off_critical": lambda: initial.off_critical(Network(10, ()), 64),
    "pages.views.initial_words.point": lambda: initial.point(Network(10, (("activation", "tanh"),)), (8, 8)),
    "pages.charts.initial_drift.parting": lambda: parting(line([1.0, 2.0], error=np.nan)),
    "pages.views.initial_curves._notes": lambda: initial_curves._notes(
        pd.DataFrame({"ratio": [1.0]}), "ratio", (8,), Span("beta", 1.0)
    ),
}
"""By source: what is said of numbers that permit no sentence."""

PATHS: dict[str, tuple[Callable[[], Any], str]] = {
    "pages.views.evolution_words.stability": (
        lambda: evolution_words.stability(trained(Seed([1.8, 1.9, 1.95, 2.3, 1.9, 2.7, 0.989]))),
        "it crossed the limit 2 4 times, first at t = 0.9",
    ),
    "pages.views.evolution_words.alignment": (
        lambda: evolution_words.alignment(result(moved(alignment_test=[0.4, 0.9, 0.41], t=[0.0, 1.0, 2.0]))),
        "was 0.4 at the start and 0.41 at the stop, between 0.4 and 0.9 on the way",
    ),
    "pages.views.evolution_words._drift": (
        lambda: evolution_words._drift(result(moved(drift=[0.0, 0.8, 0.1], t=[0.0, 1.0, 2.0]))),
        "(on the way by up to 80%)",
    ),
    "pages.views.expansion_words._bound": (
        lambda: perturb_words._bound(bounded([0.0, 0.5, 0.1], [0.0, 0.4, 1.0])),
        "crossed at 1 of 3 checkpoints",
    ),
    "pages.views.map_words.by_alpha": (
        lambda: map_words.by_alpha(alphas([0.1, 0.8, 0.1]), "elt"),
        "and 0.8 at α = 2",
    ),
    "pages.views.map_words.by_rate": (
        lambda: map_words.by_rate(rates([0.0, 1.0, 0.0])),
        "In 1 cell below it most fail.",
    ),
    "pages.views.map_kinds_words.at_equal_shape": (
        lambda: map_kinds_words.at_equal_shape({"resnet": KindRatio(0.5, 0.4, 0.6, 0.2, 1.7, 5, 2)}, "mlp", "drift"),
        "5 shapes, 0.2 to 1.7 among them; 2 left out, where not all networks train",
    ),
    "pages.views.initial_words.bias_share": (
        lambda: initial.bias_share(np.array([0.5, 0.2, 0.5]), 3),
        "between 20% and 50% over the depths drawn",
    ),
    "pages.views.initial_words.signs": (
        lambda: initial.signs(pd.DataFrame({"size": [1.0, 1.0, 1.0], "sign": [-1, 1, -1]}), 0.0),
        "the sign flips along the curves",
    ),
    "pages.charts.initial_drift.parting": (
        lambda: parting(line([1.0, 9.0, 3.0])),
        "leaves the bars of the mean at t = 2",
    ),
}
"""By source: what is said of a path whose ends alone would mislead, and what must be in it."""
