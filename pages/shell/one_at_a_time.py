"""One page of a server process is drawn at a time, the others in the order they came.

Python runs one thread at a time anyhow: ten pages drawn side by side are all ready at the end, and take a tenth more
of the processor than one after the other (`benchmarks/RESULTS.md`, "Many people").
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

LONGEST = 1.0
"""Seconds after which the next page is drawn beside this one, which may be waiting for a disk."""


class _Turn:
    """Of one page: whether its drawing has begun, and whether it is over."""

    def __init__(self) -> None:
        self.begun, self.over = threading.Event(), threading.Event()


class PageQueue:
    """Of those who wait each knows only the one before, which ends by itself or is overtaken: none waits for ever."""

    def __init__(self) -> None:
        self._last = _Turn()
        self._last.begun.set()
        self._last.over.set()
        self._lock = threading.Lock()
        self._drawing = threading.local()

    @contextmanager
    def one_at_a_time(self) -> Iterator[None]:
        """A turn to draw; a part of a page that is being drawn has it already. Also a decorator."""
        if getattr(self._drawing, "now", False):
            yield
            return
        mine = _Turn()
        with self._lock:
            before, self._last = self._last, mine
        try:
            before.begun.wait()
            before.over.wait(LONGEST)
            mine.begun.set()
            self._drawing.now = True
            yield
        finally:
            self._drawing.now = False
            mine.begun.set()
            mine.over.set()


one_at_a_time = PageQueue().one_at_a_time
