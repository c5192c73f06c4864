"""Which panels of a held result's chart belong beneath which of the present one's."""

from collections.abc import Sequence
from typing import Any

from altair import utils

from pages.charts.specification import parts_of


def drawn(chart: Any, ghost: Any) -> bool:
    """Whether a held result's chart has the panels of this one, or as many of them as it has questions in common."""
    name, parts = parts_of(chart)
    if name in ("", "layer"):
        return parts_of(ghost)[0] in ("", "layer")
    both = zip(parts, partners(name, parts, ghost), strict=True)
    found = [(part, other) for part, other in both if other is not None]
    return bool(found) and all(drawn(*pair) for pair in found)


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
