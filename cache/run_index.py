"""The runs that were ever asked for: survives a restart, offers what did not finish."""

import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import replace
from typing import Any

from cache.archive import CorruptEntryError, label_of
from cache.claims import Claims, sole
from cache.data_files import DataFiles
from cache.failure import DISK_FAULTS, log, tolerant, words
from cache.listing import ListedRun, RunFilter, counted, listed, listed_runs, statement
from cache.run_folders import Record, RunFolders, Status, label, nameable
from cache.run_table import EntryRow, RunRow, RunTable, among
from engine.data.contents import named_in
from engine.metrics import METRICS
from engine.schema import Config
from engine.versions import VERSIONS

UNMEASURED = (
    "SELECT key FROM listed WHERE measured = 0 AND NOT EXISTS (SELECT * FROM parts WHERE whole = listed.key AND NOT "
    "EXISTS (SELECT * FROM entries JOIN listed AS own ON own.key = entries.key WHERE own.key = part AND own.measured))"
    " LIMIT :limit"
)
ONLY_OF = (
    "SELECT part FROM parts WHERE whole = :whole AND NOT EXISTS (SELECT * FROM parts AS other JOIN runs ON key = "
    "other.whole WHERE other.part = parts.part AND other.whole <> :whole AND pinned >= :pinned)"
)


