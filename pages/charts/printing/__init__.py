"""A chart as a figure for a paper: at the width of a column or a page, all text of 8 pt at that width, one frame of an
animated chart, one panel or all, with what it is made from in the file. No Streamlit here.

Lengths are in points, 72 to the inch. Vega draws one panel at a time, as SVG; what it cannot do (indices below and
above the line, panels of one width) is done to that SVG, and PDF and PNG are made from it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import pyarrow as pa
import vl_convert

from pages.charts.panels import Panels, panels
from pages.charts.printing import sheet, stamping
from pages.charts.printing.paper import leaves, on_paper, said_in
from pages.charts.specification import Specification

Kind = Literal["svg", "pdf", "png"]
KINDS: dict[Kind, str] = {"svg": "image/svg+xml", "pdf": "application/pdf", "png": "image/png"}
"""Kinds of figure and their MIME types."""

Width = Literal["column", "page"]
WIDTHS: dict[Width, float] = {"column": 3.25, "page": 6.75}
"""In inches, of a journal with two columns."""

INCH = 72
DOTS = 300
"""Of a PNG, to the inch."""

Stamp = Mapping[str, str]
"""What a file says of itself, such as the hash of the config that it shows."""

Draw = Callable[[], Any]
"""Makes the chart, of Altair or taken apart already (`pages.charts.panels`); what it makes is used up."""


@dataclass(frozen=True)
class Choice:
    """How a figure is wanted.

    Attributes:
        width: of the whole.
        title: whether questions stand over it; what a panel says of its frame stays.
        panel: the position of one panel, of `panel_names`; None for all.
        frame: of an animated chart; None for the one that it starts with.
    """

    width: Width = "column"
    title: bool = True
    panel: int | None = None
    frame: int | None = None


def printed(draw: Draw, kind: Kind, choice: Choice = Choice(), *, stamp: Stamp) -> bytes:
    """The file of a figure: SVG and PDF of exactly the width that is chosen, PNG of 300 dots to the inch.

    Raises:
        IndexError: there is no such panel.
    """
    chart = taken_apart(draw)
    drawn = sheet_of(chart, choice)
    told = {"title": said_in(chart, choice.frame), **stamp}
    if kind == "svg":
        return stamping.svg(drawn, told).encode()
    if kind == "pdf":
        return stamping.pdf(vl_convert.svg_to_pdf(drawn), told)
    return stamping.png(vl_convert.svg_to_png(drawn, ppi=DOTS), told)


def taken_apart(draw: Draw) -> Panels | Specification:
    """What a figure is made of."""
    chart = draw()
    return chart if isinstance(chart, Panels | Specification) else panels(chart)


def sheet_of(chart: Panels | Specification, choice: Choice) -> str:
    """The whole figure as SVG, a unit to the point."""
    across = round(WIDTHS[choice.width] * INCH)
    if choice.panel is not None:
        chart = leaves(chart)[choice.panel]
    return sheet.laid_out(chart, across, choice.title, partial(on_paper, title=choice.title, frame=choice.frame))


def data_of(draw: Draw) -> dict[str, pa.Table]:
    """What the panels of a figure are drawn from, every frame of it: by the panel's position from 1, and the table's
    where it has several."""
    found = {}
    for at, panel in enumerate(leaves(taken_apart(draw)), 1):
        tables = [pa.ipc.open_stream(stream).read_all() for stream in panel.tables.values()]
        names = [f"panel{at}"] if len(tables) == 1 else [f"panel{at}-{part}" for part in range(1, len(tables) + 1)]
        found |= dict(zip(names, tables, strict=True))
    return found


def panel_names(draw: Draw) -> list[str]:
    """What the panels of a figure are called, in the order of their positions; one name where it has no panels."""
    return [said_in(part, None) or f"panel {at + 1}" for at, part in enumerate(leaves(taken_apart(draw)))]


__all__ = [
    "KINDS", "WIDTHS", "Choice", "Draw", "Kind", "Stamp", "Width",
    "data_of", "panel_names", "printed", "sheet_of", "taken_apart",
]  # fmt: skip
