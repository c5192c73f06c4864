"""One panel on its way to paper: the sizes of print, one frame, and no word that only makes sense on a screen."""

import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa

from pages.charts import ghosts
from pages.charts.panels import ROOM, Panels
from pages.charts.specification import PAPER, Specification
from pages.charts.words import in_one

FONT = "Liberation Sans, Arial, Helvetica, DejaVu Sans, sans-serif"
"""The first comes with vl-convert, and is as wide as the next two."""
TEXT = 8
"""Size of all text."""
SCALE = 2 / 3
"""From the pixels of a page, where text has 12, to points."""
LETTER = 0.52
BOLD = 1.08
"""Mean width of a letter over its size, and of a bold one over that, rather too much than too little."""
TALLEST = 0.75
"""A plot is at most so tall for its figure's width."""
MARGIN = 2
ASIDE = 32
AXIS_ROOM = 46
"""What axes take of the width beside a plot, about."""

LENGTHS = frozenset({
    "strokeWidth", "dx", "dy", "offset", "padding", "columnPadding", "rowPadding", "labelOffset", "titlePadding",
    "labelPadding", "gradientLength", "symbolStrokeWidth", "cornerRadius", "strokeDash", "thickness", "barSize",
})  # fmt: skip
AREAS = frozenset({"size", "symbolSize"})
FONTS = re.compile(r"(?:f|.+F)ontSize")
ON_SCREEN = re.compile(r"\b(?:click|drag|hover|scroll|zoom|tap|press|pointer)\w*\b", re.I)
"""What nobody can do with paper."""
CHANGES = re.compile(r"(?P<lines>\[.*\])\[frame\]", re.S)
"""A title by frame, as `pages.charts.animated` writes it."""
PLAIN = {"labelFontSize": TEXT, "titleFontSize": TEXT}
THIN = {"domainWidth": 0.6, "gridWidth": 0.4, "tickWidth": 0.6}
CONFIG: dict[str, Any] = {
    **PAPER,
    "font": FONT,
    "aria": False,
    "axis": {**PAPER["axis"], **PLAIN, "titlePadding": 4, "tickSize": 3, **THIN},
    "legend": {**PAPER["legend"], **PLAIN},
    "title": {**PAPER["title"], "fontSize": TEXT, "subtitleFontSize": TEXT},
    "text": {"fontSize": TEXT},
    "point": {"strokeWidth": 2 * SCALE},
    "header": PLAIN,
}  # fmt: skip


def leaves(chart: Panels | Specification) -> list[Specification]:
    """The panels of a figure, in the order in which they are read."""
    return [chart] if isinstance(chart, Specification) else [leaf for part in chart.parts for leaf in leaves(part)]


def said_in(chart: Panels | Specification, frame: int | None) -> str:
    """The question of a figure, or of its first panel that has one; of an expression, what it says at a frame."""
    if isinstance(chart, Panels):
        return chart.title or next(filter(None, (said_in(part, frame) for part in chart.parts)), "")
    spec = json.loads(chart.text)
    return _title(spec, _frame(spec, frame))[0]


def on_paper(panel: Specification, width: float, *, title: bool = True, frame: int | None = None) -> dict[str, Any]:
    """A Vega-Lite specification that draws the panel in so many points, its data inside."""
    spec = json.loads(panel.text)
    shown = _frame(spec, frame)
    datasets = {name: _rows(stream, shown) for name, stream in panel.tables.items()}
    tall = (spec.get("height", ROOM) - ROOM) * SCALE
    spec["params"] = [{"name": "frame", "value": shown}] if shown is not None else []
    heading = _heading(spec, shown, title, width)
    spec = _small(with_dashes(_seen(spec), datasets))
    _small_dashes(spec)
    _fit_legends(spec, width)
    height = min(tall, TALLEST * width) if tall > 0 else TALLEST * width / 2
    _fit_axes(spec, width, height)
    for name in ("usermeta", "title", "width"):
        spec.pop(name, None)
    return {
        **spec,
        "config": _merged(spec.get("config", {}), CONFIG | {"padding": _padding(spec)}),
        "datasets": datasets,
        "width": width,
        "height": height,
        "autosize": {"type": "fit-x", "contains": "padding"},
        **({"title": heading} if heading else {}),
    }


# The frame of an animated chart: its number, and of its columns only those that are drawn.


def _frame(spec: dict[str, Any], chosen: int | None) -> int | None:
    """The frame that is shown; None of a chart that stands still."""
    for param in spec.get("params", ()):
        if param.get("name") == "frame":
            last = param.get("bind", {}).get("max", chosen or 0)
            return max(0, min(param.get("value", 0) if chosen is None else chosen, int(last)))
    return None


