"""Faults of processes, disk, memory, clock and network: how each is made here, and undone."""

import random
import resource
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from benchmarks.chaos import machine
from benchmarks.chaos.machine import Elsewhere
from tests.disks import fill, read_only_over

if TYPE_CHECKING:
    from benchmarks.chaos.conductor import Server


@dataclass(frozen=True)
class Fault:
    """Attributes: `how` it is made here; `made`: entered, it is there, and left, it is undone; `lasts`: seconds."""

    name: str
    how: str
    made: Callable[[], AbstractContextManager[None]]
    lasts: float = 0.0


def role(process: psutil.Process) -> str:
    """Of a compute process: "scheduler", "nanny", "worker" or something else."""
    try:
        line = " ".join(process.cmdline())
    except psutil.Error:
        return ""
    names = {"distributed.Scheduler": "scheduler", "distributed.Nanny": "nanny", "spawn_main": "worker"}
    return next((found for name, found in names.items() if name in line), "")


def killed(pid: Callable[[], int], wanted: str) -> Callable[[], AbstractContextManager[None]]:
    """Kills the compute processes of a role below a process."""

    @contextmanager
    def made() -> Iterator[None]:
        above = psutil.Process(pid())
        for process in [above, *above.children(recursive=True)]:
            if role(process) == wanted:
                process.kill()
        yield

    return made


def of_this_machine(server: "Server", place: Path, chance: random.Random) -> list[Fault]:
    """Faults of a server with processes of its own, whose cache is below `place`."""
    kills = [
        Fault(f"{name} killed", "SIGKILL", killed(lambda: server.pid, name))
        for name in ("worker", "nanny", "scheduler")
    ]
    return [
        *kills,
        Fault("server killed", "SIGKILL, started again on the same cache", server.killed),
        Fault("worker out of memory", "a job that eats memory", lambda: _hungry(server, chance)),
        *_of_disk(server, place),
        _of_clock(server),
    ]


def of_a_network(server: "Server", there: Elsewhere) -> list[Fault]:
    """Faults of a server with a scheduler elsewhere."""
    kills = [
        Fault(f"remote {name} killed", "SIGKILL, started again", killed(lambda of=above: there.pid(of), name))
        for name, above in (("worker", "nanny"), ("nanny", "nanny"), ("scheduler", "scheduler"))
    ]
    return [
        Fault("network cut for 10 s", there.how, there.cut, 10.0),
        *kills,
        Fault("network cut for 35 s", there.how, there.cut, 35.0),
        Fault("server killed", "SIGKILL, started again on the same cache", server.killed),
    ]


@contextmanager
def _hungry(server: "Server", chance: random.Random) -> Iterator[None]:
    server.order("eat", number=chance.randrange(10**9))
    yield


def _of_disk(server: "Server", place: Path) -> list[Fault]:
    @contextmanager
    def filled() -> Iterator[None]:
        filler = fill(place)
        yield
        filler.unlink()

    @contextmanager
    def refused() -> Iterator[None]:
        before = resource.prlimit(server.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (0, before[1]))
        yield
        resource.prlimit(server.pid, resource.RLIMIT_FSIZE, before)

    @contextmanager
    def read_only() -> Iterator[None]:
        server.order("read_only", value=True)
        yield
        server.order("read_only", value=False)

    if machine.ours():
        return [
            Fault("disk full", "a small file system, filled", filled, 8.0),
            Fault(
                "cache read-only", "a read-only mount over it; open files stay open", lambda: read_only_over(place), 8.0
            ),
        ]
    return [
        Fault("disk full", "in the process: no file may grow (RLIMIT_FSIZE)", refused, 8.0),
        Fault("cache read-only", "in the process: opening, renaming, removing refused", read_only, 8.0),
    ]


BACK = -3600.0
"""Seconds by which the clock is set."""


def _of_clock(server: "Server") -> Fault:
    @contextmanager
    def set_back() -> Iterator[None]:
        server.order("clock", value=BACK)
        yield
        server.order("clock", value=0.0)

    # Not by libfaketime: with it (0.9.10) `time.sleep` of Python 3.11 ends in EINVAL.
    return Fault("clock set back", "in the process: an hour, `time.time` of the server", set_back, 8.0)
