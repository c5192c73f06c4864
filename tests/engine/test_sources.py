"""BibTeX of the sources: every one that the glossary names has an entry, and every entry is named."""

import re

import pytest
from bibtex import parsed

from engine.quantities import QUANTITIES, SOURCES, sources, sources_of

OF_THIS_PROJECT = re.compile(
    r"definition of this project|engine\.|the same draws|the exact (value|ratio) over the rate|"
    r"exact ratio at L \+ 1 against L|draws of the exact law"
)
"""Sources that are no publication."""


ENTRIES = parsed(SOURCES.read_text("utf-8"))


@pytest.mark.parametrize("name", QUANTITIES)
def test_every_source_has_an_entry(name: str) -> None:
    source, found = QUANTITIES[name].source, sources_of([name])
    assert found or OF_THIS_PROJECT.search(source), source
    assert {one.named.removeprefix("arXiv ") for one in found} >= set(re.findall(r"\d{4}\.\d{5}|\d{4}\.\d{4}", source))
    years = set(re.findall(r"(?<![\d.])(1[89]\d\d|20\d\d)(?![\d.])", source))
    assert {ENTRIES[one.key]["year"] for one in found} >= years


def test_every_entry_is_named() -> None:
    assert {one.key for one in sources_of(QUANTITIES)} == set(ENTRIES) == {one.key for one in sources()}
    assert len(ENTRIES) > 20


def test_entries_are_bibtex_without_what_is_only_ours() -> None:
    again = parsed("\n".join(one.bibtex for one in sources()))
    assert again == {key: {n: v for n, v in fields.items() if n != "named"} for key, fields in ENTRIES.items()}
    for key, fields in again.items():
        assert fields["type"] in {"article", "inproceedings", "book", "misc", "techreport"}
        assert {"author", "title", "year"} <= set(fields), key
        venue = {"article": "journal", "inproceedings": "booktitle", "book": "publisher", "techreport": "institution"}
        assert venue.get(fields["type"], "eprint") in fields, key
        assert key.endswith(fields["year"]), key
