"""A figure on a page: a chart with its definitions, data and files behind one button, and what it leaves out beneath.

What is built for a result is kept by a key that names it (never by its arrays), so that a redraw builds nothing again.
"""

from collections.abc import Callable, Iterable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any

import pandas as pd
import streamlit as st

from engine.quantities import QUANTITIES
from pages.charts.over_time import Curve
from pages.charts.panels import Panels, panels
from pages.charts.specification import Specification
from pages.charts.theme import Table, ask
from pages.charts.words import plain
from pages.shell import player, view
from pages.shell.result import figure_files, seed_choice, table_file

KEPT = 512
"""Tables kept, and charts, over all results: some thirty pages of them."""


@dataclass(frozen=True, eq=False)
class Figure:
    """What a chart shows.

    Attributes:
        name: of its place on the page, where it is unique.
        question: the chart's title; empty where it has panels, each with a question of its own.
        quantities: names in `engine.quantities`, which "about" explains.
        chart: builds it, without the question.
        frame: its data, as a file; None where they are in the result's own.
        notes: what it leaves out.
        key: names the result and what the reader chose: the same key, the same chart; empty: built at every redraw.
        file: name of its files; `name` where empty.
        selection: the chart's selection that runs the page again.
    """

    name: str
    question: str
    quantities: Sequence[str]
    chart: Callable[[], Any]
    frame: pd.DataFrame | None = None
    notes: Sequence[str] = ()
    key: str = ""
    file: str = ""
    selection: str = ""

    @classmethod
    def of(
        cls,
        name: str,
        question: str,
        quantities: Sequence[str],
        table: Callable[[], Table],
        chart: Callable[[pd.DataFrame], Any],
        key: str,
        file: str = "",
    ) -> "Figure":
        """The chart of a table, which is built once for the key."""
        kept: Table = built(f"{key} table", table)
        return cls(name, question, quantities, partial(chart, kept.frame), kept.frame, kept.notes, key, file)

    @classmethod
    def over_time(
        cls, name: str, curve: Curve, result: Any, log_time: bool, key: str, *chosen: Any, file: str = ""
    ) -> "Figure":
        """A curve of a result, which the key names; what the reader has `chosen` goes to its table."""
        table, chart = partial(curve.table, result, *chosen), partial(curve.chart, log_time=log_time)
        return cls.of(name, curve.question, curve.quantities, table, chart, f"{key} {name} {chosen} {log_time}", file)

    def draw(self) -> Any:
        """The chart under its question, on the page and in a file."""
        return ask(self.question, self.chart())


def show(figure: Figure) -> list[dict[str, Any]]:
    """The figure; returns the rows that are selected on it."""
    with st.container(horizontal=True, horizontal_alignment="right", key=f"tools_{figure.name}"):
        about(figure)
    with st.container(key=f"drawn_{figure.name}"):
        selected = _draw(figure)
    say(figure.notes)
    return selected


def columns(*parts: Iterable[Figure], share: Sequence[int] = (1, 1)) -> list[dict[str, Any]]:
    """Figures side by side, those of a part beneath one another; returns the rows selected on any.

    Args:
        share: of the width, for each part.
    """
    selected = []
    for column, figures in zip(st.columns(share, gap="large"), parts, strict=True):
        with column:
            for figure in figures:
                selected += show(figure)
    return selected


def pairs(figures: Iterable[Figure]) -> None:
    """Figures two by two."""
    rest = iter(figures)
    for figure in rest:
        columns([figure], islice(rest, 1))


def play(figure: Figure, labels: Sequence[str], checkpoint: str = "", start: int = 0, autoplay: bool = False) -> None:
    """The figure under its player.

    Args:
        labels, start, autoplay: as of `pages.shell.player.show`.
        checkpoint: the name in `pages.shell.view.NAMES` that the link has of it; empty: it has none.
    """
    key, at, moved = f"moving_{figure.name}", start, None
    if checkpoint:
        at = view.checkpoint(checkpoint, len(labels), start)
        moved = partial(view.to_checkpoint, checkpoint, start=start)
    player.show(partial(_draw, figure), labels, key, at, autoplay, moved)
    say(figure.notes)