def _rows(stream: bytes, frame: int | None) -> list[dict[str, Any]]:
    """Of a table, without the columns of other frames."""
    table = pa.ipc.open_stream(stream).read_all()
    if frame is not None:
        others = [
            name for name in table.column_names if re.fullmatch(r"[fg]\d+", name) and int(name[1:]) not in (0, frame)
        ]
        table = table.drop_columns(others)
    return table.to_pylist()


# Titles.


def _title(spec: dict[str, Any], frame: int | None) -> tuple[str, bool, str]:
    """Text, whether it speaks of the frame, and subtitle."""
    title = spec.get("title") or ""
    title = {"text": title} if isinstance(title, str) else title
    text, subtitle = title.get("text") or "", in_one(title.get("subtitle") or "")
    changes = isinstance(text, dict)
    return (_at_frame(text["expr"], frame or 0) if changes else text), changes, subtitle


def _at_frame(expression: str, frame: int) -> str:
    """What an expression of the frame says; nothing where it is none of ours."""
    found = CHANGES.fullmatch(expression)
    if found is None:
        return ""
    lines = json.loads(found["lines"])
    return lines[frame] if frame < len(lines) else ""


def _heading(spec: dict[str, Any], frame: int | None, title: bool, width: float) -> dict[str, Any] | None:
    text, changes, subtitle = _title(spec, frame)
    if not title:
        text, subtitle = text if changes else "", ""
    lines, below = wrapped(text, width - 2 * MARGIN, BOLD), wrapped(for_paper(subtitle), width - 2 * MARGIN)
    if not lines and not below:
        return None
    return {"text": lines, "subtitle": below, "anchor": "start", "frame": "bounds", "offset": 5, "subtitlePadding": 1}


def for_paper(subtitle: str) -> str:
    """Without clauses that tell what to do on a screen."""
    return "; ".join(clause for clause in subtitle.split("; ") if clause and not ON_SCREEN.search(clause))


def wrapped(text: str, width: float, weight: float = 1.0) -> list[str]:
    """Lines of at most this width, about; `weight` is the width of a letter over that of one of plain text."""
    most = max(int(width / (TEXT * LETTER * weight)), 8)
    lines: list[str] = []
    for word in text.split():
        if lines and len(lines[-1]) + 1 + len(word) <= most:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines


# What is drawn.


def _seen(spec: dict[str, Any]) -> dict[str, Any]:
    """Without what only a pointer finds."""
    if "layer" in spec:
        spec = {**spec, "layer": [_seen(layer) for layer in spec["layer"] if not _found(layer)]}
    if "encoding" in spec:
        spec = {**spec, "encoding": {name: value for name, value in spec["encoding"].items() if name != "tooltip"}}
    return spec


def _found(layer: dict[str, Any]) -> bool:
    """Marks in their places that cannot be seen."""
    mark = layer.get("mark")
    return isinstance(mark, dict) and mark.get("opacity") == 0 and "x" in layer.get("encoding", {})


# Sizes.


def _small(value: Any, key: str = "") -> Any:
    """Lengths and areas of a page as those of paper, and all text of one size."""
    if isinstance(value, dict):
        return {name: _small(one, name) for name, one in value.items() if name != "datasets"}
    if isinstance(value, list):
        return [_small(one, key if key == "strokeDash" else "") for one in value]
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    if FONTS.fullmatch(key):
        return TEXT
    return round(value * SCALE, 2) if key in LENGTHS else round(value * SCALE**2, 2) if key in AREAS else value


def _small_dashes(spec: dict[str, Any]) -> None:
    """Those that a scale or a legend gives."""
    for encoding in _inside(spec, "strokeDash"):
        scale = encoding.get("scale") or {}
        scale.update({"range": [_small(dash, "strokeDash") for dash in scale["range"]]} if "range" in scale else {})
        for one in (encoding, *encoding.get("condition", ())):
            one.update({"value": _small(one["value"], "strokeDash")} if "value" in one else {})


def _padding(spec: dict[str, Any]) -> dict[str, float]:
    """Room around a plot; on its right also for texts that begin at its edge, of which Vega takes no account."""
    beside = any(mark.get("type") == "text" and mark.get("align") == "left" for mark in _inside(spec, "mark"))
    return {"left": MARGIN, "top": MARGIN, "bottom": MARGIN, "right": ASIDE if beside else MARGIN}


def _inside(value: Any, *keys: str) -> Iterator[dict[str, Any]]:
    """Every dictionary under one of these keys."""
    for name, one in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        if name in keys and isinstance(one, dict):
            yield one
        yield from _inside(one, *keys)


