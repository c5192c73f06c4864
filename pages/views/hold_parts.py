"""What every page that holds has: the button, the way back, a column for what is held under its dashes, and figures
over it."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import accumulate, cycle, pairwise

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.charts.ghosts import DASHES, HELD, MOST
from pages.charts.words import bold, plain
from pages.shell.figure import Figure
from pages.shell.held import Named

FULL = f"{MOST} are held: release one first."
GONE = "It is not in the cache here any more."


def hold_button(on_click: Callable[[], None], count: int, what: str) -> None:
    """Holds what is shown, of which `what` says what becomes; `count` are held already."""
    full = count >= MOST
    icon, more = ":material/keep:", FULL if full else what
    st.button("Hold", icon=icon, type="tertiary", key="hold", help=more, disabled=full, on_click=on_click)


def release_button(name: str, key: str, on_click: Callable[[], None]) -> None:
    """Holds something of this name no longer."""
    label, icon = f"Release {plain(name)}".strip(), ":material/keep_off:"
    st.button(label, icon=icon, type="tertiary", key=f"release {key}", on_click=on_click)


def held_already(said: str, on_click: Callable[[], None]) -> None:
    """Of what is shown and held."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(said, width="content")
        release_button("", "own", on_click)


def say(said: str) -> None:
    """The answer of something held."""
    st.markdown(bold(said) if said else "The page says nothing of it.")


@contextmanager
def under(column: DeltaGenerator, name: str, place: int | None = None) -> Iterator[None]:
    """The column of a held result under its dashes and its name, or of the present one, without a place, under a whole
    line."""
    with column:
        st.html(_stroke([1] if place is None else DASHES[place]))
        st.markdown(f":small[{plain(name if place is None else HELD.format(name))}]")
        yield


def over(figures: Sequence[Figure], ghosts: Sequence[tuple[Named, Sequence[Figure]]]) -> list[Figure]:
    """The figures over those of what is held, in the same order."""
    return [figure.over([(named, own[place]) for named, own in ghosts]) for place, figure in enumerate(figures)]


def _stroke(dashes: list[int]) -> str:
    ends = [0, *accumulate(dashes)]
    colours = cycle(("currentColor", "transparent"))
    spans = zip(colours, pairwise(ends), strict=False)
    parts = ", ".join(f"{colour} {low}px {high}px" for colour, (low, high) in spans)
    return f'<div style="height: 2px; background: repeating-linear-gradient(90deg, {parts})"></div>'
