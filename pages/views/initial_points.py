"""Monte Carlo points beside the exact curves: asking for them, and what to draw of their results."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import streamlit as st

from engine.initialisation.curves import CurvesConfig
from engine.initialisation.estimates import NORMAL_95, Estimate, rate_trusted
from engine.initialisation.law import InitialNetwork, Law
from engine.initialisation.moments import moments
from engine.initialisation.result import FirstStepResult, SampleResult
from engine.jobs import expected, parse
from engine.problems import several
from engine.progress import Arrays
from engine.schema import Config, ConfigError
from pages.shell.gathering import Computation, gather
from pages.shell.recipe import at_initialisation
from pages.shell.result import take_it_with_you
from pages.views.initial_network import Curves, Network, Points

SAMPLER, BRUTE_FORCE, STEP, FLOW = "exact sampler", "brute force", "finite step", "gradient flow"
COMPILE = 5.0
"""Seconds that a network of a new shape costs before its first draw: 2.5 by brute force, 4.5 a step, 5.8 a flow."""
WITHOUT_NETWORKS = ("initial_sample", "gram_spectrum")
"""Kinds that draw from exact laws, and compile nothing."""
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


class Source(NamedTuple):
    """How points are drawn.

    Attributes:
        kind: of their jobs.
        key: of the button that asks for them.
        label: of that button, from how many they are and the sizes of a finite step.
        unit: what one is called.
    """

    kind: str
    key: str = ""
    label: str = ""
    unit: str = "point"


SOURCES = {
    SAMPLER: Source("initial_sample", "sampler", "Draw {} from the exact law"),
    BRUTE_FORCE: Source("brute_force", "brute", "Draw {} by brute force"),
    STEP: Source("first_step", "step", "Take {}, η = {:g}", "finite step"),
    FLOW: Source("drift_ensemble"),
}


def point(source: str, network: Network, hidden: tuple[int, ...], draws: int, seed: int, **more: Any) -> Point:
    """The job of one point; `more` are fields of its config. Raises `ConfigError`."""
    kind, setting = SOURCES[source].kind, network.setting(hidden)
    config = parse(kind, {"setting": setting, "draws": draws, "seed": seed, **more})
    return Point(kind, config, seconds_of(kind, config), source, hidden[0], setting.depth)


def seconds_of(kind: str, config: Config) -> float:
    """What the job may take, with compiling where networks are really drawn."""
    return expected(kind, config).seconds + (0.0 if kind in WITHOUT_NETWORKS else COMPILE)


def ask(
    curves: Curves, points: Points, sources: Mapping[str, Mapping[str, Any]]
) -> tuple[dict[Point, Arrays], list[str]]:
    """The points that are known, buttons for those that are not, and why there are no others.

    Args:
        sources: fields of their configs by names of `SOURCES`. The sampler draws along every curve, where there is an
            exact law; real networks are drawn at the narrowest width.
    """
    found: dict[Point, Arrays] = {}
    refused: list[str] = []
    for column, (source, fields) in zip(st.columns(len(sources), gap="large"), sources.items(), strict=True):
        if source != SAMPLER:
            widths, draws = (curves.narrowest,), points.brute_draws
            note = f"{draws:,} real networks each, at the narrowest width, n = {curves.narrowest:,}."
        elif curves.network.law is not None:
            widths, draws = curves.widths, points.draws
            note = f"{draws:,} draws each."
        else:
            continue
        some, without = along(source, replace(curves, widths=widths), points.count, draws, seed=points.seed, **fields)
        refused += without
        how = SOURCES[source]
        label = how.label.format(several(len(some), how.unit), *fields.get("sizes", ()))
        if some:
            with column:
                found |= gather(how.key, label, some, note, "point")
    return found, [f"No point at {where}" for where in refused]


def along(source: str, curves: Curves, count: int, draws: int, **more: Any) -> tuple[list[Point], list[str]]:
    """About `count` points along every curve, and what is refused, such as for its cost."""
    found, refused = [], []
    for place, width in enumerate(curves.widths):
        # Curves have their points at different beta, so that intervals do not cover each other.
        for depth in curves.span.depths(width, count, 0.5 * place / len(curves.widths)):
            try:
                found.append(point(source, curves.network, (width,) * depth, draws, **more))
            except ConfigError as error:
                refused.append(f"n = {width:,}, L = {depth:,}: {error.problems[0].message}")
    return found, refused


def key_of_points(found: Mapping[Point, Arrays]) -> str:
    """Names what is drawn of them."""
    return " ".join(f"{point.source} {point.config.hash}" for point in found)


def take_points_with_you(
    setting: InitialNetwork, found: Mapping[Point, Arrays], curves: tuple[CurvesConfig, pd.DataFrame] | None = None
) -> None:
    """Bundle and report of the points that are known and of exact curves; nothing where neither is."""
    if found or curves is not None:
        jobs = [(point.kind, point.config, arrays) for point, arrays in found.items()]
        take_it_with_you(at_initialisation(setting, jobs, curves))


def ratio_points(found: Mapping[Point, Arrays]) -> pd.DataFrame:
    """Estimates of E[K^2]/E[K]^2 with bars of 1.96 standard errors: 95% intervals where trusted."""
    rows = []
    for drawn, arrays in found.items():
        if ratio := SampleResult(arrays).estimates.get("ratio"):
            rows.append(_row(drawn, ratio))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def drift_points(found: Mapping[Point, Arrays], law_at: Callable[[Point], Law | None]) -> pd.DataFrame:
    """Estimates of |E[dK/dt]|/E[K], or of |E[Delta K]|/(eta E[K]) for a finite step, with the same bars.

    A finite step's bar is marked where that of the rate is none; otherwise nothing is known of it. E[K] is exact where
    `law_at` has a law.
    """
    rows = []
    for drawn, arrays in found.items():
        law = law_at(drawn)
        if drawn.source == STEP:
            step, draws = FirstStepResult(arrays), int(getattr(drawn.config, "draws", 0))
            eta, K = float(step.sizes[0]), float(step.K_mean)
            mean, error = float(step.change_mean[0]) / eta, float(step.change_error[0]) / eta
            rate = Estimate(mean, error, draws, None if law is None or rate_trusted(law, draws) else False)
        else:
            estimates = SampleResult(arrays).estimates
            rate, K = estimates["E_dK"], estimates["E_K"].mean
        scale = K if law is None else np.exp(float(moments(law).log_E_K[0]))
        if scale > 0:
            rows.append(_row(drawn, rate, scale))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _row(point: Point, found: Estimate, scale: float = 1.0) -> dict[str, Any]:
    mean, error = found.mean / scale, found.standard_error / scale
    low, high = abs(mean) - NORMAL_95 * error, abs(mean) + NORMAL_95 * error
    return {
        "source": point.source,
        "width": point.width,
        "depth": point.depth,
        "beta": point.beta,
        "value": abs(mean),
        "low": low,
        "high": high,
        "sign": int(np.sign(mean)),
        "draws": found.draws,
        "trusted": {True: "yes", False: "no", None: "not known"}[found.trusted],
    }
