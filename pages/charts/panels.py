"""A chart made of others, taken apart: each part takes the width that it finds, which Vega-Lite's own grids do not. And
which of its parts belong beneath which of another one's."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import altair as alt
from altair import utils

from pages.charts.specification import Specification, parts_of
from pages.charts.words import in_one

ROOM = 92
"""Pixels for title, legend and axis, which the height of a part in a grid does not hold, and that of a chart does."""

Direction = Literal["down", "across"]


@dataclass(frozen=True, eq=False)
class Panels:
    """Charts under or beside one another.

    Attributes:
        title, subtitle: of the whole; empty where each panel has its own.
    """

    direction: Direction
    parts: tuple["Panels | Specification", ...]
    title: str = ""
    subtitle: str = ""


def panels(chart: Any) -> Panels | Specification:
    """What the page draws of a chart, which is used up."""
    whole = {name: chart[name] for name in ("params", "usermeta") if not utils.is_undefined(chart[name])}
    return _taken_apart(chart, whole)


def _taken_apart(chart: Any, whole: dict[str, Any]) -> Panels | Specification:
    name, parts = parts_of(chart)
    if name in ("", "layer"):
        return Specification.of(chart)
    parts = [_taken_apart(_alone(part, whole), whole) for part in parts]
    if name == "concat":
        return Panels("down", tuple(_rows(parts, int(chart.columns))))
    title = {} if utils.is_undefined(chart.title) else chart.title.to_dict()
    direction: Direction = "down" if name == "vconcat" else "across"
    return Panels(direction, tuple(parts), title.get("text", ""), in_one(title.get("subtitle", "")))


def _rows(parts: Sequence[Panels | Specification], columns: int) -> list[Panels]:
    return [Panels("across", tuple(parts[at : at + columns])) for at in range(0, len(parts), columns)]


def _alone(part: Any, whole: dict[str, Any]) -> Any:
    """A part with what the whole gave it, and without the width that it had there."""
    if parts_of(part)[0] not in ("", "layer"):
        return part
    for name, value in whole.items():
        part[name] = value
    part.width, part.height = alt.Undefined, part.height + ROOM
    return part


def taller(chart: Panels | Specification, factor: float) -> Panels | Specification:
    """The same, each part so many times as tall."""
    if isinstance(chart, Panels):
        return replace(chart, parts=tuple(taller(part, factor) for part in chart.parts))
    spec = json.loads(chart.text)
    return replace(chart, text=json.dumps(spec | ({"height": spec["height"] * factor} if "height" in spec else {})))


# Which panels of a held result's chart belong beneath which of the present one's.


def fits_beneath(chart: Any, ghost: Any) -> bool:
    """Whether a held result's chart has the panels of this one, or as many of them as it has questions in common."""
    name, parts = parts_of(chart)
    if name in ("", "layer"):
        return parts_of(ghost)[0] in ("", "layer")
    both = zip(parts, partners(name, parts, ghost), strict=True)
    found = [(part, other) for part, other in both if other is not None]
    return bool(found) and all(fits_beneath(*pair) for pair in found)


def partners(name: str, parts: Sequence[Any], ghost: Any) -> list[Any]:
    """Of each part that of a held result's chart which belongs beneath it; None where there is none."""
    other, others = parts_of(ghost)
    if other != name:
        return [None] * len(parts)
    if len(others) == len(parts):
        return others
    asked = {question: one for one in others if (question := _question(one))}
    return [asked.get(_question(part)) for part in parts]


def _question(chart: Any) -> str:
    title = "" if utils.is_undefined(chart.title) else chart.title
    return title if isinstance(title, str) else str(title["text"])
