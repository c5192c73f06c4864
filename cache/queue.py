"""The queue of a cache: who waits, what is computed where, and what each user owes. One for all servers on it.

It is a database that may be lost at any time: every server keeps its own jobs in mind and brings them in again. Where
the disk does not take it, the server goes on with a queue of its own in memory.
"""

import json
import sqlite3
import threading
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TypeVar

from cache import location
from cache.database import set_aside, transaction
from cache.failure import DISK_FAULTS, damaged, foreign, log, tolerant, words
from cache.lease import boot, gone, process
from cache.turns import Outlook, Place, Ticket, charges, entering, outlooks, starts

SILENT = 15.0
"""Seconds without a sign of life after which a server's jobs leave the queue; if it lives, it brings them back."""

RETRY = 60.0
"""Seconds in memory before the disk is tried again."""

HEARD = 60.0
"""Seconds after which every server that lives has heard what another called off."""

PATIENCE = 2.0
"""Seconds to wait for another server's transaction."""

LEARNING = 0.3
"""Weight of the newest job in what is known of its kind's pace."""

TABLES = """
CREATE TABLE IF NOT EXISTS tickets
    (id TEXT PRIMARY KEY, owner TEXT, boot TEXT, process TEXT, beat REAL, cluster TEXT, ticket TEXT);
CREATE TABLE IF NOT EXISTS debts (user TEXT PRIMARY KEY, seconds REAL);
CREATE TABLE IF NOT EXISTS paces (kind TEXT PRIMARY KEY, pace REAL);
CREATE TABLE IF NOT EXISTS draining (worker TEXT PRIMARY KEY);
CREATE TABLE IF NOT EXISTS calls (id TEXT PRIMARY KEY, owner TEXT, boot TEXT, time REAL, call TEXT);
"""

T = TypeVar("T")


@dataclass(frozen=True)
class Turn:
    """What a look at the queue gave.

    Attributes:
        starts: tickets of this server that start now.
        outlooks: of those that wait, by their ids.
        tickets: all of them, on this cluster.
        elsewhere: the worker of each key that another server computes.
    """

    starts: Sequence[Ticket] = ()
    outlooks: Mapping[str, Outlook] = field(default_factory=dict)
    tickets: Sequence[Ticket] = ()
    elsewhere: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Call:
    """A job is called off, wherever it is.

    Attributes:
        key: of the job; empty: all jobs and batches of the viewer.
        viewer: who does not want it any more; None: nobody does.
        deleted: its result is not to be kept either.
        time: when, by the machine's monotonic clock; what was asked for later is not meant.
    """

    key: str
    viewer: str | None = None
    deleted: bool = False
    time: float = field(default_factory=time.monotonic)


