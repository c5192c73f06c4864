"""What opens over a page from a figure's row of tools, and when: its definitions, the figure large, for a paper."""

from base64 import b64encode
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import partial

import streamlit as st

from engine.quantities import QUANTITIES
from pages.charts.printing import KINDS, WIDTHS, Choice, Draw, Stamp, Width, printed
from pages.charts.printing.moving import MOTIONS, NO_VIDEO, Motion, can_film, filmed
from pages.shell.link import draw_again
from pages.shell.result import download
from pages.shell.tools import undrawn

CHOSEN = "figure for a paper"
"""In the session: width and title that were chosen last, for every figure."""
PREVIEW = 96
"""Pixels to the inch."""


@dataclass(frozen=True)
class Print:
    """A figure that is to be printed.

    Attributes:
        name: of the figure, unique on its page.
        file: name of its files, without what comes behind the dot.
        labels: a line per frame of an animated chart.
        frame: the one that its player showed.
        fps: frames a second of a moving picture.
        panels: what they are called, where there are several.
    """

    name: str
    file: str
    draw: Draw
    stamp: Stamp
    labels: Sequence[str] = ()
    frame: int | None = None
    fps: int = 10
    panels: tuple[str, ...] = ()

    def choice(self) -> Choice:
        """What was chosen last, at the frame that is shown."""
        width, title = st.session_state.get(CHOSEN, (Choice.width, Choice.title))
        return Choice(width, title, st.session_state.get(f"panel of {self.name}"), self.frame)


def about(quantities: Sequence[str]) -> None:
    """Definition, normalisation and source of each."""

    @st.dialog("About this figure", width="medium")
    def told() -> None:
        found = [QUANTITIES[name] for name in quantities]
        lines = [(f"**{one.label}**: {one.definition}", f":gray[:small[Source: {one.source}]]") for one in found]
        st.markdown("\n\n".join(map("  \n".join, lines)))

    told()


def enlarge(draw: Callable[[], None]) -> None:
    """What `draw` puts on the page, as wide as the window allows."""

    @st.dialog("Enlarged", width="large")
    def drawn() -> None:
        draw()

    drawn()


def paper(figure: Print) -> None:
    """Width, title, panel and frame of a figure, what it looks like, and its files."""

    @st.dialog("Figure for a paper", width="large")
    def chosen() -> None:
        choice = _choose(figure)
        _files(figure, choice)
        with undrawn():
            svg = printed(figure.draw, "svg", choice, stamp=figure.stamp)
            across = round(WIDTHS[choice.width] * PREVIEW)
            st.html(
                f'<img alt="The figure as it is printed" src="data:image/svg+xml;base64,{b64encode(svg).decode()}" '
                f'style="width: {across}px; max-width: 100%; background: white">'
            )

    chosen()


def _choose(figure: Print) -> Choice:
    """Controls; width, title and panel are kept in the session."""
    before = figure.choice()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        width: Width = st.segmented_control(
            "width", list(WIDTHS), default=before.width, required=True, format_func=_inches, key=f"width {figure.name}"
        )
        title = st.toggle("titles", before.title, key=f"titles {figure.name}")
        panel = _panel(figure, before)
    frame = before.frame
    if len(figure.labels) > 1:
        at = range(len(figure.labels))
        start = min(frame or 0, at[-1])
        frame = st.select_slider("frame", at, start, format_func=figure.labels.__getitem__, key=f"frame {figure.name}")
    st.session_state[CHOSEN] = width, title
    st.session_state[f"panel of {figure.name}"] = panel
    return Choice(width, title, panel, frame)


def _panel(figure: Print, before: Choice) -> int | None:
    if len(figure.panels) < 2:
        return None
    options = [None, *range(len(figure.panels))]
    at = options.index(before.panel) if before.panel in options else 0

    def said(panel: int | None) -> str:
        return "all" if panel is None else f"{panel + 1}: {figure.panels[panel]}"

    return st.selectbox("panel", options, at, format_func=said, key=f"panel {figure.name}")


def _inches(width: Width) -> str:
    return f"{width}, {WIDTHS[width]:g} in"


def _files(figure: Print, choice: Choice) -> None:
    """A button for each kind of file."""
    with st.container(horizontal=True):
        for kind, mime in KINDS.items():
            made = partial(printed, figure.draw, kind, choice, stamp=figure.stamp)
            download(kind.upper(), made, f"{figure.file}.{kind}", mime)
        if len(figure.labels) > 1:
            for kind, mime in MOTIONS.items():
                _film(figure, choice, kind, mime)
    if len(figure.labels) > 1:
        st.caption("GIF and MP4 take a second for each frame." if can_film() else NO_VIDEO)


def _film(figure: Print, choice: Choice, kind: Motion, mime: str) -> None:
    if kind == "gif" or can_film():
        frames = len(figure.labels)
        made = partial(filmed, figure.draw, kind, frames, fps=figure.fps, choice=choice, stamp=figure.stamp)
        download(kind.upper(), made, f"{figure.file}.{kind}", mime)


# When a dialog opens: a part of a page that draws itself again would close it.

WAITING = "dialog that waits"
"""In the session: what opens one."""
_REDRAWN: ContextVar[bool] = ContextVar("redrawn", default=False)


def open_when_still(opens: Callable[[], None]) -> None:
    """Opens a dialog: at once, or from a part of the page that draws itself again, which would close it, at the end of
    the page (`open_waiting`)."""
    if not _REDRAWN.get():
        opens()
        return
    st.session_state[WAITING] = opens
    draw_again()


def open_waiting() -> None:
    """The dialog that waits for the end of the page."""
    if opens := st.session_state.pop(WAITING, None):
        opens()


@contextmanager
def redrawn() -> Iterator[None]:
    """What is drawn within is drawn again by itself."""
    before = _REDRAWN.set(True)
    try:
        yield
    finally:
        _REDRAWN.reset(before)
