"""Distribution: the law of K(x, x) at one width and depth, with its tail, against the log-normal of its moments."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from engine.initialisation.config import BruteForceConfig, GramSpectrumConfig, SampleConfig
from engine.initialisation.estimates import gathered
from engine.initialisation.law import InitialNetwork, Law, exact_law, reasons_without_law
from engine.initialisation.moments import moments
from engine.initialisation.result import SampleResult
from engine.initialisation.sampler import draw_chunks
from engine.progress import Arrays, silent
from pages.charts import initial_law as charts
from pages.shell.figure import Figure, built, columns, say
from pages.shell.form import Form
from pages.shell.gathering import gather
from pages.shell.held import Named
from pages.shell.result import warn
from pages.views import hold_parts, hold_settings, initial_words
from pages.views.initial_draws import DEEPEST, Draws, named
from pages.views.initial_network import WIDEST, Network, network_controls, page, say_answer, say_no_law, sliders
from pages.views.initial_points import BRUTE_FORCE, SAMPLER, SOURCES, Point, point, take_points_with_you

PREFIX = "at_"
"""Of this page's parameters in the URL."""
LIVE, LIVE_LAYERS = 10_000, 1 << 20
"""Draws that follow the sliders, and draws times layers of weights: a quarter of a second."""
FEWEST = 1000
"""With fewer draws nothing is drawn at once."""
LOGNORMAL = "log-normal"
"""The rows of it in the data."""
MOST_NETWORKS = 10_000
"""Real networks that take the place of draws from a law that there is not."""


def controls(form: Form) -> tuple[Any, ...]:
    """One width and a depth, or a list of widths; the network; number of draws and seed."""
    st.markdown("**Point**")
    left, right = st.columns(2)
    with left:
        widths = form.wholes(
            "width", "hidden width n", "64", WIDEST, 200, "One for all layers, or one per layer as 32, 64, 32."
        )
    with right:
        depth = form.whole("depth", "hidden layers L", 32, 1, DEEPEST, "Not used with a list of widths.")
    network = network_controls(form)
    st.markdown("**Draws**")
    source = form.choice("source", "drawn by", (SAMPLER, BRUTE_FORCE), "Brute force draws real networks.")
    left, right = st.columns(2)
    with left:
        draws = form.whole("draws", "draws", 200_000, 100, 10_000_000, "10⁵ to 10⁶ show the tail.")
    with right:
        seed = form.whole("seed", "seed", 0, 0, 2**31 - 1)
    if network is None or widths is None or depth is None or draws is None:
        return (None,)
    if source == SAMPLER and network.law is None:
        source, draws = BRUTE_FORCE, min(draws, MOST_NETWORKS)
    hidden = widths if len(widths) > 1 else widths * depth
    names = {"widths": "width", "setting": "width", "": "draws"}
    job = form.make(partial(point, first_step=False), source, network, hidden, draws, seed, names=names)
    return network, hidden, job


@dataclass(frozen=True)
class Sample:
    """Draws that are shown.

    Attributes:
        law: None where there is none.
        source: who drew them.
        config: of the job that draws them.
    """

    law: Law | None
    source: str
    config: SampleConfig | BruteForceConfig | GramSpectrumConfig
    result: SampleResult

    @classmethod
    def of(cls, draws: Draws, arrays: Arrays | None) -> "Sample | None":
        """What the job gave, else a few from the exact law; None where neither is there."""
        setting = draws.config.setting
        law = None if reasons_without_law(setting) else exact_law(setting)
        if arrays is not None:
            return cls(law, draws.source, draws.config, SampleResult.from_arrays(arrays))
        live = None if law is None else _live(setting)
        return live and cls(law, SAMPLER, live_config(setting, int(live.draws)), live)

    @property
    def total(self) -> int:
        return int(self.result.draws)


def body(form: Form, network: Network, hidden: tuple[int, ...], point: Point) -> None:
    """Warnings, the button, what is drawn, and the way to the curves through this point."""
    place = st.container()
    source = "from the exact law" if point.source == SAMPLER else "of real networks"
    found = gather("distribution", f"Draw {getattr(point.config, 'draws', 0):,} kernels {source}", [point])
    now, held = Draws.of_point(point), {}
    sample = Sample.of(now, found.get(point))
    if sample is not None:
        with place:
            held = _answer(form, now, sample)
    warn(initial_words.off_critical(network, len(hidden)))
    say_no_law(network)
    st.caption(initial_words.point(network, hidden))
    if network.law is not None:
        sliders(form, network)
    if sample is not None:
        _charts(sample, held)
        _take_with_you(point, found, sample)
    if len(set(hidden)) == 1:
        query = {"widths": f"{hidden[0]}"} | network.query()
        st.page_link("second_moment.py", label="This width against β", icon=":material/show_chart:", query_params=query)


