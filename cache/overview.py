"""What pages ask a cached engine about its runs, its queue and its workers. Changes no result; `work` starts
the compute processes where there are none."""

import json
import threading
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any, Literal

from cache import maps, memory
from cache.claims import Claim, claimant
from cache.computing import Computing
from cache.job import Job, LiveJob, State
from cache.listing import ListedRun, RunFilter
from cache.queue import Queue
from cache.run_folders import Record
from cache.storage import Store
from cache.task import Device
from cache.turns import Outlook, Ticket, outlooks
from engine import jobs
from engine.schema import Config
from engine.versions import VERSIONS

# What a run picker shows: the index of runs, with what is going on right now.


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
        size: bytes of all that was kept of it, and of its parts.
        metrics: its numbers by name (`engine.metrics`); None while they were not read.
        parts: keys of the jobs that it is made of.
        link: of the page that shows it, where only that can say.
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
    size: int = 0
    metrics: Mapping[str, float] | None = None
    parts: tuple[str, ...] = ()
    link: str = ""


def _run(store: Store, found: ListedRun, live: Job | None, ticket: Ticket | None) -> Run:
    """What is kept of it, with what goes on: its job here, and its ticket in the queue of whichever server."""
    record = found.record
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
    stored = found.stored or (record.status == "finished" and store.has(record.key))  # held in memory
    return _line(found, state, live.seconds if live else record.seconds, fraction, stored, _old(record), user)


def _whole(found: ListedRun, under_way: Set[str]) -> Run:
    """What is made of parts is as far as they are, of which some are `under_way`."""
    record, share = found.record, found.there / len(found.record.parts)
    state = "finished" if share == 1 else "running" if not under_way.isdisjoint(record.parts) else "unfinished"
    return _line(found, state, record.seconds, share, found.there > 0, record.version != maps.version(record.kind))


def _line(
    found: ListedRun,
    state: State | Literal["unfinished"],
    seconds: float,
    fraction: float,
    stored: bool,
    old: bool,
    user: str = "",
) -> Run:
    record = found.record
    return Run(
        record.key,
        record.kind,
        record.values,
        record.label,
        state,
        record.created,
        seconds,
        fraction,
        record.error,
        stored,
        found.pinned,
        old,
        found.claims,
        user,
        found.size,
        record.metrics,
        record.parts,
        record.link,
    )


def _old(record: Record) -> bool:
    if record.version:
        return record.version != VERSIONS.get(record.kind)
    canonical = json.dumps(record.values, sort_keys=True, separators=(",", ":"))
    return record.key != jobs.key_of(record.kind, canonical)


# What goes on: workers and what they hold, the queue in its order, and what each user was given.


@dataclass(frozen=True)
class Worker:
    """A compute process.

    Attributes:
        device: None until it has said so.
        draining: it gets no new job.
        holds: the jobs on it, of which one computes at a time.
    """

    name: str
    device: Device | None
    draining: bool
    holds: tuple[Ticket, ...]


@dataclass(frozen=True)
class Work:
    """A moment of the cached engine.

    Attributes:
        waiting: in the order of their turns, with what each may expect; None where that is not known.
        debts: seconds computed for each user, by their weight.
    """

    workers: Sequence[Worker]
    running: Sequence[Ticket]
    waiting: Sequence[tuple[Ticket, Outlook | None]]
    debts: Mapping[str, float]


def work(queue: Queue, computing: Computing) -> Work:
    """As it stands. Starts the compute processes where there are none."""
    places, tickets, debts, draining = computing.places() or [], queue.listed(), queue.debts(), queue.draining()
    running = [ticket for ticket in tickets if ticket.worker]
    workers = [
        Worker(
            place.worker,
            computing.device_of(place.worker),
            place.worker in draining,
            tuple(ticket for ticket in running if ticket.worker == place.worker),
        )
        for place in places
    ]
    found = outlooks(tickets, places, debts)
    waiting = [(ticket, found.get(ticket.id)) for ticket in tickets if not ticket.worker]
    waiting.sort(key=lambda pair: (pair[1].position if pair[1] else len(waiting), pair[0].asked))
    return Work(workers, running, waiting, debts)


# What pages call.


class Overview:
    """The half of `cache.service.CachedEngine` that looks."""

    store: Store
    queue: Queue
    _computing: Computing
    _lock: threading.Condition
    _live: dict[str, LiveJob]

    def job(self, key: str, viewer: str = "") -> Job | None:
        """The job of this key if one ran here lately; does not count as asking for it."""
        with self._lock:
            live = self._live.get(key)
            return live.snapshot(viewer) if live else None

    def earlier(self, kind: str, config: Config) -> Record | None:
        """Of the newest result that an earlier version of the numbers of its kind gave for this config."""
        canonical = config.canonical()
        for version in range(VERSIONS.get(kind, 0) - 1, -1, -1):
            key = jobs.key_of(kind, canonical, version)
            if self.store.has(key):
                return self.store.index.get(key)
        return None

    def recent(self, limit: int = 100, kind: str | None = None) -> list[Run]:
        """What was asked for (of one kind of job), newest first, as its folders say: finished, in flight, unfinished,
        failed."""
        store, tickets, found = self.store, self._tickets(), []
        for record in store.index.recent(kind, limit):
            key = record.key
            listed = ListedRun(record, store.claims.listed(key), store.pinned(key), 0, store.has(key), 0)
            found.append(_run(store, listed, self.job(key), tickets.get(key)))
        return found

    def listed(self, which: RunFilter, limit: int, offset: int = 0) -> list[Run]:
        """The same for a long list: of what is not under way no folder is opened."""
        tickets = self._tickets()
        with self._lock:
            under_way = {*tickets, *(key for key, live in self._live.items() if not live.done)}
        return [
            _whole(found, under_way)
            if found.record.parts
            else _run(self.store, found, self.job(found.record.key), tickets.get(found.record.key))
            for found in self.store.index.listed(which, limit, offset)
        ]

    def _tickets(self) -> dict[str, Ticket]:
        """Those in the queue by key, of whichever server."""
        return {ticket.key: ticket for ticket in self.queue.listed()}

    def trouble(self) -> str:
        """What is wrong with the disk and what follows from it, for everyone to see; empty when nothing is."""
        return memory.trouble(self.store.fault, self.store.held)

    def work(self) -> Work:
        """Workers, the queue in its order, and what each user was given."""
        return work(self.queue, self._computing)

    def device(self) -> Device | None:
        """What computes; None until a worker has said so, a few seconds after the start."""
        return self._computing.device()

    def under_way(self) -> dict[State, int]:
        """Jobs that have not ended, by state."""
        with self._lock:
            states = [live.state for live in self._live.values()]
        return {state: states.count(state) for state in ("queued", "running")}
