"""Memory, descriptors and threads of the servers, sampled: do they grow?"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

import psutil

YOUNG = 20.0
"""Seconds in which a server is still starting."""

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
    """Medians over the first and the last quarter of the time."""

    what: str
    first: Vital
    last: Vital

    @property
    def grown(self) -> bool:
        memory = self.last.rss > self.first.rss * MORE_MEMORY + MORE_BYTES
        return memory or self.last.files > self.first.files + MORE_FILES


def growths(vitals: Sequence[Vital]) -> list[Growth]:
    """Over all servers, and over the one that lived longest: a leak ends with its server."""
    grown_up = [vital for vital in vitals if vital.age >= YOUNG]
    lives: dict[int, list[Vital]] = {}
    for one in grown_up:
        lives.setdefault(one.life, []).append(one)
    longest = max(lives.values(), key=len, default=[])
    spans = {"all servers": grown_up, f"the one that lived longest ({len(longest)} s)": longest}
    return [Growth(what, *_quarters(of)) for what, of in spans.items() if len(of) >= 8]


def _quarters(vitals: Sequence[Vital]) -> tuple[Vital, Vital]:
    quarter = len(vitals) // 4
    return _median(vitals[:quarter]), _median(vitals[-quarter:])


def _median(vitals: Sequence[Vital]) -> Vital:
    middle = [int(median(getattr(one, name) for one in vitals)) for name in ("rss", "files", "threads")]
    return Vital(vitals[0].when, vitals[0].life, vitals[0].age, *middle)
