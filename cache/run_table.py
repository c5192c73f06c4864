"""The table of runs: what lists and finds them quickly. Made from the run folders, and made again when it is lost."""

import contextlib
import os
import sqlite3
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

from cache import location
from cache.database import set_aside, transaction
from cache.failure import damaged, log

T = TypeVar("T")

PATIENCE = 5.0
"""Seconds that a write waits while another process holds the lock."""

LAYOUT = 2
"""Of the tables below. Another layout takes another file name: two versions of the program on one folder would each set
the other's database aside."""

FILE = f"index-{LAYOUT}.db"

TABLES = (
    "CREATE TABLE runs (key TEXT PRIMARY KEY, kind TEXT, owner TEXT, created REAL, size INTEGER, pinned INTEGER)"
    " WITHOUT ROWID",
    "CREATE INDEX runs_by_kind ON runs (kind, created)",
    "CREATE INDEX runs_by_owner ON runs (owner, created)",
    "CREATE INDEX runs_by_time ON runs (created)",
    "CREATE INDEX runs_by_pin ON runs (pinned, created)",
    "CREATE TABLE entries (key TEXT, name TEXT, size INTEGER, used REAL, PRIMARY KEY (key, name)) WITHOUT ROWID",
    "CREATE INDEX entries_by_use ON entries (used)",
    "CREATE TABLE listed (key TEXT PRIMARY KEY, record TEXT, claims TEXT, words TEXT, measured INTEGER)",
    "CREATE INDEX unmeasured ON listed (key) WHERE measured = 0",
    "CREATE TABLE parts (whole TEXT, part TEXT, PRIMARY KEY (whole, part)) WITHOUT ROWID",
    "CREATE INDEX parts_by_part ON parts (part)",
    "CREATE TABLE total (size INTEGER)",
    "INSERT INTO total VALUES (0)",
    *(
        f"CREATE TRIGGER {table}_{event} AFTER {event} ON {table} BEGIN UPDATE total SET size = size {change}; END"
        for table in ("runs", "entries")
        for event, change in (
            ("INSERT", "+ NEW.size"),
            ("DELETE", "- OLD.size"),
            ("UPDATE", "+ NEW.size - OLD.size"),
        )
    ),
    f"PRAGMA user_version = {LAYOUT}",
)
"""`total` keeps the sum of all sizes; `listed` has what a list shows of a run, `parts` the jobs that it is made of."""


@dataclass(frozen=True)
class EntryRow:
    """An entry: bytes, and when it was used last (Unix time)."""

    name: str
    size: int
    used: float


@dataclass(frozen=True)
class Listed:
    """What a list shows of a run without opening its folder.

    Attributes:
        record, claims: as JSON.
        words: what a search looks through, in small letters.
        measured: whether its metrics are known, or there are none.
        parts: keys of the jobs that it is made of.
    """

    record: str = ""
    claims: str = "[]"
    words: str = ""
    measured: bool = True
    parts: tuple[str, ...] = ()


@dataclass(frozen=True)
class RunRow:
    """A run as the table holds it: `owner` alone asked for it, if it is anyone's alone. `size` is of its record, in
    bytes; `entries` have their own."""

    key: str
    kind: str
    owner: str
    created: float
    size: int
    pinned: bool
    entries: tuple[EntryRow, ...] = ()
    listed: Listed = Listed()


