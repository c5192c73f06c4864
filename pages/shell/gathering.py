"""A few jobs of one kind under one button: what is known, the button, how far they are. Cheap ones start by a link."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from typing import TypeVar

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

import cache
from engine.progress import Arrays
from engine.schema import Config
from pages.charts.words import duration
from pages.shell.jobs import Request, Standing, in_flight, offer, standing, start, watch
from pages.shell.people import may_compute

START = {"start": "yes"}
"""Parameter of a link whose page computes by itself what is cheap. It leaves the address at once."""
CHEAP = 15.0
"""Seconds below which that is cheap."""
LEAST_SECONDS = 1.0
"""What a job takes at least, however little it computes."""
UNKNOWN = "What it takes is known when it runs, so no link starts it."


@dataclass(frozen=True)
class Computation:
    """A job as `gather` takes it.

    Attributes:
        seconds: at most, on the machine that computes; NaN where nobody knows.
    """

    kind: str
    config: Config
    seconds: float


AnyComputation = TypeVar("AnyComputation", bound=Computation)


def sidebar_bar() -> DeltaGenerator:
    """A line at the top of the sidebar, in sight while one edits what is below: what the settings come to, and Run."""
    return st.sidebar.container(horizontal=True, vertical_alignment="center", key="bar")


def gather(
    name: str,
    label: str,
    asked: Sequence[AnyComputation],
    note: str = "",
    unit: str = "computation",
    bar: DeltaGenerator | None = None,
    like: str = "",
) -> dict[AnyComputation, Arrays]:
    """What is known of jobs of one kind; for the rest a button, or how far they are.

    Args:
        name: of the button, unique on the page.
        label: of the button.
        note: said beneath it, before how long that takes where it is known.
        unit: what one of them is called.
        bar, like: as of `pages.shell.jobs.offer`.
    """
    request = Request(f"ask {name}", f"cancel {name}", asked[0].kind, [(one.config,) for one in asked], unit)
    found = standing(request)
    seconds = max(sum(asked[place].seconds for place in found.missing), LEAST_SECONDS)  # not finite where nobody knows
    start_if_cheap(request, found, seconds)
    if found.missing and in_flight(request, found):
        watch(request, len(found.results))
    elif found.missing:
        about = f"{note} About {duration(seconds)} of computing." if isfinite(seconds) else UNKNOWN
        offer(request, found, lambda past: label, [about.strip()], bar=bar, like=like)
    return {one: found.results[one.config.hash] for one in asked if one.config.hash in found.results}


def start_if_cheap(request: Request, found: Standing, seconds: float) -> None:
    """Starts what a link wants started, where it costs little and was never tried here.

    Args:
        seconds: at most, of what is missing.
    """
    by_link = all(st.query_params.get(name) == value for name, value in START.items())
    if by_link and found.missing and seconds < CHEAP and may_compute() and not tried(request):
        start(request)


def tried(request: Request) -> bool:
    """Whether any of it was ever asked for here."""
    engine = cache.current()
    return any(engine.job(key) or engine.store.index.get(key) for key in request.keys.values())
