"""The rows of the table of runs, and how they are written into it."""

import contextlib
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

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


def create(database: sqlite3.Connection, rows: Iterable[RunRow]) -> None:
    """Tables and rows in one transaction: no other process sees them half made."""
    with transaction(database):
        if database.execute("PRAGMA user_version").fetchone()[0] == LAYOUT:
            return  # another process was quicker
        for statement in TABLES:
            database.execute(statement)
        write(database, rows)


def write(database: sqlite3.Connection, rows: Iterable[RunRow]) -> None:
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
        create(database, rows)
        return database.execute(statement, given).fetchall()


@contextlib.contextmanager
def transaction(database: sqlite3.Connection) -> Iterator[None]:
    database.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        if database.in_transaction:
            database.rollback()
        raise
    database.commit()
