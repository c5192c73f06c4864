"""Asking for jobs, one or many under one button: what is known, what became of them before, how far they are.

`standing` says what is known of a `Request`, `offer` draws the button that asks for the rest, and `watch` what is seen
while that is computed; `pages.shell.gathering` does all three.
"""

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

import cache
from cache import Device, Job
from cache.batch import Batch
from cache.batches import Order
from cache.run_folders import Record
from engine import jobs
from engine.problems import several
from engine.progress import Arrays
from engine.schema import Config
from pages.charts.words import duration, plain, size
from pages.shell.example import example
from pages.shell.link import draw_again, here
from pages.shell.one_at_a_time import one_at_a_time
from pages.shell.people import barred
from pages.shell.pressed import note_press, was_pressed
from pages.shell.switch import switch
from pages.shell.tools.dialogs import redrawn
from pages.shell.viewers import viewer, watchers

REDRAW = 0.5
"""Seconds between two looks at jobs in flight."""
SHOWN_FAILURES = 3

# What is asked for, and what is known of it.


@dataclass(frozen=True)
class Request:
    """Jobs of one kind under one button.

    Attributes:
        button, cancel: keys of the two buttons, unique on the page.
        groups: of configs; a page shows each when it is whole, such as the parts of a cell.
        unit: what a group is called, in the singular.
        where: names the group at a place, before what is said of it alone; empty where it needs no name.
        alone: whether it takes the place of what the viewer has asked for by this button before.
    """

    button: str
    cancel: str
    kind: str
    groups: Sequence[Sequence[Config]]
    unit: str = "computation"
    where: Callable[[int], str] = lambda place: ""
    alone: bool = False

    @cached_property
    def keys(self) -> Mapping[Config, str]:
        return {config: jobs.key(self.kind, config) for group in self.groups for config in group}

    def order(self, who: str) -> Order:
        """As the cached engine takes it."""
        return Order(who, self.button, self.key, self.kind, self.groups, self.unit, here(), self.alone)

    @property
    def single(self) -> bool:
        return len(self.keys) == 1

    @cached_property
    def key(self) -> str:
        """That of the one job, or of all of them."""
        every = "".join(self.keys.values())
        return every if self.single else hashlib.sha256(every.encode()).hexdigest()


@dataclass(frozen=True)
class Standing:
    """What is known of a request.

    Attributes:
        results: "result" entries by the hash of their config.
        failures: why a group is missing, by its place.
        cancelled: whether this viewer has cancelled any of it.
        under_way: whether all that is missing is being computed, whoever asked for it.
    """

    groups: Sequence[Sequence[Config]]
    results: Mapping[str, Arrays]
    failures: Mapping[int, str] = field(default_factory=dict)
    cancelled: bool = False
    under_way: bool = False

    @cached_property
    def missing(self) -> list[int]:
        """Places of the groups that are not there yet, wholly."""
        groups = enumerate(self.groups)
        return [place for place, group in groups if not all(config.hash in self.results for config in group)]


def batch_of(request: Request) -> Batch | None:
    """This viewer's. Looking for it counts as asking."""
    found = cache.current().batches.of(request.order(viewer()).key)
    return found.batch if found else None


def start(request: Request, joined: bool = False) -> None:
    """Starts what is missing; `joined` gives nothing up for it."""
    cache.current().batches.start(request.order(viewer()), joined)


def standing(request: Request) -> Standing:
    """What is known, without asking for anything."""
    engine, who = cache.current(), viewer()
    mine = batch_of(request)
    known = {one.hash: arrays for one in request.keys if (arrays := engine.lookup(request.kind, one)) is not None}
    if len(known) == len(request.keys):
        was_pressed(request.button)
        if mine and mine.done:
            engine.batches.forget(request.order(who).key)
    found = Standing(request.groups, {**(mine.results if mine else {}), **known})
    states = [
        (place, engine.job(request.keys[config], who))
        for place in found.missing
        for config in request.groups[place]
        if config.hash not in found.results
    ]
    failed = {place: job.error.message for place, job in states if job and job.error}
    return Standing(
        request.groups,
        found.results,
        failed | (mine.failures if mine else {}),
        cancelled=any(job is not None and job.state == "cancelled" for _, job in states),
        under_way=bool(states) and all(job is not None and not job.done for _, job in states),
    )


