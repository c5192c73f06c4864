"""Results on disk, found by what was asked for. Nothing is deleted because it could not be read or written."""

import contextlib
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

from cache import location, memory
from cache.archive import CorruptEntryError, address, decode, labelled, unlabelled
from cache.claims import Claims
from cache.data_files import SHARE, DataFiles
from cache.failure import DISK_FAULTS, CacheFault, log, tolerant, words
from cache.lease import Holder, Lease, Leases
from cache.memory import Held, Unsaved
from cache.old_layout import OldLayout, bring_over
from cache.recordings import Recordings
from cache.run_folders import Record, RunFolders
from cache.run_index import RunIndex
from cache.run_table import FILE, EntryRow, RunRow, RunTable
from engine.progress import Arrays

EVICTED_AT_ONCE = 100
RECORDS = 1_000_000
"""Bytes that labels and records may add to what is written, before the table is doubted."""


class Store:
    """Entries ("result", "parameters", ...) of runs, each read on its own, the least recently used evicted first.

    A disk that is full, locked or read-only is noted in `fault` and survived: what is there can be read, and what
    could not be written is held in memory, for `flush`.

    Attributes:
        directory: this account's own, private to it (mode 0700).
        size_limit: bytes; pinned runs count but are not evicted.
        index: the runs that were asked for.
        claims: who asked for them.
        files: of points and recordings, which configs name by digest.
        recordings: of loops that still write them.
    """

    def __init__(self, directory: Path | None = None, size_limit: int | None = None):
        """Opens or creates the store; the defaults come from `cache.location`.

        Raises `CacheFault` where the directory cannot be one: a file, another account's, a senseless size.
        """
        self.directory = directory or location.directory()
        self.size_limit = location.size_limit() if size_limit is None else size_limit
        unusable = location.usable(self.directory)
        self._fault = words(unusable) if unusable else ""
        self._folders = RunFolders(self.directory)
        self._table = RunTable(self.directory / FILE, self._rows)
        self._leases = Leases(self.directory / "leases")
        self._unsaved = Unsaved()
        self._making_room = threading.Lock()
        self._excess = 0  # bytes beyond the limit that are known to be there
        self.claims = Claims(self._folders, self.failed)
        self.files = DataFiles(self.directory, self._folders, SHARE * self.size_limit)
        self.recordings = Recordings(self.directory, self._folders)
        self.index = RunIndex(self._folders, self._table, self.claims, self.files, self.failed)
        self._old = self._before()

    def get(self, key: str, name: str = "result", use: bool = True) -> Arrays | None:
        """The entry, or None. One that was altered is set aside. Without `use` its turn to be evicted stays."""
        where = address(key, name)
        data = self._unsaved.get(key, name)
        try:
            if data is None and (data := self._read(key, name)) is None:
                return None
            arrays = decode(data, where)
        except CorruptEntryError as error:
            self._set_aside(key, name, str(error))
            return None
        except (*DISK_FAULTS, ValueError) as error:
            log.warning("could not read %s: %s", where, words(error))
            return None
        if use:
            self.touch(key, name)
        return arrays

    def put(self, key: str, entries: Mapping[str, bytes], record: Record | None = None) -> list[str]:
        """Stores encoded entries, labelled with the record. Returns the names of those that the limit forbids to keep.

        What the disk does not take is held in memory, and counts as kept.
        """
        kept = []
        for name, data in entries.items():
            if len(data) > self.size_limit:
                log.warning("%s takes more than the whole cache: raise %s", address(key, name), location.SIZE_VARIABLE)
                continue
            held = Held(key, name, data, record)
            self._unsaved.hold(held)
            try:
                self._write(held)
                self._unsaved.release(held)
            except DISK_FAULTS as error:
                self.failed(error)
            kept.append(name)
        self.index.list_again(key)
        self._make_room(sum(map(len, entries.values())))
        return [name for name in entries if name not in kept or not self.has(key, name)]

    def has(self, key: str, name: str = "result") -> bool:
        """Whether the entry is there, without reading it."""
        if self._unsaved.get(key, name) is not None:
            return True
        with contextlib.suppress(OSError, ValueError):
            if self._folders.has(key, name):
                return True
        return self._old is not None and self._from_old(key, name) is not None

    def touch(self, key: str, name: str) -> None:
        """Counts as a use, for eviction."""
        with contextlib.suppress(OSError):  # held in memory, or on a disk that is read-only
            self._folders.touch(key, name)

    def pin(self, key: str) -> None:
        """Keeps every entry of the run, whatever the size limit. Raises `CacheFault` when that cannot be noted."""
        with self.writing():
            self._folders.pin(key)
        self.index.list_again(key)

    def unpin(self, key: str) -> None:
        """Raises `CacheFault` when that cannot be noted."""
        with self.writing():
            self._folders.unpin(key)
        self.index.list_again(key)

    def pinned(self, key: str) -> bool:
        """Whether the run is pinned; yes, when in doubt."""
        try:
            return self._folders.pinned(key)
        except ValueError:
            return False
        except OSError:
            return True

    def remove(self, key: str) -> None:
        """Deletes the run, pinned or not. Raises `CacheFault` where the disk does not allow it."""
        with self.writing():
            self._folders.remove_run(key)
        self._unsaved.forget(key)
        self.claims.forget(key)
        self.index.forget(key)

    def lease(self, key: str) -> Lease:
        return self._leases.of(key)

    def holder(self, key: str) -> Holder | None:
        """Who computes the run right now."""
        return self._leases.holder(key)

    def volume(self) -> int:
        """Bytes on disk. Raises `CacheFault`."""
        try:
            return self._volume()
        except DISK_FAULTS as error:
            raise CacheFault(f"the index in {self.directory} cannot be read: {words(error)}") from error

    def _volume(self) -> int:
        return self._table.volume() + self.files.volume()

    # Trouble with the disk.

    @contextlib.contextmanager
    def writing(self) -> Iterator[None]:
        """Turns an `OSError` into the `CacheFault` that says what to do."""
        try:
            yield
        except OSError as error:
            raise CacheFault(location.cannot_write(self.directory, words(error))) from error

    @property
    def fault(self) -> str:
        """Why the last write failed, in one line; empty when none did, or when what failed has been written since."""
        return location.cannot_write(self.directory, self._fault) if self._fault else ""

    def probe(self) -> str:
        """What keeps the disk from taking anything right now, as a clause; empty when nothing does. Writes a file."""
        return self._fault or _fault(self._folders.probe)

    @property
    def held(self) -> tuple[int, int]:
        """Entries held in memory because the disk did not take them, and their bytes."""
        return len(self._unsaved), self._unsaved.size

    @property
    def full(self) -> bool:
        """Whether so much is held that nothing more should be computed."""
        return self._unsaved.size >= memory.UNSAVED_LIMIT

    def failed(self, error: BaseException | str) -> None:
        """Notes that the disk did not take something, and why; `flush` tries again."""
        self._fault = error if isinstance(error, str) else words(error)
        log.warning("the cache in %s cannot be written: %s", self.directory, self._fault)

    def flush(self) -> None:
        """Tries to write what could not be written before."""
        if not self._fault:
            return
        faults = [fault for work in self._left_to_write() if (fault := _fault(work))]
        if faults:
            self._fault = faults[0]
            return
        log.info("the cache in %s can be written again", self.directory)
        self._fault = ""

    def _left_to_write(self) -> Iterator[Callable[[], object]]:
        """Each on its own: what the disk never takes must not keep the rest in memory."""
        yield lambda: location.private(self.directory)
        for held in self._unsaved:
            yield partial(self._write_held, held)
        yield self._write_claims
        yield self.index.flush
        yield self._table.volume
        yield self._leases.database

    def _write_held(self, held: Held) -> None:
        self._write(held)
        self._unsaved.release(held)
        self.index.list_again(held.key)

    def _write_claims(self) -> None:
        for key in self.claims.flush():
            self.index.list_again(key)

    def reconcile(self) -> None:
        """Brings the table up to date with the folders, and removes what writers left that were killed long ago.

        A complete entry without a row is listed again. For the server: it reads every folder.
        """
        with tolerant("look through the folders of runs"):
            self._folders.remove_unfinished()
            self.files.remove_unnamed()
            listed = self._table.sizes()
            for key in listed.keys() | set(self._folders.run_keys()):
                if listed.get(key) != self._folders.sizes(key):
                    self.index.list_again(key)
            self._table.recount()

    def close(self) -> None:
        self._table.close()
        self._leases.close()

    # Files.

    def _read(self, key: str, name: str) -> bytes | None:
        data = self._folders.read(key, name)
        if data is None and self._old is not None:
            return self._from_old(key, name)
        return None if data is None else unlabelled(data)

    def _write(self, held: Held) -> None:
        facts = asdict(replace(held.record, status="finished")) if held.record else {}
        self._folders.write(held.key, held.name, labelled(held.data, address(held.key, held.name), facts))

    def _set_aside(self, key: str, name: str, why: str) -> None:
        try:
            target = self._folders.set_aside(self._folders.entry(key, name), f"{key[:16]}-{name}")
        except (*DISK_FAULTS, CacheFault) as error:
            log.warning("a damaged entry stays where it is (%s): %s", words(error), why)
            return
        log.warning("set a damaged entry aside as %s, it will be computed again: %s", target.name, why)
        self.index.list_again(key)

    def _rows(self) -> Iterator[RunRow]:
        return self.index.rows(self._folders.run_keys())

    # Room.

    def _make_room(self, written: int) -> None:
        """Evicts what the bytes just written are too many. More than they explain is believed to the files only."""
        if self._fault:
            return  # what is known of the disk may be wrong
        with self._making_room, tolerant("make room in the cache"):
            if self._volume() - self.size_limit > self._excess + written + RECORDS:
                self.reconcile()
            while (excess := self._volume() - self.size_limit) > 0 and not self._fault:
                if not self._evict(excess):
                    log.warning("pinned runs fill the cache (%.3g MB): unpin some", self._volume() / 1e6)
                    break
            self._excess = max(excess, 0)

    def _evict(self, excess: int) -> bool:
        """Removes the entries used longest ago, then records of which nothing else is left. False: there are none."""
        freed, candidates = 0, self._table.least_used(EVICTED_AT_ONCE)
        for key, entry in candidates:
            if freed < excess:
                freed += self._drop(key, entry)
        bare = [] if candidates else [self.index.get(key) for key in self._table.bare(EVICTED_AT_ONCE)]
        ended = [record.key for record in bare if record is not None and record.status != "unfinished"]
        for key in ended:
            self._folders.remove_record(key)
            self.index.list_again(key)
        return bool(candidates or ended)

    def _drop(self, key: str, entry: EntryRow) -> int:
        """Evicts an entry unless the row is wrong about it; gives the bytes."""
        try:
            if self._folders.pinned(key) or self._folders.used(key, entry.name) > entry.used:
                self.index.list_again(key)
                return 0
            self._folders.remove(key, entry.name)
        except FileNotFoundError:
            pass
        except ValueError:  # a row that this program did not write
            self._table.remove(key)
            return 0
        log.info("evicted %s, the least recently used", address(key, entry.name))
        self._table.remove_entry(key, entry.name)
        return entry.size

    # The layout before this one.

    def _before(self) -> OldLayout | None:
        """Brings the old layout over; while that is not possible, it is read where it is."""
        old = OldLayout(self.directory.parent / "results")
        done = self.directory / "brought-over.json"
        try:
            if not old.exists or (done.exists() and done.stat().st_mtime >= old.written):
                return None
            bring_over(old, self._folders, done)
            self.reconcile()
        except DISK_FAULTS as error:
            self.failed(error)
            return old
        return None

    def _from_old(self, key: str, name: str) -> bytes | None:
        try:
            return self._old.read(key, name) if self._old else None
        except DISK_FAULTS as error:
            log.warning("could not read the old layout: %s", words(error))
            return None


def _fault(work: Callable[[], object]) -> str:
    """What keeps it from being done, in words; empty when it is done."""
    try:
        work()
    except (*DISK_FAULTS, CacheFault) as error:
        return words(error)
    return ""
