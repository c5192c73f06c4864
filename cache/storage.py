"""Results on disk, found by what was asked for."""

import shutil
import sqlite3
import time
from collections.abc import Mapping
from pathlib import Path

import diskcache

from cache import location
from cache.archive import CorruptEntryError, address, decode
from cache.bytes_disk import BytesDisk, UnsafeEntryError
from cache.faults import DISK_FAULTS, log, tolerant
from cache.lease import Lease
from cache.run_index import RunIndex
from engine.progress import Arrays

ENTRY, USED, PIN = "entry/", "used/", "pin/"


class Store:
    """Entries ("result", "parameters", ...) of runs, each read on its own, the least recently used evicted first.

    Attributes:
        directory: private to the user (mode 0700).
        size_limit: bytes; pinned runs count but are not evicted.
        index: the runs that were asked for.
    """

    def __init__(self, directory: Path | None = None, size_limit: int | None = None):
        """Opens or creates the store; the defaults come from `cache.location`. Raises `OSError`."""
        self.directory = location.private(directory or location.directory())
        self.size_limit = location.size_limit() if size_limit is None else size_limit
        self._cache = _open(location.private(self.directory / "results"))
        self._cache.expire()
        self.index = RunIndex(self._cache)

    def get(self, key: str, name: str = "result") -> Arrays | None:
        """The entry, or None. One that was truncated or altered is dropped, with a log line."""
        where = address(key, name)
        try:
            data = self._cache.get(ENTRY + where)
            if data is None:
                return None
            if not isinstance(data, bytes):
                raise UnsafeEntryError(f"an entry holds {type(data).__name__}, not bytes")
            arrays = decode(data, where)
        except (CorruptEntryError, UnsafeEntryError) as error:
            log.warning("dropped a damaged entry, it will be computed again: %s", error)
            self._drop(where)
            return None
        except DISK_FAULTS as error:
            log.warning("could not read %s: %s", where, error)
            return None
        self.touch(key, name)
        return arrays

    def put(self, key: str, entries: Mapping[str, bytes]) -> list[str]:
        """Stores encoded entries. Returns the names of those that could not be kept (each has a log line)."""
        kept = []
        for name, data in entries.items():
            where = address(key, name)
            if len(data) > self.size_limit:
                log.warning(
                    "%s takes %.3g MB, more than the whole cache (%.3g MB): not stored; raise %s",
                    where,
                    len(data) / 1e6,
                    self.size_limit / 1e6,
                    location.SIZE_VARIABLE,
                )
                continue
            with tolerant(f"store {where} ({len(data) / 1e6:.3g} MB)"):
                self._cache.set(ENTRY + where, data)
                self._cache.set(USED + where, time.time())
                kept.append(name)
        with tolerant("make room in the cache"):
            self._make_room()
        return [name for name in entries if name not in kept or not self.has(key, name)]

    def has(self, key: str, name: str = "result") -> bool:
        """Whether the entry is there, without reading it."""
        with tolerant("look into the cache"):
            return ENTRY + address(key, name) in self._cache
        return False

    def touch(self, key: str, name: str) -> None:
        """Counts as a use, for eviction."""
        with tolerant("note the use of an entry"):
            self._cache.set(USED + address(key, name), time.time())

    def pin(self, key: str) -> None:
        """Keeps every entry of the run, whatever the size limit."""
        self._cache.set(PIN + key, 1)

    def unpin(self, key: str) -> None:
        self._cache.delete(PIN + key)

    def pinned(self) -> frozenset[str]:
        """Keys of the pinned runs."""
        return frozenset(self._keys(PIN))

    def lease(self, key: str) -> Lease:
        return Lease(self._cache, key)

    @property
    def cache(self) -> diskcache.Cache:
        return self._cache

    def volume(self) -> int:
        """Bytes in use."""
        return self._cache.volume()

    def close(self) -> None:
        self._cache.close()

    def _make_room(self) -> None:
        if self.volume() <= self.size_limit:
            return
        pinned = self.pinned()
        entries = [where for where in self._keys(ENTRY) if where.split("/")[0] not in pinned]
        for where in sorted(entries, key=self._used):
            log.info("evicted %s, the least recently used", where)
            self._drop(where)
            if self.volume() <= self.size_limit:
                return
        log.warning("pinned runs fill the cache (%.3g MB): unpin some", self.volume() / 1e6)

    def _drop(self, where: str) -> None:
        with tolerant("drop an entry"):
            self._cache.delete(ENTRY + where)
            self._cache.delete(USED + where)

    def _keys(self, prefix: str) -> list[str]:
        return [key.removeprefix(prefix) for key in map(str, self._cache.iterkeys()) if key.startswith(prefix)]

    def _used(self, where: str) -> float:
        """When the entry was written or read last (Unix time)."""
        return float(str(self._cache.get(USED + where, 0.0)))


def _open(directory: Path) -> diskcache.Cache:
    """The database. One that is damaged is thrown away, with a log line: everything in it can be computed again."""
    try:
        return _cache(directory)
    except (sqlite3.DatabaseError, UnsafeEntryError) as error:
        log.warning("the cache in %s is damaged (%s): starting an empty one", directory, error)
        shutil.rmtree(directory)
        return _cache(location.private(directory))


def _cache(directory: Path) -> diskcache.Cache:
    # No eviction by diskcache: it knows no pins and drops ten entries at a time.
    cache = diskcache.Cache(
        str(directory), disk=BytesDisk, timeout=10, eviction_policy="none", cull_limit=0, size_limit=2**62
    )
    list(cache.iterkeys())  # raises here, not later, when a key is not text
    return cache
