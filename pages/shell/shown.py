"""What a page has said and drawn since it was last run whole, for what it gives away: bundle and report."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import pandas as pd
import streamlit as st
from streamlit.runtime.scriptrunner_utils.script_run_context import ThreadState, get_script_run_ctx

SHOWN = "shown"
"""Where it stands in the session."""
HASH = 16
"""Hexadecimal digits of a config's hash in a text."""


class Drawn(Protocol):
    """A figure (`pages.shell.figure.Figure`)."""

    @property
    def name(self) -> str: ...
    @property
    def question(self) -> str: ...
    @property
    def label(self) -> str: ...
    @property
    def quantities(self) -> Sequence[str]: ...
    @property
    def frame(self) -> pd.DataFrame | None: ...
    @property
    def notes(self) -> Sequence[str]: ...
    @property
    def file(self) -> str: ...
    @property
    def beneath(self) -> Sequence[tuple[str, str]]: ...
    def draw(self) -> Any: ...


@dataclass
class Shown:
    """A page.

    Attributes:
        title, question: how it opens.
        answer: the sentence that answers it, as Markdown; empty where nothing is known.
        conventions: in which the numbers are meant, as LaTeX.
        identity: hash of the config that the numbers come from.
        findings: sentences under the answer, as Markdown.
    """

    title: str = ""
    question: str = ""
    answer: str = ""
    conventions: Callable[[], str] = str
    identity: str = ""
    findings: Sequence[str] = ()
    _parts: dict[str | None, tuple[Any, dict[str, Drawn]]] = field(default_factory=dict)

    @property
    def figures(self) -> list[Drawn]:
        """Those on the page, from top to bottom. Also while more are added: a file is made on another thread."""
        return [figure for _, drawn in [*self._parts.values()] for figure in drawn.values()]

    def add(self, figure: Drawn) -> None:
        """A figure that is being drawn. Where only a part of the page runs again, it takes the place of that part's."""
        context = get_script_run_ctx(suppress_warning=True)
        if context is None:
            return
        part, run = ThreadState.get().fragment_id, context.fragment_ids_this_run
        before, drawn = self._parts.get(part, (run, {}))
        self._parts[part] = run, {**(drawn if before is run else {}), figure.name: figure}


def begin() -> None:
    """A page is run whole."""
    st.session_state[SHOWN] = Shown()


def shown() -> Shown:
    """What the page of this session shows."""
    return st.session_state.setdefault(SHOWN, Shown())
