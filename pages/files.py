"""Files that come in: a table of one's own, and a config written in YAML."""

from collections.abc import Sequence

import streamlit as st

from engine.config import RunConfig
from engine.data.csv_table import MAX_BYTES, MAX_COLUMNS, MAX_ROWS, parse
from engine.reading import MOST_CHARACTERS, read
from engine.schema import ConfigError, Problem
from pages import draft_state
from pages.folded import unfolded
from pages.settings import Draft
from pages.words import plain, sentence


def table(draft: Draft, problems: Sequence[str]) -> None:
    """Upload of a CSV; its text becomes part of the config. `problems` are the config's with it, as Markdown."""
    st.file_uploader(
        "CSV: a header row, then numbers",
        type=["csv", "tsv", "txt"],
        key="csv file",
        help=f"At most {MAX_BYTES / 1e6:g} MB, {MAX_ROWS:,} rows, {MAX_COLUMNS:,} columns. The last column is the "
        "target unless you name others. The table is kept in the config, so a result names its data.",
        on_change=_table_came,
    )
    st.text_area("or paste it here", key="csv text", height=80, on_change=_table_pasted, persist_state="session")
    for problem in [*map(sentence, st.session_state.get("csv problems", [])), *problems]:
        st.error(problem)
    if draft.get("content") and not problems:
        found = parse(draft["content"])
        st.caption(plain(f"{len(found.values):,} rows, {len(found.columns)} columns: {_named(found.columns)}"))


def _named(columns: tuple[str, ...]) -> str:
    return ", ".join(columns[:8]) + (", ..." if len(columns) > 8 else "")


def _table_came() -> None:
    file = st.session_state["csv file"]
    text, problems = _text(file) if file else ("", [])
    st.session_state["csv problems"] = problems
    if not problems and file:
        _take_table(text)


def _table_pasted() -> None:
    if st.session_state["csv text"].strip():
        st.session_state["csv problems"] = []
        _take_table(st.session_state["csv text"])


def _take_table(text: str) -> None:
    """The new table; names and numbers of rows of an older one are left out."""
    for name in ("target", "size", "test_size"):
        draft_state.edit(name, "")
    draft_state.edit("content", text)


def _text(file) -> tuple[str, list[Problem]]:
    if file.size > MOST_CHARACTERS:
        return "", [Problem("file", f"{file.size:,} bytes given, at most {MOST_CHARACTERS:,} allowed")]
    try:
        return file.getvalue().decode("utf-8-sig"), []
    except UnicodeDecodeError:
        return "", [Problem("file", "is not text in UTF-8: save it so")]


def show() -> None:
    """Paste or upload of a config in YAML."""
    problems = st.session_state.get("yaml problems", [])
    part = unfolded("Config as YAML", bool(problems))
    if part is None:
        return
    with part:
        st.text_area(
            "paste a config",
            key="yaml text",
            height=120,
            placeholder="data: {name: circle, size: 64}",
            persist_state="session",
        )
        st.button("Use this config", width="stretch", on_click=_yaml_pasted)
        st.file_uploader("or upload one", type=["yaml", "yml", "json"], key="yaml file", on_change=_yaml_came)
        for problem in problems:
            st.error(sentence(problem))


def _yaml_pasted() -> None:
    _take_yaml(st.session_state["yaml text"])


def _yaml_came() -> None:
    if file := st.session_state["yaml file"]:
        text, problems = _text(file)
        st.session_state["yaml problems"] = problems
        if not problems:
            _take_yaml(text)


def _take_yaml(text: str) -> None:
    """A mapping goes into the widgets, right or wrong; anything else is refused here."""
    try:
        values = read_yaml(text)
    except ConfigError as error:
        st.session_state["yaml problems"] = list(error.problems)
        return
    st.session_state["yaml problems"] = []
    draft_state.load_values(values)


def read_yaml(text: str) -> dict:
    """The mapping that a YAML text holds. Raises `ConfigError`."""
    values = read(text)
    if not isinstance(values, dict):
        RunConfig.from_dict(values)  # raises with the engine's words
    return values
