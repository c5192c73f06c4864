"""The title of a chart in several lines where its plot is too narrow for one, which Vega would cut."""

import json
import textwrap
from typing import Any

from pages.charts.theme import TITLE_SIZE

LETTER = 0.48
"""Width of a letter beside its size."""
TELEPHONE = 285
"""Pixels of a plot on a telephone, for which the lines are made."""
JOINT = " — "
"""Between the question of an animated chart and what it says of its frame (`pages.charts.animated`)."""
FRAME = 30
"""Letters that it says of it."""


def in_lines(spec: dict[str, Any]) -> dict[str, Any]:
    """The specification; its title, a text or an expression of the frame, breaks where the plot is narrow."""
    title = spec.get("title")
    if not isinstance(title, dict) or not title.get("text"):
        return spec
    text, letter = title["text"], title.get("fontSize", TITLE_SIZE) * LETTER
    if isinstance(text, dict):
        whole = text["expr"]
        broken = f"split({whole}, {json.dumps(JOINT)})" if JOINT in whole else ""
        letters = len(whole.partition(JOINT)[0]) + FRAME
    else:
        lines = textwrap.wrap(text, int(TELEPHONE / letter))
        whole, letters = json.dumps(text), len(text)
        broken = json.dumps(lines) if len(lines) > 1 else ""
    if not broken:
        return spec
    chosen = {"expr": f"width < {round(letters * letter)} ? {broken} : {whole}"}
    return {**spec, "title": {**title, "text": chosen}}
