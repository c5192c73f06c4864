"""Runs that are held: kept by name beside the present one, drawn beneath its charts, in the address of every page."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import streamlit as st

import cache
from engine.result import Result, ResultError
from engine.schema import Config, Problem
from pages.charts.ghosts import MOST
from pages.charts.matched import at_steps

NAME = "held"
"""Of the parameter in the address, and in the session."""
BEGINNING = re.compile(r"[0-9a-f]{6,64}")
"""Of a result's key, by which a link names it."""
WHOLE = 64
"""Digits of a key."""
BENEATH = "held beneath"
"""In the session: the job whose charts are drawn over held results, and these."""


def now() -> tuple[str, ...]:
    """Of the jobs that are held, in their order."""
    return st.session_state.get(NAME, ())


def keys_in(text: str) -> tuple[list[str], list[Problem]]:
    """The keys that a parameter of an address holds, or begins to name; what of it is left out: what names no result,
    and more than `MOST`."""
    given = [*dict.fromkeys(key for key in text.split(",") if key)]
    keys = [*dict.fromkeys(filter(None, map(_whole, given)))]
    lost = sum(not _whole(key) for key in given)
    strange = [Problem(NAME, f"left out {lost} of {len(given)}: not a key of a result here")]
    many = [Problem(NAME, f"{len(keys)} results given, at most {MOST} allowed: the others are left out")]
    return keys[:MOST], strange * (lost > 0) + many * (len(keys) > MOST)


def _whole(beginning: str) -> str:
    """The one key that begins so; empty where none does here, or several do. A whole one stands for itself."""
    if not BEGINNING.fullmatch(beginning):
        return ""
    found = [beginning] if len(beginning) == WHOLE else cache.current().store.index.find(beginning, 2)
    return found[0] if len(found) == 1 else ""


def take(text: str) -> list[Problem]:
    """Holds what the parameter of an address names; what of it is left out."""
    keys, left_out = keys_in(text)
    st.session_state[NAME] = tuple(keys)
    return left_out


def add(key: str) -> None:
    """Holds what a job gave."""
    take(",".join([*now(), key]))


def release(*gone: str) -> None:
    """Holds these no longer."""
    take(",".join(key for key in now() if key not in gone))


def query() -> dict[str, str]:
    """The parameter of an address."""
    return {NAME: ",".join(now())} if now() else {}


@dataclass(frozen=True)
class Named:
    """Something that is held.

    Attributes:
        name: what it is called beside the others.
        place: among those that are held, from 0.
    """

    name: str
    place: int


@dataclass(frozen=True)
class Held(Named):
    """A held result of what the page shows, of a run or of a recording.

    Attributes:
        key: of its job, and of the t at which it is drawn.
        read: the class of its result.
        per_step: as of `pages.charts.matched.per_step`, of the present result and this one.
    """

    key: str
    kind: str
    config: Config
    read: type[Result]
    per_step: float | None = 0.0

    @property
    def recorded(self) -> bool:
        """Whether it is of a recording."""
        return self.kind.startswith("recording")

    @cached_property
    def result(self) -> Any:
        """Raises `ResultError` where it is not there any more, or cannot be read."""
        arrays = cache.current().lookup(self.kind, self.config)
        if arrays is None:
            raise ResultError("A held result has just left the cache: release it.")
        found = self.read.from_arrays(arrays)
        return at_steps(found, self.per_step) if self.per_step else found


def lay(key: str, found: Sequence[Held]) -> None:
    """Puts these beneath the charts of the result of a job."""
    st.session_state[BENEATH] = key, tuple(found)


def beneath(key: str) -> Sequence[Held]:
    """What is drawn beneath the charts of the result of this job."""
    above, found = st.session_state.get(BENEATH, ("", ()))
    return found if above == key else ()
