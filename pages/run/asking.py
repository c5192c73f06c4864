"""Asking for a run: its button, its curves while it trains, what became of it before."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

import cache
from cache import Job
from cache.job import Row
from engine import jobs
from engine.config import RunConfig
from engine.cost import Cost
from engine.progress import Arrays
from pages.charts.curves import live_curve
from pages.charts.specification import Specification
from pages.charts.words import duration, number, plain, size
from pages.run import draft_state
from pages.run.controls import Asked, described
from pages.run.presets import DEFAULT
from pages.shell.batch import REDRAW, computed_on, outdated, queued
from pages.shell.viewers import viewer, watchers

# Curves that grow while a run trains.

SHOWN = ("loss", "drift")
KEPT = "live_drawing"

PAUSE = 2.0
"""Seconds between drawings. A browser without a GPU takes half a second for one, of a core that training needs."""


@dataclass(frozen=True)
class Drawing:
    """Curves as last drawn; `due` is when newer rows are worth another."""

    key: str
    rows: int
    charts: tuple[Specification, ...]
    due: float


def live_curves(key: str, rows: Sequence[Row]) -> None:
    """Loss and drift of every seed of the job so far, side by side."""
    drawing = st.session_state.get(KEPT)
    if drawing is None or drawing.key != key or (len(rows) > drawing.rows and time.monotonic() >= drawing.due):
        drawing = st.session_state[KEPT] = _drawn(key, rows)
    with st.container(key="live"):
        for column, name, chart in zip(st.columns(len(SHOWN), gap="large"), SHOWN, drawing.charts, strict=True):
            column.vega_lite_chart(spec=chart(), width="stretch", key=f"live_{name}")


def _drawn(key: str, rows: Sequence[Row]) -> Drawing:
    frame = pd.DataFrame([dict(row) for row in rows])
    charts = tuple(Specification.of(live_curve(frame, name)) for name in SHOWN)
    return Drawing(key, len(rows), charts, time.monotonic() + PAUSE)


# Asking the cache: run, cancel, retry, and the live view while a run is in flight.

KIND = "run"
GONE = (
    "This run finished once; its result is no longer in the cache (evicted to make room, or set aside as damaged): "
    "compute it again."
)


def show(asked: Asked) -> Arrays | None:
    """The result of what is asked for; else what to mend, what it costs, how far it is or why it failed."""
    config, key = asked.config, ""
    arrays = None
    if config is None:
        _mend(asked)
    else:
        key = jobs.key(KIND, config)
        arrays = cache.current().lookup(KIND, config)
        if arrays is None:
            _ask(config, key, asked.cost)
    draft_state.write_url(key)
    return arrays


def _mend(asked: Asked) -> None:
    """Every problem once more, in one place, and the way back."""
    count = len({problem.field for problem in asked.problems})
    lines = [f"- {described(problem)}" for problem in asked.problems]
    needed = "One setting needs" if count == 1 else f"{count} settings need"
    st.error("\n".join([f"{needed} a change before this can run:", "", *lines]), icon=":material/rule:")
    st.button("Back to the default preset", icon=":material/undo:", on_click=draft_state.load_preset, args=(DEFAULT,))


def greet(config: RunConfig) -> Arrays | None:
    """The result of a small run that a first visitor should see: started by itself when it was never tried here."""
    key = jobs.key(KIND, config)
    arrays = cache.current().lookup(KIND, config)
    if arrays is not None:
        return arrays
    tried = cache.current().job(key) or cache.current().store.index.get(key)
    if not tried:
        request(config)
    _ask(config, key, None)
    return None


def request(config: RunConfig) -> None:
    """Starts a run, or joins the one that somebody else has started."""
    cache.current().retry(KIND, config, viewer())


def _ask(config: RunConfig, key: str, cost: Cost | None) -> None:
    job = cache.current().job(key, viewer())
    if job is not None and not job.done:
        watch(config)
        return
    label, start = "Run", st.container()
    if job is not None and job.state == "failed" and job.error:
        start.error(plain(job.error.message), icon=":material/error:")
        label = "Run again" if job.error.reason != "config" else "Try again"
    elif job is not None and job.state == "cancelled":
        whole = cache.current().job(key)
        # It also goes on for the moment that it takes to stop: only others who look keep it.
        goes_on = whole is not None and not whole.done and watchers().others(key, viewer()) > 0
        start.info(
            "You left this run; it goes on for another viewer." if goes_on else "The run was cancelled.",
            icon=":material/cancel:",
        )
        label = "Watch again" if goes_on else "Run again"
    else:
        label = _before(start, key, config) or label
    st.button(label, type="primary", icon=":material/play_arrow:", on_click=request, args=(config,), key="run")
    st.caption(costs(cost) if cost else "")
    st.caption(computed_on(cache.current().device()))


def _before(place: DeltaGenerator, key: str, config: RunConfig) -> str:
    """What became of this run in an earlier life of the server; gives the label of the button."""
    record = cache.current().store.index.get(key)
    status = record.status if record else ""
    if status == "unfinished":
        place.info("This run was cut short when the server stopped.", icon=":material/history:")
    elif status == "failed" and record:
        place.error(f"This run failed: {plain(record.error)}", icon=":material/error:")
    elif status == "cancelled":
        place.info("This run was cancelled.", icon=":material/cancel:")
    elif status == "finished":
        place.info(GONE, icon=":material/history:")
    else:
        return _by_an_earlier_version(place, config)
    return "Run again"


def _by_an_earlier_version(place: DeltaGenerator, config: RunConfig) -> str:
    """Whether the definitions have changed since this run was computed; gives the label of the button."""
    if old := cache.current().earlier(KIND, config):
        place.info(outdated(old), icon=":material/history:")
        return "Compute again"
    place.markdown("These settings have not been computed on this machine yet.")
    return ""


@st.fragment(run_every=REDRAW)
def watch(config: RunConfig) -> None:
    """Progress and growing curves. Looking counts as asking, so the run goes on as long as somebody looks."""
    job = cache.current().request(KIND, config, viewer())
    if job.done:
        st.rerun()
    _state(job, watchers().look(job.key, viewer()))
    with st.container(horizontal=True, vertical_alignment="center"):
        st.progress(min(1.0, max(0.0, job.fraction)))
        left = st.button("Cancel", icon=":material/stop:", key="cancel")
    if left:
        cache.current().cancel(job.key, viewer())
        watchers().leave(job.key, viewer())
        st.rerun()
    if job.rows:
        live_curves(job.key, job.rows)
    else:
        st.caption("The first points come when the network and its kernel are compiled, a few seconds after the start.")
    st.caption(computed_on(cache.current().device()))


def _state(job: Job, others: int) -> None:
    where = f" on {plain(job.device)}" if job.device else ""
    doing = f": {plain(job.message)}" if job.message else ""
    said = f"**Running**{where} for {duration(job.seconds)}{doing}."
    if job.state == "queued":
        said = f"**Queued.** {queued(job)}"
    if others:
        who = "Another viewer watches" if others == 1 else f"{others} other viewers watch"
        said += f"  \n{who} the same run: you share one computation."
    # One element whatever there is to say: those below would otherwise be built anew when it changes.
    st.markdown(said)


def costs(cost: Cost) -> str:
    """The estimate in words; empty where there is none."""
    if not isfinite(cost.seconds + cost.flops):
        return ""
    kept = f", {size(cost.stored_bytes)} on disk" if cost.stored_bytes else ""
    return (
        f"An estimated {duration(cost.seconds)} on this machine with nothing else to do, and {number(cost.flops, 2)} "
        f"floating-point operations, if every step up to the cap is taken; {size(cost.memory_bytes)} of memory{kept}."
    )
