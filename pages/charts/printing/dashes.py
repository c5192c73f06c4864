"""A legend shows lines as they are drawn: dashed where they are."""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pages.charts import ghosts

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
