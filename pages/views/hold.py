"""Hold: what a run or a recording gave stays beneath the charts of the next ones, its answer beside theirs, until it is
released."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import streamlit as st

from engine import jobs
from engine.recording.config import RecordingConfig
from engine.schema import ConfigError
from pages.charts.ghosts import PRESENT, RECORDED
from pages.charts.matched import per_step
from pages.charts.words import plain
from pages.shell import held
from pages.shell.figure import built
from pages.shell.gathering import gather
from pages.shell.held import Held
from pages.views import compare_words, hold_words
from pages.views.compared import RESULTS
from pages.views.hold_kept import AsHere, Computing, Kept, Side, asked_in, key_of, seen, sides, whole
from pages.views.hold_parts import held_already, hold_button, release_button, say, under
from pages.views.hold_words import RunOrRecording

HELP = "Keeps this run beneath every chart, thin and dashed, while you change a setting and run again."
HELP_RECORDED = "Keeps this recording beneath every chart of others and of runs, thin and dashed."
HELD_NOW = "This run is held: change a setting and run again, and it stays beneath every chart."
HELD_RECORDED = "This recording is held: open another one or a run, and it stays beneath every chart."


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
