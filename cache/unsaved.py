"""Results that the disk would not take, held in memory until it does."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass

from cache.record import Record

LIMIT = 1_000_000_000
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
