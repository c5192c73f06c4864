"""Reads BibTeX, apart from the engine."""

import re


def parsed(text: str) -> dict[str, dict[str, str]]:
    """Entries by key, by a reader of our own: fields are in braces, which are balanced."""
    found: dict[str, dict[str, str]] = {}
    at = 0
    while (start := re.compile(r"@(\w+)\{(\w+),").search(text, at)) is not None:
        assert start[2] not in found, start[2]
        fields, at = {"type": start[1]}, start.end()
        while text[at:].lstrip()[:1] != "}":
            name = re.compile(r"\s*(\w+) = \{").match(text, at)
            assert name, text[at : at + 60]
            depth, end = 1, name.end()
            while depth:
                depth += {"{": 1, "}": -1}.get(text[end], 0)
                end += 1
            assert text[end] == ","
            fields[name[1]], at = " ".join(text[name.end() : end - 1].split()), end + 1
        found[start[2]] = fields
        at = text.index("}", at) + 1
    return found
