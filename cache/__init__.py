"""Remembers and schedules: config in, result out. See `cache.service`.

Importing this imports neither Dask nor JAX.
"""

import atexit
import threading

from cache.failure import CacheFault, Failure, NotAllowed
from cache.headless import cached_compute
from cache.job import Job
from cache.location import check_location
from cache.overview import Run
from cache.service import CachedEngine
from cache.storage import Store
from cache.task import Device, Rehearsal

__all__ = [
    "CacheFault",
    "CachedEngine",
    "Device",
    "Failure",
    "Job",
    "NotAllowed",
    "Rehearsal",
    "Run",
    "Store",
    "cached_compute",
    "check_location",
    "current",
    "install",
    "installed",
]

# The one cached engine of this process, for pages.

_engine: CachedEngine | None = None
_lock = threading.Lock()


def install(engine: CachedEngine | None) -> None:
    """Makes this the engine that `current` gives; None to forget it. Starts and closes nothing."""
    global _engine
    with _lock:
        _engine = engine


def installed() -> CachedEngine | None:
    """The installed engine; None before a server has started and after it began to close."""
    with _lock:
        return _engine


def current() -> CachedEngine:
    """The installed engine. Without one (a page run alone), one with the default store, closed at exit."""
    global _engine
    with _lock:
        if _engine is None:
            _engine = CachedEngine()
            atexit.register(_engine.close)
        return _engine
