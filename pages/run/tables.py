"""A table of one's own: taken in by upload or pasted, kept in the cache, named in the draft by its digest."""

from collections.abc import Sequence

import streamlit as st

from engine.data.csv_choice import classes_of
from engine.data.csv_file import MOST_ROWS, TableSource, taken_in
from engine.data.csv_header import MAX_COLUMNS
from engine.data.csv_table import Table, listed, parse
from engine.data.dataset import MAX_POINTS
from engine.problems import several
from engine.texts import MOST_CHARACTERS
from pages.charts.words import plain, size
from pages.run.settings import Draft
from pages.run.upload import MOST_BYTES, Upload, source_in
from pages.shell.texts import value_of
from pages.shell.uploads import allowed, megabytes, too_large

MOST_NOTES = 8
"""Remarks on a table that stand in the sidebar; the page of a run has all."""
OLD = "the table of this run"
"""What a table is called that an older config holds itself."""
PASTED = "pasted table"
TEXT = "csv text"
"""The key of the field that takes a text."""

UPLOAD = Upload(
    "csv", lambda given: taken_in(*given[0])[0], ("target", "inputs", "classes", "missing", "size", "test_size")
)
HELP = (
    f"At most {{}}, {MOST_ROWS:,} rows, of which a run draws up to {MAX_POINTS:,}, {MAX_COLUMNS:,} columns; the first "
    "row names the columns. The last column is the target unless you choose others. The file is kept in the cache as "
    "long as a result names it."
)


def table(draft: Draft, problems: Sequence[str]) -> None:
    """Upload of a CSV. `problems` are the config's with it, as Markdown."""
    st.file_uploader(
        "a table as text (CSV, TSV, TXT, DAT, DATA)",
        key=UPLOAD.widget,
        max_upload_size=megabytes(MOST_BYTES),
        help=HELP.format(size(allowed(MOST_BYTES))),
        on_change=_came,
    )
    st.text_area("or paste it here", key=TEXT, height=80, on_change=_pasted, persist_state="session")
    for problem in UPLOAD.problems or problems:
        st.error(problem)
    if draft.get("source") or draft.get("content"):
        _in_use(draft)


def columns(draft: Draft) -> tuple[str, ...]:
    """The names of the table's columns; none where there is no table."""
    return found.names if (found := _table(draft)) else ()


def class_names(draft: Draft) -> tuple[str, ...]:
    """The classes of the target; none where it is of numbers, or there is no table."""
    if (found := _table(draft)) is None:
        return ()
    text = draft.get("target", "")
    return classes_of(found, value_of(text, "names") if text else found.names[-1:])


def _table(draft: Draft) -> Table | None:
    try:
        source, content = source_in(draft, TableSource), draft.get("content", "")
        return source.table if source else parse(content) if content else None
    except ValueError:  # said as a problem of the config
        return None


def _in_use(draft: Draft) -> None:
    """Which table the page computes with, and what was done to read it."""
    source, found = source_in(draft, TableSource), _table(draft)
    if source is None and not draft.get("content"):
        return
    name, said = source.file if source else OLD, [*UPLOAD.notes]
    if found is None:
        st.caption(plain(f"using {name}"))
    else:
        rows = f"{len(found.rows):,} rows, {len(found.columns)} columns"
        st.caption(plain(f"using {name}: {rows}: {listed(found.names)}"))
        said += [*found.notes, *(f"{column.name!r}: {column.remark}" for column in found.columns if column.remark)]
    for note in said[:MOST_NOTES]:
        st.caption(plain(f"· {note}"))
    if len(said) > MOST_NOTES:
        st.caption(f"· and {several(len(said) - MOST_NOTES, 'more remark')}")
    st.button("Take this table away", icon=":material/delete:", type="tertiary", key="no table", on_click=_start_over)


def _came() -> None:
    st.session_state[TEXT] = ""
    UPLOAD.came()


def _pasted() -> None:
    text = st.session_state[TEXT]
    content = text.encode("utf-8", "replace")
    if problems := too_large("the pasted table", len(content), MOST_CHARACTERS):
        UPLOAD.refuse(problems)
    elif text.strip():
        UPLOAD.take([(PASTED, content)])


def _start_over() -> None:
    st.session_state[TEXT] = ""
    UPLOAD.start_over()
