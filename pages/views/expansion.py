"""One run, expanded: residuals, errors with bounds, modes, Delta K in motion, the table of ends."""

from dataclasses import replace
from functools import partial
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from engine import jobs
from engine.config import RunConfig
from engine.perturbation.config import Options, PerturbationConfig, check_cost
from engine.perturbation.result import PerturbationResult
from engine.progress import Arrays
from engine.schema import ConfigError
from pages.charts import expansion as charts
from pages.charts import kernel_change
from pages.charts.over_time import Curve
from pages.charts.words import plain, with_formulas
from pages.run import named_run
from pages.run.controls import described, say_in_short
from pages.shell import calibration
from pages.shell.answer import answer as tell
from pages.shell.answer import find
from pages.shell.figure import Figure, columns, pairs, show
from pages.shell.form import refuse
from pages.shell.gathering import Computation, gather
from pages.shell.of_seed import in_motion, of_seed
from pages.shell.one_at_a_time import one_at_a_time
from pages.shell.result import choice, data_files, keep, log_time, numbers, say_notes, seed_choice
from pages.views import expansion_words, hold, latex_conventions, recorded_jobs


def expansion_of(run: RunConfig, options: Options | None = None) -> Computation:
    """The perturbation of a run. Raises `ConfigError`: what cannot be expanded, or costs too much."""
    config = PerturbationConfig.of(run, options)
    return Computation("perturbation", config, check_cost(config, calibration=calibration.measured()).seconds)


LIMITS = {
    "bound P2": ("P2",),
    "with estimates": ("P2", "P3", "P4"),
    "with Grönwall": ("P2", "groenwall"),
    "of each order": ("remainder_0", "remainder_1", "remainder_2"),
}
"""Which limits are drawn with the errors."""


def page(run: RunConfig, bar: DeltaGenerator | None = None) -> None:
    """The perturbation of this run, or the way to it; `bar` is in sight while one edits."""
    try:
        expansion = expansion_of(run, _options())
    except ConfigError as error:
        refuse("This run cannot be expanded:", map(described, error.problems))
        return
    say_in_short(bar, run, expansion.seconds)
    note = "Every step up to the cap is counted."
    found = gather("expansion", "Train and expand this run", [expansion], note, bar=bar, like="perturbation")
    if expansion in found:
        arrays = found[expansion]
        _full(PerturbationResult.from_arrays(dict(arrays)), arrays)
    else:
        hold.waiting(run)


def _options() -> Options:
    """How the run is expanded; folded away, for the defaults do."""
    with st.popover("options", icon=":material/tune:", type="tertiary"):
        path = choice(
            "kernel between checkpoints",
            list(named_run.PATHS.values()),
            "path",
            help="Cubic from values and slopes $K'_t$ (Hermite), or linear. For ReLU, whose $K_t$ jumps, neither wins.",
        )
        between = times_between()
    return Options(interpolation=named_run.path_of(path), between=between)


def times_between() -> int:
    """At how many times between two checkpoints the orders are given."""
    return choice(
        "times between checkpoints",
        [0, 1, 3],
        "between",
        help="The orders are also given there; the network is measured at checkpoints only.",
    )


def _full(result: PerturbationResult, arrays: Arrays) -> None:
    key = jobs.key("perturbation", result.config)
    rates = [float(seed.facts["effective_rate"]) for seed in result.seeds]
    conventions = partial(latex_conventions.of_run, result.config.run, rates)
    with hold.beside(present(result, key, result.config.options)):
        tell(expansion_words.answer(result), conventions, result.config.hash, key)
    st.caption(with_formulas(expansion_words.facts(result)))
    say_notes(result.data_notes, result.network_notes)
    body(result, arrays, key)


def present(result: PerturbationResult, key: str, options: Options) -> hold.Present:
    """How the page holds others beside it, which it expands with these options; of a recording only how often."""
    of_run = partial(expansion_of, options=options)
    computation = hold.either(of_run, partial(recorded_jobs.expansion, between=options.between))
    return hold.Present("perturbation", result, key, computation, expansion_words.answer)


