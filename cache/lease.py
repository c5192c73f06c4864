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

from cache import location
from cache.database import set_aside, transaction
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
PATIENCE = 5.0
"""Seconds that a lease waits for the lock of its database."""

GLANCE = 0.02
"""The same for who only looks."""

TABLE = "CREATE TABLE IF NOT EXISTS leases (key TEXT PRIMARY KEY, holder TEXT)"


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
        self._file = directory / "leases.db"

    def of(self, key: str) -> "Lease":
        return Lease(self, key)

    def holders(self) -> dict[str, Holder]:
        """Who computes what, by the keys of the runs; nobody where that cannot be said. Hardly waits, never writes."""
        try:
            with _opened(f"{self._file.absolute().as_uri()}?mode=ro", GLANCE) as database:
                rows = database.execute("SELECT key, holder FROM leases").fetchall()
        except DISK_FAULTS:
            return {}
        found = {str(key): _holder(text) for key, text in rows}
        return {key: holder for key, holder in found.items() if holder is not None and holder.alive}

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """The database, in a transaction. One that is no good is set aside, for the next to make it again.

        Raises `DISK_FAULTS`.
        """
        directory = self._file.parent
        location.private(directory.parent)
        location.private(directory)
        try:
            with _opened(self._file.absolute().as_uri(), PATIENCE) as database:
                # What a crash of the machine loses is of no use after it.
                database.execute("PRAGMA synchronous = OFF")
                with transaction(database):
                    database.execute(TABLE)
                    yield database
        except sqlite3.Error as error:
            if damaged(error) or foreign(error):
                log.warning("the leases in %s are damaged (%s): set aside", directory, error)
                set_aside(self._file)
            raise

    def probe(self) -> None:
        """Raises `DISK_FAULTS` where no lease can be written down."""
        with self.transaction():
            pass


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
                    database.execute("DELETE FROM leases WHERE key = ?", (self._key,))

    def _try(self) -> Holder | None:
        """Takes the lease, or gives who holds it."""
        try:
            with self._leases.transaction() as database:
                other = _held(database, self._key)
                if other is not None and other.alive:
                    return other
                self._write(database)
        except DISK_FAULTS as error:
            log.warning("could not take the lease of a run: %s", words(error))
            self.fault = words(error)  # not the error, whose traceback holds what was opened
        return None

    def _beat(self) -> None:
        while not self._released.wait(HEARTBEAT):
            with tolerant("renew the lease of a run"), self._leases.transaction() as database:
                # After a long stop (suspended laptop) another may have taken over: leave it to them.
                other = _held(database, self._key)
                if other is None or not other.alive or self._is_ours(other):
                    self._write(database)

    def _is_ours(self, other: Holder | None) -> bool:
        return other is not None and other.owner == self._owner

    def _write(self, database: sqlite3.Connection) -> None:
        fraction, message = self._noted
        holder = Holder(self._owner, fraction, message, boot(), process(), time.monotonic())
        database.execute("INSERT OR REPLACE INTO leases VALUES (?, ?)", (self._key, json.dumps(vars(holder))))


@contextlib.contextmanager
def _opened(address: str, patience: float) -> Iterator[sqlite3.Connection]:
    database = sqlite3.connect(address, uri=True, timeout=patience, isolation_level=None)
    with contextlib.closing(database):
        yield database


def _held(database: sqlite3.Connection, key: str) -> Holder | None:
    """Who holds the lease of a run, alive or not."""
    rows = database.execute("SELECT holder FROM leases WHERE key = ?", (key,)).fetchall()
    return _holder(rows[0][0]) if rows else None


def _holder(text: str) -> Holder | None:
    """What is written down, whoever wrote it: what is no lease is nobody's."""
    with contextlib.suppress(ValueError, TypeError):  # another version's
        return Holder(**json.loads(text))
    return None
