"""Runs: everything that was ever asked for here, a page at a time; who asked, what is kept, what may make room."""

import hashlib
from datetime import UTC, datetime

import pandas as pd
import streamlit as st

import cache
from cache import Run
from cache.claims import claimant
from cache.ownership import title
from engine.jobs import KINDS
from pages.charts.words import percent
from pages.run import picker
from pages.shell.viewers import viewer
from pages.views import run_actions

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
        "What is kept stays, however full it is. Choose rows to keep, name, delete or cancel them."
    )
    actions = st.container()
    event = st.dataframe(
        frame(listed, claimant(viewer())),
        column_config={
            "kept": st.column_config.CheckboxColumn(help="stays, however full the cache is"),
            "open": st.column_config.LinkColumn(display_text="open"),
            "asked for": st.column_config.DatetimeColumn(format="YYYY-MM-DD HH:mm", timezone=st.context.timezone),
            "seconds": st.column_config.NumberColumn("computed in", format="%.1f s"),
        },
        hide_index=True,
        width="stretch",
        on_select="rerun",
        selection_mode="multi-row",
        key=f"all_runs_table {_digest(listed)}",
    )
    with actions:
        run_actions.show([listed[row] for row in event.selection.rows if row < len(listed)])


def frame(listed: list[Run], person: str) -> pd.DataFrame:
    """A row for each run, as the person sees it."""
    return pd.DataFrame(
        {
            "kept": [run.pinned for run in listed],
            "name": [title(run.claims, person) for run in listed],
            "settings": [picker.label(run) if run.kind == "run" else run.label for run in listed],
            "state": [_state(run) for run in listed],
            "asked for by": [", ".join(claim.person for claim in run.claims if claim.person) for run in listed],
            "asked for": [datetime.fromtimestamp(run.created, UTC) for run in listed],
            "seconds": [run.seconds or None for run in listed],
            "open": [picker.address(run) for run in listed],
        }
    )


def _digest(listed: list[Run]) -> str:
    """A selection is by rows: it must not pass on to other runs when the list changes."""
    return hashlib.sha256("".join(run.key for run in listed).encode()).hexdigest()[:16]


def _word(kind: str) -> str:
    return WORDS.get(kind, kind.replace("_", " "))


def _state(run: Run) -> str:
    if run.state in ("queued", "running"):
        far = percent(run.fraction) if run.state == "running" else ""
        return ", ".join(filter(None, [run.state, far, f"for {run.user}" if run.user else ""]))
    if run.state != "finished":
        return run.state
    if not run.stored:
        return "no longer in the cache"
    return "done, by an older version" if run.old else "done"


main()
