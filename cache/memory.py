"""Entries held in memory: those read lately, and those that the disk would not take."""

import threading
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass

from cache.archive import address
from cache.run_folders import Record
from engine.progress import Arrays

# Decoded entries kept in memory: pages ask for the same one at every click.

LIMIT = 512_000_000
"""Bytes."""


class RecentlyRead:
    """The entries read last, up to `limit` bytes. Thread-safe; the arrays are read-only."""

    def __init__(self, limit: int = LIMIT):
        self._limit = limit
        self._entries: OrderedDict[str, Arrays] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, where: str) -> Arrays | None:
        with self._lock:
            if where in self._entries:
                self._entries.move_to_end(where)
            return self._entries.get(where)

    def put(self, where: str, arrays: Arrays) -> None:
        with self._lock:
            self._entries[where] = arrays
            self._entries.move_to_end(where)
            while sum(map(_size, self._entries.values())) > self._limit:
                self._entries.popitem(last=False)

    def forget(self, key: str) -> None:
        """Every entry of the run."""
        with self._lock:
            for where in [where for where in self._entries if where.startswith(address(key, ""))]:
                del self._entries[where]


def _size(arrays: Arrays) -> int:
    return sum(array.nbytes for array in arrays.values())


# Results that the disk would not take, held in memory until it does.

UNSAVED_LIMIT = 1_000_000_000
"""Bytes. Beyond that no new run is begun: its result could not be kept either."""


@dataclass(frozen=True)
class Held:
    """An encoded entry and what its label will say."""

    key: str
    name: str
    data: bytes
    record: Record | None


class Unsaved:
    """Thread-safe; in the order of arrival."""

    def __init__(self) -> None:
        self._entries: dict[tuple[str, str], Held] = {}
        self._lock = threading.Lock()

    def hold(self, held: Held) -> None:
        with self._lock:
            self._entries[held.key, held.name] = held

    def get(self, key: str, name: str) -> bytes | None:
        with self._lock:
            held = self._entries.get((key, name))
            return held.data if held else None

    def release(self, held: Held) -> None:
        """It is on the disk now, or there is a newer one."""
        with self._lock:
            if self._entries.get((held.key, held.name)) is held:
                del self._entries[held.key, held.name]

    def forget(self, key: str) -> None:
        """Every entry of the run."""
        with self._lock:
            for entry in [entry for entry in self._entries if entry[0] == key]:
                del self._entries[entry]

    @property
    def size(self) -> int:
        """Bytes."""
        with self._lock:
            return sum(len(held.data) for held in self._entries.values())

    def __len__(self) -> int:
        with self._lock:
            return len(self._entries)

    def __iter__(self) -> Iterator[Held]:
        with self._lock:
            return iter(list(self._entries.values()))


def trouble(fault: str, held: tuple[int, int]) -> str:
    """What is wrong with the disk, and what follows for the results that are `held`, of so many bytes; in words."""
    count, size = held
    if not fault or not count:
        return fault
    return (
        f"{fault}. Until then the newest results ({size / 1e6:.1f} of {UNSAVED_LIMIT / 1e6:,.0f} MB) are held in "
        "memory, and lost if the server ends before; beyond that new runs are refused."
    )
