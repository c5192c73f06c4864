"""Values as the widgets and links of a page hold them, and back (`engine.texts`). No Streamlit here."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from engine.problems import several, short_repr
from engine.schema import ConfigError, Problem, did_you_mean
from engine.texts import is_none, number, numbers, read, text_of
from pages.charts.words import are

MOST_REMARKS = 10
"""On names that are no settings."""


Kind = Literal["number", "numbers", "one or more", "names", "choice", "flag", "text", "settings"]
"""How the text of a setting is read; "settings" are several in braces, as YAML."""


def value_of(text: str, kind: Kind) -> object:
    """The value that a text stands for; what makes no sense stays a text, for the config to refuse."""
    if kind == "text":
        return text
    text = text.strip()
    if kind == "names":
        return _listed(text) if text.startswith("[") else [item.strip() for item in text.split(",")]
    if kind in ("choice", "flag"):
        return text
    if is_none(text):
        return None
    if kind == "settings":
        return _settings(text)
    several = kind == "numbers" or (kind == "one or more" and ("," in text or text.startswith("[")))
    return numbers(text) if several else number(text)


def draft_text(value: object, kind: Kind) -> str:
    """A value of a file as a text that stands for the same, right or wrong: a draft means nothing by an empty one."""
    if kind == "text" and isinstance(value, str):
        return value
    if kind == "names":
        return "" if value is None else text_of([value] if isinstance(value, str | int | float) else value)
    if kind == "settings" and isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False)
    text = text_of(value)
    if isinstance(value, list | tuple):
        plain = kind == "numbers" and len(value) > 0 and all(isinstance(item, int | float) for item in value)
        return text if plain else f"[{text}]"
    spaced = kind in ("choice", "flag") and text != text.strip()
    return json.dumps(text) if spaced or not text.strip() else text


def _settings(text: str) -> object:
    try:
        return read(text)
    except ConfigError:
        return text


def _listed(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return [text]


def left_out(strange: Sequence[str], known: Iterable[str], hints: Mapping[str, str] = {}) -> list[Problem]:
    """What to say of the names in a link that no setting has: of the first few each, of the rest how many.

    Args:
        hints: for names that are known elsewhere.
    """
    allowed = list(known)
    said = [
        Problem(short_repr(name), f"no such setting, left out.{hints.get(name) or did_you_mean(name, allowed)}")
        for name in strange[:MOST_REMARKS]
    ]
    more = len(strange) - MOST_REMARKS
    what = f"{several(more, 'more name')} in the link {are(more)} no setting{'s' * (more > 1)}, left out"
    return [*said, Problem("", what)] if more > 0 else said
