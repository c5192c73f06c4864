"""What the controls of a page hold, as texts: kept in the session, written into the URL, taken up from it."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlencode

import streamlit as st

from engine.schema import Problem

# The texts live in the session, apart from the widgets: those of another page lose their state. The URL is written in
# every run of a page and read on arrival. `bind="query-params"` is not used: it drops a bad value without a word, where
# we show it with what is wrong, and refuses a parameter that a control of the page before is bound to.

IN_FLIGHT = 2.0
"""Seconds in which a browser may still send the URL that stood before we wrote the new one."""
PAGE, MOVED = "page", "moved"
"""In the session: the page shown, and that no link was taken up since it was opened (`pages.main`)."""

Texts = Mapping[str, str]
Read = Callable[[Texts], tuple[Texts, Sequence[Problem]]]
"""The parameters of a URL -> the texts that it asks for, and what in it means nothing."""


def here() -> str:
    """The link of the page that is shown, as it stands."""
    query = urlencode(st.query_params.to_dict())
    return f"/{st.session_state.get(PAGE, '')}" + (f"?{query}" if query else "")


@dataclass
class Link:
    """The texts of one page, or of several that show the same settings.

    Attributes:
        texts: name of the control -> what stands in it. Empty before the first arrival.
        remarks: what was wrong with the last URL, file or run taken up, beyond the texts themselves.
        new: whether nothing was taken up yet.
        names: of the controls that were drawn; a draft knows its own.
    """

    texts: dict[str, str] = field(default_factory=dict)
    remarks: list[Problem] = field(default_factory=list)
    new: bool = True
    names: set[str] = field(default_factory=set)
    _edited: bool = False
    _written: dict[str, str] = field(default_factory=dict)
    _written_at: float = 0.0

    @classmethod
    def of(cls, name: str) -> "Link":
        """That of this session."""
        return st.session_state.setdefault(f"link {name}", cls())

    def arrive(self, read: Read) -> None:
        """Takes the URL up when the page has just been opened, or when the browser went back to another URL."""
        query, edited = st.query_params.to_dict(), self._edited
        moved = st.session_state.pop(MOVED, False)
        self._edited = False
        if not self.new:
            if moved and not query:
                return
            in_flight = time.monotonic() - self._written_at < IN_FLIGHT
            if not moved and (edited or query == self._written or in_flight):
                return
        self._take(*read(query))

    def edit(self, name: str, text: str) -> None:
        """One text, from its widget."""
        self.texts[name] = text
        self._edited = True

    def replace(self, texts: Texts, remarks: Sequence[Problem] = ()) -> None:
        """All texts, from a button, a file or a run."""
        self._take(texts, remarks)
        self._edited = True

    def write(self, query: Texts) -> None:
        """Puts the texts into the URL, as these parameters."""
        self._written = dict(query)
        if self._written != st.query_params.to_dict():
            st.query_params.from_dict(self._written)
            self._written_at = time.monotonic()

    def _take(self, texts: Texts, remarks: Sequence[Problem]) -> None:
        self.texts, self.remarks, self.new = dict(texts), list(remarks), False
