"""Tables that came in lately, by the hash of their text: an address names one, so that it survives a reload.

They live in the memory of the server. A run that was asked for keeps its own table in the cache.
"""

import hashlib
import threading
from collections import OrderedDict
from dataclasses import dataclass

import streamlit as st

KEPT = 64
"""Tables of a megabyte at most."""


@dataclass(frozen=True)
class NamedTable:
    """A table's text, the file it came from, and what was said on reading its bytes."""

    name: str
    text: str
    notes: tuple[str, ...] = ()


class Tables:
    """The last `KEPT` tables. Safe between sessions."""

    def __init__(self):
        self._lock = threading.Lock()
        self._tables: OrderedDict[str, NamedTable] = OrderedDict()

    def keep(self, table: NamedTable) -> None:
        """Remembers a table, under its newest name."""
        with self._lock:
            self._tables[address(table.text)] = table
            self._tables.move_to_end(address(table.text))
            while len(self._tables) > KEPT:
                self._tables.popitem(last=False)

    def find(self, key: str) -> NamedTable | None:
        """The table of an address; None when it is not, or no longer, here."""
        with self._lock:
            return self._tables.get(key)


@st.cache_resource(show_spinner=False)
def tables() -> Tables:
    """Those of this server."""
    return Tables()


def address(text: str) -> str:
    """The hash that names a table in an address."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def known(text: str) -> NamedTable:
    """A table with its name; one that came with a run has none of its own."""
    found = tables().find(address(text))
    if found is None:
        found = NamedTable("the table of this run", text)
        tables().keep(found)
    return found
