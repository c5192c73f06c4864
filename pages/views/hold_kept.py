"""What is held, by its key: which run or recording that is, how the page sees it, what it is called beside others."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import cache
from cache.claims import claimant
from cache.ownership import title
from engine import jobs
from engine.config import RunConfig
from engine.recording.config import RecordingConfig
from engine.recording.result import UNFINISHED
from engine.schema import ConfigError, Problem
from pages.shell import held
from pages.shell.gathering import Computation
from pages.shell.viewers import viewer
from pages.views.hold_parts import GONE
from pages.views.hold_words import RunOrRecording, called, differ

OLD = "It is of another version of this program."
NOT_RECORDED = Problem("recording", "this is asked of runs only")

Computing = Callable[[RunOrRecording], Computation]
AsHere = Callable[[RunConfig], RunConfig]
"""A run with what the page sets instead of it."""


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
        store = cache.current().store
        record = store.index.get(key)
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
        return cls(key, asked, seen(asked, as_here), "", title(store.claims.listed(key), claimant(viewer())))


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
