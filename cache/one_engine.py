"""The one cached engine of this process, for pages."""

import atexit
import threading

from cache.service import CachedEngine

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
