"""What goes on here: workers, the queue, users, errors."""

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

import cache
from cache import CacheFault, NotAllowed
from cache.claims import EVERYBODY
from cache.overview import Run, Work, Worker
from cache.policy import OWN
from cache.turns import Outlook, Ticket
from engine.cost import Calibration
from engine.problems import several
from pages.charts.words import duration, number, plain, size
from pages.shell import calibration
from pages.shell.one_at_a_time import one_at_a_time
from pages.shell.people import only_while_in, role
from pages.shell.switch import switch
from pages.shell.viewers import viewer

REDRAW = 2.0
"""Seconds between two looks."""
ERRORS = 20
REFUSED = "server_refused"
"""Where it stands in the session why a job could not be cancelled."""

COMPUTED, KEPT = "computed, by weight", "kept alone"
USERS = {
    COMPUTED: st.column_config.TextColumn(
        help="Seconds of computing over the weight of the user's share: who has least is next. A newcomer begins with "
        "no less than the others who are there."
    ),
    KEPT: st.column_config.TextColumn(
        help='Disk taken by results that nobody else asked for; under "shared", by all other results.'
    ),
}
LOOKED_THROUGH = 300
"""Newest runs, among which those that failed are shown."""


def show() -> None:
    """The page, top to bottom."""
    st.title("Server")
    st.markdown(
        "One queue for everybody: who was given least computing is next, and a job of its own overtakes the parts of "
        "a sweep. A worker holds several jobs and computes one at a time."
    )
    if speed := calibration.measured():
        st.caption(speed_of(speed))
    _now()
    _errors([run for run in cache.current().recent(LOOKED_THROUGH) if run.state == "failed"][:ERRORS])


@st.fragment(run_every=REDRAW)
@one_at_a_time()
def _now() -> None:
    only_while_in()
    work = cache.current().work()
    st.markdown(f"**{headline(work)}**")
    _workers(work.workers)
    settings = labels(work)
    _table("Queue", queue_frame(work, settings), "Nothing is computed, and nothing waits.")
    _cancellation([ticket for ticket in tickets(work) if _administers() or ticket.user == viewer()], settings)
    taken = cache.current().store.index.bytes_by_owner()
    _table("Users", users_frame(work, taken), "Nobody has had anything computed yet.", USERS)


def speed_of(measured: Calibration) -> str:
    """How fast this server computes."""
    single, double = (number(rate / 1e9, 2) for rate in (measured.float32, measured.float64))
    return (
        f"Measured here once, for every estimate of seconds: {single} billion operations a second in float32, {double} "
        f"in float64, and {duration(measured.compile_seconds)} to compile a small program."
    )


def headline(work: Work) -> str:
    """One sentence: what computes and what waits."""
    users = len({ticket.user for ticket in tickets(work)})
    busy = sum(bool(worker.holds) for worker in work.workers)
    waits = several(len(work.waiting), "job")
    if not work.workers:
        return f"No worker is there; {waits} wait{'s' * (len(work.waiting) == 1)}."
    return (
        f"{busy} of {several(len(work.workers), 'worker')} compute{'s' * (busy == 1)}, {waits} "
        f"wait{'s' * (len(work.waiting) == 1)}, of {several(users, 'user')}."
    )


def tickets(work: Work) -> list[Ticket]:
    """Those that are computed, then those that wait."""
    return [*work.running, *(ticket for ticket, _ in work.waiting)]


def called(user: str) -> str:
    """A person by address. A browser's cookie is a secret: it is never shown."""
    if user == EVERYBODY:
        return "shared"
    if user == viewer():
        return "you"
    if user in OWN:
        return "this server"
    return user if "@" in user else "another browser"


def labels(work: Work) -> dict[str, str]:
    """What each job of the queue is, by its key."""
    index = cache.current().store.index
    records = {ticket.key: index.get(ticket.key) for ticket in tickets(work)}
    return {key: record.label if record else "" for key, record in records.items()}


def queue_frame(work: Work, settings: dict[str, str]) -> pd.DataFrame:
    """A row for each job, those that are computed first."""
    rows: list[tuple[Ticket, Outlook | None]] = [(ticket, None) for ticket in work.running]
    names = {worker.name: place + 1 for place, worker in enumerate(work.workers)}
    now = time.monotonic()
    return pd.DataFrame(
        [
            {
                "job": _job(ticket),
                "settings": settings.get(ticket.key, ""),
                "asked for by": called(ticket.user),
                "state": _state(ticket, outlook, names),
                "asked": f"{duration(max(0.0, now - ticket.asked))} ago",
                "expected": duration(ticket.seconds),
                "part of a batch": ticket.background,
            }
            for ticket, outlook in (*rows, *work.waiting)
        ]
    )


