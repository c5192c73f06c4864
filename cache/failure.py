"""What went wrong, in one sentence: why a job gave no result, and trouble with the disk."""

import contextlib
import errno
import logging
import re
import sqlite3
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import diskcache

from engine.schema import ConfigError

# Why a job gave no result, in one sentence for the person who asked.

Reason = Literal[
    "config", "memory", "worker", "cluster", "scheduler", "workers", "missing", "disk", "limits", "queue", "error"
]

SMALLER = "use fewer samples, a smaller width or depth, fewer seeds or fewer checkpoints"

LONGEST_DETAILS = 20_000
"""Characters of a traceback, its last ones: what others' code raises may say anything, at any length."""

OUT_OF_MEMORY = re.compile(
    "RESOURCE_EXHAUSTED|out[ _]of[ _]memory|bad_alloc|(failed|unable) to allocate|STATUS_ALLOC_FAILED", re.IGNORECASE
)
"""What JAX, XLA, numpy and CUDA say where memory ends, under whatever status and type of exception: on a processor
"RESOURCE_EXHAUSTED: Out of memory allocating 288000000 bytes.", "INTERNAL: Error dispatching computation: Out of
memory ..." and "UNKNOWN: XLA FFI call failed: std::bad_alloc" were all seen."""


class SchedulerError(ConnectionError):
    """The compute processes cannot be started or reached as the settings have it. The message says why, in one line."""


@dataclass(frozen=True)
class Failure:
    """What went wrong.

    Attributes:
        reason: "config" it cannot be run as asked; "memory" too large; "worker" the process died;
            "cluster" no process to run it any more; "scheduler" none to begin with (a setting is wrong, or a
            scheduler does not answer); "workers" the scheduler has had none for too long; "missing" the run does not
            produce that entry; "disk" its result could not be kept; "limits" more than the person may ask for;
            "queue" too many of theirs wait already; "error" a defect.
        message: what happened and what to do.
        details: the traceback, for the log and the curious.
    """

    reason: Reason
    message: str
    details: str = ""


def explain(error: BaseException) -> Failure:
    """A failure from what the computation raised. Recognises JAX's errors by name, without importing it."""
    name = type(error).__name__
    text = str(error) or name
    details = "".join(traceback.format_exception(error))[-LONGEST_DETAILS:]
    if isinstance(error, ConfigError):
        return Failure("config", text, details)
    if isinstance(error, MemoryError) or OUT_OF_MEMORY.search(text):
        return Failure("memory", f"The run does not fit into memory: {SMALLER}.", details)
    return Failure("error", f"The computation stopped with {name}: {_first_line(text)}", details)


def died(fraction: float, message: str) -> Failure:
    """The worker process is gone, nobody knows why."""
    where = f" at {fraction:.0%}" + (f" ({message})" if message else "")
    return Failure(
        "worker",
        f"The worker process was killed{where}, most often by the system for lack of memory. "
        f"It has been restarted: retry, and if it happens again {SMALLER}.",
    )


def outgrew(bytes_used: int) -> Failure:
    """The worker was stopped because it came close to the memory of the machine."""
    return Failure("memory", f"The run was stopped at {bytes_used / 1e9:.1f} GB, all that a worker may use: {SMALLER}.")


def no_cluster(error: BaseException | str) -> Failure:
    """There is nothing that could run a job."""
    return Failure(
        "cluster", f"The compute processes are not available ({_first_line(str(error))}): retry in a moment."
    )


def no_workers(seconds: float, variable: str) -> Failure:
    """The scheduler is there and nobody works for it."""
    return Failure(
        "workers",
        f"No worker for {seconds:.0f} s: start one and retry, or wait longer by setting {variable} (seconds).",
    )


def no_such_entry(name: str, entries: tuple[str, ...]) -> Failure:
    """The run has finished and keeps no entry of this name."""
    return Failure("missing", f"This run keeps no {name!r}, only {', '.join(map(repr, entries)) or 'nothing'}.")


def no_room(fault: str) -> Failure:
    """Memory holds all the results that it may until the disk takes them."""
    return Failure("disk", f"No new run is begun, because its result could not be kept: {fault}.")


def _first_line(text: str) -> str:
    line = text.strip().split("\n")[0]
    return line if len(line) <= 300 else line[:297] + "..."


# Trouble with the disk, in words. A cache that does not work must lose no result, and deletes nothing in doubt.

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


class NotAllowed(Exception):
    """This person may not do that; one line that says why, and who may."""


def words(error: BaseException) -> str:
    """What is wrong with the disk, as a clause."""
    if isinstance(error, diskcache.Timeout):  # its word for whatever keeps a transaction from beginning
        cause = error.__context__
        return words(cause) if isinstance(cause, sqlite3.Error) else BY_SQLITE[sqlite3.SQLITE_BUSY]
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
