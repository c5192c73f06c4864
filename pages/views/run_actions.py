"""What one may do with the runs that are chosen in a list: open, keep, name, tag, note, delete, cancel."""

from collections.abc import Callable, Sequence

import streamlit as st

import cache
from cache import CacheFault, NotAllowed, Run
from cache.claims import claimant
from cache.ownership import LONGEST_NAME, LONGEST_NOTE, note, refused_to, stays, tags, title
from cache.policy import Role
from engine.problems import several
from engine.schema import ConfigError
from pages.charts.words import duration, listing, plain
from pages.run import picker
from pages.run.draft_state import to_query
from pages.run.presets import shortest
from pages.run.settings import draft_of
from pages.shell import view
from pages.shell.link import parted
from pages.shell.viewers import viewer
from pages.views.run_list import link_of

SAID = "all_runs_said"
"""Where it stands in the session what went wrong with the last action."""
WHOLE = "cells"
"""The name in `pages.shell.view.NAMES` of the map whose cells are listed."""
LONGEST_SEARCH = 200
MOST_IN_A_KEY = 20
OPENS = {"run": "evolution", "cell": "evolution", "perturbation": "perturbation", "rkhs": "norms"}
"""The page that shows a kind."""


def show(chosen: Sequence[Run]) -> None:
    """The buttons; those that are not for this person say why not. Nothing while no run is chosen."""
    for message in st.session_state.pop(SAID, []):
        st.error(plain(message), icon=":material/error:")
    if not chosen:
        return
    engine, who = cache.current(), viewer()
    person, role = claimant(who), engine.policy_now().role(who)
    no = next((reason for run in chosen if (reason := refused_to(run.claims, person, role))), "")
    own = engine.ownership
    loose = [run for run in chosen if not _pinned(run, person)]
    kept = [run for run in chosen if _pinned(run, person) or (run.pinned and role == "admin")]
    flying = [run for run in chosen if run.state in ("queued", "running")]
    with st.container(horizontal=True):
        _button("Keep", "keep", loose, lambda key: own.pin(key, viewer()), no or _unless(loose, "You keep it already."))
        _button(
            "Let go",
            "lock_open",
            kept,
            lambda key: own.unpin(key, viewer()),
            no or _unless(kept, "You do not keep it."),
        )
        _rename(chosen, person, no)
        _tag(chosen, no)
        _note(chosen, person, no)
        _delete(chosen, person, role, no)
        whole = "A map is stopped on its page, or under My jobs on Home." if any(run.parts for run in chosen) else ""
        stopped = no or whole or _unless(flying, "It is not under way.")
        _button("Cancel", "stop", flying, lambda key: own.cancel(key, viewer()), stopped)
        if len(chosen) == 1:
            _open(chosen[0])


def leave() -> None:
    """Lists all runs again, not the cells of a map."""
    view.put(WHOLE, "")


def _open(run: Run) -> None:
    """The way to what shows it: its page, or the cells of a map."""
    if run.parts:
        st.button("Its cells", icon=":material/grid_on:", on_click=_enter, args=(run.key,))
    page, query = parted(link_of(run) or "")
    if run.kind in OPENS and (carried := _carried(run)) is not None:
        st.page_link(f"{OPENS[run.kind]}.py", label="Open", icon=":material/open_in_new:", query_params=carried)
    elif page:
        st.page_link(f"{page}.py", label="Open", icon=":material/open_in_new:", query_params=query)


def _carried(run: Run) -> dict[str, str] | None:
    """The settings of its run, for the URL of a page; None where they are of another version."""
    values = run.values.get("run", run.values)
    try:
        return to_query(shortest(draft_of(values)[0])) if run.kind != "run" else picker.query(run)
    except ConfigError:
        return None


def _enter(key: str) -> None:
    view.put(WHOLE, key)


def going(chosen: Sequence[Run], person: str, everyone: bool = False, role: Role | None = "admin") -> str:
    """What a deletion takes from disk, and what it leaves there."""
    shared = [run for run in chosen if not everyone and _others(run, person)]
    left = [run for run in chosen if run not in shared and stays(run.kind, run.claims, person, role)]
    gone = [run for run in chosen if run not in (*shared, *left)]
    said = []
    if gone:
        took = duration(sum(run.seconds for run in gone))
        goes = "goes" if len(gone) == 1 else "go"
        said.append(f"**{several(len(gone), 'run')}** {goes} for good, with {took} of computing.")
        if any(run.parts for run in gone):
            said.append("With a map go those of its cells that you asked for and that no other map has.")
        if kept := sum(run.pinned for run in gone):
            said.append(f"{kept} of them {'is' if kept == 1 else 'are'} kept.")
    if shared:
        others = listing(sorted({other for run in shared for other in _others(run, person)}))
        remains = "stays" if len(shared) == 1 else "stay"
        said.append(f"{several(len(shared), 'run')} {remains}, since {plain(others)} asked too: only your claim goes.")
    if left:
        which = f"**{several(len(left), 'recording')}** {'stays' if len(left) == 1 else 'stay'}"
        said.append(f"{which}: only your claim goes, and an administrator may delete what was not brought in as yours.")
    return " ".join(said)


