"""Who computes a run right now: one process at a time, taken over when its heartbeat stops."""

import json
import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

import diskcache

from cache.faults import tolerant

HEARTBEAT = 1.0
EXPIRY = 5.0
"""Seconds between signs of life, and after which a silent holder counts as dead."""

POLL = 0.2
PREFIX = "lease/"


@dataclass(frozen=True)
class Holder:
    """The process that computes a run, and how far it is."""

    owner: str
    fraction: float = 0.0
    message: str = ""


def holder(cache: diskcache.Cache, key: str) -> Holder | None:
    """Who holds the lease of a run; None when nobody does."""
    text = cache.get(PREFIX + key)
    try:
        return None if text is None else Holder(**json.loads(str(text)))
    except (ValueError, TypeError):
        return None


class Lease:
    """The right to compute one run. Release it with `with`, whether it was acquired or not."""

    def __init__(self, cache: diskcache.Cache, key: str):
        self._cache = cache
        self._key = key
        self._me = Holder(uuid.uuid4().hex)
        self._released = threading.Event()
        self._heart: threading.Thread | None = None

    def acquire(self, waiting: Callable[[Holder], bool]) -> bool:
        """Waits until the lease is ours. `waiting` is called several times a second while another holds it.

        Returns False when `waiting` does, which ends the wait.
        """
        while not self._try():
            other = holder(self._cache, self._key)
            if other is not None and not waiting(other):
                return False
            self._released.wait(POLL)
        self._heart = threading.Thread(target=self._beat, name=f"lease {self._key[:8]}", daemon=True)
        self._heart.start()
        return True

    def note(self, fraction: float, message: str) -> None:
        """What others see of the run; sent with the next heartbeat."""
        self._me = Holder(self._me.owner, fraction, message)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._released.set()
        if self._heart is not None:
            self._heart.join()
            with tolerant("release the lease of a run"), self._cache.transact():
                if self._mine():
                    self._cache.delete(PREFIX + self._key)

    def _try(self) -> bool:
        with tolerant("take the lease of a run"):
            return self._cache.add(PREFIX + self._key, self._text(), expire=EXPIRY)
        return True  # The disk does not work: better computed twice than never.

    def _beat(self) -> None:
        while not self._released.wait(HEARTBEAT):
            with tolerant("renew the lease of a run"), self._cache.transact():
                # After a long stop (suspended laptop) another may have taken over: leave it to them.
                if self._mine() or holder(self._cache, self._key) is None:
                    self._cache.set(PREFIX + self._key, self._text(), expire=EXPIRY)

    def _mine(self) -> bool:
        other = holder(self._cache, self._key)
        return other is not None and other.owner == self._me.owner

    def _text(self) -> str:
        return json.dumps(vars(self._me))
