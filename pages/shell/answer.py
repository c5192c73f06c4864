"""How every page opens: its title, its question in one line and, once computed, one bold sentence that answers it."""

from collections.abc import Callable, Sequence

import streamlit as st

from pages.charts.latex import latex
from pages.shell.shown import shown

SHOWN = 16
"""Hexadecimal digits of a config's hash in a text."""


def ask(title: str, question: str, more: str = "") -> None:
    """Title and question.

    Args:
        question: in one line, as Markdown.
        more: what the page does to answer it, behind the title's question mark.
    """
    st.title(title, help=more or None)
    st.markdown(question)
    shown().title, shown().question = title, question


def answer(said: str, conventions: Callable[[], str], identity: str) -> None:
    """The sentence in bold, and "Copy": the same as LaTeX. Nothing where nothing is known.

    Args:
        said: a sentence as Markdown, with what permits it.
        conventions: in which its numbers are meant, as LaTeX; asked for when the copy is opened.
        identity: hash of the config that the numbers come from.
    """
    if not said:
        return
    here = shown()
    here.answer, here.conventions, here.identity = said, conventions, identity
    with st.container(horizontal=True, vertical_alignment="center", wrap=False, key="answer"):
        st.markdown(f"**{said.replace('**', '')}**")
        copy = st.popover(
            "Copy", icon=":material/content_copy:", type="tertiary", key="copy answer", on_change="rerun",
            help="this sentence as LaTeX, with conventions and the config's hash",
        )  # fmt: skip
        # What nobody opens need not be written.
        if copy.open:
            copy.code(written(said, conventions(), identity), "latex", wrap_lines=True)


def find(said: Sequence[str]) -> None:
    """Sentences under the answer, as Markdown."""
    shown().findings = said
    st.markdown(" ".join(said))


def written(said: str, conventions: str, identity: str) -> str:
    """The sentence as LaTeX, a line each for its conventions and its config."""
    return f"{latex(said)}\n{conventions}\nConfig \\texttt{{{identity[:SHOWN]}}}."
