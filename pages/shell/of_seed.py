"""Figures of one seed of a result, in motion or not, over those of the same seed of held results."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import streamlit as st

from pages.charts.animated import Moving
from pages.charts.matched import at_times, times, with_held_times
from pages.charts.panels import fits_beneath
from pages.shell.figure import Figure, built, ghosts_of, play, tools
from pages.shell.held import Held
from pages.shell.result import seed_choice


def in_motion(
    result: Any,
    key: str,
    name: str,
    called: str,
    quantities: Sequence[str],
    tables: Callable[[Any, int], Any],
    chart: Callable[..., Any],
    file: str,
    seed: str = "seed",
    checkpoint: str = "checkpoint",
) -> None:
    """An animated chart of one seed of a result, which the key names, under its player; at first at its last frame.

    Args:
        called: what it is, in words.
        tables: of a result and the place of a seed (`pages.charts.animated.Moving`).
        chart: of the tables, and `start`, the frame shown first.
        seed, checkpoint: names in `pages.shell.view.NAMES`.
    """
    with st.container(horizontal=True, vertical_alignment="bottom"):
        index = seed_choice(result, seed)
        kept = built(f"{key} tables {name} {index}", lambda: tables(result, index))
        last = len(kept.labels) - 1
        draw = partial(chart, start=last)
        own, config = f"{key} {name} {index}", result.config.hash
        shown = {"notes": kept.notes, "key": own, "file": file, "config": config, "called": called}
        figure = Figure(f"{name}_{index}", "", quantities, lambda: draw(kept), **shown)
        figure, labels = moving(figure, kept, key, result.seeds[index].facts["seed"], tables, draw)
        tools(figure, labels)
    play(figure, labels, checkpoint, last)


def moving(
    figure: Figure, kept: Moving, key: str, seed: int, tables: Callable[[Any, int], Any], chart: Callable[[Any], Any]
) -> tuple[Figure, Sequence[str]]:
    """An animated figure over those of held results, each at its checkpoint nearest to the t that is shown; and what
    its frames are in words.

    Args:
        kept, seed: what it draws, and of which seed; of a held result the same seed, else its first.
        tables, chart: as of `in_motion`.
    """
    others = []

    def of(one: Held) -> Figure:
        (index, said), own = _seed_of(one, seed), f"{one.key} {figure.key}"
        whole = built(f"{own} tables", lambda: tables(one.result, index))
        at = built(f"{own} at", lambda: at_times(whole, times(kept)))
        if not built(f"{own} alike", lambda: fits_beneath(chart(kept), chart(at))):
            said = ("Its chart has other panels and is not drawn here.",)
        others.append((one.name, times(whole)))
        return replace(figure, chart=partial(chart, at), notes=(*said, *whole.notes), key=own, config=one.config.hash)

    ghosts = ghosts_of(key, of, over_time=True)
    words = with_held_times(kept, others) if others else kept
    return replace(figure, chart=partial(chart, words)).over(ghosts) if ghosts else figure, words.labels


def of_seed(result: Any, key: str, index: int, of: Callable[[Any, int, str], Figure]) -> Figure:
    """What `of` makes of a result, the place of a seed and the key of the result, over what it makes of the same seed
    of each held result, else of its first."""

    def ghost(one: Held) -> Figure:
        place, said = _seed_of(one, result.seeds[index].facts["seed"])
        figure = of(one.result, place, one.key)
        return replace(figure, notes=(*said, *figure.notes))

    return of(result, index, key).over(ghosts_of(key, ghost))


def _seed_of(one: Held, seed: int) -> tuple[int, tuple[str, ...]]:
    """The place of the seed in a held result, and what to say where it has none like it."""
    seeds = [own.facts["seed"] for own in one.result.seeds]
    return (seeds.index(seed), ()) if seed in seeds else (0, (f"Seed {seeds[0]} is shown.",))
