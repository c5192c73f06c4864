"""Memory, descriptors and threads of the servers, sampled: do they grow?"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import median

import psutil

YOUNG = 20.0
"""Seconds in which a server is still starting."""

LONG = 80
"""Seconds of a grown-up life from which on its growth says something."""

MORE_MEMORY, MORE_BYTES, MORE_FILES = 1.15, 30e6, 15
"""What the last quarter may have over the first: a part and bytes, descriptors. Results that were read are kept."""


@dataclass(frozen=True)
class Vital:
    """Of one moment: seconds since the beginning, which server, its age in seconds, and what it holds."""

    when: float
    life: int
    age: float
    rss: int
    files: int
    threads: int


def vital(process: psutil.Process, when: float, life: int, age: float) -> Vital | None:
    """None where the process is gone."""
    try:
        with process.oneshot():
            return Vital(when, life, age, process.memory_info().rss, process.num_fds(), process.num_threads())
    except psutil.Error:
        return None


@dataclass(frozen=True)
class Growth:
    """Over the first and the last quarter of the time: the median of memory, the least of the others.

    Jobs that are computed hold descriptors and threads, more of them on a slow day; what leaks is there at any time.

    Attributes:
        judged: whether more in the last quarter is a fault. Other servers have other settings.
    """

    what: str
    first: Vital
    last: Vital
    judged: bool

    @property
    def grown(self) -> bool:
        if not self.judged:
            return False
        memory = self.last.rss > self.first.rss * MORE_MEMORY + MORE_BYTES
        return memory or self.last.files > self.first.files + MORE_FILES


def growths(vitals: Sequence[Vital]) -> list[Growth]:
    """Over all servers, and over each that lived long: a leak ends with its server."""
    grown_up = [vital for vital in vitals if vital.age >= YOUNG]
    lives: dict[int, list[Vital]] = {}
    for one in grown_up:
        lives.setdefault(one.life, []).append(one)
    spans = [(f"number {life}, {len(of)} s", of) for life, of in lives.items() if len(of) >= LONG]
    of_all = [Growth("all", *_quarters(grown_up), judged=False)] if len(grown_up) >= LONG else []
    return of_all + [Growth(what, *_quarters(of), judged=True) for what, of in spans]


def _quarters(vitals: Sequence[Vital]) -> tuple[Vital, Vital]:
    quarter = len(vitals) // 4
    return _least(vitals[:quarter]), _least(vitals[-quarter:])


def _least(vitals: Sequence[Vital]) -> Vital:
    rss = int(median(vital.rss for vital in vitals))
    files, threads = (min(getattr(vital, name) for vital in vitals) for name in ("files", "threads"))
    return replace(vitals[0], rss=rss, files=files, threads=threads)
