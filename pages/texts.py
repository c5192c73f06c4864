"""Values as a person types them, and back. No Streamlit here."""

import json
from typing import Literal

Kind = Literal["number", "numbers", "one or more", "names", "choice", "flag", "text"]
"""How the text of a setting is read."""


def text_of(value: object) -> str:
    """A value as a person would type it."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value
    if isinstance(value, float):
        return f"{value:g}" if float(f"{value:g}") == value else repr(value)
    if isinstance(value, list | tuple):
        items = [text_of(item) for item in value]
        clear = all(item and item == item.strip() and not set(item) & set(',"[') for item in items)
        return ", ".join(items) if clear else json.dumps(value, default=str)
    return json.dumps(value, default=str) if isinstance(value, dict) else repr(value)


def value_of(text: str, kind: Kind) -> object:
    """The value that a text stands for; what makes no sense stays a text, for the config to refuse."""
    if kind == "text":
        return text
    text = text.strip()
    if kind == "names":
        return _listed(text) if text.startswith("[") else [item.strip() for item in text.split(",")]
    if text.lower() in ("none", "null"):
        return None
    if kind in ("choice", "flag"):
        return text
    if kind == "number" or (kind == "one or more" and "," not in text and not text.startswith("[")):
        return _number(text)
    inner = text.removeprefix("[").removesuffix("]").removeprefix("(").removesuffix(")")
    return [_number(item.strip()) for item in inner.split(",") if item.strip()]


def _number(text: str) -> object:
    for read in (int, float):
        try:
            return read(text)
        except ValueError:
            continue
    return text


def _listed(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return [text]
