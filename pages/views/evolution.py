"""A finished run on the page: numbers, sentences, the animated panel, curves, files."""

from collections.abc import Iterable
from functools import partial
from typing import Any

import streamlit as st

from engine import jobs
from engine.data import generate
from engine.problems import several
from engine.progress import Arrays
from engine.training.result import RunResult, SeedResult
from pages.charts.animated import animated
from pages.charts.evolution import SPECTRUM, EvolutionTables, available, evolution_chart, evolution_tables
from pages.charts.kernel import spectrum_panel
from pages.charts.words import with_formulas
from pages.run import asking
from pages.shell import held, view
from pages.shell.answer import answer as tell
from pages.shell.answer import find
from pages.shell.figure import Figure, built, pairs, play, tools
from pages.shell.of_seed import moving
from pages.shell.one_at_a_time import one_at_a_time
from pages.shell.result import choice, chosen, files, log_time, numbers, say_notes, seed_choice
from pages.views import convention_words, hold, latex_conventions, recorded_jobs
from pages.views.evolution_words import alignment, answer, facts, headlines, sentences, still

PANEL = "conventions"
POINTS = ("data points", "probe points")
ESSENTIAL = ("error", "drift", "alignment", "lambda_max")
"""Curves shown at first: each costs the browser a tenth of a second."""
HOW_FAR = ("drift", "layer_drift")
"""Curves that lie on 0 where the kernel stays; held ones may move beneath it."""


def say_answer(result: RunResult) -> None:
    """How far the kernel moved."""
    rates = [seed.effective_rate for seed in result.seeds]
    key = jobs.key("run", result.config)
    tell(answer(result), lambda: latex_conventions.of_run(result.config, rates), result.config.hash, key)


def present(result: RunResult, key: str = "") -> hold.Present:
    """How the page holds others beside it.

    Args:
        key: of a recording, by which its charts are known.
    """
    computation = hold.either(asking.computation, recorded_jobs.reading)
    return hold.Present("evolution", result, key or jobs.key("run", result.config), computation, answer)


def full(result: RunResult, arrays: Arrays) -> None:
    """Everything that the Evolution page says of a run."""
    key = jobs.key("run", result.config)
    st.caption(with_formulas(facts(result)))
    say_notes(result.data_notes, result.network_notes)
    numbers(headlines(result))
    find(sentences(result))
    conventions(result)
    charts(result, key)
    versions = ", ".join(f"{name} {version}" for name, version in result.meta["versions"].items())
    files(result, arrays, key, f", {versions}")


@st.fragment
@one_at_a_time()
def conventions(result: RunResult) -> None:
    """One place for what is meant by every number; folded, with the count of warnings on it."""
    found = convention_words.warnings(result)
    more = f", and {several(len(found), 'warning')}" if found else ""
    if view.told("switch"):
        st.session_state.setdefault(PANEL, True)
    part = st.expander(f"Conventions{more}", key=PANEL, on_change="rerun")
    if not part.open:  # the browser takes longer for its formulas than for all else above the charts
        return
    with part:
        for one in found:
            st.warning(f"{one.said} **{one.cure[0].upper()}{one.cure[1:]}.**")
        st.markdown(convention_words.table(convention_words.conventions(result)))
        switch = choice("what would change with another", convention_words.switches(result), "switch")
        rows, stays = convention_words.switched(result, switch)
        st.markdown(convention_words.table(rows))
        st.markdown(stays)


def charts(result: RunResult, key: str) -> None:
    """All that it draws of the result that the key names."""
    _animated(result, key)
    _curves(result, key)


@st.fragment
@one_at_a_time()
def small(result: RunResult) -> None:
    """A result in half a screen: its numbers, its spectrum in motion, its sentences."""
    say_notes(result.data_notes, result.network_notes)
    numbers(headlines(result)[-7:-4])
    key = jobs.key("run", result.config)
    tables = _tables(result, key, 0)

    def spectrum() -> Any:
        return animated(spectrum_panel(tables.spectrum), len(tables.labels))

    figure = Figure("home", SPECTRUM, ("eigenvalues",), spectrum, key=f"{key} home", config=result.config.hash)
    tools(figure, tables.labels)
    play(figure, tables.labels, "checkpoint", autoplay=not view.told("checkpoint"))
    st.markdown(" ".join(alignment(result)))


@st.fragment
@one_at_a_time()
def _animated(result: RunResult, key: str) -> None:
    """Spectrum, function and kernel of one seed under one slider."""
    st.header(called := "The kernel in motion")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        index = seed_choice(result)
        ask = choice if result.config.probes else chosen
        on = ask("function and kernel on", POINTS, "on", POINTS[0])
        probes = on != POINTS[0]
        tables, shown = _tables(result, key, index, probes), result.seeds[index]
        figure = Figure(
            f"evolution_{index}{'_probes' * probes}",
            "",
            ("eigenvalues", _kernel_name(shown, probes), "mode_residual", "t"),
            lambda: evolution_chart(tables),
            notes=tables.notes,
            key=f"{key} panel {index} {probes}",
            file=f"evolution-seed{shown.seed}",
            config=result.config.hash,
            called=called,
        )
        of = partial(_tables_of, probes=probes)
        figure, labels = moving(figure, tables, key, shown.seed, of, evolution_chart)
        tools(figure, labels)
    play(figure, labels, "checkpoint")


def _kernel_name(seed: SeedResult, probes: bool) -> str:
    """The quantity of the kernel's panel."""
    return "probe_kernel" if probes else "profile" if "profile" in seed else "kernel_shown"


@st.fragment
@one_at_a_time()
def _curves(result: RunResult, key: str) -> None:
    """One chart per diagnostic; seeds as bands."""
    st.header("Along the run")
    with st.container(horizontal=True):
        shown = choice("charts", ["essential", "all"], "charts")
        log = log_time()
    curves, stays = available(result), "" if held.beneath(key) else still(result)
    if stays:
        st.markdown(f"{curves['drift'].question.replace('K_0', '$K_0$')} {stays}.")
    names = named(curves, shown == "all", bool(stays))
    pairs(Figure.over_time(name, curves[name], result, log, key) for name in names)


def named(curves: Iterable[str], every: bool, still: bool) -> list[str]:
    """Which of the curves are drawn: all or the essential ones, and of a kernel that stays not how far it moved."""
    return [name for name in curves if (every or name in ESSENTIAL) and not (still and name in HOW_FAR)]


def _tables(result: RunResult, key: str, index: int, probes: bool = False) -> EvolutionTables:
    return built(f"{key} tables {index} {probes}", partial(_tables_of, result, index, probes))


def _tables_of(result: RunResult, index: int, probes: bool) -> EvolutionTables:
    elsewhere = generate(result.config.probes) if probes and result.config.probes else None
    return evolution_tables(result, result.data, index, elsewhere)
