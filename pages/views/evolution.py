"""A finished run on the page: numbers, sentences, the animated panel, curves, files.

What is built for a run is kept by its key (never by its arrays), so that a redraw builds nothing again.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import streamlit as st

import cache
from engine import jobs
from engine.data import Dataset, generate
from engine.progress import Arrays
from engine.quantities import QUANTITIES
from engine.training.result import RunResult, SeedResult
from pages import charts
from pages.charts import CURVES, EvolutionTables, Table
from pages.charts.words import plain
from pages.shell import downloads, player
from pages.shell.figure import Prepared
from pages.views.evolution_words import Headline, facts, headlines, motion, sentences

SMALL_WIDTH = 440
"""Pixels of the panel on Home."""

KEPT = 64
"""Built charts kept, over all runs."""

ESSENTIAL = ("error", "drift", "alignment", "lambda_max")
"""Curves shown at first: each costs the browser a tenth of a second."""

EXPLAINED: dict[str, tuple[str, ...]] = {
    "error": ("train_error", "test_error"),
    "drift": ("drift", "shape_drift"),
    "accuracy": ("test_accuracy",),
    "alignment": ("alignment_train", "alignment_test"),
}
"""The quantities of a curve, where they are not the one of its name."""


def full(result: RunResult, arrays: Arrays) -> None:
    """Everything that the Evolution page says of a run."""
    key = jobs.key("run", result.config)
    st.caption(plain(facts(result)))
    of_data(result.notes)
    numbers(headlines(result))
    st.markdown(" ".join(sentences(result)))
    _animated(result, key)
    _curves(result, key)
    _files(result, arrays, key)


def small(result: RunResult) -> None:
    """A result in half a screen: its numbers, its spectrum in motion, its sentences."""
    of_data(result.notes)
    numbers(headlines(result)[1:4])
    key = jobs.key("run", result.config)
    player.show(_spectrum(result, key, SMALL_WIDTH), _tables(result, key, 0).labels, key="home_panel", autoplay=True)
    st.markdown(" ".join(motion(result)))


def numbers(found: Sequence[Headline]) -> None:
    """Headline numbers, up to four in a row."""
    for start in range(0, len(found), 4):
        for column, headline in zip(st.columns(min(4, len(found))), found[start : start + 4], strict=False):
            beside = headline.beside or None
            column.metric(headline.label, headline.value, beside, "off", help=headline.more or None, delta_arrow="off")


def of_data(notes: Sequence[str]) -> None:
    """What a reader should know of the data, where there is anything."""
    if notes:
        st.info("\n".join(["**The data**", "", *(f"- {plain(note)}" for note in notes)]), icon=":material/table_chart:")


@st.fragment
def _animated(result: RunResult, key: str) -> None:
    """Spectrum, function and kernel of one seed under one slider."""
    st.subheader("The kernel in motion")
    index = 0
    with st.container(horizontal=True, vertical_alignment="bottom"):
        if len(result.seeds) > 1:
            seeds = [seed.seed for seed in result.seeds]
            chosen = st.segmented_control("seed", seeds, default=seeds[0], required=True, key=f"seed {key[:8]}")
            index = seeds.index(chosen)
        probes = result.config.probes is not None and _on_probes(key)
        tables, shown = _tables(result, key, index, probes), result.seeds[index]
        about(
            ["eigenvalues", _kernel_name(shown, probes), "mode_residual", "t"],
            f"evolution-seed{shown.seed}",
            lambda: charts.evolution_chart(tables),
        )
    player.show(_panel(result, key, index, probes), tables.labels, key=f"evolution_{index}{'_probes' * probes}")
    say(tables.notes)


def _on_probes(key: str) -> bool:
    options = ["data points", "probe points"]
    return (
        st.segmented_control("function and kernel on", options, default=options[0], required=True, key=f"on {key[:8]}")
        != options[0]
    )


def _kernel_name(seed: SeedResult, probes: bool) -> str:
    """The quantity of the kernel's panel."""
    return "probe_kernel" if probes else "profile" if "profile" in seed else "kernel_shown"


