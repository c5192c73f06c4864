"""Who computes a run right now: one process at a time, named with the start of its machine and its own."""

import contextlib
import functools
import json
import os
import sqlite3
import subprocess
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import diskcache

from cache import location
from cache.archive import BytesDisk
from cache.database import set_aside
from cache.failure import DISK_FAULTS, damaged, foreign, log, tolerant, words

# Which start of which machine this is, and which process: what a lease must know to tell a dead holder.

LINUX = Path("/proc/sys/kernel/random/boot_id")


@functools.cache
def boot() -> str:
    """Names this start of this machine; empty where the system does not say."""
    try:
        if LINUX.exists():
            return LINUX.read_text().strip()
        command = ["sysctl", "-n", "kern.bootsessionuuid"]  # macOS
        return subprocess.run(command, capture_output=True, text=True, timeout=5, check=True).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return ""


def process() -> str:
    """This process: its number, and in which set of numbers (a container has its own)."""
    return f"{_numbers()} {os.getpid()}"


def gone(named: str) -> bool:
    """Whether the process is known to have ended; False where it cannot be known from here."""
    numbers, _, pid = named.rpartition(" ")
    if numbers != _numbers() or not pid.isdigit():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except OSError:  # another account's
        return False
    return False


def _numbers() -> str:
    try:
        return os.readlink("/proc/self/ns/pid")
    except OSError:
        return ""


# Who computes a run right now: one process at a time, taken over when it has died or gives no sign of life.
#
# No wall clock is asked: ages are those of the machine's monotonic clock, which all its processes share.

HEARTBEAT = 1.0
EXPIRY = 5.0
"""Seconds between signs of life, and after which a silent holder counts as dead."""

POLL = 0.2
PATIENCE = 5
"""Seconds that a lease waits for the lock of its database."""


@dataclass(frozen=True)
class Holder:
    """The process that computes a run, and how far it is. `beat` is the monotonic time of its last sign of life."""

    owner: str
    fraction: float = 0.0
    message: str = ""
    boot: str = ""
    process: str = ""
    beat: float = 0.0

    @property
    def alive(self) -> bool:
        """False once it has ended, or was silent too long; what an earlier start of the machine held is free."""
        return self.boot == boot() and abs(time.monotonic() - self.beat) <= EXPIRY and not gone(self.process)


class Leases:
    """The leases of a store, in a database that may be lost at any time: it holds nothing else."""

    def __init__(self, directory: Path):
        self._directory = directory
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._cache: diskcache.Cache | None = None

    def of(self, key: str) -> "Lease":
        return Lease(self, key)

    def holder(self, key: str) -> Holder | None:
        """Who holds the lease of a run; None when nobody does, or nobody can say. Never waits, never writes."""
        if self._cache is None and not (self._directory / "cache.db").exists():
            return None
        try:
            found = _held(self.database(), key)
        except DISK_FAULTS:
            return None
        return found if found is not None and found.alive else None

    def database(self) -> diskcache.Cache:
        """Opened when first needed, and made again when it was removed or is no good. Raises `DISK_FAULTS`."""
        with self._lock:
            if self._cache is not None and (self._directory / "cache.db").exists():
                return self._cache
            self._shut()
            location.private(self._directory.parent)
            location.private(self._directory)
            self._cache = _open(self._directory)
            return self._cache

    @contextlib.contextmanager
    def transaction(self) -> Iterator[diskcache.Cache]:
        """The database, in a transaction. Raises `DISK_FAULTS`."""
        # diskcache notes the one thread that writes; of a read-only database SQLite gives a transaction to several.
        if not self._writing.acquire(timeout=PATIENCE):
            raise diskcache.Timeout
        try:
            database = self.database()
            with database.transact():
                yield database
        except DISK_FAULTS:
            self.leave()  # after a commit that failed the lock would be kept, and a read-only connection stays so
            raise
        finally:
            self._writing.release()

    def leave(self) -> None:
        """Gives back what this thread holds open (diskcache opens a connection for each thread, and closes none)."""
        with tolerant("close the leases of a thread"):
            if self._cache is not None:
                self._cache.close()

    def close(self) -> None:
        with self._lock:
            self._shut()

    def _shut(self) -> None:
        if self._cache is not None:
            with tolerant("close the leases"):
                self._cache.close()
            self._cache = None


