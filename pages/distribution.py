"""Distribution: the law of K(x, x) at one width and depth, with its tail."""

import math

import pandas as pd
import streamlit as st

from engine.initialisation.config import BruteForceConfig, SampleConfig, parameters_of
from engine.initialisation.law import exact_law
from engine.initialisation.moments import moments
from engine.initialisation.result import SampleResult
from engine.schema import ConfigError
from pages.charts import initial_law as charts
from pages.shell.figure import Figure, say, show
from pages.shell.form import Form
from pages.shell.jobs import gather
from pages.shell.result import warn
from pages.views import initial_words
from pages.views.initial_network import Network, controls, say_no_law, trap_buttons
from pages.views.initial_points import BRUTE_FORCE, SAMPLER, Point

PREFIX = "at_"
"""Of this page's parameters in the URL."""


def page() -> None:
    """The page, top to bottom."""
    st.title("Distribution")
    form = Form("distribution", PREFIX)
    with st.sidebar:
        hidden = hidden_widths(form)
        network = controls(form)
        if network is not None:
            trap_buttons(form, network)
        wanted = draws(form, network, hidden)
    form.say_left_out()
    if not form.fine() or network is None or hidden is None or wanted is None:
        return
    warn(initial_words.off_critical(network, len(hidden)))
    say_no_law(network)
    label = f"Draw {getattr(wanted.config, 'draws', 0):,} kernels" + (
        " from the exact law" if wanted.source == SAMPLER else " of real networks"
    )
    found = gather("distribution", label, [wanted])
    st.caption(initial_words.point(network, hidden))
    if wanted in found:
        draw(network, hidden, wanted, SampleResult.from_arrays(found[wanted]))
    if len(set(hidden)) == 1:
        query = {"widths": f"{hidden[0]}"} | network.query()
        st.page_link("second_moment.py", label="This width against β", icon=":material/show_chart:", query_params=query)


def hidden_widths(form: Form) -> tuple[int, ...] | None:
    """From one width and a depth, or from a list of widths."""
    st.markdown("**Point**")
    left, right = st.columns(2)
    with left:
        widths = form.wholes(
            "width", "hidden width n", "64", 1_000_000, 200, "One for all layers, or one per layer as 32, 64, 32."
        )
    with right:
        depth = form.whole("depth", "hidden layers L", 32, 1, 10_000, "Not used with a list of widths.")
    if widths is None or depth is None:
        return None
    return widths if len(widths) > 1 else widths * depth


def draws(form: Form, network: Network | None, hidden: tuple[int, ...] | None) -> Point | None:
    """Number of draws and seed, and the job that they make."""
    st.markdown("**Draws**")
    source = form.choice("source", "drawn by", (SAMPLER, BRUTE_FORCE), "Brute force draws real networks.")
    left, right = st.columns(2)
    with left:
        count = form.whole("draws", "draws", 200_000, 100, 10_000_000, "10⁵ to 10⁶ show the tail.")
    with right:
        seed = form.whole("seed", "seed", 0, 0, 2**31 - 1)
    if network is None or hidden is None or count is None or seed is None:
        return None
    names = {"widths": "width", "setting": "width", "": "draws"}
    try:
        setting = network.setting(hidden)
        values = {"setting": setting, "draws": count, "seed": seed, "first_step": False}
        if source == SAMPLER and network.law is not None:
            seconds = count * (setting.depth + 1) * 0.3e-6
            return Point("initial_sample", SampleConfig.from_dict(values), seconds, SAMPLER, hidden[0], setting.depth)
        count = min(count, 10_000) if source == SAMPLER else count
        seconds = count * (1e-4 + 3e-8 * parameters_of(setting))
        config = BruteForceConfig.from_dict({**values, "draws": count})
        return Point("brute_force", config, seconds, BRUTE_FORCE, hidden[0], setting.depth)
    except ConfigError as error:
        form.blame_all(error.problems, names)
        return None


def draw(network: Network, hidden: tuple[int, ...], wanted: Point, result: SampleResult) -> None:
    """Histogram and tail against the log-normal."""
    histogram, estimates = charts.histogram_table(result), result.estimates
    zeros, total = int(result.histogram_zeros), int(result.draws)
    if not len(histogram):
        st.warning("Every draw of K is 0: every network is dead, or its readout closed.")
        return
    if network.law is not None:
        exact = moments(exact_law(network.setting(hidden)))
        log_mean, log_ratio = float(exact.log_E_K[0]), float(exact.log_ratio[0])
    else:
        mean, second = estimates["E_K"].mean, estimates["E_K2"].mean
        log_mean, log_ratio = math.log(mean), math.log(second / mean**2)
    lognormal = charts.lognormal_table(log_mean, log_ratio, *charts.reach(histogram, log_mean))
    data = pd.concat([histogram.assign(series="draws"), lognormal.assign(series="log-normal")])
    left, right = st.columns(2, gap="large")
    subtitle = f"{total:,} draws, {wanted.source}; log-normal of the {'exact' if network.law else 'sampled'} moments"
    sources = ("initial.sampler",) if wanted.source == SAMPLER else ("initial.brute_force",)
    with left:
        show(
            Figure(
                "distribution",
                ("initial.histogram", "initial.lognormal", *sources),
                lambda: charts.density_chart(histogram, lognormal, log_mean, subtitle),
                data,
            )
        )
    with right:
        show(
            Figure(
                "tail",
                ("initial.tail", "initial.lognormal"),
                lambda: charts.tail_chart(histogram, lognormal, log_mean, subtitle),
                data,
            )
        )
    notes = [
        initial_words.above_the_mean(histogram, log_mean) if network.law else "",
        initial_words.zeros(zeros, total),
    ]
    if not len(lognormal):
        notes.append("The second moment is that of a constant: no log-normal is drawn.")
    if "ratio" in estimates:
        notes.append(initial_words.out_of_reach(estimates["ratio"]))
    say([note for note in notes if note])


page()
