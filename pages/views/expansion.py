"""One run, expanded: residuals, errors with bounds, modes, Delta K in motion, the table of ends.

What is built for a run is kept by its key (never by its arrays), so that a redraw builds nothing again.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, Literal

import streamlit as st

from engine import jobs
from engine.config import RunConfig
from engine.data import generate
from engine.perturbation import cost
from engine.perturbation.config import Options, PerturbationConfig
from engine.perturbation.result import PerturbationResult
from engine.progress import Arrays
from engine.schema import ConfigError
from pages.charts import expansion, kernel_change
from pages.charts.theme import Table
from pages.charts.words import plain
from pages.run.controls import described
from pages.shell import calibration, downloads, player
from pages.shell.batch import Wanted, gather
from pages.shell.figure import Prepared
from pages.views import evolution, expansion_words


def wanted_of(run: RunConfig, options: Options | None = None) -> Wanted:
    """The perturbation of a run. Raises `ConfigError`: what cannot be expanded, or costs too much."""
    config = PerturbationConfig.of(run, options)
    return Wanted("perturbation", config, cost.check(config, calibration=calibration.measured()).seconds)


PATHS: dict[str, Literal["hermite", "linear"]] = {"cubic": "hermite", "linear": "linear"}
"""How the kernel goes from checkpoint to checkpoint."""
KEPT = 64
"""Built tables and charts kept, over all runs."""
LIMITS = {
    "bound P2": ("P2",),
    "with estimates": ("P2", "P3", "P4"),
    "with Grönwall": ("P2", "groenwall"),
    "of each order": ("remainder_0", "remainder_1", "remainder_2"),
}
"""Which limits are drawn with the errors."""


def show(run: RunConfig) -> None:
    """The perturbation of this run, or the way to it."""
    try:
        wanted = wanted_of(run, _options())
    except ConfigError as error:
        lines = [f"- {described(problem)}" for problem in error.problems]
        st.error("\n".join(["This run cannot be expanded:", "", *lines]), icon=":material/rule:")
        return
    found = gather("expansion", "Train and expand this run", [wanted], "If every step up to the cap is taken:")
    if wanted in found:
        arrays = found[wanted]
        _full(PerturbationResult.from_arrays(dict(arrays)), arrays)


def _options() -> Options:
    """How the run is expanded; folded away, for the defaults do."""
    with st.popover("options", icon=":material/tune:", type="tertiary"):
        path = st.segmented_control(
            "$K_t$ between checkpoints",
            list(PATHS),
            default="cubic",
            required=True,
            key="perturb path",
            help="Cubic from values and slopes $K'_t$ (Hermite), or linear. For ReLU, whose $K_t$ jumps, neither wins.",
        )
        between = st.segmented_control(
            "times between checkpoints",
            [0, 1, 3],
            default=0,
            required=True,
            key="perturb between",
            help="The orders are also given there; the network is measured at checkpoints only.",
        )
    return Options(interpolation=PATHS[path], between=between)


def _full(result: PerturbationResult, arrays: Arrays) -> None:
    key = jobs.key("perturbation", result.config)
    st.caption(plain(expansion_words.facts(result)))
    evolution.of_data(result.notes)
    evolution.numbers(expansion_words.headlines(result))
    st.markdown(" ".join(expansion_words.sentences(result)))
    st.caption(expansion_words.dynamics(result))
    _over_time(result, key)
    _by_mode(result, key)
    _change(result, key)
    _in_motion(result, key)
    _end(result, arrays, key)


@st.fragment
def _over_time(result: PerturbationResult, key: str) -> None:
    """Residuals above errors, training points left of held-out ones."""
    st.subheader("Order by order")
    with st.container(horizontal=True):
        axis = st.segmented_control("time axis", ["log", "linear"], default="log", required=True, key="perturb axis")
        limits = st.segmented_control(
            "limits", list(LIMITS), default="bound P2", required=True, key="perturb limits", help="Drawn dashed."
        )
    log_time = axis == "log"
    left, right = st.columns(2, gap="large")
    with left:
        _curve(result, key, "order_residual", expansion.residual_table, expansion.residual_chart, log_time)
        table = partial(expansion.error_table, bounds=LIMITS[limits])
        _curve(result, key, "order_error", table, expansion.error_chart, log_time, limits)
    with right:
        table = partial(expansion.residual_table, held_out=True)
        chart = partial(expansion.residual_chart, held_out=True)
        _curve(result, key, "order_residual_test", table, chart, log_time)
        table, chart = expansion.error_held_out_table, expansion.error_held_out_chart
        _curve(result, key, "order_error_test", table, chart, log_time)


EXPLAINED = {
    "order_residual": ("order_residual", "orders", "t"),
    "order_residual_test": ("order_residual_test", "orders", "t"),
    "order_error": ("order_error", "floor", "bound_P2", "estimates", "groenwall", "remainder", "orders"),
    "order_error_test": ("order_error_test", "orders"),
    "drift": ("drift", "drift_predicted", "t"),
    "drift_predicted_error": ("drift_predicted_error", "drift_predicted"),
}
"""The quantities behind a chart over t."""


def _curve(
    result: PerturbationResult,
    key: str,
    name: str,
    table: Callable[[PerturbationResult], Table],
    chart: Callable[..., Any],
    log_time: bool,
    limits: str = "",
) -> None:
    built = _table(result, key, name + limits, table)
    with st.container(horizontal=True, horizontal_alignment="right", key=f"tools_{name}"):
        evolution.about(EXPLAINED[name], f"perturbation-{name}", partial(chart, built.frame, log_time=log_time))
    drawn = _chart(key, name + limits, log_time, partial(chart, built.frame, log_time=log_time))
    with st.container(key=f"drawn_{name}"):
        st.altair_chart(drawn, width="stretch", key=f"chart_{name}")
    evolution.say(built.notes)


def _seed_choice(result: PerturbationResult, name: str) -> int:
    """The position of the seed to look at."""
    seeds = [seed.facts["seed"] for seed in result.seeds]
    if len(seeds) == 1:
        return 0
    return seeds.index(st.segmented_control("seed", seeds, default=seeds[0], required=True, key=f"{name} seed {seeds}"))


@st.fragment
def _by_mode(result: PerturbationResult, key: str) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        index = _seed_choice(result, "modes")
        table = _modes(result, key, index)
        evolution.about(("contributions", "orders"), "perturbation-modes", lambda: expansion.modes_chart(table.frame))
    with st.container(key="evolution_modes"):
        drawn = _chart(key, f"modes {index}", True, lambda: expansion.modes_chart(table.frame))
        st.altair_chart(drawn, width="content", key="chart_modes")
    evolution.say(table.notes)


def _change(result: PerturbationResult, key: str) -> None:
    """How far the kernel moves, and what initialisation alone says of it."""
    st.subheader("The change of the kernel")
    ranges = tuple(float(seed["taylor_range"]) for seed in result.seeds if "taylor_range" in seed)
    left, right = st.columns(2, gap="large")
    with left:
        chart = partial(expansion.drift_chart, ranges=ranges)
        _curve(result, key, "drift", expansion.drift_table, chart, log_time=True)
    if len(ranges) == len(result.seeds):
        with right:
            chart = partial(expansion.prediction_chart, ranges=ranges)
            _curve(result, key, "drift_predicted_error", expansion.prediction_table, chart, log_time=True)


@st.fragment
def _in_motion(result: PerturbationResult, key: str) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        index = _seed_choice(result, "motion")
        tables = _scrubbed(result, key, index)
        evolution.about(
            ("orders", "change_eigenvalues", "change_block", "coupling", "t"),
            "perturbation-change",
            lambda: kernel_change.scrubbed_chart(tables),
        )
    last = len(tables.labels) - 1
    drawn: Any = _chart(key, f"scrubbed {index}", True, lambda: kernel_change.scrubbed_chart(tables, start=last))
    description = "The function under each order, and the change of the kernel, moving with the checkpoints."
    player.show(drawn, tables.labels, key=f"evolution_change_{index}", start=last, description=description)
    evolution.say(tables.notes)


def _end(result: PerturbationResult, arrays: Arrays, key: str) -> None:
    st.subheader("At the end")
    st.table(expansion_words.end_table(result), hide_index=True)
    st.caption(
        plain("Medians over seeds, with their range. Residuals and errors on training points are relative to ‖r(0)‖, ")
        + plain("held-out residuals to their start; held-out errors are root mean squares in the unit of f.")
    )
    downloads.data_files(result, arrays)
    evolution.keep(key)


# Built once per run. Arguments that begin with an underscore are not part of the key.


@st.cache_resource(max_entries=KEPT, show_spinner=False)
def _table(_result: PerturbationResult, key: str, name: str, _build: Callable[[PerturbationResult], Table]) -> Table:
    return _build(_result)


@st.cache_resource(max_entries=KEPT, show_spinner=False)
def _modes(_result: PerturbationResult, key: str, index: int) -> Table:
    return expansion.modes_table(_result.seeds[index])


@st.cache_resource(max_entries=KEPT, show_spinner=False)
def _scrubbed(_result: PerturbationResult, key: str, index: int) -> kernel_change.ScrubbedTables:
    return kernel_change.scrubbed_tables(_result, generate(_result.config.run.data), index)


@st.cache_resource(max_entries=KEPT, show_spinner=False)
def _chart(key: str, name: str, log_time: bool, _chart: Callable[[], Any]) -> Any:
    return Prepared(_chart())
