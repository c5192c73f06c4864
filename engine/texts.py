"""Numbers, nothing and lists as a person types them, and back: the same in a file, on a page and in a link."""

import json
import re

LONGEST_NUMBER = 400
"""Characters. Longer ones are no numbers: Python refuses to write integers of some thousand digits."""
LONGEST_LIST = 2_000
"""Characters of a list of numbers. Longer ones are none either."""
NONE = ("none", "null")

_NUMBER = re.compile(r"[-+]?\.?[0-9]")


def number(text: str) -> int | float | str:
    """The number that a text stands for: 8, 1_000, 1e-3, 0x1f, nan, inf; else the text itself."""
    text = text.strip()
    if len(text) > LONGEST_NUMBER or not text.isascii():
        return text
    for read in (int, float, lambda text: int(text, 0)):
        try:
            return read(text)
        except ValueError:
            continue
    return text


def numbers(text: str) -> list[int | float | str]:
    """The numbers between the commas of a text, in brackets or not; what is none stays a text."""
    if len(text) > LONGEST_LIST:
        return [text]
    inner = text.strip().removeprefix("[").removesuffix("]").removeprefix("(").removesuffix(")")
    return [number(item) for item in inner.split(",") if item.strip()]


def is_none(text: str) -> bool:
    return text.strip().lower() in NONE


def scalar(text: str) -> bool | int | float | str | None:
    """What a plain scalar of YAML's core schema stands for."""
    if text in ("", "~", "null", "Null", "NULL"):
        return None
    if text in ("true", "True", "TRUE", "false", "False", "FALSE"):
        return text.lower() == "true"
    if text.lower().lstrip("+-") in (".inf", ".nan"):
        return float(text.replace(".", "", 1))
    return number(text) if _NUMBER.match(text) else text


def text_of(value: object) -> str:
    """A value as a person would type it."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value
    if isinstance(value, float):
        short = f"{value:g}"
        return short if repr(float(short)) == repr(value) else repr(value)
    if isinstance(value, list | tuple):
        items = [text_of(item) for item in value]
        clear = all(item and item == item.strip() and not set(item) & set(',"[') for item in items)
        return ", ".join(items) if clear else json.dumps(value, default=str)
    return json.dumps(value, default=str) if isinstance(value, dict) else repr(value)
