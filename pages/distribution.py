"""Distribution: the law of K(x, x) at one width and depth, with its tail, against the log-normal of its moments."""

import math
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from engine.initialisation.config import SampleConfig
from engine.initialisation.law import InitialNetwork, Law, exact_law
from engine.initialisation.moments import moments
from engine.initialisation.result import SampleResult
from engine.initialisation.sampled import gathered
from engine.initialisation.sampler import draw_chunks
from engine.progress import Arrays, silent
from pages.charts import initial_law as charts
from pages.shell.figure import Figure, built, columns, say
from pages.shell.form import Form
from pages.shell.gathering import gather
from pages.shell.result import warn
from pages.views import initial_words
from pages.views.initial_network import Network, network_controls, page, say_answer, say_no_law, sliders
from pages.views.initial_points import BRUTE_FORCE, SAMPLER, SOURCES, Point, point, take_points_with_you

PREFIX = "at_"
"""Of this page's parameters in the URL."""
LIVE, LIVE_LAYERS = 10_000, 1 << 20
"""Draws that follow the sliders, and draws times layers of weights: a quarter of a second."""
FEWEST = 1000
"""With fewer draws nothing is drawn at once."""
MOST_NETWORKS = 10_000
"""Real networks that take the place of draws from a law that there is not."""


def controls(form: Form) -> tuple[Any, ...]:
    """One width and a depth, or a list of widths; the network; number of draws and seed."""
    st.markdown("**Point**")
    left, right = st.columns(2)
    with left:
        widths = form.wholes(
            "width", "hidden width n", "64", 1_000_000, 200, "One for all layers, or one per layer as 32, 64, 32."
        )
    with right:
        depth = form.whole("depth", "hidden layers L", 32, 1, 10_000, "Not used with a list of widths.")
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


def body(form: Form, network: Network, hidden: tuple[int, ...], point: Point) -> None:
    """Warnings, the button, what is drawn, and the way to the curves through this point."""
    place = st.container()
    source = "from the exact law" if point.source == SAMPLER else "of real networks"
    found = gather("distribution", f"Draw {getattr(point.config, 'draws', 0):,} kernels {source}", [point])
    law = None if network.law is None else exact_law(network.setting(hidden))
    result = SampleResult.from_arrays(found[point]) if point in found else None
    drawn = point.source
    if result is None and law is not None and (result := _live(network.setting(hidden))) is not None:
        drawn = SAMPLER
    if result is not None and law is not None:
        with place:
            _answer(law, result, network.setting(hidden))
    warn(initial_words.off_critical(network, len(hidden)))
    say_no_law(network)
    st.caption(initial_words.point(network, hidden))
    if law is not None:
        sliders(form, network)
    if result is not None:
        _charts(law, drawn, result, f"{drawn} {point.config.hash} {int(result.draws)}")
        _take_with_you(point, found, drawn, result, network.setting(hidden))
    if len(set(hidden)) == 1:
        query = {"widths": f"{hidden[0]}"} | network.query()
        st.page_link("second_moment.py", label="This width against β", icon=":material/show_chart:", query_params=query)


def _take_with_you(
    point: Point, found: Mapping[Point, Arrays], source: str, result: SampleResult, setting: InitialNetwork
) -> None:
    """Bundle and report of the draws that are shown."""
    if point in found:
        take_points_with_you(setting, {point: found[point]})
        return
    config = live_config(setting, int(result.draws))
    # Without verdicts: those of the job know the law.
    arrays = {name: array for name, array in result.to_arrays().items() if name != "trusted"}
    take_points_with_you(setting, {replace(point, kind=SOURCES[source].kind, config=config): arrays})


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


def _answer(law: Law, result: SampleResult, setting: InitialNetwork) -> None:
    """Which share of the draws lies above their exact mean."""
    log_mean = float(moments(law).log_E_K[0])
    say_answer(initial_words.above_the_mean(charts.histogram_table(result), log_mean, int(result.draws)), setting)


def _charts(law: Law | None, source: str, result: SampleResult, key: str) -> None:
    histogram, estimates, total = charts.histogram_table(result), result.estimates, int(result.draws)
    if not len(histogram):
        st.warning("Every draw of K is 0: every network is dead, or its readout closed.")
        return
    if law is not None:
        exact = moments(law)
        log_mean, log_ratio = float(exact.log_E_K[0]), float(exact.log_ratio[0])
    else:
        mean, second = estimates["E_K"].mean, estimates["E_K2"].mean
        log_mean, log_ratio = math.log(mean), math.log(second / mean**2)
    lognormal = charts.lognormal_table(log_mean, log_ratio, *charts.reach(histogram, log_mean))
    subtitle = f"{total:,} draws, {source}; log-normal of the {'exact' if law else 'sampled'} moments"
    shown = (histogram, lognormal, log_mean, subtitle)
    data = pd.concat([histogram.assign(series="draws"), lognormal.assign(series="log-normal")])
    drawn = "initial.sampler" if source == SAMPLER else "initial.brute_force"
    density = Figure(
        "distribution",
        "How is the kernel distributed over initialisations?",
        ("initial.histogram", "initial.lognormal", drawn),
        partial(charts.density_chart, *shown),
        data,
        key=f"{key} density",
    )
    explained = ("initial.tail", "initial.lognormal")
    tail = Figure(
        "tail", "How heavy is the tail?", explained, partial(charts.tail_chart, *shown), data, key=f"{key} tail"
    )
    columns([density], [tail])
    say(
        [
            initial_words.zeros(int(result.histogram_zeros), total),
            "" if len(lognormal) else "The second moment is that of a constant: no log-normal is drawn.",
            initial_words.out_of_reach(estimates["ratio"]) if "ratio" in estimates else "",
        ]
    )


page(
    "Distribution",
    "How is the kernel distributed over initialisations, and does its mean say what a typical one is?",
    "The law of $K(x, x)$ at one width and depth, with its tail, beside the log-normal of its exact moments.",
    Form("distribution", PREFIX),
    controls,
    body,
)
