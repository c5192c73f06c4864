"""Who else looks at a run: pages tell each viewer that the computation is shared."""

import threading
import time
from collections import defaultdict

from pages.lifetime import Shared

PRESENT = 3.0
"""Seconds since the last look; pages look about twice a second."""


class Watchers:
    """Viewers by run key, with the time of their last look. Thread-safe."""

    def __init__(self):
        self._seen: defaultdict[str, dict[str, float]] = defaultdict(dict)
        self._lock = threading.Lock()

    def look(self, key: str, viewer: str) -> int:
        """Notes that `viewer` looks; returns how many others do."""
        with self._lock:
            self._seen[key][viewer] = time.monotonic()
        return self.others(key, viewer)

    def others(self, key: str, viewer: str) -> int:
        """How many look besides `viewer`."""
        now = time.monotonic()
        with self._lock:
            for run in [*self._seen]:
                self._seen[run] = {name: seen for name, seen in self._seen[run].items() if now - seen < PRESENT}
                if not self._seen[run]:
                    del self._seen[run]
            return len({*self._seen.get(key, {})} - {viewer})

    def leave(self, key: str, viewer: str) -> None:
        with self._lock:
            self._seen.get(key, {}).pop(viewer, None)


watchers = Shared(Watchers)
"""`watchers()` gives those of this server."""
