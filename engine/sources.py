"""BibTeX of what the glossary names as a source: `sources.bib`."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from engine.quantities import QUANTITIES

SOURCES = Path(__file__).with_name("sources.bib")

_ENTRY = re.compile(r"^@\w+\{(\w+),\n.*?^\}\n", re.M | re.S)
_FIELD = re.compile(r"^  (\w+) = \{(.*?)\},$", re.M | re.S)


@dataclass(frozen=True)
class Source:
    """One source.

    Attributes:
        key: as \\cite takes it.
        named: in the text of a quantity's source.
        bibtex: the entry, as a file for BibTeX holds it.
    """

    key: str
    named: str
    bibtex: str


@cache
def sources() -> tuple[Source, ...]:
    """All of them, by key."""
    return tuple(_source(found) for found in _ENTRY.finditer(SOURCES.read_text("utf-8")))


def _source(found: re.Match[str]) -> Source:
    fields = {name: " ".join(text.split()) for name, text in _FIELD.findall(found[0])}
    named = fields.get("named") or f"arXiv {fields['eprint']}"
    return Source(found[1], named, re.sub(r"^  named = .*\n", "", found[0], flags=re.M))


def of_quantities(names: Iterable[str]) -> list[Source]:
    """What the definitions of these quantities (`engine.quantities`) come from, by key."""
    texts = {QUANTITIES[name].source for name in names}
    return [source for source in sources() if any(source.named in text for text in texts)]
