"""Disk trouble is logged and survived: a cache that does not work must not lose a result."""

import contextlib
import logging
import sqlite3
from collections.abc import Iterator

import diskcache

from engine.progress import Entries

log = logging.getLogger("kernel_drift.cache")

DISK_FAULTS = (OSError, sqlite3.Error, diskcache.Timeout)


class CacheFault(Exception):
    """The cache cannot be used: full, locked, read-only ... The message is one line that says what to do.

    Attributes:
        computed: the entries of a run that was computed before it; None where nothing was.
    """

    def __init__(self, message: str, computed: Entries | None = None):
        super().__init__(message)
        self.computed = computed


@contextlib.contextmanager
def tolerant(doing: str) -> Iterator[None]:
    """Turns a disk that is full, read-only or locked into a log line."""
    try:
        yield
    except DISK_FAULTS as error:
        log.warning("could not %s: %s", doing, error or type(error).__name__)
