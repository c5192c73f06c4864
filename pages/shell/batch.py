"""Several jobs under one button: ask, watch, cancel; results come as they are done."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TypeVar

import streamlit as st

import cache
from cache import Device, Job
from cache.run_folders import Record
from engine import jobs
from engine.progress import Arrays
from engine.schema import Config, Problem
from pages.charts.words import duration, plain, size
from pages.shell.viewers import viewer

REDRAW = 0.5
"""Seconds between two looks at a run in flight."""


@dataclass(frozen=True)
class Wanted:
    """A job as `pages.shell.batch.gather` takes it.

    Attributes:
        seconds: at most, on the machine that computes.
    """

    kind: str
    config: Config
    seconds: float


def of_run(problem: Problem) -> Problem:
    """A problem with the name that the controls of a run know: "training.momentum"."""
    return Problem(problem.field.removeprefix("run."), problem.message)


AnyWanted = TypeVar("AnyWanted", bound=Wanted)


def gather(name: str, label: str, wanted: Sequence[AnyWanted], note: str = "") -> dict[AnyWanted, Arrays]:
    """What is known of the jobs; for the rest a button, or how far they are.

    Args:
        name: of the button, unique on the page.
        label: of the button.
        note: said beneath it.
    """
    engine = cache.current()
    looked = {one: engine.lookup(one.kind, one.config) for one in wanted}
    found = {one: arrays for one, arrays in looked.items() if arrays is not None}
    missing = [one for one in wanted if one not in found]
    if not missing:
        return found
    states = [engine.job(jobs.key(one.kind, one.config), viewer()) for one in missing]
    flying = [one for one, job in zip(missing, states, strict=True) if job is not None and not job.done]
    if flying:
        watch(name, tuple((one.kind, one.config) for one in flying), len(wanted))
        return found
    failed = {job.error.message for job in states if job is not None and job.state == "failed" and job.error}
    for message in sorted(failed):
        st.error(plain(message), icon=":material/error:")
    if any(job is not None and job.state == "cancelled" for job in states):
        st.info(f"Cancelled; {len(found)} of {len(wanted)} are done.", icon=":material/cancel:")
    olds = [old for one in missing if (old := engine.earlier(one.kind, one.config)) is not None]
    if olds:
        st.info(outdated(max(olds, key=lambda old: old.created)), icon=":material/history:")
    st.button(
        label,
        icon=":material/play_arrow:",
        key=f"ask {name}",
        on_click=request,
        args=(tuple((one.kind, one.config) for one in missing),),
    )
    about = f"About {duration(max(1.0, sum(one.seconds for one in missing)))} of computing."
    st.caption(" ".join(filter(None, [note, about])))
    return found


def request(missing: Sequence[tuple[str, Config]]) -> None:
    """Starts the jobs, or joins those that somebody else has started."""
    for kind, config in missing:
        cache.current().retry(kind, config, viewer())


@st.fragment(run_every=REDRAW)
def watch(name: str, flying: Sequence[tuple[str, Config]], count: int) -> None:
    """Progress of the jobs in flight. The page is drawn anew with each that ends."""
    found: Mapping[Config, Job] = {config: cache.current().request(kind, config, viewer()) for kind, config in flying}
    if any(job.done for job in found.values()):
        st.rerun()
    done = count - len(flying) + sum(job.fraction for job in found.values())
    running = [job for job in found.values() if job.state == "running"]
    doing = plain(running[0].message) if running and running[0].message else "waiting for the compute process"
    several = f" {count - len(flying)} of {count} done;" if count > 1 else ""
    st.markdown(f"**Running.**{several} {doing}.")
    with st.container(horizontal=True, vertical_alignment="center"):
        st.progress(min(1.0, max(0.0, done / max(count, 1))))
        left = st.button("Cancel", icon=":material/stop:", key=f"cancel {name}")
    if left:
        for kind, config in flying:
            cache.current().cancel(jobs.key(kind, config), viewer())
        st.rerun()
    st.caption(computed_on(cache.current().device()))


def outdated(record: Record) -> str:
    """Of a result that an earlier version of the definitions gave."""
    when = date.fromtimestamp(record.created).isoformat() if record.created > 0 else "an unknown day"
    return f"Computed on {when} by an earlier version: compute again for the present definitions."


def queued(job: Job) -> str:
    """What a job in the queue waits for."""
    return f"It waits: {plain(job.message)}." if job.message else "It starts when the compute process is free."


def computed_on(device: Device | None) -> str:
    """What computes, in words."""
    if device is None:
        return "The compute process is starting."
    kind = "CPU" if device.platform == "cpu" else device.platform.upper()
    memory = f", {size(device.memory)}" if device.memory else ""
    return f"Computes on {kind} {plain(device.name)}{memory}, on {plain(device.host)}."
