"""What every number means: symbol, definition, normalisation and source, in one table for pages and files.

The table is `glossary.toml`, a quantity to a table. Those below `map` and `initial` are named `map.elt`,
`initial.ratio`. `sources.bib` has the BibTeX of what they name as their sources.
"""

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

GLOSSARY = Path(__file__).with_name("glossary.toml")


@dataclass(frozen=True)
class Quantity:
    """One quantity.

    Attributes:
        label: its name in plain words.
        definition: in Markdown with LaTeX, normalisation included.
        symbol: as an axis carries it (Unicode; Vega draws no LaTeX); empty where no axis does.
        source: where the definition comes from.
    """

    label: str
    definition: str
    symbol: str = ""
    source: str = "definition of this project"


def _read(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Quantity]]:
    """Lines are wrapped in the file, not in the texts."""
    for name, value in table.items():
        if "definition" in value:
            yield prefix + name, Quantity(**{field: " ".join(text.split()) for field, text in value.items()})
        else:
            yield from _read(value, f"{prefix}{name}.")


QUANTITIES = dict(_read(tomllib.loads(GLOSSARY.read_text("utf-8"))))


# BibTeX of what the glossary names as a source.

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


def sources_of(names: Iterable[str]) -> list[Source]:
    """What the definitions of these quantities (`engine.quantities`) come from, by key."""
    texts = {QUANTITIES[name].source for name in names}
    return [source for source in sources() if any(source.named in text for text in texts)]
