"""A legend shows lines as they are drawn: dashed where they are."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Dash = tuple[float, ...]
SOLID: Dash = (1, 0)
ON_SYMBOL = {"symbolType": "stroke", "symbolSize": 500.0, "symbolStrokeWidth": 2.2, "rowPadding": -8}
"""Lines of a legend, in pixels of a page, on which dashes can be told."""
LINES = "line", "rule", "trail"
Rows = Mapping[str, Sequence[Mapping[str, Any]]]


def with_dashes(spec: dict[str, Any], datasets: Rows) -> dict[str, Any]:
    """The chart with a layer that draws nothing and gives its legend the dashes of the lines of each name."""
    layers = list(_layers(spec))
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
    dashes = [next(iter(drawn[name])) if len(drawn[name]) == 1 else SOLID for name in names]
    if all(dash == SOLID for dash in dashes):
        return spec
    for layer in layers:
        if legend := _legend(layer):
            legend["legend"].update(ON_SYMBOL)
    return {**spec, "layer": [*(spec.get("layer") or [_alone(spec)]), _key(named, dashes)]}


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


def _key(colour: dict[str, Any], dashes: Sequence[Dash]) -> dict[str, Any]:
    """Marks nothing; in the legend each name has its colour and its dash."""
    names = colour["scale"]["domain"]
    dash = {
        "field": colour["field"],
        "type": "nominal",
        "scale": {"domain": names, "range": [list(dash) for dash in dashes]},
        "legend": colour["legend"],
    }
    return {
        "data": {"values": [{colour["field"]: name} for name in names]},
        "mark": {"type": "point", "opacity": 0, "aria": False},
        "encoding": {"color": colour, "strokeDash": dash},
    }


def _alone(spec: dict[str, Any]) -> dict[str, Any]:
    """The one mark of a chart as a layer."""
    return {name: spec.pop(name) for name in ("mark", "encoding", "data", "transform") if name in spec}
