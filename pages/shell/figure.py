"""A figure on a page: a chart under its row of tools, and what it leaves out beneath.

What is built for a result is kept by a key that names it (never by its arrays), so that a redraw builds nothing again.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import islice
from typing import Any

import pandas as pd
import streamlit as st

from engine.quantities import QUANTITIES
from pages.charts.encodings import time_of_its_loop
from pages.charts.ghosts import HELD, PRESENT, RECORDED, Ghost, over
from pages.charts.over_time import Curve, medians
from pages.charts.panels import Panels, panels, taller
from pages.charts.printing import KINDS, data_of, panel_names, printed
from pages.charts.specification import Specification
from pages.charts.theme import Table, ask
from pages.charts.words import plain
from pages.shell import held, player, view
from pages.shell.held import Held, Named
from pages.shell.link import RECORDING, address, here
from pages.shell.shown import shown
from pages.shell.tools import Click, File, dialogs, row, zipped

EXPANSION = "perturbation"
"""How the names of files begin of what is drawn over eta_eff step, of a recording too."""
ENLARGED = 1.6
"""Of the height on the page."""
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
        config: hash of the config whose result it shows, for its files; empty where it has none.
        ghosts: the same figure of each held result, to be drawn beneath.
        called: what it is where it asks nothing.
        recorded: whether the page shows a recording. Files are drawn where there is no session to ask.
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
    config: str = ""
    ghosts: Sequence[tuple[Named, "Figure"]] = ()
    called: str = ""
    recorded: bool = field(default_factory=lambda: RECORDING in address())

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
        config: str = "",
    ) -> "Figure":
        """The chart of a table, which is built once for the key."""
        kept: Table = built(f"{key} table", table)
        draw = partial(chart, kept.frame)
        return cls(name, question, quantities, draw, kept.frame, kept.notes, key, file, config=config)

    @classmethod
    def over_time(
        cls, name: str, curve: Curve, result: Any, log_time: bool, key: str, *chosen: Any, file: str = ""
    ) -> "Figure":
        """A curve of a result, which the key names; what the reader has `chosen` goes to its table."""
        asked, chart = (name, curve.question, curve.quantities), partial(curve.chart, log_time=log_time)

        def of(one: Held | None = None) -> Figure:
            def table() -> Table:
                return medians(curve.table(one.result, *chosen)) if one else curve.table(result, *chosen)

            own = f"medians {one.key}" if one else key
            config = one.result.config.hash if one else result.config.hash
            return cls.of(*asked, table, chart, f"{own} {name} {chosen} {log_time}", file, config)

        return of().over(ghosts_of(key, of, over_time=True))

    def over(self, ghosts: Sequence[tuple[Named, "Figure"]]) -> "Figure":
        """The figure over those of held results; its notes and data then are those of all."""
        if not ghosts:
            return self
        notes = [f"{one.name}: {note}" for one, ghost in ghosts for note in filter(None, ghost.notes)]
        key = " ".join([self.key, *(f"{one.place} {one.name} {ghost.key}" for one, ghost in ghosts)])
        frame = None if self.frame is None else self._with_data_of(ghosts)
        config = ", ".join(dict.fromkeys(filter(None, [self.config, *(ghost.config for _, ghost in ghosts)])))
        return replace(self, ghosts=ghosts, key=key, frame=frame, notes=(*self.notes, *notes), config=config)

    @property
    def label(self) -> str:
        """By which a person knows it."""
        quantities = dict.fromkeys(QUANTITIES[name].label for name in self.quantities)
        return self.question or self.called or ", ".join(quantities) or self.name

    @property
    def beneath(self) -> list[tuple[str, str]]:
        """Names of the held results that are drawn beneath, each with the hash of its config."""
        return [(HELD.format(one.name), ghost.config) for one, ghost in self.ghosts]

    def _with_data_of(self, ghosts: Sequence[tuple[Named, "Figure"]]) -> pd.DataFrame:
        frames = [(self._present, self.frame), *((one.name, ghost.frame) for one, ghost in ghosts)]
        known = [frame.assign(run=name) for name, frame in frames if frame is not None]
        return pd.concat(known, ignore_index=True)

    def draw(self) -> Any:
        """The chart under its question, over those of held results, on the page and in a file."""
        ghosts = [Ghost(one.name, one.place, chart) for one, ghost in self.ghosts if (chart := ghost._timed(one))]
        return ask(self.question, over(self._timed(), ghosts, present=self._present) if ghosts else self._timed())

    def _timed(self, one: Named | None = None) -> Any:
        """Its own chart, of something held or of what the page shows, with the name of its time."""
        recorded = isinstance(one, Held) and one.recorded if one else self.recorded
        chart = self.chart()
        return time_of_its_loop(chart) if recorded and chart and not self.file.startswith(EXPANSION) else chart

    @property
    def _present(self) -> str:
        """What the page shows, beside others."""
        return RECORDED if self.recorded else PRESENT


def ghosts_of(key: str, of: Callable[[Held], Figure], over_time: bool = False) -> list[tuple[Held, Figure]]:
    """What `of` makes of each held result beneath that of a job; of a run without such numbers that it has none.

    Args:
        over_time: leaves out those whose times do not meet those of the present one.
    """
    found = []
    for one in held.beneath(key):
        if over_time and one.per_step is None:
            continue
        try:
            found.append((one, of(one)))
        except KeyError:
            if not one.recorded:
                found.append((one, Figure("", "", (), lambda: None, notes=("This was not measured for it.",))))
    return found


def show(figure: Figure) -> list[dict[str, Any]]:
    """The figure; returns the rows that are selected on it."""
    shown().add(figure)
    with under_tools(figure):
        selected = _draw(figure)
    say(figure.notes)
    return selected


@contextmanager
def under_tools(figure: Figure) -> Iterator[None]:
    """The place of its charts, under its row of tools."""
    with st.container(horizontal=True, horizontal_alignment="right", key=f"tools_{figure.name}"):
        tools(figure)
    with st.container(key=f"drawn_{figure.name}"):
        yield


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


def play(figure: Figure, labels: Sequence[str], checkpoint: str, start: int = 0, autoplay: bool = False) -> None:
    """The figure under its player.

    Args:
        labels, start, autoplay: as of `pages.shell.player.show`.
        checkpoint: the name in `pages.shell.view.NAMES` that the link has of it.
    """
    shown().add(figure)
    at = view.checkpoint(checkpoint, len(labels), start)
    moved = partial(view.to_checkpoint, checkpoint, start=start)
    player.show(partial(_draw, figure), labels, f"moving_{figure.name}", at, autoplay, moved)
    say(figure.notes)


def tools(figure: Figure, labels: Sequence[str] = ()) -> None:
    """The row of tools over the charts of a figure; `labels` are the lines of its frames, where it moves."""
    container = f"{'moving' if labels else 'drawn'}_{figure.name}"
    asked = row(figure.name, figure.label, container, partial(_file, figure))
    if asked is not None and asked.tool in OPENS:
        dialogs.open_when_still(partial(OPENS[asked.tool], figure, labels, asked))


def _about(figure: Figure, labels: Sequence[str], asked: Click) -> None:
    dialogs.about(figure.quantities)


def _enlarge(figure: Figure, labels: Sequence[str], asked: Click) -> None:
    dialogs.enlarge(partial(_enlarged, figure, labels, asked.frame or 0))


def _for_a_paper(figure: Figure, labels: Sequence[str], asked: Click) -> None:
    moving = {"labels": labels, "fps": player.speed(len(labels))}
    dialogs.paper(replace(_printable(figure, asked), panels=tuple(panel_names(figure.draw)), **moving))


OPENS: Mapping[str, Callable[[Figure, Sequence[str], Click], None]] = {
    "about": _about, "enlarge": _enlarge, "paper": _for_a_paper,
}  # fmt: skip
"""Tools that open a dialog."""


def _printable(figure: Figure, asked: Click) -> dialogs.Print:
    stamp = {"config": figure.config, "link": here()}
    told = {name: value for name, value in stamp.items() if value}
    return dialogs.Print(figure.name, figure.file or figure.name, figure.draw, told, frame=asked.frame)


def _file(figure: Figure, asked: Click) -> File | None:
    """What a tool saves, as it was chosen last for a paper."""
    name = figure.file or figure.name
    if asked.tool == "data" and figure.frame is not None:
        return File(f"{name}.csv", "text/csv", figure.frame.to_csv(index=False).encode())
    if asked.tool == "data":
        return File(f"{name}.zip", "application/zip", zipped(name, data_of(figure.draw)))
    if asked.tool in KINDS:
        wanted = _printable(figure, asked)
        made = printed(figure.draw, asked.tool, wanted.choice(), stamp=wanted.stamp)
        return File(f"{name}.{asked.tool}", KINDS[asked.tool], made)
    return None


def _enlarged(figure: Figure, labels: Sequence[str], frame: int) -> None:
    """The figure, taller; its clicks are the page's."""

    def draw() -> None:
        draw_chart(taller(panels(figure.draw()), ENLARGED))

    if labels:
        player.show(draw, labels, key=f"enlarged_{figure.name}", start=frame)
    else:
        draw()


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
