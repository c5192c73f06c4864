"""Whether a server can do what it is there for: keep results, and compute new ones."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

LOOK_EVERY = 1.0
"""Seconds for which an answer stands, however many ask."""


@dataclass(frozen=True)
class Readiness:
    """Attributes:
    fault: what keeps the cache from being written, as a clause without paths; empty when nothing does.
    workers: how many the scheduler has; None while there is no scheduler that answers.
    """

    fault: str
    workers: int | None

    @property
    def ready(self) -> bool:
        return not self.fault and bool(self.workers)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, with the state of the workers in a word: "there", "none", or "lost" with their scheduler."""
        state = "lost" if self.workers is None else "there" if self.workers else "none"
        return {
            "ready": self.ready,
            "cache": {"writable": not self.fault, "fault": self.fault},
            "workers": {"state": state, "count": self.workers or 0},
        }


class Watch:
    """Looks when asked, at most every `LOOK_EVERY` seconds. Thread-safe."""

    def __init__(self, fault: Callable[[], str], workers: Callable[[], int | None]):
        self._fault, self._workers = fault, workers
        self._lock = threading.Lock()
        self._looked = float("-inf")
        self._found = Readiness("", None)

    def __call__(self) -> Readiness:
        with self._lock:
            if time.monotonic() - self._looked >= LOOK_EVERY:
                self._found = Readiness(self._fault(), self._workers())
                self._looked = time.monotonic()
            return self._found
