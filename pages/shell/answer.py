"""How every page opens: its title, its question in one line and, once computed, one bold sentence that answers it."""

from collections.abc import Callable, Mapping, Sequence
from urllib.parse import urlencode

import streamlit as st
from streamlit.elements.lib.mutable_popover_container import PopoverContainer

from pages.charts.markup import latex
from pages.charts.words import bold
from pages.shell import held
from pages.shell.form import NAMED
from pages.shell.link import PAGE, RECORDING, address, here, part_of
from pages.shell.shown import HASH, shown

DIGITS = 12
"""Hexadecimal digits of a result's key in a link: two of a million results agree in them once in 500 caches."""
WHOLE = "With every setting: computes the result where it is not known."
SHORT = "Short: opens the result on this server, as long as its cache has it."
GROWS = "Follows the recording on this server, and opens its result when its loop has ended."
TABLE = " The table is in no link: send the settings as YAML where it is not known."


def ask(title: str, question: str, more: str = "") -> None:
    """Title and question.

    Args:
        question: in one line, as Markdown.
        more: what the page does to answer it, behind the title's question mark.
    """
    st.title(title, help=more or None)
    st.markdown(question)
    shown().title, shown().question = title, question


def answer(said: str, conventions: Callable[[], str], identity: str, key: str = "") -> None:
    """The sentence in bold, and to copy: the same as LaTeX, and links. Nothing where nothing is known.

    Args:
        said: a sentence as Markdown, with what permits it.
        conventions: in which its numbers are meant, as LaTeX; asked for when the copy is opened.
        identity: hash of the config that the numbers come from.
        key: of the result, which a short link names; empty where none does.
    """
    if not said:
        return
    told = shown()
    told.answer, told.conventions, told.identity = said, conventions, identity
    with st.container(horizontal=True, vertical_alignment="center", wrap=False, key="answer"):
        st.markdown(bold(said))
        copy = _to_copy("Copy", "content_copy", "this sentence as LaTeX, with conventions and the config's hash")
        if copy.open:
            copy.code(written(said, conventions(), identity), "latex", wrap_lines=True)
        if not st.session_state.get(PAGE):  # Home shows a run that has a page of its own
            return
        link = _to_copy("Link", "link", "links to what is shown, as it is shown")
        if link.open:
            for what, text in links(key).items():
                link.caption(what)
                link.code(text, None, wrap_lines=True)


def _to_copy(label: str, icon: str, help_text: str) -> PopoverContainer:
    """What is copied, once it is opened: what nobody opens need not be written."""
    key = f"{label.lower()} answer"
    return st.popover(label, icon=f":material/{icon}:", type="tertiary", key=key, on_change="rerun", help=help_text)


def links(key: str) -> dict[str, str]:
    """What a link is good for -> the link, with how the result is looked at."""
    asked = address()
    view = {name: text for name, text in asked.items() if part_of(name) != "main"}
    by_key = {NAMED, "table", RECORDING} & asked.keys()
    found = {} if by_key else {WHOLE: absolute(here())}
    if RECORDING in asked and not key:
        return {GROWS: absolute(here())}
    if key:
        query = {RECORDING if RECORDING in asked else NAMED: key[:DIGITS]} | _held_in(asked) | view
        what = f"{SHORT}{TABLE if by_key - {RECORDING} else ''}"
        found[what] = absolute(f"/{st.session_state.get(PAGE, '')}?{urlencode(query)}")
    return found


def _held_in(asked: Mapping[str, str]) -> dict[str, str]:
    """What is held, in short where keys name it."""
    return {name: _in_short(text) for name, text in asked.items() if name.rpartition("_")[2] == held.NAME}


def _in_short(text: str) -> str:
    keys = text.split(",")
    return ",".join(key[:DIGITS] for key in keys) if all(map(held.BEGINNING.fullmatch, keys)) else text


def absolute(link: str) -> str:
    """A link of this server as the browser reaches it."""
    url = (st.context.url or "").partition("?")[0].rstrip("/")
    return url.removesuffix(f"/{st.session_state.get(PAGE, '')}").rstrip("/") + link


def find(said: Sequence[str]) -> None:
    """Sentences under the answer, as Markdown."""
    shown().findings = said
    st.markdown(" ".join(said))


def written(said: str, conventions: str, identity: str) -> str:
    """The sentence as LaTeX, a line each for its conventions and its config."""
    return f"{latex(said)}\n{conventions}\nConfig \\texttt{{{identity[:HASH]}}}."