def _button(label: str, icon: str, runs: Sequence[Run], act: Callable[[str], object], no: str) -> None:
    st.button(
        label,
        icon=f":material/{icon}:",
        key=f"all_runs {label}",
        disabled=bool(no),
        help=no or None,
        on_click=_each,
        args=([run.key for run in runs], act),
    )


def _each(keys: Sequence[str], act: Callable[[str], object]) -> None:
    """Does it to all of them; what one refuses is said once, and keeps no other.

    `act` reads the session itself: the button may be older than the end of a login, and than what was typed just
    before the click.
    """
    said = []
    for key in keys:
        try:
            act(key)
        except (CacheFault, NotAllowed) as error:
            said.append(str(error))
    st.session_state[SAID] = [*dict.fromkeys(said)]


def _rename(chosen: Sequence[Run], person: str, no: str) -> None:
    no = no or ("Choose one run to name it." if len(chosen) > 1 else "")
    own, (run, *_) = cache.current().ownership, chosen
    with st.popover("Rename", icon=":material/edit:", disabled=bool(no), help=no or None):
        name = f"all_runs name {run.key}"
        st.text_input("name", title(run.claims, person), max_chars=LONGEST_NAME, key=name)
        _button("Give this name", "edit", [run], lambda key: own.rename(key, viewer(), st.session_state[name]), no)


def _tag(chosen: Sequence[Run], no: str) -> None:
    own, which = cache.current().ownership, " ".join(run.key[:8] for run in chosen[:MOST_IN_A_KEY])
    more, drop = f"all_runs tags {which}", f"all_runs drop {which}"
    with st.popover("Tag", icon=":material/sell:", disabled=bool(no), help=no or None):
        st.text_input("add, separated by commas", key=more, placeholder="paper, figure-2")
        if there := sorted({tag for run in chosen for tag in tags(run.claims)}):
            st.pills("take away", there, selection_mode="multi", key=drop)

        def act(key: str) -> None:
            own.tag(key, viewer(), st.session_state[more].split(","), st.session_state.get(drop, []))

        _button("Set tags", "sell", chosen, act, no)


def _note(chosen: Sequence[Run], person: str, no: str) -> None:
    no = no or ("Choose one run to note something." if len(chosen) > 1 else "")
    own, (run, *_) = cache.current().ownership, chosen
    with st.popover("Note", icon=":material/note_add:", disabled=bool(no), help=no or None):
        text = f"all_runs note {run.key}"
        st.text_area("note", note(run.claims, person), max_chars=LONGEST_NOTE, key=text)
        _button("Keep this note", "note_add", [run], lambda key: own.note(key, viewer(), st.session_state[text]), no)


def _delete(chosen: Sequence[Run], person: str, role: Role | None, no: str) -> None:
    shared = [run for run in chosen if _others(run, person)]
    own, everyone, offered = cache.current().ownership, "all_runs everyone", role == "admin" and bool(shared)
    with st.popover("Delete", icon=":material/delete:", disabled=bool(no), help=no or None):
        for_all = offered and st.toggle("for everyone who asked", key=everyone)
        foreign = [run for run in shared if all(claim.person != person for claim in run.claims)]
        if foreign and not for_all:
            no = "You did not ask for it: delete it for everyone who did, or leave it."
        st.markdown(no or going(chosen, person, for_all, role))

        def act(key: str) -> None:
            own.delete(key, viewer(), offered and st.session_state[everyone])

        _button("Delete for good", "delete", chosen, act, no)


def _others(run: Run, person: str) -> list[str]:
    return [claim.person or "others" for claim in run.claims if claim.person != person]


def _pinned(run: Run, person: str) -> bool:
    return any(claim.person == person and claim.pinned for claim in run.claims)


def _unless(runs: Sequence[Run], reason: str) -> str:
    return "" if runs else reason
