"""Disk trouble is logged and survived: a cache that does not work must not lose a result."""

import contextlib
import logging
import sqlite3
from collections.abc import Iterator

import diskcache

log = logging.getLogger("kernel_drift.cache")

DISK_FAULTS = (OSError, sqlite3.Error, diskcache.Timeout)


@contextlib.contextmanager
def tolerant(doing: str) -> Iterator[None]:
    """Turns a disk that is full, read-only or locked into a log line."""
    try:
        yield
    except DISK_FAULTS as error:
        log.warning("could not %s: %s", doing, error or type(error).__name__)