class Lease:
    """The right to compute one run. Release it with `with`, whether it was acquired or not.

    Attributes:
        fault: what kept it from being written down, empty if nothing. The run is computed all the same: better twice
            than never.
    """

    def __init__(self, leases: Leases, key: str):
        self._leases = leases
        self._key = key
        self._owner = uuid.uuid4().hex
        self._noted = (0.0, "")
        self._released = threading.Event()
        self._heart: threading.Thread | None = None
        self.fault = ""

    def acquire(self, waiting: Callable[[Holder], bool]) -> bool:
        """Waits until the lease is ours. `waiting` is called several times a second while another holds it.

        Returns False when `waiting` does, which ends the wait.
        """
        while (other := self._try()) is not None:
            if not waiting(other):
                return False
            self._released.wait(POLL)
        if not self.fault:
            self._heart = threading.Thread(target=self._beat, name=f"lease {self._key[:8]}", daemon=True)
            self._heart.start()
        return True

    def note(self, fraction: float, message: str) -> None:
        """What others see of the run; sent with the next heartbeat."""
        self._noted = (fraction, message)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._released.set()
        if self._heart is not None:
            self._heart.join()
            with tolerant("release the lease of a run"), self._leases.transaction() as database:
                if self._is_ours(_held(database, self._key)):
                    database.delete(self._key)
        self._leases.leave()

    def _try(self) -> Holder | None:
        """Takes the lease, or gives who holds it."""
        try:
            with self._leases.transaction() as database:
                other = _held(database, self._key)
                if other is not None and other.alive:
                    return other
                database.set(self._key, self._text())
        except DISK_FAULTS as error:
            log.warning("could not take the lease of a run: %s", words(error))
            if isinstance(error, sqlite3.Error) and damaged(error):
                self._leases.close()  # the next to ask opens it anew, which sets it aside
            self.fault = words(error)  # not the error, whose traceback holds what was opened
        return None

    def _beat(self) -> None:
        while not self._released.wait(HEARTBEAT):
            with tolerant("renew the lease of a run"), self._leases.transaction() as database:
                # After a long stop (suspended laptop) another may have taken over: leave it to them.
                other = _held(database, self._key)
                if other is None or not other.alive or self._is_ours(other):
                    database.set(self._key, self._text())
        self._leases.leave()

    def _is_ours(self, other: Holder | None) -> bool:
        return other is not None and other.owner == self._owner

    def _text(self) -> str:
        fraction, message = self._noted
        return json.dumps(vars(Holder(self._owner, fraction, message, boot(), process(), time.monotonic())))


def _held(database: diskcache.Cache, key: str) -> Holder | None:
    """What is written down, whoever wrote it: what is no lease is nobody's."""
    try:
        return Holder(**json.loads(str(database.get(key))))
    except (ValueError, TypeError):  # nothing, another version's, or something that BytesDisk refuses
        return None


def _open(directory: Path) -> diskcache.Cache:
    """The database. One that is damaged is set aside with its date: nothing but leases is in it."""
    file = directory / "cache.db"
    try:
        if file.exists():
            _wait_for_lock(file)
        return _cache(directory)
    except sqlite3.DatabaseError as error:
        if not (damaged(error) or foreign(error)):
            raise
        log.warning("the leases in %s are damaged (%s): set aside", directory, error)
        set_aside(directory)
        return _cache(location.private(directory))


def _wait_for_lock(file: Path) -> None:
    """Raises when another process keeps its lock: diskcache would wait for it a whole minute."""
    with contextlib.closing(sqlite3.connect(file, timeout=PATIENCE, isolation_level=None)) as database:
        database.execute("BEGIN IMMEDIATE")
        database.execute("ROLLBACK")


def _cache(directory: Path) -> diskcache.Cache:
    settings = {"eviction_policy": "none", "cull_limit": 0, "size_limit": 2**62}
    return diskcache.Cache(str(directory), disk=BytesDisk, timeout=PATIENCE, **settings)
