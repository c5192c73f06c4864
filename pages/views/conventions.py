"""On the page: the conventions of a run with its numbers, what another one would change, and warnings with a cure."""

import streamlit as st

from engine.training.result import RunResult
from pages.charts.words import several
from pages.shell import view
from pages.shell.one_at_a_time import one_at_a_time
from pages.shell.result import choice
from pages.views import convention_words
from pages.views.convention_words import switches, table

PANEL = "conventions"


@st.fragment
@one_at_a_time()
def show(result: RunResult) -> None:
    """One place for what is meant by every number; folded, with the count of warnings on it."""
    found = convention_words.warnings(result)
    more = f", and {several(len(found), 'warning')}" if found else ""
    if view.told("switch"):
        st.session_state.setdefault(PANEL, True)
    part = st.expander(f"Conventions{more}", key=PANEL, on_change="rerun")
    if not part.open:  # the browser takes longer for its formulas than for all else above the charts
        return
    with part:
        for one in found:
            st.warning(f"{one.said} **{one.cure[0].upper()}{one.cure[1:]}.**")
        st.markdown(table(convention_words.conventions(result)))
        switch = choice("what would change with another", switches(result), "switch")
        rows, stays = convention_words.switched(result, switch)
        st.markdown(table(rows))
        st.markdown(stays)