def _take_with_you(point: Point, found: Mapping[Point, Arrays], sample: Sample) -> None:
    """Bundle and report of the draws that are shown."""
    setting = sample.config.setting
    if point in found:
        take_points_with_you(setting, {point: found[point]})
        return
    # Without verdicts: those of the job know the law.
    arrays = {name: array for name, array in sample.result.to_arrays().items() if name != "trusted"}
    take_points_with_you(setting, {replace(point, kind=SOURCES[sample.source].kind, config=sample.config): arrays})


def live_config(setting: InitialNetwork, draws: int) -> SampleConfig:
    """The job that draws what is drawn at once."""
    return SampleConfig.from_dict({"setting": setting, "draws": draws, "first_step": False})


def _live(setting: InitialNetwork) -> SampleResult | None:
    """A few draws from the exact law, at once; None for networks too deep for that."""
    draws = min(LIVE, LIVE_LAYERS // (setting.depth + 1))
    if draws < FEWEST:
        return None
    config = live_config(setting, draws)

    def build() -> SampleResult:
        drawn = draw_chunks(exact_law(setting), draws, config.seed, first_step=False)
        # Without the law: whether so few draws are to be trusted takes ten times what they take.
        return SampleResult(gathered(config, drawn, None, silent))

    return built(f"{config.hash} live", build)


def _answer(form: Form, now: Draws, sample: Sample) -> dict[Named, Sample]:
    """Which share of the draws lies above their exact mean, beside that of held draws; gives those."""
    held: dict[Named, Sample] = {}

    def tell(named: Named, draws: Draws) -> None:
        other = Sample.of(draws, draws.known()) or Sample.of(draws, draws.beneath(named))
        if other is not None:
            held[named] = other
            hold_parts.say(_said(other))

    with hold_settings.beside(form, now, Draws.one_kernel, tell, "draws"):
        say_answer(_said(sample), now.config.setting, now.key if sample.config == now.config else "")
    return held


def _said(sample: Sample) -> str:
    histogram = charts.histogram_table(sample.result)
    if sample.law is None or not len(histogram):
        return ""
    return initial_words.above_the_mean(histogram, float(moments(sample.law).log_E_K[0]), sample.total)


def _charts(sample: Sample, held: Mapping[Named, Sample]) -> None:
    if not len(charts.histogram_table(sample.result)):
        st.warning("Every draw of K is 0: every network is dead, or its readout closed.")
        return
    own = _figures(sample)
    drawn = [(named, one) for named, one in held.items() if len(charts.histogram_table(one.result))]
    ghosts = [(named, _figures(one, bars=False)) for named, one in drawn]
    columns(*([figure] for figure in hold_parts.over(own, ghosts)))
    estimates, data = sample.result.estimates, own[0].frame
    lognormal = data is not None and (data["series"] == LOGNORMAL).any()
    say(
        [
            initial_words.zeros(int(sample.result.histogram_zeros), sample.total),
            "" if lognormal else "The second moment is that of a constant: no log-normal is drawn.",
            initial_words.out_of_reach(estimates["ratio"]) if "ratio" in estimates else "",
        ]
    )


def _figures(sample: Sample, bars: bool = True) -> list[Figure]:
    """Density, in bars or as a line, and tail."""
    histogram, law, estimates = charts.histogram_table(sample.result), sample.law, sample.result.estimates
    if law is not None:
        exact = moments(law)
        log_mean, log_ratio = float(exact.log_E_K[0]), float(exact.log_ratio[0])
    else:
        mean, second = estimates["E_K"].mean, estimates["E_K2"].mean
        log_mean, log_ratio = math.log(mean), math.log(second / mean**2)
    lognormal = charts.lognormal_table(log_mean, log_ratio, *charts.reach(histogram, log_mean))
    moments_of = "exact" if law is not None else "sampled"
    subtitle = f"{sample.total:,} draws, {sample.source}; log-normal of the {moments_of} moments"
    shown = (histogram, lognormal, log_mean, subtitle)
    data = pd.concat([histogram.assign(series="draws"), lognormal.assign(series=LOGNORMAL)])
    drawn = "initial.sampler" if sample.source == SAMPLER else "initial.brute_force"
    density, tail = partial(charts.density_chart, *shown, bars=bars), partial(charts.tail_chart, *shown)
    asked = "How is the kernel distributed over initialisations?"
    return [
        _figure("distribution", asked, ("initial.histogram", "initial.lognormal", drawn), density, data, sample),
        _figure("tail", "How heavy is the tail?", ("initial.tail", "initial.lognormal"), tail, data, sample),
    ]


def _figure(
    name: str, question: str, quantities: Sequence[str], chart: Callable[[], Any], data: pd.DataFrame, sample: Sample
) -> Figure:
    identity = sample.config.hash
    return Figure(name, question, quantities, chart, data, key=f"{sample.source} {identity} {name}", config=identity)


page(
    "Distribution",
    "How is the kernel distributed over initialisations, and does its mean say what a typical one is?",
    "The law of $K(x, x)$ at one width and depth, with its tail, beside the log-normal of its exact moments.",
    Form("distribution", PREFIX, partial(named, whole=False, prefix=PREFIX)),
    controls,
    body,
    (hold_settings.NAME,),
)
