"""Asking for a run: its button, its curves while it trains, what became of it before."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from math import isfinite

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

import cache
from cache.job import Row
from engine.config import RunConfig
from engine.cost import Cost
from engine.cost import check as check_cost
from engine.progress import Arrays
from engine.quantities import QUANTITIES
from pages.charts.evolution import live_curve
from pages.charts.specification import Specification
from pages.charts.words import duration, number, size
from pages.run import draft_state, named_run
from pages.run.controls import RunFormState, described, say_in_short
from pages.run.presets import DEFAULT
from pages.shell import calibration
from pages.shell.figure import Figure, under_tools
from pages.shell.form import in_need, refuse
from pages.shell.gathering import UNKNOWN, Computation, start_if_cheap, tried
from pages.shell.jobs import Request, computed_on, in_flight, offer, standing, start, watch
from pages.shell.people import may_compute

# Curves that grow while a run trains.

SHOWN = ("loss", "drift")
KEPT = "live_drawing"

TELLING = 1.2
"""Times the seconds of float32 from which those of float64 are told beside."""

PAUSE = 2.0
"""Seconds between drawings. A browser without a GPU takes half a second for one, of a core that training needs."""


@dataclass(frozen=True)
class Drawing:
    """Curves as last drawn; `due` is when newer rows are worth another."""

    key: str
    rows: int
    figures: tuple[Figure, ...]
    charts: tuple[Specification, ...]
    due: float


def live_curves(key: str, rows: Sequence[Row]) -> None:
    """Loss and drift of every seed of the job so far, side by side."""
    if not rows:
        st.caption("The first points come when the network and its kernel are compiled, a few seconds after the start.")
        return
    drawing = st.session_state.get(KEPT)
    if drawing is None or drawing.key != key or (len(rows) > drawing.rows and time.monotonic() >= drawing.due):
        drawing = st.session_state[KEPT] = _drawn(key, rows)
    with st.container(key="live"):
        both = zip(st.columns(len(SHOWN), gap="large"), drawing.figures, drawing.charts, strict=True)
        for column, figure, chart in both:
            with column, under_tools(figure):
                st.vega_lite_chart(spec=chart(), width="stretch", key=figure.name, alt=chart.said)


def _drawn(key: str, rows: Sequence[Row]) -> Drawing:
    frame = pd.DataFrame([dict(row) for row in rows])
    figures = tuple(_live(frame, name) for name in SHOWN)
    charts = tuple(Specification.of(figure.draw()) for figure in figures)
    return Drawing(key, len(rows), figures, charts, time.monotonic() + PAUSE)


def _live(frame: pd.DataFrame, name: str) -> Figure:
    question, chart = f"{QUANTITIES[name].label.capitalize()} so far", partial(live_curve, frame, name)
    return Figure(f"live_{name}", question, (name,), chart, frame.filter(["seed", "t", name]), file=f"{name}-so-far")


# Asking the cache: run, cancel, retry, and the live view while a run is in flight.

LABELS = {"": "Run", "left": "Watch again", "old": "Compute again"}
"""Of the button, by what became of the run before (`pages.shell.jobs.say_past`); "Run again" for the rest."""


def request_of(config: RunConfig) -> Request:
    return Request("run", "cancel", "run", [[config]], "run")


def computation(config: RunConfig) -> Computation:
    """A run as `gather` takes it. Raises `ConfigError`: it costs too much."""
    return Computation("run", config, check_cost(config, calibration=calibration.measured()).seconds)


def show(asked: RunFormState, known: Callable[[RunConfig], bool] | None = None) -> Arrays | None:
    """The result of what is asked for; else what to mend, what it costs, how far it is or why it failed.

    Args:
        known: says what is known of a run that is not here, and whether anything is.
    """
    if asked.config is None:
        if why := draft_state.missing():
            named_run.refuse(why, "run")
            _to_the_default()
        else:
            _mend(asked)
        draft_state.write_url()
        return None
    request = request_of(asked.config)
    if asked.cost is not None:
        say_in_short(asked.bar, asked.config, asked.cost.seconds)
    arrays = _result(request, asked.cost, asked.bar, partial(known, asked.config) if known else None)
    draft_state.write_url(request.key)
    return arrays


def _mend(asked: RunFormState) -> None:
    """Every problem once more, in one place, and the way back."""
    needed = in_need(len({problem.field for problem in asked.problems}))
    refuse(f"{needed} before this can run:", map(described, asked.problems))
    _to_the_default()


def _to_the_default() -> None:
    st.button("Back to the default preset", icon=":material/undo:", on_click=draft_state.load_preset, args=(DEFAULT,))


def start_first_run(config: RunConfig) -> Arrays | None:
    """The result of a small run that a first visitor should see: started by itself when it was never tried here."""
    request, engine = request_of(config), cache.current()
    if not (engine.lookup("run", config) or tried(request)) and may_compute():
        start(request)
    return _result(request, None)


def _result(
    request: Request,
    cost: Cost | None,
    bar: DeltaGenerator | None = None,
    known: Callable[[], bool] | None = None,
) -> Arrays | None:
    """The result; else the button, or the curves as they grow."""
    found = standing(request)
    if cost is not None:
        start_if_cheap(request, found, cost.seconds)
        draft_state.write_url(request.key)  # what starts is listed with its link
    if found.missing and in_flight(request, found):
        watch(request, draw=lambda found, flying: live_curves(request.key, flying[0].rows if flying else ()))
    elif found.missing:
        notes = [(costs(cost) or UNKNOWN) if cost else "", computed_on(cache.current().device())]
        if known is not None and known():
            offer(request, found, lambda past: "Compute the whole run", notes, primary=True, bar=bar)
        else:
            offer(request, found, _label, notes, primary=True, bar=bar, like="evolution" if bar else "")
    return next(iter(found.results.values()), None)


def _label(past: str) -> str:
    if not past:
        st.markdown("These settings have not been computed on this machine yet.")
    return LABELS.get(past, "Run again")


def costs(cost: Cost) -> str:
    """The estimate in words; empty where there is none."""
    if not isfinite(cost.seconds + cost.flops):
        return ""
    kept = f", {size(cost.stored_bytes)} on disk" if cost.stored_bytes else ""
    longer = ""
    if cost.float64_seconds > TELLING * cost.seconds:
        longer = f" ({duration(cost.float64_seconds)} if float32 does not resolve the run)"
    return (
        f"An estimated {duration(cost.seconds)}{longer} on this machine with nothing else to do, and "
        f"{number(cost.flops, 2)} floating-point operations, if every step up to the cap is taken; "
        f"{size(cost.memory_bytes)} of memory{kept}."
    )