def in_motion(
    result: Any,
    key: str,
    name: str,
    quantities: Sequence[str],
    tables: Callable[[int], Any],
    chart: Callable[..., Any],
    file: str,
    seed: str = "seed",
    checkpoint: str = "checkpoint",
) -> None:
    """An animated chart of one seed of a result, which the key names, under its player; at first at its last frame.

    Args:
        tables: of the seed at a position (`pages.charts.animated.Moving`).
        chart: of the tables, and `start`, the frame shown first.
        seed, checkpoint: names in `pages.shell.view.NAMES`.
    """
    with st.container(horizontal=True, vertical_alignment="bottom"):
        index = seed_choice(result, seed)
        kept = built(f"{key} tables {name} {index}", lambda: tables(index))
        last = len(kept.labels) - 1
        draw = partial(chart, kept, start=last)
        figure = Figure(f"{name}_{index}", "", quantities, draw, None, kept.notes, f"{key} {name} {index}", file)
        about(figure)
    play(figure, kept.labels, checkpoint, last)


def about(figure: Figure) -> None:
    """A popover with definition, normalisation and source of each quantity, and the figure as a file. Filled when it
    is opened: closed on every chart, its elements would be a third of a page's."""
    given = (
        "definitions, sources, this figure as a file"
        if figure.frame is None
        else "definitions, sources, data and figure"
    )
    key = f"about_{figure.name}"
    opened = st.popover("about", icon=":material/info:", type="tertiary", help=given, key=key, on_change="rerun")
    if not opened.open:
        return
    with opened:
        told = [QUANTITIES[name] for name in figure.quantities]
        lines = [(f"**{one.label}**: {one.definition}", f":gray[:small[Source: {one.source}]]") for one in told]
        st.markdown("\n\n".join(map("  \n".join, lines)))
        if figure.frame is not None:
            table_file(figure.file or figure.name, figure.frame)
        figure_files(figure.file or figure.name, figure.draw)


def say(notes: Sequence[str]) -> None:
    """What is said beneath a chart, where there is anything."""
    with st.container(gap=None):
        for note in filter(None, notes):
            st.caption(plain(note))


@st.cache_resource(max_entries=KEPT, show_spinner=False)
def built(key: str, _build: Callable[[], Any]) -> Any:
    """What `_build` gives, once for a key."""
    return _build()


def _draw(figure: Figure) -> list[dict[str, Any]]:
    """The chart; returns the rows that are selected on it."""
    if figure.selection:

        def make() -> Specification:
            return Specification.of(figure.draw())

        return _selected(figure, built(f"{figure.key} drawn", make) if figure.key else make())
    if figure.key:
        draw_known(f"{figure.key} drawn", lambda: panels(figure.draw()))
    else:
        draw_chart(panels(figure.draw()))
    return []


def _selected(figure: Figure, specification: Specification) -> list[dict[str, Any]]:
    """As `_draw`. A chart that can be clicked is a control, whose messages are not kept."""
    event = st.vega_lite_chart(
        spec=specification(),
        alt=specification.said,
        key=f"chart_{figure.name}",
        on_select="rerun",
        selection_mode=figure.selection,
    )
    return event.selection.get(figure.selection) or []


# Charts on the page. What is sent for a known one is made once: Streamlit's cache keeps the messages and sends copies.
#
# Without that `st.vega_lite_chart` reads and writes a chart's JSON four times at every redraw.


def draw_chart(chart: Specification | Panels) -> None:
    """The chart, without a selection, as wide as its place; panels side by side where there is room."""
    if isinstance(chart, Specification):
        st.vega_lite_chart(spec=chart(), alt=chart.said)
        return
    if chart.title:
        st.markdown(f"**{plain(chart.title)}**  \n:small[{plain(chart.subtitle)}]")
    beneath = [nullcontext()] * len(chart.parts)
    places = st.columns(len(chart.parts)) if chart.direction == "across" else beneath
    for place, part in zip(places, chart.parts, strict=True):
        with place:
            draw_chart(part)


@st.cache_resource(max_entries=KEPT, show_spinner=False)
def draw_known(key: str, _make: Callable[[], Specification | Panels]) -> None:
    """As `draw_chart`, of a chart that the key names."""
    draw_chart(_make())
