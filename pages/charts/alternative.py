"""What a chart shows, in words for those who do not see it: from its specification, so that no chart is without."""

from collections.abc import Iterator
from typing import Any

from pages.charts.words import in_one, listing

MOST = 12
"""Series that are named."""
MOVES = "It moves with the checkpoints of training."
KINDS = {"rect": "Map", "bar": "Bars", "line": "Curves", "area": "Curves", "point": "Points"}


def alternative(spec: dict[str, Any]) -> str:
    """The question, what is drawn against what, and the series, as far as the chart says them."""
    layers = list(_layers(spec))
    return " ".join(
        filter(None, (_question(spec), _drawn(layers), _series(layers), _held(layers), MOVES if _moves(spec) else ""))
    )


def _layers(spec: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Every layer with an encoding."""
    if "encoding" in spec:
        yield spec
    for part in spec.get("layer", ()):
        yield from _layers(part)


def _question(spec: dict[str, Any]) -> str:
    """The title, with its subtitle, where they are text and no expression of the frame."""
    title = spec.get("title", "")
    said = [title] if isinstance(title, str) else [title.get("text"), in_one(title.get("subtitle") or "")]
    lines = [line.strip() for line in said if isinstance(line, str) and line.strip()]
    return " ".join(f"{line[0].upper()}{line[1:]}{'' if line[-1] in '.?!' else '.'}" for line in lines)


def _drawn(layers: list[dict[str, Any]]) -> str:
    """What kind of marks, and the titles of the axes."""
    up, across = (_titles(layers, channel, "axis") for channel in ("y", "x"))
    colour = _titles(layers, "color", "legend")
    kinds = [KINDS[kind] for kind in KINDS if any(_kind(layer) == kind for layer in layers)]
    what = " and ".join(filter(None, (f"of {colour}" if colour else "", f"of {up}" if up and not colour else "")))
    plane = f"over {up} and {across}" if colour and up and across else f"against {across}" if across else ""
    return " ".join(filter(None, (kinds[0] if kinds else "Chart", what, plane))) + "."


def _kind(layer: dict[str, Any]) -> str:
    mark = layer.get("mark", "")
    return mark if isinstance(mark, str) else mark.get("type", "")


def _titles(layers: list[dict[str, Any]], channel: str, guide: str) -> str:
    """The first title of an axis or legend."""
    for layer in layers:
        title = ((layer["encoding"].get(channel) or {}).get(guide) or {}).get("title")
        if isinstance(title, str) and title:
            return title
    return ""


def _series(layers: list[dict[str, Any]]) -> str:
    """The names in the legend."""
    for channel in ("color", "fill"):
        for layer in layers:
            names = ((layer["encoding"].get(channel) or {}).get("scale") or {}).get("domain")
            if isinstance(names, list) and names and all(isinstance(name, str) for name in names):
                more = len(names) - MOST
                return f"Shown: {listing([*names[:MOST], *([f'{more} more'] if more > 0 else [])])}."
    return ""


def _held(layers: list[dict[str, Any]]) -> str:
    """The names of held results beneath it."""
    for layer in layers:
        for channel in ("strokeDash", "shape"):
            given = layer["encoding"].get(channel) or {}
            if given.get("field") == "held":
                return f"Beneath it, {listing(given['scale']['domain'])}."
    return ""


def _moves(spec: dict[str, Any]) -> bool:
    return any(param.get("name") == "frame" for param in spec.get("params", ()))