class Queue:
    """Methods answer at once, whatever the disk does. Thread-safe."""

    def __init__(self, directory: Path):
        self._file = directory / "queue.db"
        self._owner = uuid.uuid4().hex
        self._mine: dict[str, Ticket] = {}
        self._heard: set[str] = set()
        self._lock = threading.RLock()
        self._database: sqlite3.Connection | None = None
        self._path = ""
        self._in_memory_since = float("-inf")
        self._cluster = ""
        self._turned = time.monotonic()

    def enter(self, ticket: Ticket) -> None:
        """The ticket waits; its user owes no less than others who are there."""

        def write(database: sqlite3.Connection) -> None:
            debt = entering(ticket.user, _tickets(database), _debts(database))
            database.execute("INSERT OR REPLACE INTO debts VALUES (?, ?)", (ticket.user, debt))
            self._write(database, ticket)

        with self._lock:
            expected = ticket.seconds * self._do(lambda database: _pace(database, ticket.kind))
            self._mine[ticket.id] = ticket = replace(ticket, seconds=expected)
            self._do(write)

    def change(self, ticket: Ticket) -> None:
        """Takes up what has changed in a ticket of this server."""
        with self._lock:
            self._mine[ticket.id] = ticket
            self._do(lambda database: self._write(database, ticket))

    def leave(self, id: str, seconds: float | None = None, expected: float = 0.0) -> None:
        """The ticket is out of the queue, whether it was there or not.

        Args:
            seconds: that were computed for it, where it was computed to its end.
            expected: what was said of it before.
        """

        def write(database: sqlite3.Connection) -> None:
            database.execute("DELETE FROM tickets WHERE id = ?", (id,))
            if ticket is None or seconds is None:
                return
            _charge(database, ticket, seconds - ticket.charged)
            if expected > 0:
                pace = _pace(database, ticket.kind)
                pace += LEARNING * (seconds / expected - pace)
                database.execute("INSERT OR REPLACE INTO paces VALUES (?, ?)", (ticket.kind, pace))

        with self._lock:
            ticket = self._mine.pop(id, None)
            self._do(write)

    def turn(self, cluster: str, places: Sequence[Place]) -> Turn:
        """Charges users for what was computed since the last turn, and starts what can start of this server's.

        Args:
            cluster: names the workers; servers with other workers share debts, and nothing else.
        """
        with self._lock:
            self._cluster = cluster
            now, since = time.monotonic(), self._turned
            self._turned = now

            def write(database: sqlite3.Connection) -> Turn:
                self._clear(database, now)
                tickets = _tickets(database, cluster)
                for ticket, seconds in charges(tickets, now - since):
                    if ticket.id in self._mine:
                        _charge(database, ticket, seconds)
                        self._write(database, replace(ticket, charged=ticket.charged + seconds))
                debts, drained = _debts(database), {row[0] for row in database.execute("SELECT * FROM draining")}
                open_places = [replace(place, draining=place.worker in drained) for place in places]
                found = [ticket for ticket in starts(tickets, open_places, debts) if ticket.id in self._mine]
                for ticket in found:
                    self._write(database, ticket)
                tickets = _tickets(database, cluster)
                others = [ticket for ticket in tickets if ticket.worker and ticket.id not in self._mine]
                elsewhere = {ticket.key: ticket.worker for ticket in others}
                return Turn(found, outlooks(tickets, open_places, debts), tickets, elsewhere)

            turn = self._do(write)
            self._mine |= {ticket.id: ticket for ticket in turn.tickets if ticket.id in self._mine}
            return turn

    def listed(self) -> list[Ticket]:
        """Every ticket, of all servers that live."""
        now = time.monotonic()
        columns = "SELECT owner, boot, process, beat, ticket FROM tickets"
        rows = self._do(lambda database: database.execute(columns).fetchall())
        return [
            Ticket(**json.loads(text))
            for owner, booted, holder, beat, text in rows
            if owner == self._owner or not _dead(booted, holder, beat, now)
        ]

    def waiting_elsewhere(self, user: str) -> int:
        """Jobs of the user that wait at other servers."""
        count = (
            "SELECT COUNT(*) FROM tickets WHERE owner != ? AND boot = ? AND json_extract(ticket, '$.user') = ? "
            "AND json_extract(ticket, '$.worker') = ''"
        )
        return self._do(lambda database: database.execute(count, (self._owner, boot(), user)).fetchone()[0])

    def debts(self) -> dict[str, float]:
        """Seconds charged to each user, by their weight."""
        return self._do(_debts)

    def drain(self, worker: str, draining: bool = True) -> None:
        """Gives the worker no new job; or again, where not `draining`."""
        statement = "INSERT OR IGNORE INTO draining VALUES (?)" if draining else "DELETE FROM draining WHERE worker = ?"
        self._do(lambda database: database.execute(statement, (worker,)))

    def draining(self) -> set[str]:
        return self._do(lambda database: {row[0] for row in database.execute("SELECT * FROM draining")})

    def call(self, call: Call) -> None:
        """Tells every other server."""

        def write(database: sqlite3.Connection) -> None:
            database.execute("DELETE FROM calls WHERE boot != ? OR time < ?", (boot(), time.monotonic() - HEARD))
            row = (uuid.uuid4().hex, self._owner, boot(), call.time, json.dumps(asdict(call)))
            database.execute("INSERT INTO calls VALUES (?, ?, ?, ?, ?)", row)

        self._do(write)

    def heard(self) -> list[Call]:
        """What others have called since the last look."""
        with self._lock:
            rows = self._do(
                lambda database: database.execute(
                    "SELECT id, call FROM calls WHERE owner != ? AND boot = ?", (self._owner, boot())
                ).fetchall()
            )
            new = [text for id, text in rows if id not in self._heard]
            self._heard = {id for id, _ in rows}
        return [Call(**json.loads(text)) for text in new]

    def close(self) -> None:
        """This server's tickets go with it."""
        with self._lock:
            for id in [*self._mine]:
                self.leave(id)
            self._shut()

    def _clear(self, database: sqlite3.Connection, now: float) -> None:
        """Notes that this server lives, brings back what is missing of its own, and takes out what is of no one."""
        there = set()
        for id, owner, booted, holder, beat in database.execute("SELECT id, owner, boot, process, beat FROM tickets"):
            if owner == self._owner:
                there.add(id)
            elif _dead(booted, holder, beat, now):
                database.execute("DELETE FROM tickets WHERE id = ?", (id,))
        for id in there - set(self._mine):
            database.execute("DELETE FROM tickets WHERE id = ?", (id,))
        for id in set(self._mine) - there:
            self._write(database, self._mine[id])
        database.execute("UPDATE tickets SET beat = ?, cluster = ? WHERE owner = ?", (now, self._cluster, self._owner))

    def _write(self, database: sqlite3.Connection, ticket: Ticket) -> None:
        row = (ticket.id, self._owner, boot(), process(), time.monotonic(), self._cluster, json.dumps(asdict(ticket)))
        database.execute("INSERT OR REPLACE INTO tickets VALUES (?, ?, ?, ?, ?, ?, ?)", row)

    def _do(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """In one transaction; in memory where the disk fails."""
        with self._lock:
            try:
                with transaction(self._open()) as database:
                    return work(database)
            except DISK_FAULTS as error:
                self._without_disk(error)
            with transaction(self._open()) as database:
                self._clear(database, time.monotonic())
                return work(database)

    def _open(self) -> sqlite3.Connection:
        path = ":memory:" if time.monotonic() - self._in_memory_since < RETRY else str(self._file)
        if path != self._path or (path != ":memory:" and not self._file.exists()):
            self._shut()
            if path != ":memory:":
                location.private(self._file.parent)
            self._database, self._path = _connect(path), path
        return self._database  # pyright: ignore[reportReturnType]

    def _without_disk(self, error: BaseException) -> None:
        """Sets aside a file that is no database, and goes on in memory for a while."""
        log.warning("the queue goes on in memory for %.0f s: %s", RETRY, words(error))
        self._in_memory_since = time.monotonic()
        self._shut()
        if isinstance(error, sqlite3.Error) and (damaged(error) or foreign(error)):
            with tolerant("set aside the damaged queue"):
                set_aside(self._file)

    def _shut(self) -> None:
        if self._database is not None:
            with suppress(sqlite3.Error):
                self._database.close()
        self._database, self._path = None, ""


def _connect(path: str) -> sqlite3.Connection:
    # Whoever uses it holds the lock. What a crash of the machine loses is of no use after it.
    database = sqlite3.connect(path, timeout=PATIENCE, isolation_level=None, check_same_thread=False)
    try:
        database.execute("PRAGMA synchronous = OFF")
        database.executescript(TABLES)
    except BaseException:
        database.close()
        raise
    return database


def _dead(booted: str, holder: str, beat: float, now: float) -> bool:
    """Whether the server of a ticket has ended, or gives no sign of life."""
    return booted != boot() or abs(now - beat) > SILENT or gone(holder)


def _tickets(database: sqlite3.Connection, cluster: str | None = None) -> list[Ticket]:
    rows = database.execute("SELECT cluster, ticket FROM tickets")
    return [Ticket(**json.loads(text)) for of, text in rows if cluster in (None, of)]


def _debts(database: sqlite3.Connection) -> dict[str, float]:
    return dict(database.execute("SELECT user, seconds FROM debts"))


def _charge(database: sqlite3.Connection, ticket: Ticket, seconds: float) -> None:
    change = "UPDATE debts SET seconds = seconds + ? WHERE user = ?"
    database.execute(change, (seconds / ticket.weight, ticket.user))


def _pace(database: sqlite3.Connection, kind: str) -> float:
    """Seconds that jobs of the kind took of those expected."""
    found = database.execute("SELECT pace FROM paces WHERE kind = ?", (kind,)).fetchone()
    return found[0] if found else 1.0