def body(result: PerturbationResult, arrays: Arrays, key: str) -> None:
    """What it shows beneath its answer, also of a recording."""
    numbers(expansion_words.headlines(result))
    find(expansion_words.sentences(result))
    st.caption(expansion_words.dynamics(result))
    _over_time(result, key)
    if not expansion_words.is_still(result):
        _by_mode(result, key)
        _change(result, key)
        _in_motion(result, key)
    _end(result, arrays, key)


@st.fragment
@one_at_a_time()
def _over_time(result: PerturbationResult, key: str) -> None:
    """Residuals above errors, training points left of held-out ones."""
    st.header("Order by order")
    if expansion_words.is_still(result):
        log = log_time()
        names = ("order_residual", "order_residual_test")
        pairs(_curve(result, key, name, charts.OVER_TIME[name], log) for name in names)
        return
    with st.container(horizontal=True):
        log = log_time()
        limits = choice("limits", list(LIMITS), "limits", help="Drawn dashed.")

    def curve(name: str, *chosen: Any) -> Figure:
        return _curve(result, key, name, charts.OVER_TIME[name], log, *chosen)

    columns(
        (curve("order_residual"), curve("order_error", LIMITS[limits])),
        (curve("order_residual_test"), curve("order_error_test")),
    )


def _curve(result: PerturbationResult, key: str, name: str, curve: Curve, log: bool = True, *chosen: Any) -> Figure:
    return Figure.over_time(name, curve, result, log, key, *chosen, file=f"perturbation-{name}")


@st.fragment
@one_at_a_time()
def _by_mode(result: PerturbationResult, key: str) -> None:
    """What the network and each order add to every mode."""
    index = seed_choice(result, "modes_seed")

    def figure(one: PerturbationResult, place: int, own: str) -> Figure:
        return Figure.of(
            "modes",
            "Which modes of K_0 feel ΔK?",
            ("contributions", "orders"),
            partial(charts.modes_table, one.seeds[place]),
            charts.modes_chart,
            f"{own} modes {place}",
            "perturbation-modes",
            one.config.hash,
        )

    show(of_seed(result, key, index, figure))


def _change(result: PerturbationResult, key: str) -> None:
    """How far the kernel moves, and what initialisation alone says of it."""
    st.header("The change of the kernel")
    ranges = tuple(float(seed["taylor_range"]) for seed in result.seeds if "taylor_range" in seed)
    names = ("drift", "drift_predicted_error") if len(ranges) == len(result.seeds) else ("drift",)
    rows = {name: charts.OVER_TIME[name] for name in names}
    if "drift_predicted_error" not in rows:
        rows["drift"] = replace(rows["drift"], question="How far does the kernel move from K_0?")
    reached = {name: replace(row, chart=partial(row.chart, ranges=ranges)) for name, row in rows.items()}
    pairs(_curve(result, key, name, row) for name, row in reached.items())


@st.fragment
@one_at_a_time()
def _in_motion(result: PerturbationResult, key: str) -> None:
    """The function under each order, and the change of the kernel, under one slider."""
    in_motion(
        result,
        key,
        "change",
        "The orders in motion",
        ("orders", "change_eigenvalues", "change_block", "coupling", "t"),
        lambda one, index: kernel_change.scrubbed_tables(one, one.data, index),
        kernel_change.scrubbed_chart,
        "perturbation-change",
    )


def _end(result: PerturbationResult, arrays: Arrays, key: str) -> None:
    st.header("At the end")
    st.table(expansion_words.end_table(result), hide_index=True)
    st.caption(
        plain(
            "Medians over seeds, with their range. Residuals and errors on training points are relative to ‖r(0)‖, "
            "held-out residuals to their start; held-out errors are root mean squares in the unit of f."
        )
    )
    data_files(result, arrays)
    keep(key)
