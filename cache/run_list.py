"""What a run picker shows: the index of runs, with what is going on right now."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from cache.claims import Claim, claimant
from cache.job import Job, State
from cache.run_folders import Record
from cache.storage import Store
from cache.turns import Ticket
from engine.jobs import key_of
from engine.versions import VERSIONS


@dataclass(frozen=True)
class Run:
    """A line of the run picker.

    Attributes:
        values: the config as plain values; `engine.jobs.parse(kind, values)` gives it back (or `ConfigError`,
            when an older version wrote it).
        state: of the job while a server has one, else of the index; "unfinished" was cut short by a restart.
        stored: whether its result is in the cache.
        created: Unix time.
        old: whether an earlier version of the numbers of its kind computed it.
        claims: who asked for it.
        user: for whom it is computed right now, where they signed in.
    """

    key: str
    kind: str
    values: Mapping[str, Any]
    label: str
    state: State | Literal["unfinished"]
    created: float
    seconds: float
    fraction: float
    error: str
    stored: bool
    pinned: bool
    old: bool = False
    claims: tuple[Claim, ...] = ()
    user: str = ""


def list_runs(
    store: Store,
    job: Callable[[str], Job | None],
    tickets: Mapping[str, Ticket],
    limit: int,
    kind: str | None = None,
    offset: int = 0,
    pinned: bool = False,
) -> list[Run]:
    """`limit` runs after the newest `offset`, of one kind or of all. `job` gives the live job of a key, and
    `tickets` are those in the queue by key, of whichever server."""
    records = store.index.recent(kind, limit, offset, pinned)
    return [_run(store, record, job(record.key), tickets.get(record.key)) for record in records]


def _run(store: Store, record: Record, live: Job | None, ticket: Ticket | None) -> Run:
    state: State | Literal["unfinished"] = record.status
    fraction = 1.0 if state == "finished" else 0.0
    user = live.user if live and not live.done else ""
    if live is not None and not (live.done and state == "finished"):
        state, fraction = live.state, live.fraction
    elif state == "unfinished":
        if ticket is not None:
            state, user = "queued", claimant(ticket.user)
        if (elsewhere := store.holder(record.key)) is not None:
            state, fraction = "running", elsewhere.fraction
    return Run(
        key=record.key,
        kind=record.kind,
        values=record.values,
        label=record.label,
        state=state,
        created=record.created,
        seconds=live.seconds if live else record.seconds,
        fraction=fraction,
        error=record.error,
        stored=store.has(record.key),
        pinned=store.pinned(record.key),
        old=_old(record),
        claims=store.claims.listed(record.key),
        user=user,
    )


def _old(record: Record) -> bool:
    if record.version:
        return record.version != VERSIONS.get(record.kind)
    canonical = json.dumps(record.values, sort_keys=True, separators=(",", ":"))
    return record.key != key_of(record.kind, canonical)
