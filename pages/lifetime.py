"""State of the server that pages share: one object for as long as the cached engine is installed.

Not `st.cache_resource`: any session can empty that, and what is kept there is gone for all.
"""

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

import cache

T = TypeVar("T")


class Shared(Generic[T]):
    """Gives the same object to every session, made at first use; a new one for another engine. Thread-safe.

    Args:
        make: makes the object.
    """

    def __init__(self, make: Callable[[], T]):
        self._make = make
        self._lock = threading.Lock()
        self._made: tuple[cache.CachedEngine, T] | None = None

    def __call__(self) -> T:
        engine = cache.current()
        with self._lock:
            if self._made is None or self._made[0] is not engine:
                self._made = engine, self._make()
            return self._made[1]
