"""Files that come in: a table of one's own, and a config written in YAML."""

from collections.abc import Sequence

import streamlit as st

from engine.config import RunConfig
from engine.data.csv_records import decode
from engine.data.csv_table import MAX_BYTES, MAX_COLUMNS, listed, parse
from engine.data.dataset import MAX_POINTS
from engine.schema import ConfigError, Problem
from engine.texts import MOST_CHARACTERS, read
from pages.charts.words import plain, sentence, size
from pages.run import draft_state
from pages.run.draft_state import NamedTable, known_table, tables
from pages.run.settings import Draft
from pages.shell.form import unfolded
from pages.shell.uploads import allowed, megabytes, too_large

MOST_NOTES = 8
"""Remarks on a table that stand in the sidebar; the page of a run has all."""


def table(draft: Draft, problems: Sequence[str]) -> None:
    """Upload of a CSV; its text becomes part of the config. `problems` are the config's with it, as Markdown."""
    st.file_uploader(
        "a table as text (CSV, TSV, TXT, DAT, DATA)",
        key=_uploader(),
        max_upload_size=megabytes(MAX_BYTES),
        help=f"At most {size(allowed(MAX_BYTES))}, {MAX_POINTS:,} rows, {MAX_COLUMNS:,} columns; the "
        "first row names the columns. The last column is the target unless you choose others. The table is kept in the "
        "config, so a result names its data.",
        on_change=_table_came,
    )
    st.text_area("or paste it here", key="csv text", height=80, on_change=_table_pasted, persist_state="session")
    for problem in [*map(sentence, st.session_state.get("csv problems", [])), *problems]:
        st.error(problem)
    if draft.get("content"):
        _in_use(draft["content"])


def _in_use(content: str) -> None:
    """Which table the page computes with, and what was done to read it."""
    used = known_table(content)
    said = list(used.notes)
    try:
        found = parse(content)
    except ValueError:
        st.caption(plain(f"using {used.name}"))
    else:
        st.caption(
            plain(f"using {used.name}: {len(found.rows):,} rows, {len(found.columns)} columns: {listed(found.names)}")
        )
        said += [*found.notes, *(f"{column.name!r}: {column.remark}" for column in found.columns if column.remark)]
    for note in said[:MOST_NOTES]:
        st.caption(plain(f"· {note}"))
    if len(said) > MOST_NOTES:
        st.caption(f"· and {len(said) - MOST_NOTES} more remarks")
    st.button("Take this table away", icon=":material/delete:", type="tertiary", key="no table", on_click=_start_over)


def columns(draft: Draft) -> tuple[str, ...]:
    """The names of the table's columns; none where there is no table."""
    try:
        return parse(draft.get("content", "")).names
    except ValueError:
        return ()


def _table_came() -> None:
    """A new file takes the place of the old table, also when it cannot be read: nothing is computed under its name."""
    file = st.session_state[_uploader()]
    _take_away()
    if file is None:
        return
    text, notes, problems = _text(file)
    st.session_state["csv problems"] = problems
    if not problems:
        _take_table(NamedTable(file.name, text, notes))


def _table_pasted() -> None:
    text = st.session_state["csv text"]
    st.session_state["csv problems"] = too_large("the pasted table", len(text.encode()), MOST_CHARACTERS)
    if text.strip() and not st.session_state["csv problems"]:
        _take_table(NamedTable("the pasted table", text))


def _take_table(table: NamedTable) -> None:
    """The new table; names and numbers of rows of an older one are left out."""
    for name in ("target", "inputs", "missing", "size", "test_size"):
        draft_state.edit(name, "")
    if table.text:
        tables().keep(table)
    draft_state.edit("content", table.text)


def _take_away() -> None:
    """No table is in use any more."""
    st.session_state["csv problems"] = []
    st.session_state["csv text"] = ""
    _take_table(NamedTable("", ""))


def _start_over() -> None:
    """No table, and an uploader that holds no file: the same one can come again."""
    _take_away()
    st.session_state["csv uploads"] = st.session_state.get("csv uploads", 0) + 1


def _uploader() -> str:
    """The key of the upload's widget."""
    return f"csv file {st.session_state.get('csv uploads', 0)}"


def _text(file) -> tuple[str, tuple[str, ...], list[Problem]]:
    """The text of an uploaded file, remarks on how it was read, and what forbids it."""
    if problems := too_large(file.name, file.size, MOST_CHARACTERS):
        return "", (), problems
    try:
        return *decode(file.getvalue()), []
    except ValueError as error:
        return "", (), [Problem("file", f"{file.name} {error}")]


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
        st.file_uploader(
            "or upload one",
            type=["yaml", "yml", "json"],
            key="yaml file",
            on_change=_yaml_came,
            max_upload_size=megabytes(MOST_CHARACTERS),
        )
        for problem in problems:
            st.error(sentence(problem))


def _yaml_pasted() -> None:
    _take_yaml(st.session_state["yaml text"])


def _yaml_came() -> None:
    if file := st.session_state["yaml file"]:
        text, _, problems = _text(file)
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