# On a page.


def in_flight(request: Request, found: Standing) -> bool:
    """Whether this viewer's jobs are in flight: those whose button was pressed start now, and where others have started
    all that is missing, theirs are joined."""
    if was_pressed(request.button) and not barred():
        start(request)
    mine = batch_of(request)
    if mine is not None and not mine.done:
        return True
    if found.under_way:
        start(request, joined=True)
    return found.under_way


def offer(
    request: Request,
    found: Standing,
    label: Callable[[str], str],
    notes: Sequence[str],
    primary: bool = False,
    bar: DeltaGenerator | None = None,
    like: str = "",
) -> None:
    """What became of the jobs before, by which the label is chosen, and the button that computes what is missing.

    Args:
        bar: where a second button stands in sight while one edits.
        like: name of a picture of what would come.
    """
    no = barred()
    more = {"icon": ":material/play_arrow:", "on_click": note_press, "args": (request.button,), "disabled": bool(no)}
    kind = "primary" if primary else "secondary"
    st.button(label(say_past(request, found)), type=kind, key=request.button, help=no or None, **more)
    if bar is not None:
        bar.button("Run", type="primary", key=f"{request.button} bar", help=no or None, **more)
    for note in filter(None, notes):
        st.caption(note)
    if like:
        example(like)


def say_past(request: Request, found: Standing) -> str:
    """Says what became of the jobs before: "failed", "cancelled", "left" to others, "unfinished", "finished" and gone,
    "old"; empty where nothing is known of them."""
    past = "failed" if found.failures else ""
    for message in failures(request, found):
        st.error(message, icon=":material/error:")
    if found.cancelled:
        past = _cancelled(request, found)
    elif request.single and not past:
        past = _recorded(request)
    missing = (config for place in found.missing for config in request.groups[place])
    old = next((old for config in missing if (old := cache.current().earlier(request.kind, config))), None)
    if old is not None:
        some = "" if request.single else f"Some of these {request.unit}s: "
        st.info(f"{some}{outdated(old)}", icon=":material/history:")
    return past or ("old" if old is not None else "")


def failures(request: Request, found: Standing) -> list[str]:
    """Why groups are missing, as Markdown: the first few of what is said, and how many more failed."""
    where = [(request.where(place), plain(message)) for place, message in found.failures.items()]
    said = [*dict.fromkeys(": ".join(filter(None, told)) for told in where)]
    if len(said) > SHOWN_FAILURES:
        said[SHOWN_FAILURES:] = [f"{several(len(said) - SHOWN_FAILURES, f'more {request.unit}')} failed."]
    return said


def _cancelled(request: Request, found: Standing) -> str:
    count, whole = len(request.groups), cache.current().job(request.key)
    # It also goes on for the moment that it takes to stop: only others who look keep it.
    left = whole is not None and not whole.done and watchers().others(request.key, viewer()) > 0
    if left:
        said = f"You left this {request.unit}; it goes on for another viewer."
    elif request.single:
        said = f"The {request.unit} was cancelled."
    else:
        said = f"Cancelled; {count - len(found.missing)} of {count} {request.unit}s are there."
    st.info(said, icon=":material/cancel:")
    return "left" if left else "cancelled"


def _recorded(request: Request) -> str:
    """What became of one job in an earlier life of the server."""
    record = cache.current().store.index.get(request.key)
    said = {
        "failed": f"failed: {plain(record.error) if record else ''}",
        "cancelled": "was cancelled.",
        "unfinished": "was cut short when the server stopped.",
        "finished": "finished once; its result is no longer in the cache (evicted to make room, or set aside as "
        "damaged): compute it again.",
    }
    if record is None or record.status not in said:
        return ""
    icon = {"failed": "error", "cancelled": "cancel"}.get(record.status, "history")
    (st.error if icon == "error" else st.info)(f"This {request.unit} {said[record.status]}", icon=f":material/{icon}:")
    return record.status


