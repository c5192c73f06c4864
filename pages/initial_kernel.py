"""Whole kernel at initialisation: the spectrum of K_0 over draws, for any width, and over that of infinite width."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import streamlit as st

from engine.initialisation.config import GramSpectrumConfig, parameters_of
from engine.initialisation.result import GramResult
from pages.charts import initial_law as charts
from pages.charts.words import duration, number, size
from pages.shell.answer import answer
from pages.shell.figure import Figure, columns, say, show
from pages.shell.form import Form
from pages.shell.gathering import LEAST_SECONDS, Computation, gather
from pages.shell.held import Named
from pages.shell.recipe import at_initialisation
from pages.shell.result import take_it_with_you, warn
from pages.views import hold_parts, hold_settings, initial_words, latex_conventions
from pages.views.initial_draws import GRAM, Draws, named
from pages.views.initial_network import WIDEST, Network, network_controls, page


def controls(form: Form) -> tuple[Any, ...]:
    """Shape, network, inputs and draws."""
    st.markdown("**Shape**")
    left, right = st.columns(2)
    with left:
        width = form.whole("width", "hidden width n", 10_000, 1, WIDEST)
    with right:
        depth = form.whole("depth", "hidden layers L", 3, 1, 256)
    network = network_controls(form, trap=False)
    st.markdown("**Inputs and draws**")
    inputs = form.choice("inputs", "inputs", ("sphere", "circle"), "Random directions, or evenly spaced on a circle.")
    left, right = st.columns(2)
    with left:
        p = form.whole("p", "points p", 32, 1, 512)
        seed = form.whole("seed", "seed", 0, 0, 2**31 - 1)
    with right:
        draws = form.whole("draws", "draws", 100, 2, 100_000)
        input_seed = form.whole("input_seed", "seed of inputs", 0, 0, 2**31 - 1)
    if network is None or width is None or depth is None or form.problems:
        return (None,)
    if inputs == "circle" and network.n_0 != 2:
        form.blame("n_0", f"{network.n_0} given; inputs on a circle have n_0 = 2")
        return (None,)

    def config() -> GramSpectrumConfig:
        values = {"points": p, "inputs": inputs, "input_seed": input_seed, "draws": draws, "seed": seed}
        return GramSpectrumConfig.from_dict(values | {"setting": network.setting((width,) * depth)})

    names = {"setting": "width", "widths": "width", "": "draws"}
    return network, form.make(config, names=names)


def body(form: Form, network: Network, config: GramSpectrumConfig) -> None:
    """A warning, the button, and what is drawn."""
    setting, parameters = config.setting, parameters_of(config.setting)
    if form.bar is not None:
        about = duration(max(config.seconds, LEAST_SECONDS))
        form.bar.markdown(f"**β = {number(setting.beta)}** · {number(parameters)} parameters · about {about}")
    job = Computation(GRAM, config, config.seconds)
    found = gather("gram", f"Draw {config.draws:,} kernels", [job], bar=form.bar, like="initial_kernel")
    result = GramResult.from_arrays(found[job]) if job in found else None
    held = {} if result is None else _answer(form, result, config)
    warn(initial_words.off_critical(network, setting.depth))
    st.caption(
        f"n = {setting.widths[1]:,}, L = {setting.depth}, β = {number(setting.beta)}. One such network has "
        f"{number(parameters)} parameters, {size(8 * parameters)} in double precision: "
        "the exact Gram sampler draws its kernel without drawing a weight matrix."
    )
    if result is not None:
        _charts(result, config.hash, held)
        take_it_with_you(at_initialisation(config, [(job.kind, config, found[job])]))


def _answer(form: Form, result: GramResult, config: GramSpectrumConfig) -> dict[Named, tuple[GramResult, str]]:
    """The largest eigenvalue, with its reach over draws, beside those that are held; gives these, each with the hash of
    its config."""
    held: dict[Named, tuple[GramResult, str]] = {}

    def tell(named: Named, draws: Draws) -> None:
        if (arrays := draws.beneath(named)) is not None:
            other = GramResult.from_arrays(arrays)
            held[named] = other, draws.config.hash
            hold_parts.say(_said(other))

    now = Draws(GRAM, config)
    with hold_settings.beside(form, now, Draws.whole_kernel, tell, "kernels"):
        answer(_said(result), lambda: latex_conventions.of_initialisation(config.setting), config.hash, now.key)
    return held


def _said(result: GramResult) -> str:
    largest = {str(name): float(value) for name, value in charts.spectrum_table(result).frame.iloc[0].items()}
    return initial_words.largest_eigenvalue(largest, len(result.spectra))


def _charts(result: GramResult, key: str, held: Mapping[Named, tuple[GramResult, str]]) -> None:
    """Spectrum and its distance from infinite width, over those of what is held; the key is the hash of the config."""
    table = charts.spectrum_table(result)
    spectrum, *ratio = hold_parts.over(_figures(result, key), [(named, _figures(*one)) for named, one in held.items()])
    if table.frame["limit"].notna().any():
        columns([spectrum], ratio, share=(3, 2))
        say(table.notes)
    else:
        show(spectrum)
        say(table.notes)
        say(["The infinite-width limit of these settings is not computed."])


def _figures(result: GramResult, key: str) -> list[Figure]:
    """The spectrum, and that over the one of infinite width, which holds nothing where that is not known."""
    frame, draws = charts.spectrum_table(result).frame, len(result.spectra)
    spectrum = Figure(
        "initial_spectrum",
        "What spectrum does the kernel start with?",
        ("initial.gram", "initial.infinite"),
        partial(charts.spectrum_chart, frame, f"{draws:,} draws"),
        frame,
        key=f"{key} spectrum",
        config=key,
    )
    ratio = Figure(
        "initial_spectrum_ratio",
        "How far from infinite width?",
        ("initial.gram_ratio", "initial.gram", "initial.infinite"),
        partial(charts.relative_chart, frame),
        frame,
        key=f"{key} relative",
        config=key,
    )
    return [spectrum, ratio]


page(
    "Whole kernel at initialisation",
    "What spectrum does the kernel start with, and how far is that from infinite width?",
    "Kernels of many inputs, drawn from their exact law at any width: no weight matrix is drawn.",
    Form("initial_kernel", named=partial(named, whole=True)),
    controls,
    body,
    (hold_settings.NAME,),
)
