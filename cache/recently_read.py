"""Decoded entries kept in memory: pages ask for the same one at every click."""

import threading
from collections import OrderedDict

from engine.progress import Arrays

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


def _size(arrays: Arrays) -> int:
    return sum(array.nbytes for array in arrays.values())
