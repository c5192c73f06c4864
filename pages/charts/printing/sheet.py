"""A sheet with the panels of a figure: under one another, and beside one another where there is room."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from math import ceil
from typing import Any
from xml.sax.saxutils import escape

import vl_convert

from pages.charts.panels import Panels
from pages.charts.printing.indices import typeset
from pages.charts.printing.paper import BOLD, FONT, MARGIN, TEXT, for_paper, wrapped
from pages.charts.specification import Specification

LEAST = 150
"""Width of a panel beside others."""
GAP = 10
LEADING = 1.25
INK = "#2f2d2b"

Paper = Callable[[Specification, float], dict[str, Any]]
"""A panel and its width -> what Vega draws."""


@dataclass(frozen=True)
class Block:
    """A part of a sheet: its size, and SVG with its corner at the origin."""

    width: float
    height: float
    body: str


def laid_out(chart: Panels | Specification, width: int, title: bool, paper: Paper) -> str:
    """SVG of exactly this width."""
    block = _block(chart, width, title, paper, [0])
    height = ceil(block.height)
    size = f'width="{width}" height="{height}" viewBox="0 0 {width} {height}"'
    ground = f'<rect width="{width}" height="{height}" fill="white"/>'
    names = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
    return f'<svg {names} version="1.1" {size}>{ground}{block.body}</svg>'


def _block(chart: Panels | Specification, width: float, title: bool, paper: Paper, count: list[int]) -> Block:
    if isinstance(chart, Specification):
        count[0] += 1
        return _drawn(paper(chart, width), width, f"p{count[0]}-")
    parts = list(chart.parts)
    rows = _rows(parts, width) if chart.direction == "across" else [[part] for part in parts]
    blocks = _heading(chart, width) if title and chart.title else []
    for row in rows:
        share = (width - GAP * (len(row) - 1)) / len(row)
        blocks.append(_beside([_block(part, share, title, paper, count) for part in row], share))
    return _under(blocks, width)


def _rows(parts: list[Any], width: float) -> list[list[Any]]:
    """Panels that stand beside one another, in as many rows as they need."""
    most = max(1, int((width + GAP) / (LEAST + GAP)))
    each = ceil(len(parts) / ceil(len(parts) / most))
    return [parts[at : at + each] for at in range(0, len(parts), each)]


def _under(blocks: list[Block], width: float) -> Block:
    body, down = [], 0.0
    for block in blocks:
        body.append(_at(0, down, block.body))
        down += block.height + GAP / 2
    return Block(width, max(down - GAP / 2, 0), "".join(body))


def _beside(blocks: list[Block], share: float) -> Block:
    body = [_at(at * (share + GAP), 0, block.body) for at, block in enumerate(blocks)]
    return Block(share * len(blocks) + GAP * (len(blocks) - 1), max(block.height for block in blocks), "".join(body))


def _at(across: float, down: float, body: str) -> str:
    return f'<g transform="translate({across:.2f},{down:.2f})">{body}</g>' if across or down else body


def _drawn(spec: dict[str, Any], width: float, mark: str) -> Block:
    """What Vega draws, its ids told apart from those of other panels by a mark."""
    svg = vl_convert.vegalite_to_svg(spec)
    found = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', svg)
    height = float(found[2]) if found else 0.0
    body = svg[svg.index(">", svg.index("<svg")) + 1 : svg.rindex("</svg>")]
    return Block(width, height, typeset(_told_apart(body, mark)))


def _told_apart(body: str, mark: str) -> str:
    """Every id with a mark before its place, not the number that Vega counts on from one chart to the next."""
    places = {name: f"{mark}{at}" for at, name in enumerate(dict.fromkeys(re.findall(r'\bid="([^"]*)"', body)))}
    return re.sub(r'(\bid="|url\(#|href="#)([^")]*)', lambda found: found[1] + places.get(found[2], found[2]), body)


def _heading(chart: Panels, width: float) -> list[Block]:
    """Question and subtitle over all panels."""
    lines = [(line, 600) for line in wrapped(chart.title, width - 2 * MARGIN, BOLD)]
    lines += [(line, 400) for line in wrapped(for_paper(chart.subtitle), width - 2 * MARGIN)]
    step = TEXT * LEADING
    texts = [
        f'<text x="{MARGIN}" y="{MARGIN + TEXT + at * step:.2f}" font-family="{escape(FONT)}" font-size="{TEXT}px"'
        f' font-weight="{weight}" fill="{INK}">{escape(line)}</text>'
        for at, (line, weight) in enumerate(lines)
    ]
    return [Block(width, MARGIN + step * len(lines), typeset("".join(texts)))]
