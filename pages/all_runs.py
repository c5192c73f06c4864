"""Runs: everything that was ever asked for here, a page at a time; what is kept, and what may make room."""

from datetime import UTC, datetime

import pandas as pd
import streamlit as st

import cache
from cache import CacheFault, Run
from engine.jobs import KINDS
from pages.charts.words import plain
from pages.run import picker

PAGE = 50
ALL = "all kinds"
WORDS = {
    "run": "runs",
    "cell": "cells of maps",
    "perturbation": "expansions",
    "perturbation_study": "studies",
    "rkhs": "comparisons of spaces",
}
"""What the kinds of job that people ask for are called; the others are called by their names."""


def main() -> None:
    st.title("Runs")
    engine = cache.current()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        kind = st.selectbox("what", [ALL, *KINDS], index=1, format_func=_word, key="all_runs_kind", width=260)
        kept = st.toggle("only those that are kept", key="all_runs_kept")
        chosen = None if kind == ALL else kind
        pages = max(1, -(-engine.store.index.count(chosen, kept) // PAGE))
        page = st.number_input(f"page, of {pages}", 1, pages, key="all_runs_page", width=160)
    listed = engine.recent(PAGE, chosen, (page - 1) * PAGE, kept)
    if not listed:
        st.markdown("Nothing of this kind was asked for yet." if not kept else "None is kept.")
        return
    st.caption(
        "Results make room for newer ones when the cache is full, those used longest ago first. "
        "What is kept stays, however full it is."
    )
    changed = st.data_editor(
        frame(listed),
        column_config={
            "keep": st.column_config.CheckboxColumn(help="keep this result however full the cache is"),
            "open": st.column_config.LinkColumn(display_text="open"),
            "asked for": st.column_config.DatetimeColumn(format="YYYY-MM-DD HH:mm", timezone=st.context.timezone),
            "seconds": st.column_config.NumberColumn("computed in", format="%.1f s"),
        },
        disabled=["settings", "state", "asked for", "seconds", "open"],
        hide_index=True,
        width="stretch",
        key=f"all_runs_table {kind} {kept} {page}",
    )
    _keep(listed, list(changed["keep"]))


def frame(listed: list[Run]) -> pd.DataFrame:
    """A row for each run."""
    return pd.DataFrame(
        {
            "keep": [run.pinned for run in listed],
            "settings": [picker.label(run) if run.kind == "run" else run.label for run in listed],
            "state": [_state(run) for run in listed],
            "asked for": [datetime.fromtimestamp(run.created, UTC) for run in listed],
            "seconds": [run.seconds or None for run in listed],
            "open": [picker.address(run) for run in listed],
        }
    )


def _word(kind: str) -> str:
    return WORDS.get(kind, kind.replace("_", " "))


def _state(run: Run) -> str:
    if run.state != "finished":
        return run.state
    if not run.stored:
        return "no longer in the cache"
    return "done, by an older version" if run.old else "done"


def _keep(listed: list[Run], chosen: list[bool]) -> None:
    engine = cache.current()
    for run, keep in zip(listed, chosen, strict=True):
        if keep != run.pinned:
            try:
                (engine.pin if keep else engine.unpin)(run.key)
            except CacheFault as fault:
                st.error(plain(str(fault)), icon=":material/error:")


main()
