"""Whole kernel at initialisation: the spectrum of K_0 over draws, and over that of infinite width."""

from functools import partial

import streamlit as st

from engine.initialisation.config import GramSpectrumConfig, parameters_of
from engine.initialisation.result import GramResult
from pages.charts import initial_law as charts
from pages.charts.words import number, size
from pages.shell.figure import Figure, columns, say, show
from pages.shell.form import Form
from pages.shell.jobs import Computation, gather
from pages.shell.result import warn
from pages.views import initial_words
from pages.views.initial_network import Network


def body(_: Form, network: Network, config: GramSpectrumConfig) -> None:
    """A warning, the button, and what is drawn."""
    setting = config.setting
    warn(initial_words.off_critical(network, setting.depth))
    job = Computation("gram_spectrum", config, config.seconds)
    found = gather("gram", f"Draw {config.draws:,} kernels", [job])
    st.caption(
        f"n = {setting.widths[1]:,}, L = {setting.depth}, β = {number(setting.beta)}. One such network has "
        f"{number(parameters_of(setting))} parameters, {size(8 * parameters_of(setting))} in double precision: "
        "the exact Gram sampler draws its kernel without drawing a weight matrix."
    )
    if job in found:
        _charts(GramResult.from_arrays(found[job]))


def _charts(result: GramResult) -> None:
    """Spectrum and its distance from infinite width."""
    table, draws = charts.spectrum_table(result), len(result.spectra)
    frame = table.frame
    spectrum = Figure(
        "initial_spectrum",
        "What spectrum does the kernel start with?",
        ("initial.gram", "initial.infinite"),
        partial(charts.spectrum_chart, frame, f"{draws:,} draws"),
        frame,
    )
    ratio = Figure(
        "initial_spectrum_ratio",
        "How far from infinite width?",
        ("initial.gram_ratio", "initial.gram", "initial.infinite"),
        partial(charts.relative_chart, frame),
        frame,
    )
    if frame["limit"].notna().any():
        columns([spectrum], [ratio], share=(3, 2))
        say(table.notes)
        largest = {str(name): float(value) for name, value in frame.iloc[0].items()}
        st.markdown(initial_words.largest_eigenvalue(largest, draws))
    else:
        show(spectrum)
        say(table.notes)
        say(["The infinite-width limit of these settings is not computed."])
