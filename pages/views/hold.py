"""Hold: what a run or a recording gave stays beneath the charts of the next ones, its answer beside theirs, until it is
released."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import streamlit as st

import cache
from engine import jobs
from engine.config import RunConfig
from engine.recording.config import RecordingConfig
from engine.recording.result import UNFINISHED
from engine.schema import ConfigError, Problem
from pages.charts.ghosts import PRESENT, RECORDED
from pages.charts.matched import per_step
from pages.charts.words import plain
from pages.shell import held
from pages.shell.figure import built
from pages.shell.gathering import Computation, gather
from pages.shell.held import Held
from pages.shell.viewers import name_given
from pages.views import compare_words, hold_words
from pages.views.compared import RESULTS
from pages.views.hold_parts import GONE, held_already, hold_button, release_button, say, under
from pages.views.hold_words import RunOrRecording, called, differ

OLD = "It is of another version of this program."
NOT_RECORDED = Problem("recording", "this is asked of runs only")

Computing = Callable[[RunOrRecording], Computation]
AsHere = Callable[[RunConfig], RunConfig]
"""A run with what the page sets instead of it."""

HELP = "Keeps this run beneath every chart, thin and dashed, while you change a setting and run again."
HELP_RECORDED = "Keeps this recording beneath every chart of others and of runs, thin and dashed."
HELD_NOW = "This run is held: change a setting and run again, and it stays beneath every chart."
HELD_RECORDED = "This recording is held: open another one or a run, and it stays beneath every chart."


# What is held, by its key: which run or recording that is, how the page sees it, what it is called beside others.


def whole(run: RunConfig) -> RunConfig:
    """Of a page that sets nothing."""
    return run


def either(
    of_run: Callable[[RunConfig], Computation], of_recording: Callable[[RecordingConfig], Computation] | None = None
) -> Computing:
    """The job that a page shows of a run, and that of a recording, if there is one. Raises `ConfigError`."""

    def computation(asked: RunOrRecording) -> Computation:
        if isinstance(asked, RunConfig):
            return of_run(asked)
        if of_recording is None:
            raise ConfigError([NOT_RECORDED])
        return of_recording(asked)

    return computation


def seen(asked: RunOrRecording, as_here: AsHere) -> RunOrRecording:
    """What is held as the page sees it; it sets nothing of a recording."""
    return as_here(asked) if isinstance(asked, RunConfig) else asked


def asked_in(config: Any) -> RunOrRecording:
    """The run or the recording that a job is of."""
    return getattr(config, "run", getattr(config, "recorded", config))


def key_of(asked: RunOrRecording, key: str) -> str:
    """By which the result of a job of this key is held: a recording by its own, so that it is gone when that is. ""
    while it grows: then there is none."""
    if isinstance(asked, RunConfig):
        return key
    return "" if asked.source.digest == UNFINISHED else jobs.key("recording", asked)


@dataclass(frozen=True)
class Kept:
    """A run, or a recording, that is held.

    Attributes:
        key: of the job by which it is held.
        asked: None where its job is not known here any more, or is of another version; `why` says which.
        here: the same with what the page sets.
        name: that somebody gave it; empty where nobody did.
    """

    key: str
    asked: RunOrRecording | None
    here: RunOrRecording | None = None
    why: str = ""
    name: str = ""

    @classmethod
    def of(cls, key: str, as_here: AsHere) -> "Kept":
        record = cache.current().store.index.get(key)
        if record is None:
            return cls(key, None, why=GONE)
        values: Any = record.values
        try:
            if record.kind.startswith("recording"):
                asked = RecordingConfig.from_dict(dict(values.get("recorded", values)))
            else:
                asked = RunConfig.from_dict(dict(values.get("run", values)))
        except ConfigError:
            return cls(key, None, why=OLD)
        return cls(key, asked, seen(asked, as_here), "", name_given(key))


@dataclass(frozen=True)
class Side:
    """Something held beside the present one: what both are called, and in what they differ."""

    kept: Kept
    name: str
    place: int


def sides(asked: RunOrRecording, as_here: AsHere) -> tuple[list[Side], str, str]:
    """What is held but this one, what this one is called beside them, and what differs, in a line."""
    every, here = [Kept.of(key, as_here) for key in held.now()], seen(asked, as_here)
    others = [one for one in every if one.here != here]
    known = [(one, one.here) for one in others if one.here is not None]
    names = called([*(there for _, there in known), here], [*(one.name for one, _ in known), ""])
    by_key = {one.key: name for (one, _), name in zip(known, names, strict=False)}
    found = [Side(one, by_key.get(one.key, "a held result"), place) for place, one in enumerate(others)]
    return found, names[-1], differ([there for _, there in known], here)


# Beside what a page shows.


@dataclass(frozen=True)
class Present:
    """What a page shows, and how it sees others.

    Attributes:
        page: whose answer it is.
        result, key: of the job, or of a recording that grows.
        computation: the same job of others. Raises `ConfigError` where there can be none.
        answer: of a result.
        as_here: held runs that it makes one with the present one are not drawn beneath it.
    """

    page: str
    result: Any
    key: str
    computation: Computing
    answer: Callable[[Any], str]
    as_here: AsHere = whole

    @property
    def asked(self) -> RunOrRecording:
        return asked_in(self.result.config)

    @property
    def held_key(self) -> str:
        """By which it is held; "" where it cannot be yet."""
        return key_of(self.asked, self.key)


def waiting(asked: RunOrRecording | None, as_here: AsHere = whole) -> None:
    """What is held, while the page has no result of its own to put it beneath."""
    if asked is None or not held.now():
        return
    found, _, line = sides(asked, as_here)
    if not found:
        return
    with st.container(horizontal=True, vertical_alignment="center", key="held"):
        st.markdown(line)
        for side in found:
            _release(side)


@contextmanager
def beside(present: Present) -> Iterator[None]:
    """Within it the page gives its answer. Those of what is held stand beside, and their results beneath its charts."""
    held.lay(present.key, ())
    if not held.now():
        yield
        _hold(present)
        return
    found, own, line = sides(present.asked, present.as_here)
    if not found:
        yield
        _held_now(present)
        return
    told = st.empty()
    told.markdown(line)
    first, *others = st.columns(1 + len(found), gap="medium")
    what = RECORDED if _recorded(present) else PRESENT
    with under(first, f"{what}, {own}"):
        yield
        _hold(present) if len(found) == len(held.now()) else _held_now(present)
    there = [one for column, side in zip(others, found, strict=True) if (one := _other(column, present, side))]
    held.lay(present.key, there)
    told.markdown(" ".join(filter(None, [line, *(_meets(present, one) for one in there)])))
    _ends(present, [one for one in there if one.per_step is not None])


def _ends(present: Present, there: list[Held]) -> None:
    """That they did not stop at one t."""
    every = " ".join([present.key, *(one.key for one in there)])
    results = [present.result, *(one.result for one in there)]
    if said := built(f"ends {every}", lambda: compare_words.ends(results)):
        st.caption(said)


def _meets(present: Present, one: Held) -> str:
    """Where one of both is a recording: how their times meet, and what the held one lacks."""

    def said() -> str:
        asked = one.name, present.result, replace(one, per_step=0.0).result
        return " ".join(filter(None, (hold_words.meeting(*asked), hold_words.lacking(*asked))))

    return built(f"meets {present.key} {one.key} {one.name}", said)


def _recorded(present: Present) -> bool:
    return isinstance(present.asked, RecordingConfig)


def _hold(present: Present) -> None:
    if key := present.held_key:
        hold_button(partial(held.add, key), len(held.now()), HELP_RECORDED if _recorded(present) else HELP)


def _held_now(present: Present) -> None:
    """Of a present one that is held already."""
    here = seen(present.asked, present.as_here)
    own = [one for one in held.now() if Kept.of(one, present.as_here).here == here]
    held_already(HELD_RECORDED if _recorded(present) else HELD_NOW, partial(held.release, *own))


def _release(side: Side) -> None:
    release_button(side.name, side.kept.key, partial(held.release, side.kept.key))


def _other(column: Any, present: Present, side: Side) -> Held | None:
    """Something held: its answer, or the button that starts what this page shows of it."""
    with under(column, side.name, side.place):
        found = _result(present, side)
        _release(side)
    return found


def _result(present: Present, side: Side) -> Held | None:
    if side.kept.asked is None:
        st.caption(side.kept.why)
        return None
    try:
        asked = present.computation(side.kept.asked)
    except ConfigError as error:
        st.caption(plain(f"This page can say nothing of it: {error.problems[0]}"))
        return None
    note = "This page has no result of it yet."
    if asked not in gather(f"held {side.place}", "Compute it", [asked], note):
        return None
    key = jobs.key(asked.kind, asked.config)
    one = Held(side.name, side.place, key, asked.kind, asked.config, RESULTS[asked.kind])
    said = built(f"answer {present.page} {key}", lambda: present.answer(one.result))
    say(said)
    rate = built(f"per step {present.key} {key}", lambda: _per_step(present.result, one))
    return one if rate == 0 else replace(one, key=f"{key} by step {rate}", per_step=rate)


def _per_step(own: Any, one: Held) -> float | None:
    """As of `pages.charts.matched.per_step`, of results that have times."""
    return per_step(own, one.result) if own.seeds else 0.0
