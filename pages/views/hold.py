"""Hold: what a run gave stays beneath the charts of the next ones, its answer beside theirs, until it is released."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import streamlit as st

import cache
from cache.claims import claimant
from cache.ownership import title
from engine import jobs
from engine.config import RunConfig
from engine.schema import ConfigError
from pages.charts.words import plain
from pages.run.differing import from_to, in_one_line, labels, settings_in
from pages.shell import held
from pages.shell.figure import built
from pages.shell.gathering import Computation, gather
from pages.shell.held import Held
from pages.shell.viewers import viewer
from pages.views import compare_words
from pages.views.compared import RESULTS
from pages.views.hold_parts import GONE, held_already, hold_button, release_button, say, under

HELP = "Keeps this run beneath every chart, thin and dashed, while you change a setting and run again."
HELD_NOW = "This run is held: change a setting and run again, and it stays beneath every chart."
OLD = "It is of another version of this program."


Computing = Callable[[RunConfig], Computation]
AsHere = Callable[[RunConfig], RunConfig]
"""A run with what the page sets instead of it."""


def whole(run: RunConfig) -> RunConfig:
    """Of a page that sets nothing."""
    return run


@dataclass(frozen=True)
class Kept:
    """A run that is held.

    Attributes:
        key: of the job by which it is held.
        run: None where its job is not known here any more, or is of another version; `why` says which.
        here: the same run with what the page sets.
        name: that somebody gave it; empty where nobody did.
    """

    key: str
    run: RunConfig | None
    here: RunConfig | None = None
    why: str = ""
    name: str = ""

    @classmethod
    def of(cls, key: str, as_here: AsHere) -> "Kept":
        store = cache.current().store
        record = store.index.get(key)
        if record is None:
            return cls(key, None, why=GONE)
        values: Any = record.values
        try:
            run = RunConfig.from_dict(dict(values.get("run", values)))
        except ConfigError:
            return cls(key, None, why=OLD)
        return cls(key, run, as_here(run), "", title(store.claims.listed(key), claimant(viewer())))


@dataclass(frozen=True)
class Side:
    """A held run beside the present one: what both are called, and in what they differ."""

    kept: Kept
    name: str
    place: int


def _sides(run: RunConfig, as_here: AsHere) -> tuple[list[Side], str, str]:
    """The held runs but this one, what this one is called beside them, and what differs, in a line."""
    every, here = [Kept.of(key, as_here) for key in held.now()], as_here(run)
    others = [one for one in every if one.here != here]
    known = [one for one in others if one.here is not None]
    settings = [settings_in(one.here.to_dict()) for one in (*known, Kept("", run, here)) if one.here]
    names = labels(settings, [*(one.name for one in known), ""], ["run"] * len(settings))
    called: Mapping[str, str] = {one.key: name for one, name in zip(known, names, strict=False)}
    sides = [Side(one, called.get(one.key, "a held run"), place) for place, one in enumerate(others)]
    line = f"Held: {from_to(*settings)}." if len(settings) == 2 else f"Held beside this run. {in_one_line(settings)}"
    return sides, names[-1], line.strip()


def waiting(run: RunConfig | None, as_here: AsHere = whole) -> None:
    """What is held, while the page has no result of its own to put it beneath."""
    if run is None or not held.now():
        return
    sides, _, line = _sides(run, as_here)
    if not sides:
        return
    with st.container(horizontal=True, vertical_alignment="center", key="held"):
        st.markdown(line)
        for side in sides:
            _release(side)


@contextmanager
def beside(
    page: str,
    kind: str,
    result: Any,
    computation: Computing,
    answer: Callable[[Any], str],
    as_here: AsHere = whole,
) -> Iterator[None]:
    """Within it the page gives its answer. Those of held runs stand beside it, and their results beneath its charts.

    Args:
        page: whose answer it is.
        kind, result: of the job that the page shows.
        computation: that job for another run. Raises `ConfigError` where there can be none.
        answer: of a result.
        as_here: held runs that it makes one with the present one are not drawn beneath it.
    """
    key, run = jobs.key(kind, result.config), getattr(result.config, "run", result.config)
    held.lay(key, ())
    if not held.now():
        yield
        _hold(key)
        return
    sides, own, line = _sides(run, as_here)
    same = partial(_held_now, run, as_here)
    if not sides:
        yield
        same()
        return
    st.markdown(line)
    first, *others = st.columns(1 + len(sides), gap="medium")
    with under(first, f"this run, {own}"):
        yield
        _hold(key) if len(sides) == len(held.now()) else same()
    found = [_other(column, page, kind, side, computation, answer) for column, side in zip(others, sides, strict=True)]
    there = [one for one in found if one]
    held.lay(key, there)
    every = " ".join([key, *(one.key for one in there)])
    if said := built(f"ends {every}", lambda: compare_words.ends([result, *(one.result for one in there)])):
        st.caption(said)


def _hold(key: str) -> None:
    hold_button(partial(held.add, key), len(held.now()), HELP)


def _held_now(run: RunConfig, as_here: AsHere) -> None:
    """Of a present run that is held already."""
    own = [one for one in held.now() if Kept.of(one, as_here).here == as_here(run)]
    held_already(HELD_NOW, partial(held.release, *own))


def _release(side: Side) -> None:
    release_button(side.name, side.kept.key, partial(held.release, side.kept.key))


def _other(
    column: Any, page: str, kind: str, side: Side, computation: Computing, answer: Callable[[Any], str]
) -> Held | None:
    """A held run: its answer, or the button that starts what this page shows of it."""
    with under(column, side.name, side.place):
        found = _result(page, kind, side, computation, answer)
        _release(side)
    return found


def _result(page: str, kind: str, side: Side, computation: Computing, answer: Callable[[Any], str]) -> Held | None:
    if side.kept.run is None:
        st.caption(side.kept.why)
        return None
    try:
        asked = computation(side.kept.run)
    except ConfigError as error:
        st.caption(plain(f"This page can say nothing of it: {error.problems[0]}"))
        return None
    note = "This page has no result of it yet."
    if asked not in gather(f"held {side.place}", "Compute it", [asked], note):
        return None
    one = Held(side.name, side.place, jobs.key(kind, asked.config), kind, asked.config, RESULTS[kind])
    said = built(f"answer {page} {one.key}", lambda: answer(one.result))
    say(said)
    return one