@st.fragment(run_every=REDRAW)
@one_at_a_time()
def watch(
    request: Request,
    known: int = 0,
    seconds: Sequence[float] = (),
    draw: Callable[[Standing, Sequence[Job]], None] | None = None,
    note: str = "",
) -> None:
    """Drives the jobs on, and shows how far they are. Looking counts as asking: they go on as long as somebody looks.

    Args:
        known: results that the page shows already: with each more it is drawn anew, unless there is `draw`.
        seconds: about what each group takes, for the time to go.
        draw: draws what has come so far.
        note: said with what computes.
    """
    mine = batch_of(request)
    if mine is not None:
        mine.step()
    if mine is None or mine.done or (draw is None and len(mine.results) > known):
        draw_again()
    found, flying = Standing(request.groups, dict(mine.results), dict(mine.failures)), [*mine.flying]
    said = _of_one(flying[0]) if request.single and flying else _of_many(request, mine, found, seconds)
    if others := watchers().notice(request.key, viewer()):
        who = "Another viewer watches" if others == 1 else f"{others} other viewers watch"
        same = request.unit if request.single else f"{request.unit}s"
        said += f"  \n{who} the same {same}: you share one computation."
    # One element whatever there is to say: those below would otherwise be built anew when it changes.
    st.markdown(said)
    with st.container(horizontal=True, vertical_alignment="center"):
        done = len(found.results) + sum(job.fraction for job in flying)
        st.progress(min(1.0, max(0.0, done / len(request.keys))))
        left = st.button("Cancel", icon=":material/stop:", key=request.cancel, on_click=_cancel, args=(request,))
    if not request.single:
        _stay(request)
    if left:
        draw_again()
    st.caption(f"{note} {computed_on(cache.current().device())}".strip())
    if draw is not None:
        with redrawn():
            draw(found, flying)


def _cancel(request: Request) -> None:
    cache.current().batches.cancel(request.order(viewer()).key)
    watchers().leave(request.key, viewer())


def _stay(request: Request) -> None:
    """Whether the batch goes on without a page, and after a restart."""
    batches = cache.current().batches
    found = batches.of(request.order(viewer()).key)
    switch(
        "go on when this page is closed",
        f"stay {request.cancel}",
        bool(found and found.stays),
        # Of whoever is there then: the switch may be older than the end of a login.
        lambda stays: batches.stay(request.order(viewer()).key, stays),
        help="Otherwise it stops half a minute after the last page that shows it.",
    )


def _of_one(job: Job) -> str:
    if job.state == "queued":
        waits = f"It waits: {plain(job.message)}." if job.message else "It starts when the compute process is free."
        return f"**Queued.** {waits}"
    where = f" on {plain(job.device)}" if job.device else ""
    doing = f": {plain(job.message)}" if job.message else ""
    return f"**Running**{where} for {duration(job.seconds)}{doing}."


def _of_many(request: Request, mine: Batch, found: Standing, seconds: Sequence[float]) -> str:
    """With the time to go by the pace so far, once there is one."""
    count, took = len(request.groups), time.monotonic() - mine.began
    left = sum(seconds[place] for place in found.missing) if seconds else 0.0
    done = sum(seconds[place] for place in mine.computed.difference(found.missing)) if seconds else 0.0
    to_go = f", about {duration(took * left / done)} to go" if done > 0 and left > 0 and took > 5 else ""
    running = [job.message for job in mine.flying if job.state == "running" and job.message]
    doing = f"; {plain(running[0])}" if running else ""
    waits = f" It waits: {plain(mine.waits)}." if mine.waits else ""
    there = f"{count - len(found.missing)} of {count} {request.unit}s"
    return f"**Running** for {duration(took)}: {there}{to_go}{doing}.{waits}"


def outdated(record: Record) -> str:
    """Of a result that an earlier version of the definitions gave."""
    when = date.fromtimestamp(record.created).isoformat() if record.created > 0 else "an unknown day"
    return f"Computed on {when} by an earlier version: compute again for the present definitions."


def computed_on(device: Device | None) -> str:
    """What computes, in words."""
    if device is None:
        return "The compute process is starting."
    kind = "CPU" if device.platform == "cpu" else device.platform.upper()
    memory = f", {size(device.memory)}" if device.memory else ""
    return f"Computes on {kind} {plain(device.name)}{memory}, on {plain(device.host)}."
