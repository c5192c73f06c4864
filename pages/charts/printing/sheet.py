"""A sheet with the panels of a figure: under one another, and beside one another where there is room."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from math import ceil
from typing import Any
from xml.sax.saxutils import escape

import vl_convert

from pages.charts.panels import Panels
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


# Indices below and above the line, in the text of an SVG: K_t and 10⁻³ as a printer sets them.

RAISED = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺⁽⁾ᵀᵃᵖⁱⁿˡ", "0123456789−+()Tapinl", strict=True))
LOWERED = dict(zip("₀₁₂₃₄₅₆₇₈₉₋₊₍₎ₗₙₖᵢⱼₜ", "0123456789−+()lnkijt", strict=True))
SIZE = 0.7
"""Of an index, over that of its text."""
SHIFTS = {"below": 0.22, "above": -0.38, "within": -0.2, "": 0.0}
"""Where it stands, in sizes of the text, downwards; "within" is the index of an exponent."""

_SYMBOL = r"(?<=[A-Za-zΑ-Ωα-ω*‖)\]ˡ])(?:(?<![A-Za-z]{2})|(?<=_[a-z][A-Z]))"
"""Behind one letter, not behind a word, which may have an underscore of its own."""
_BELOW = _SYMBOL + r"_(?:\{(?P<braced>[^{}]+)\}|(?P<below>[a-z]+|\d+|[A-Z∞]))"
_WORD = r"(?<=error)_(?P<word>\w)"
_CARET = r"\^(?:\((?P<exponent>[^()]+)\)|(?P<caret>[−-]?[\d.½]+(?:±[\d.]+)?))"
_SIGNS = rf"(?P<raised>[{''.join(RAISED)}]+)|(?P<lowered>[{''.join(LOWERED)}]+)"
INDEX = re.compile(f"{_BELOW}|{_WORD}|{_CARET}|{_SIGNS}")
LABEL = re.compile(r"(<text\b[^>]*?font-size=\"([\d.]+)(?:px)?\"[^>]*>)(.*?)(</text>)", re.S)
TAGS = re.compile(r"(<[^>]*>)")
DOWN = re.compile(r' dy="(-?[\d.]+)"')


def pieces(text: str) -> list[tuple[str, str]]:
    """Parts of a text, each with where it stands, a name in `SHIFTS`."""
    found, at = [], 0
    for match in INDEX.finditer(text):
        if match.start() > at:
            found.append((text[at : match.start()], ""))
        found += _exponent(match["exponent"]) if match["exponent"] else [_index(match)]
        at = match.end()
    return [*found, (text[at:], "")] if at < len(text) else found


def _exponent(text: str) -> list[tuple[str, str]]:
    return [(part, "within" if where else "above") for part, where in pieces(text)]


def _index(match: re.Match[str]) -> tuple[str, str]:
    if match["raised"]:
        return "".join(RAISED[sign] for sign in match["raised"]), "above"
    if match["lowered"]:
        return "".join(LOWERED[sign] for sign in match["lowered"]), "below"
    if match["caret"]:
        return match["caret"].replace("-", "−"), "above"
    return match["braced"] or match["below"] or match["word"], "below"


def typeset(svg: str) -> str:
    """The SVG with indices in their places."""
    return LABEL.sub(lambda found: found[1] + _lines(found[3], float(found[2])) + found[4], svg)


def _lines(inside: str, size: float) -> str:
    """What is in a text: its lines, of which each goes down from where the one before has ended."""
    done, stood = [], 0.0
    for part in TAGS.split(inside):
        if part.startswith("<"):
            line, stood = (DOWN.search(part), stood) if stood else (None, 0.0)
            done.append(
                f'{part[: line.start()]} dy="{float(line[1]) - stood:.2f}"{part[line.end() :]}' if line else part
            )
            stood = 0.0 if line else stood
        elif part:
            spans, stood = _spans(part, size, stood)
            done.append(spans)
    return "".join(done)


def _spans(text: str, size: float, stood: float) -> tuple[str, float]:
    """The parts of a line, each moved from where the one before stood, and where the last one stands."""
    spans = []
    for part, where in pieces(text):
        moved, stood = SHIFTS[where] * size - stood, SHIFTS[where] * size
        own = f' font-size="{SIZE * size:.2f}px"' if where else ""
        # A shift of its own, though 0, would take the place of the line's.
        spans.append(f'<tspan dy="{moved:.2f}"{own}>{part}</tspan>' if moved or own else part)
    return "".join(spans), stood
