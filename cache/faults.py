"""Trouble with the disk, in words. A cache that does not work must lose no result, and deletes nothing in doubt."""

import contextlib
import errno
import logging
import sqlite3
from collections.abc import Iterator

import diskcache

log = logging.getLogger("kernel_drift.cache")

DISK_FAULTS = (OSError, sqlite3.Error, diskcache.Timeout)

BY_ERRNO = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
    errno.EFBIG: "the file is larger than this process may write",
    errno.EROFS: "the file system is read-only",
    errno.EACCES: "this account may not write there",
    errno.EPERM: "this account may not write there",
    errno.EMFILE: "this process has no file descriptors left",
    errno.ENFILE: "the machine has no file descriptors left",
    errno.EIO: "the disk reports an input/output error",
}
BY_SQLITE = {
    sqlite3.SQLITE_FULL: "the disk is full",
    sqlite3.SQLITE_BUSY: "another process holds its lock",
    sqlite3.SQLITE_LOCKED: "another process holds its lock",
    sqlite3.SQLITE_READONLY: "its index is read-only",
    sqlite3.SQLITE_CANTOPEN: "its index cannot be opened (no file descriptors left, or no right to write)",
    sqlite3.SQLITE_IOERR: "the disk reports an input/output error",
}


class CacheFault(Exception):
    """The cache cannot be used, or not written; one line that says why and what to do."""


def words(error: BaseException) -> str:
    """What is wrong with the disk, as a clause."""
    if isinstance(error, diskcache.Timeout):
        return BY_SQLITE[sqlite3.SQLITE_BUSY]
    if isinstance(error, sqlite3.Error):
        known = BY_SQLITE.get(_code(error))
    else:
        known = BY_ERRNO.get(error.errno or 0) if isinstance(error, OSError) else None
    return known or " ".join(str(error).split()) or type(error).__name__


def damaged(error: sqlite3.Error) -> bool:
    """Whether SQLite says that the file is no good database. Full, locked and unreadable are not that."""
    return _code(error) in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def foreign(error: sqlite3.Error) -> bool:
    """Whether the database has other tables than those that were asked for."""
    return _code(error) == sqlite3.SQLITE_ERROR


def _code(error: sqlite3.Error) -> int:
    """SQLite's primary result code, 0 where Python gives none."""
    return (getattr(error, "sqlite_errorcode", 0) or 0) & 0xFF


@contextlib.contextmanager
def tolerant(doing: str) -> Iterator[None]:
    """Turns a disk that is full, read-only or locked into a log line."""
    try:
        yield
    except DISK_FAULTS as error:
        log.warning("could not %s: %s", doing, words(error))
