"""Title and subtitle of a chart in several lines where its plot is too narrow for one, which Vega would cut."""

import json
import textwrap
from typing import Any

from pages.charts.theme import TITLE_SIZE
from pages.charts.words import in_one

LETTER = 0.48
"""Width of a letter beside its size."""
SUBTITLE_SIZE = 11
"""Of Vega, in pixels."""
TELEPHONE = 285
"""Pixels of a plot on a telephone, for which the lines are made."""
JOINT = " — "
"""Between the question of an animated chart and what it says of its frame (`pages.charts.animated`)."""
FRAME = 30
"""Letters that it says of it."""


def in_lines(spec: dict[str, Any]) -> dict[str, Any]:
    """The specification; its title, a text or an expression of the frame, breaks where the plot is narrow, and its
    subtitle, which has lines, breaks there alone."""
    title = spec.get("title")
    if not isinstance(title, dict) or not title.get("text"):
        return spec
    found = {"text": _title(title["text"], title.get("fontSize", TITLE_SIZE) * LETTER)}
    if isinstance(lines := title.get("subtitle"), list):
        whole = in_one(lines)
        found["subtitle"] = _either(len(whole) * SUBTITLE_SIZE * LETTER, json.dumps(lines), json.dumps(whole))
    return {**spec, "title": {**title, **found}}


def _title(text: Any, letter: float) -> Any:
    """The title, whose letters are so wide."""
    if isinstance(text, dict):
        whole = text["expr"]
        letters = len(whole.partition(JOINT)[0]) + FRAME
        return _either(letters * letter, f"split({whole}, {json.dumps(JOINT)})", whole) if JOINT in whole else text
    lines = textwrap.wrap(text, int(TELEPHONE / letter))
    return _either(len(text) * letter, json.dumps(lines), json.dumps(text)) if len(lines) > 1 else text


def _either(room: float, lines: str, whole: str) -> dict[str, str]:
    """The lines where the plot has less room, else the whole."""
    return {"expr": f"width < {round(room)} ? {lines} : {whole}"}