@st.fragment
def _curves(result: RunResult, key: str) -> None:
    """One chart per diagnostic; seeds as bands."""
    st.subheader("Along the run")
    with st.container(horizontal=True):
        shown = st.segmented_control("charts", ["essential", "all"], default="essential", required=True, key="charts")
        axis = st.segmented_control("time axis", ["log", "linear"], default="log", required=True, key="time axis")
    names = [name for name in charts.available(result) if shown == "all" or name in ESSENTIAL]
    for start in range(0, len(names), 2):
        for column, name in zip(st.columns(2, gap="large"), names[start : start + 2], strict=False):
            with column:
                _curve(result, key, name, axis == "log")


def _curve(result: RunResult, key: str, name: str, log_time: bool) -> None:
    curve, table = CURVES[name], _curve_table(result, key, name)
    with st.container(horizontal=True, horizontal_alignment="right", key=f"tools_{name}"):
        about(EXPLAINED.get(name, (name,)), name, partial(curve.chart, table.frame, log_time=log_time))
    st.altair_chart(_curve_chart(result, key, name, log_time), width="stretch", key=f"chart_{name}")
    say(table.notes)


def _files(result: RunResult, arrays: Arrays, key: str) -> None:
    st.subheader("Take it with you")
    downloads.data_files(result, arrays)
    st.caption(plain(f"config {result.config.hash[:16]}, {_versions(result)}"))
    keep(key)


def _versions(result: RunResult) -> str:
    return ", ".join(f"{name} {version}" for name, version in result.meta["versions"].items())


@st.fragment
def keep(key: str) -> None:
    """Whether the cache may make room by dropping this run."""
    engine = cache.current()
    pinned = engine.store.pinned(key)
    kept = st.toggle("keep this result however full the cache is", value=pinned, key=f"keep {key[:16]}")
    if kept != pinned:
        try:
            (engine.pin if kept else engine.unpin)(key)
        except cache.CacheFault as fault:
            st.error(plain(str(fault)), icon=":material/error:")


def about(names: Sequence[str], file_name: str, chart: Callable[[], Any]) -> None:
    """A popover with definition, normalisation and source of each quantity, and the figure as a file."""
    with st.popover(
        "about", icon=":material/info:", type="tertiary", help="definitions, sources, this figure as a file"
    ):
        for name in names:
            quantity = QUANTITIES[name]
            st.markdown(f"**{quantity.label}**: {quantity.definition}")
            st.caption(f"Source: {quantity.source}")
        downloads.figure_files(file_name, chart)


def say(notes: Sequence[str]) -> None:
    for note in notes:
        st.caption(plain(note))


# Built once per run. Arguments that begin with an underscore are not part of the key.


@st.cache_resource(max_entries=KEPT, show_spinner=False)
def _data(_result: RunResult, key: str) -> Dataset:
    return generate(_result.config.data)


@st.cache_resource(max_entries=KEPT, show_spinner=False)
def _probes(_result: RunResult, key: str) -> Dataset | None:
    return generate(_result.config.probes) if _result.config.probes else None


@st.cache_resource(max_entries=KEPT, show_spinner=False)
def _tables(_result: RunResult, key: str, index: int, probes: bool = False) -> EvolutionTables:
    shown = _probes(_result, key) if probes else None
    return charts.evolution_tables(_result, _data(_result, key), index, shown)


@st.cache_resource(max_entries=KEPT, show_spinner=False)
def _panel(_result: RunResult, key: str, index: int, probes: bool) -> Any:
    return Prepared(charts.evolution_chart(_tables(_result, key, index, probes)))


@st.cache_resource(max_entries=KEPT, show_spinner=False)
def _spectrum(_result: RunResult, key: str, width: int) -> Any:
    tables = _tables(_result, key, 0)
    panel = charts.spectrum_panel(tables.spectrum).properties(width=width)
    return Prepared(charts.animated(panel, len(tables.labels)))


@st.cache_resource(max_entries=KEPT, show_spinner=False)
def _curve_table(_result: RunResult, key: str, name: str) -> Table:
    return CURVES[name].table(_result)


@st.cache_resource(max_entries=KEPT, show_spinner=False)
def _curve_chart(_result: RunResult, key: str, name: str, log_time: bool) -> Any:
    return Prepared(CURVES[name].chart(_curve_table(_result, key, name).frame, log_time=log_time))