def users_frame(work: Work, taken: Mapping[str, int]) -> pd.DataFrame:
    """A row for each user, who was given most first.

    Args:
        taken: bytes of the results that one person alone asked for, by person; of all others under `EVERYBODY`.
    """
    users = sorted({*work.debts, *taken}, key=lambda user: (-work.debts.get(user, 0.0), -taken.get(user, 0)))
    running = Counter(ticket.user for ticket in work.running)
    waiting = Counter(ticket.user for ticket, _ in work.waiting)
    return pd.DataFrame(
        [
            {
                "user": called(user),
                "computing": running[user],
                "waiting": waiting[user],
                COMPUTED: duration(work.debts[user]) if user in work.debts else "",
                KEPT: size(taken[user]) if user in taken else "",
            }
            for user in users
        ]
    )


def _state(ticket: Ticket, outlook: Outlook | None, names: dict[str, int]) -> str:
    if ticket.worker:
        return f"on worker {names[ticket.worker]}" if ticket.worker in names else "on a worker elsewhere"
    return f"number {outlook.position}, within {duration(outlook.seconds)}" if outlook else "waits for a worker"


def _workers(workers: Sequence[Worker]) -> None:
    if not workers:
        return
    st.header("Workers")
    for place, worker in enumerate(workers):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{place + 1}** {plain(_device(worker))}, holds {several(len(worker.holds), 'job')}")
            if _administers():
                switch(
                    "drain",
                    f"drain {worker.name}",
                    worker.draining,
                    partial(_drain, worker.name),
                    help="A drained worker ends what it holds, and gets no new job.",
                )


def _device(worker: Worker) -> str:
    if worker.device is None:
        return "starting"
    return f"{worker.device.platform.upper()} {worker.device.name}, {size(worker.device.memory)}, {worker.device.host}"


def _cancellation(offered: Sequence[Ticket], settings: Mapping[str, str]) -> None:
    """An administrator cancels any job for everybody, or all of a person; others leave their own."""
    for message in st.session_state.pop(REFUSED, []):
        st.error(plain(message), icon=":material/error:")
    if not offered:
        return
    said = {
        (ticket.key, ""): f"{_job(ticket)} for {called(ticket.user)}: {settings.get(ticket.key, '')}"
        for ticket in offered
    }
    users = Counter(ticket.user for ticket in offered)
    said |= {("", user): f"everything of {called(user)}: {several(count, 'job')}" for user, count in users.items()}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = st.selectbox(
            "job to cancel",
            [*said],
            None,
            lambda which: said.get(which, "ended"),
            key="server_job",
            placeholder="Choose one",
        )
        st.button(
            "Cancel it",
            icon=":material/stop:",
            key="server_cancel",
            disabled=not chosen,
            on_click=_cancel,
        )


def _cancel() -> None:
    """What is chosen now: a job by its key, or everything of a user."""
    chosen, ownership = st.session_state["server_job"], cache.current().ownership
    if chosen is None:
        return
    key, user = chosen
    try:
        ownership.cancel(key, viewer()) if key else ownership.cancel_all(user, viewer())
    except (CacheFault, NotAllowed) as error:
        st.session_state[REFUSED] = [str(error)]


def _job(ticket: Ticket) -> str:
    return ticket.kind.replace("_", " ")


def _drain(worker: str, draining: bool) -> None:
    try:
        cache.current().ownership.drain(worker, viewer(), draining)
    except NotAllowed as error:  # the switch may be older than the end of a login
        st.session_state[REFUSED] = [str(error)]


def _administers() -> bool:
    return role() == "admin"


def _errors(failed: Sequence[Run]) -> None:
    rows = [{"job": run.kind.replace("_", " "), "settings": run.label, "error": run.error} for run in failed]
    _table("Recent errors", pd.DataFrame(rows), "None.")


def _table(title: str, frame: pd.DataFrame, nothing: str, columns: Mapping[str, Any] | None = None) -> None:
    st.header(title)
    if frame.empty:
        st.caption(nothing)
    else:
        st.dataframe(frame, hide_index=True, width="stretch", column_config=columns)
