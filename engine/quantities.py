"""What every number means: symbol, definition, normalisation and source, in one table for pages and files.

The table is `glossary.toml`, a quantity to a table. Those below `map` and `initial` are named `map.elt`,
`initial.ratio`.
"""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
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
