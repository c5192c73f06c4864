"""Runs: everything that was ever asked for here: searched, tagged, kept, deleted, compared, and plotted."""

import hashlib

import streamlit as st

import cache
from cache import Run
from cache.claims import claimant
from cache.listing import RunFilter
from engine.jobs import KINDS, WHOLES
from engine.problems import several
from pages.charts.words import plain
from pages.shell import view
from pages.shell.answer import DIGITS
from pages.shell.viewers import viewer
from pages.views import compare, recorded, run_actions, run_list

PAGE = 5000
"""Rows at once: more on further pages."""
ALL = "everything"
HIDDEN = (*WHOLES.values(), "calibration")
"""Kinds that stand in the list only when they are asked for by name."""
TABLE_HEIGHT = 420


def main() -> None:
    st.title("Runs")
    recorded.under_way()
    engine, person = cache.current(), claimant(viewer())
    which = _filter(person)
    count = engine.store.index.how_many(which)
    pages = max(1, -(-count // PAGE))
    page = 1 if pages == 1 else view.count(f"page, of {pages}", pages, "page", "all_runs_page", width=160)
    listed = engine.listed(which, PAGE, (page - 1) * PAGE)
    if not listed:
        st.markdown(
            "Nothing was asked for yet." if which == RunFilter(kinds=_kinds(ALL)) else "There is none like that."
        )
        return
    st.caption(
        f"{several(count, 'result')}, of which the settings that differ are columns. Results make room for newer ones "
        "when the cache is full, those used longest ago first; what is kept stays. A heading sorts. Choose rows to "
        "tag, keep, name, delete or cancel them, and two to six to compare."
    )
    chosen = _table(listed, person)
    run_actions.show(chosen)
    compare.show_chosen(chosen, person)
    if view.flag("Plot a metric against a setting", "plot", key="all_runs_plot"):
        compare.show_against(listed, chosen, person)


def _filter(person: str) -> RunFilter:
    """What the controls ask for."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        more = {"format_func": _word, "width": 220}
        kind = view.choice("what", _choices(), "kind", kind="choice", key="all_runs_kind", **more)
        text = view.text(
            "search",
            "search",
            key="all_runs_search",
            placeholder="width=64 tanh",
            help="Words that all stand in settings (`width=64`), names, tags (`#paper`), notes, or in who asked.",
            width=280,
        )
        kept = view.flag("only those that are kept", "kept", key="all_runs_kept")
        mine = bool(person) and view.flag("only mine", "mine", key="all_runs_mine")
    whole = view.told(run_actions.WHOLE)
    kinds = _kinds(kind)
    if whole:
        kinds = ()
        st.button("Back to all, from the cells of one map", icon=":material/arrow_back:", on_click=run_actions.leave)
    return RunFilter(kinds, text[: run_actions.LONGEST_SEARCH], (), person if mine else "", kept, whole)


def _choices() -> list[str]:
    return [ALL, *dict.fromkeys(["run", *WHOLES, *KINDS])]


def _kinds(kind: str) -> tuple[str, ...]:
    if kind != ALL:
        return (kind,)
    return tuple(one for one in (*WHOLES, *KINDS) if one not in HIDDEN)


def _word(kind: str) -> str:
    return kind if kind == ALL else run_list.many(kind)


def _table(listed: list[Run], person: str) -> list[Run]:
    """The list; gives the rows that are chosen."""
    key = f"all_runs_table {_digest(listed)}"

    def edit() -> None:
        rows = st.session_state[key].selection.rows
        view.put("chosen", ",".join(listed[row].key[:DIGITS] for row in rows if row < len(listed)))

    event = st.dataframe(
        run_list.frame(listed, person),
        column_config=run_list.columns(listed),
        hide_index=True,
        width="stretch",
        height=TABLE_HEIGHT if len(listed) > run_list.FEW else "auto",
        on_select=edit,
        selection_mode="multi-row",
        selection_default={"selection": {"rows": _chosen(listed)}},
        placeholder="",
        key=key,
    )
    return [listed[row] for row in event.selection.rows if row < len(listed)]


def _chosen(listed: list[Run]) -> list[int]:
    """The rows that the link chooses. Those that are not listed are named."""
    asked = list(filter(None, view.told("chosen").split(",")))
    rows = {run.key[:DIGITS]: row for row, run in enumerate(listed)}
    gone = [plain(key[:DIGITS]) for key in asked if key not in rows]
    if gone and view.given("chosen"):
        st.warning(f"Chosen in the link, but not in this list: {', '.join(gone)}")
    return sorted(rows[key] for key in asked if key in rows)


def _digest(listed: list[Run]) -> str:
    """A selection is by rows: it must not pass on to other runs when the list changes."""
    return hashlib.sha256("".join(run.key for run in listed).encode()).hexdigest()[:16]


main()