class RunTable:
    """Thread-safe. Methods raise `sqlite3.Error` or `OSError` when the disk does not allow it."""

    def __init__(self, path: Path, rows: Callable[[], Iterable[RunRow]]):
        """`rows` reads the run folders: it fills a database that is new."""
        self._path = path
        self._rows = rows
        self._lock = threading.RLock()
        self._connection: sqlite3.Connection | None = None
        self._file: tuple[int, int] | None = None

    def put(self, row: RunRow) -> None:
        """Adds the run or changes it, and its entries with it."""

        def work(database: sqlite3.Connection) -> None:
            with transaction(database):
                _write(database, [row])

        self._do(work)

    def remove_entry(self, key: str, name: str) -> None:
        self._do(lambda database: database.execute("DELETE FROM entries WHERE key = ? AND name = ?", (key, name)))

    def remove(self, key: str) -> None:
        """The run and its entries: nothing of it is there any more."""

        def work(database: sqlite3.Connection) -> None:
            for table, column in (("entries", "key"), ("listed", "key"), ("parts", "whole"), ("runs", "key")):
                database.execute(f"DELETE FROM {table} WHERE {column} = ?", (key,))

        self._do(work)

    def select(self, statement: str, given: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """The rows of a statement that changes nothing."""
        return self._do(lambda database: database.execute(statement, given).fetchall())

    def sizes(self) -> dict[str, dict[str, int]]:
        """By run, what the table takes for the bytes of each entry, and of the record under the name ""."""
        statement = "SELECT key, '', size FROM runs UNION ALL SELECT key, name, size FROM entries"
        found: dict[str, dict[str, int]] = {}
        for key, name, size in self._do(lambda database: database.execute(statement).fetchall()):
            run = found.setdefault(key, {})
            if name or size:
                run[name] = size
        return found

    def volume(self) -> int:
        """Bytes of all entries and records."""
        return self._do(lambda database: database.execute("SELECT coalesce(sum(size), 0) FROM total").fetchone()[0])

    def bytes_of(self, owner: str) -> int:
        """Bytes of what nobody else asked for."""
        return self._taken("WHERE owner = :owner", {"owner": owner}).get(owner, 0)

    def bytes_by_owner(self) -> dict[str, int]:
        """The same by owner; under "" what several asked for, or nobody who signed in."""
        return self._taken("", {})

    def _taken(self, where: str, given: dict[str, str]) -> dict[str, int]:
        statement = (
            f"SELECT owner, sum(size) FROM (SELECT owner, size FROM runs {where} UNION ALL SELECT owner, entries.size "
            f"FROM runs JOIN entries ON entries.key = runs.key {where}) GROUP BY owner"
        )
        return dict(self._do(lambda database: database.execute(statement, given).fetchall()))

    def recount(self) -> None:
        """Sums all sizes anew."""

        def work(database: sqlite3.Connection) -> None:
            with transaction(database):
                database.execute("DELETE FROM total")
                database.execute(
                    "INSERT INTO total SELECT (SELECT coalesce(sum(size), 0) FROM runs)"
                    " + (SELECT coalesce(sum(size), 0) FROM entries)"
                )

        self._do(work)

    def least_used(self, limit: int) -> list[tuple[str, EntryRow]]:
        """The unpinned entries that were used longest ago, with the key of their run."""
        statement = (
            "SELECT entries.key, name, entries.size, used FROM entries JOIN runs ON runs.key = entries.key "
            "WHERE pinned = 0 ORDER BY used LIMIT ?"
        )
        return self._do(lambda d: [(key, EntryRow(*rest)) for key, *rest in d.execute(statement, (limit,))])

    def bare(self, limit: int) -> list[str]:
        """Unpinned runs of which only a record is left, oldest first."""
        statement = (
            "SELECT key FROM runs WHERE pinned = 0 AND NOT EXISTS "
            "(SELECT * FROM entries WHERE entries.key = runs.key) ORDER BY created LIMIT ?"
        )
        return self._do(lambda database: [key for (key,) in database.execute(statement, (limit,))])

    def close(self) -> None:
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _do(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """`work` on the database. One that turns out damaged is set aside and made again from the files."""
        with self._lock:
            try:
                return work(self._open())
            except sqlite3.Error as error:
                if not (damaged(error) or str(error).startswith("no such")):  # a table or a column
                    raise
                self._set_aside(str(error))
                return work(self._open())

    def _open(self) -> sqlite3.Connection:
        if self._connection is not None and self._file == _identity(self._path):
            return self._connection
        self.close()  # the file was removed or replaced behind our back
        try:
            self._connection = self._connect()
        except sqlite3.Error as error:
            if not damaged(error):
                raise
            self._set_aside(str(error))
            self._connection = self._connect()
        self._file = _identity(self._path)
        return self._connection

    def _connect(self) -> sqlite3.Connection:
        """A connection to a database that has its tables and its rows."""
        if self._path.exists() and not os.access(self._path.parent, os.W_OK):
            return _read_only(self._path)
        location.private(self._path.parent)
        database = sqlite3.connect(self._path, timeout=PATIENCE, isolation_level=None, check_same_thread=False)
        try:
            layout = database.execute("PRAGMA user_version").fetchone()[0]
            database.execute("PRAGMA synchronous = NORMAL")
            if layout == LAYOUT:
                return database
            if layout != 0 or database.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
                database.close()
                self._set_aside(f"its layout is {layout}, not {LAYOUT}")
                return self._connect()
            database.execute("PRAGMA journal_mode = WAL")
            _create(database, self._rows())
        except BaseException:
            database.close()
            raise
        return database

    def _set_aside(self, why: str) -> None:
        """It is only an index: the results lie beside it."""
        self.close()
        log.warning("the index %s is damaged (%s): set aside, and made again from the results", self._path, why)
        set_aside(self._path)


def _create(database: sqlite3.Connection, rows: Iterable[RunRow]) -> None:
    """Tables and rows in one transaction: no other process sees them half made."""
    with transaction(database):
        if database.execute("PRAGMA user_version").fetchone()[0] == LAYOUT:
            return  # another process was quicker
        for statement in TABLES:
            database.execute(statement)
        _write(database, rows)


def _write(database: sqlite3.Connection, rows: Iterable[RunRow]) -> None:
    for row in rows:
        database.execute(
            "INSERT INTO runs VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (key) DO UPDATE SET kind = excluded.kind, "
            "owner = excluded.owner, created = excluded.created, size = excluded.size, pinned = excluded.pinned",
            (row.key, row.kind, row.owner, row.created, row.size, int(row.pinned)),
        )
        names = [entry.name for entry in row.entries]
        holes = ", ".join("?" * len(names))
        database.execute(f"DELETE FROM entries WHERE key = ? AND name NOT IN ({holes})", (row.key, *names))
        database.executemany(
            "INSERT INTO entries VALUES (?, ?, ?, ?) ON CONFLICT (key, name) DO UPDATE SET size = excluded.size, "
            "used = excluded.used",
            [(row.key, entry.name, entry.size, entry.used) for entry in row.entries],
        )
        shown = row.listed
        database.execute(
            "INSERT OR REPLACE INTO listed VALUES (?, ?, ?, ?, ?)",
            (row.key, shown.record, shown.claims, shown.words, int(shown.measured)),
        )
        database.execute("DELETE FROM parts WHERE whole = ?", (row.key,))
        database.executemany("INSERT OR IGNORE INTO parts VALUES (?, ?)", [(row.key, part) for part in shown.parts])


def among(rows: Iterable[RunRow], statement: str, given: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """What `RunTable.select` would give, of rows that no database holds."""
    with contextlib.closing(sqlite3.connect(":memory:", isolation_level=None)) as database:
        _create(database, rows)
        return database.execute(statement, given).fetchall()


def _read_only(path: Path) -> sqlite3.Connection:
    """A database in a place where nothing can be written, not even beside it."""
    for mode in ("mode=ro", "immutable=1"):
        database = sqlite3.connect(
            f"file:{quote(str(path))}?{mode}", uri=True, isolation_level=None, check_same_thread=False
        )
        try:
            database.execute("SELECT count(*) FROM runs")
        except sqlite3.OperationalError:
            database.close()
            if mode == "immutable=1":
                raise
        else:
            return database
    raise AssertionError("unreachable")


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