class RunIndex:
    """Records by run key: in the run folders, with a table to list them by. A disk that fails loses none:
    what could not be written is kept in memory and written by `flush`.
    """

    def __init__(
        self,
        folders: RunFolders,
        table: RunTable,
        claims: Claims,
        files: DataFiles,
        failed: Callable[[BaseException], None],
    ):
        """`failed` hears of every write that the disk did not take."""
        self._folders, self._table, self._claims, self._files = folders, table, claims, files
        self._failed, files.named = failed, self.naming
        self._unwritten: dict[str, Record] = {}
        self._unlisted: set[str] = set()
        self._lock = threading.Lock()

    def add(self, key: str, kind: str, config: Config, **more: Any) -> Record:
        """Notes that the run was asked for and is not finished, once its files of points are kept; `more` as in
        `Record`."""
        try:
            self._files.keep_for(config)
        except DISK_FAULTS as error:
            self._failed(error)
        old = self.get(key)
        noted = {"created": old.created if old else time.time(), "version": VERSIONS.get(kind, 0)}
        record = Record(key, kind, config.to_dict(), label(config), **{**noted, **more})
        self._put(record)
        return record

    def settle(self, key: str, status: Status, **changes: Any) -> None:
        """Notes how the run ended. Nothing happens for a run that is not known."""
        record = self.get(key)
        if record is not None:
            self._put(replace(record, status=status, **changes))

    def get(self, key: str) -> Record | None:
        """The record; that of a finished result, where the writer was killed before it could note the end."""
        with self._lock:
            if key in self._unwritten:
                return self._unwritten[key]
        try:
            record = self._folders.record(key)
            if record is None or record.status == "unfinished":
                return self._labelled(key) or record
        except DISK_FAULTS as error:
            log.warning("could not read the record of %s: %s", key, words(error))
            return None
        except ValueError:  # not a key
            return None
        return record

    def find(self, beginning: str, limit: int) -> list[str]:
        """Keys, in hexadecimal digits, that begin so; at most so many."""
        statement = "SELECT key FROM runs WHERE key >= :low AND key < :high ORDER BY key LIMIT :limit"
        try:
            rows = self._table.select(statement, {"low": beginning, "high": f"{beginning}g", "limit": limit})
            found = [key for (key,) in rows]
        except DISK_FAULTS as error:
            log.warning("could not find a run by the index: %s", words(error))
            found = [key for key in self._folders.run_keys() if key.startswith(beginning)]
        with self._lock:
            waiting = [key for key in (*self._unwritten, *self._unlisted) if key.startswith(beginning)]
        return [*dict.fromkeys((*waiting, *found))][:limit]

    def naming(self, digests: Collection[str]) -> set[str]:
        """Which of these files some record names; all of them in doubt. Looks into every folder."""
        with self._lock:
            keys = {*self._unwritten}
        named = set[str]()
        try:
            for key in keys | {*self._folders.run_keys()}:
                record = self.get(key)
                if record is None and self._folders.sizes(key):
                    return {*digests}
                named |= {*named_in(record.values)} if record else set()
        except DISK_FAULTS:
            return {*digests}
        return named & {*digests}

    def recent(self, kind: str | None = None, limit: int = -1) -> list[Record]:
        """Records, or those of one kind, newest first, as their folders have them; `limit` of them."""
        found = self.listed(RunFilter(kinds=(kind,) if kind else ()), limit)
        return [record for run in found if (record := self.get(run.record.key)) is not None]

    def listed(self, which: RunFilter, limit: int, offset: int = 0) -> list[ListedRun]:
        """What a list shows of these runs, newest first; `limit` of them after the first `offset`. From the table
        alone: no folder is opened."""
        asked = statement(which, limit, offset)
        with self._lock:
            waiting = {*self._unwritten, *self._unlisted}
        try:
            found = listed_runs(self._table.select(*asked))
        except DISK_FAULTS as error:
            log.warning("could not list the runs by their index: %s", words(error))
            return listed_runs(among(self.rows(waiting | {*self._folders.run_keys()}), *asked))
        if not waiting or offset:
            return found
        newest = listed_runs(among(self.rows(waiting), *asked))
        rest = [run for run in found if run.record.key not in waiting]
        together = sorted([*newest, *rest], key=lambda run: run.record.created, reverse=True)
        return together[: None if limit < 0 else limit]

    def how_many(self, which: RunFilter) -> int:
        """Of the same, without those that the disk did not take."""
        asked = counted(which)
        try:
            return self._table.select(*asked)[0][0]
        except DISK_FAULTS:
            return among(self.rows(self._folders.run_keys()), *asked)[0][0]

    def unmeasured(self, limit: int) -> list[str]:
        """Keys of results whose metrics were never read. Raises `DISK_FAULTS`."""
        return [key for (key,) in self._table.select(UNMEASURED, {"limit": limit})]

    def parts_only_of(self, key: str, pinned: bool = False) -> list[str]:
        """The parts that nothing else is made of, or nothing else that is pinned. Raises `DISK_FAULTS`."""
        return [part for (part,) in self._table.select(ONLY_OF, {"whole": key, "pinned": int(pinned)})]

    def rows(self, keys: Iterable[str]) -> Iterator[RunRow]:
        """What the table holds of these runs."""
        return (row for key in keys if (row := self.row(key)) is not None)

    def bytes_of(self, person: str) -> int:
        """Bytes of the runs that nobody else asked for; 0 while that cannot be read."""
        with tolerant("add up what a person's results take"):
            return self._table.bytes_of(person)
        return 0

    def bytes_by_owner(self) -> dict[str, int]:
        """The same of everybody, by person; under "" the rest of the cache. Empty while that cannot be read."""
        with tolerant("add up what the results take"):
            return self._table.bytes_by_owner()
        return {}

    def list_again(self, key: str) -> None:
        """Brings the row of a run up to date with its folder."""
        try:
            self._list(key)
        except DISK_FAULTS as error:
            with self._lock:
                self._unlisted.add(key)
            self._failed(error)

    def _list(self, key: str) -> None:
        row = self.row(key) if nameable(key) else None  # a foreign row goes
        self._table.put(row) if row else self._table.remove(key)
        with self._lock:
            self._unlisted.discard(key)

    def row(self, key: str) -> RunRow | None:
        """What the table holds of a run, read from its folder; None when nothing of it is there."""
        there = self._folders.contents(key)
        record = self.get(key)
        entries = tuple(EntryRow(name, found.st_size, found.st_mtime) for name, found in there.entries.items())
        if record is None and not entries:  # a pin alone keeps nothing
            return None
        kind, created = (record.kind, record.created) if record else ("", 0.0)
        claims = self._claims.listed(key)
        shown = listed(record, claims, bool(record and record.parts) or (kind in METRICS and "result" in there.entries))
        return RunRow(key, kind, sole(claims), created, there.record_size, there.pinned, entries, shown)

    def forget(self, key: str) -> None:
        """The run is gone, and its files."""
        with self._lock:
            self._unwritten.pop(key, None)
        self.list_again(key)

    def flush(self) -> None:
        """Writes what could not be written. Raises `DISK_FAULTS` at the first that still cannot."""
        with self._lock:
            unwritten, unlisted = dict(self._unwritten), set(self._unlisted)
        for key, record in unwritten.items():
            self._folders.write_record(record)
            with self._lock:
                if self._unwritten.get(key) is record:
                    del self._unwritten[key]
        for key in unlisted | set(unwritten):
            self._list(key)

    def _put(self, record: Record) -> None:
        try:
            self._folders.write_record(record)
        except DISK_FAULTS as error:
            with self._lock:
                self._unwritten[record.key] = record
            self._failed(error)
            return
        with self._lock:
            self._unwritten.pop(record.key, None)
        self.list_again(record.key)

    def _labelled(self, key: str) -> Record | None:
        """The record that the label of the result repeats."""
        for name in self._folders.contents(key).entries:
            try:
                facts = label_of(self._folders.entry(key, name))
                if facts.get("key") == key and (record := Record.from_values(facts)) is not None:
                    return record
            except (CorruptEntryError, ValueError):
                continue
        return None
