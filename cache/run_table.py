"""The table of runs: what lists and finds them quickly. Made from the run folders, and made again when it is lost."""

import contextlib
import os
import sqlite3
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

from cache import location
from cache.failure import damaged, log
from cache.run_rows import LAYOUT, EntryRow, RunRow, create, transaction, write

T = TypeVar("T")

PATIENCE = 5.0
"""Seconds that a write waits while another process holds the lock."""


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
                write(database, [row])

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
            create(database, self._rows())
        except BaseException:
            database.close()
            raise
        return database

    def _set_aside(self, why: str) -> None:
        """Renames the database with its date. It is only an index: the results lie beside it."""
        self.close()
        stamp = f"{time.strftime('%Y-%m-%d-%H%M%S')}-{uuid.uuid4().hex[:6]}"
        log.warning("the index %s is damaged (%s): set aside, and made again from the results", self._path, why)
        for suffix in ("", "-wal", "-shm"):
            file = Path(f"{self._path}{suffix}")
            with contextlib.suppress(FileNotFoundError):
                file.rename(file.with_name(f"{self._path.stem}-damaged-{stamp}{self._path.suffix}{suffix}"))


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