def _fit_legends(spec: dict[str, Any], width: float) -> None:
    """As many columns as there is room for."""
    for encoding in _inside(spec, "color", "fill", "stroke", "shape", "strokeDash", "opacity"):
        legend = encoding.get("legend")
        if not isinstance(legend, dict):
            continue
        names = (encoding.get("scale") or {}).get("domain")
        if names == []:  # of which Vega makes a legend without an end
            encoding["legend"] = None
            continue
        names = [str(name) for name in names or ()]
        if "columns" in legend and names:
            longest = max(len(name) for name in names) * TEXT * LETTER + 24
            most = int(re.findall(r"\d+", str(legend["columns"]))[-1])  # of "width < 360 ? 2 : 4" as of 4
            legend["columns"] = max(1, min(most, int((width - AXIS_ROOM) / longest)))
        legend["labelLimit"] = width - AXIS_ROOM
        legend["titleLimit"] = width - AXIS_ROOM
        if "gradientLength" in legend and legend.get("orient") == "top":
            legend["gradientLength"] = min(legend["gradientLength"], width - 2 * AXIS_ROOM)


def _fit_axes(spec: dict[str, Any], width: float, height: float) -> None:
    """Titles that are too long for their axis in several lines."""
    for channel, room in (("x", width - AXIS_ROOM), ("y", height + TEXT)):
        for encoding in _inside(spec, channel):
            for holder in (encoding, encoding.get("axis")):
                if isinstance(holder, dict) and isinstance(holder.get("title"), str) and holder["title"]:
                    lines = wrapped(holder["title"], room)
                    holder["title"] = lines if len(lines) > 1 else holder["title"]
            if isinstance(encoding.get("axis"), dict):
                encoding["axis"] = {"labelOverlap": "greedy", "labelSeparation": 2} | encoding["axis"]


def _merged(under: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """Two levels of settings; those that stand `over` the others win, colours of text besides."""
    both = {name for name in under if isinstance(under[name], dict) and isinstance(over.get(name), dict)}
    return {**under, **over, **{name: {**under[name], **over[name]} for name in both}}


# A legend shows lines as they are drawn: dashed where they are.

Dash = tuple[float, ...]
SOLID: Dash = (1, 0)
ON_SYMBOL = {"symbolType": "stroke", "symbolSize": 500.0, "symbolStrokeWidth": 2.2, "rowPadding": -8}
"""Lines of a legend, in pixels of a page, on which dashes can be told."""
LINES = "line", "rule", "trail"
Rows = Mapping[str, Sequence[Mapping[str, Any]]]


def with_dashes(spec: dict[str, Any], datasets: Rows) -> dict[str, Any]:
    """The chart, in whose legend of colours each name has the dashes of its lines; those of held results, which have a
    legend of their own, are left out."""
    layers = [layer for layer in _layers(spec) if _mark(layer).get("style") != ghosts.STYLE]
    if any("strokeDash" in layer.get("encoding", {}) for layer in layers):
        return spec
    named = next(filter(None, map(_legend, layers)), None)
    if named is None:
        return spec
    names, colours = named["scale"]["domain"], named["scale"].get("range", [])
    drawn: dict[str, set[Dash]] = defaultdict(set)
    for layer in layers:
        for name in _drawn(layer, datasets, dict(zip(colours, names, strict=False)), named.get("field", "")):
            drawn[name].add(_dash(layer))
    dashed = {name: next(iter(drawn[name])) for name in names if len(drawn[name]) == 1 and drawn[name] != {SOLID}}
    if dashed:
        for legend in filter(None, map(_legend, _layers(spec))):
            legend["legend"].update(ON_SYMBOL, encoding={"symbols": {"strokeDash": _by_name(dashed)}})
    return spec


def _by_name(dashed: Mapping[str, Dash]) -> dict[str, Any]:
    """Dashes of the symbols of a legend."""
    tests = [{"test": f"datum.label === {json.dumps(name)}", "value": [*dash]} for name, dash in dashed.items()]
    return {"condition": tests, "value": [*SOLID]}


def _layers(spec: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for layer in spec.get("layer", (spec,)):
        yield from _layers(layer) if "layer" in layer else (layer,)


def _legend(layer: dict[str, Any]) -> dict[str, Any] | None:
    """The encoding of colour that has a legend of names."""
    colour = layer.get("encoding", {}).get("color") or {}
    return colour if colour.get("legend") and (colour.get("scale") or {}).get("domain") else None


def _mark(layer: dict[str, Any]) -> dict[str, Any]:
    mark = layer.get("mark", {})
    return {"type": mark} if isinstance(mark, str) else mark


def _dash(layer: dict[str, Any]) -> Dash:
    return tuple(_mark(layer).get("strokeDash") or SOLID)


def _drawn(layer: dict[str, Any], datasets: Rows, by_colour: Mapping[str, str], field: str) -> set[str]:
    """Names of the lines of a layer: by their colour, or by the column that colours them."""
    mark = _mark(layer)
    if mark.get("type") not in LINES:
        return set()
    own = (layer.get("encoding", {}).get("color") or {}).get("field")
    if own is None:
        return {by_colour[mark["color"]]} if mark.get("color") in by_colour else set()
    rows = datasets.get((layer.get("data") or {}).get("name", ""), ())
    return {str(row[own]) for row in rows if own in row} if own == field else set()
