"""What users were told, and what follows from it: what was lost, wrong or hung, and how long nothing was heard."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from benchmarks.chaos.wishes import Wish

JUST_NOW = 2.0
"""Seconds before its end in which a server may not have noted what it was asked for."""


@dataclass
class Told:
    """Of one job.

    Attributes:
        wish: it came with.
        digests: of what was shown as its result ("": nothing was).
        people: to whom it was shown.
        pins: of those who keep it.
    """

    wish: Wish
    digests: set[str] = field(default_factory=set)
    people: set[str] = field(default_factory=set)
    pins: set[str] = field(default_factory=set)

    def plain(self) -> dict[str, Any]:
        sets = {"digests": self.digests, "people": self.people, "pins": self.pins}
        return {"wish": self.wish.plain(), **{name: sorted(of) for name, of in sets.items()}}

    @classmethod
    def of(cls, plain: Mapping[str, Any]) -> Self:
        return cls(Wish.of(plain["wish"]), *(set(plain[name]) for name in ("digests", "people", "pins")))


class Ledger:
    """Takes the lines of servers, one after another. Thread-safe."""

    def __init__(self, clock: Callable[[], float] = time.monotonic):
        self._clock = clock
        self._lock = threading.Lock()
        self._heard = clock()
        self.jobs: dict[str, Told] = {}
        self.open: dict[tuple[str, str], float] = {}
        self.wishes: dict[str, list[Wish]] = {}
        self.ends = Counter[str]()
        self.words = Counter[str]()
        self.other = Counter[str]()
        self.broken: list[str] = []
        self.troubles = Counter[str]()
        self.offers = Counter[str]()
        self.forgotten: list[str] = []
        self.silence = self.longest = 0.0
        self.ended_at = float("-inf")
        self.clocks: list[float] = []

    def take(self, line: Mapping[str, Any]) -> None:
        """What a server said."""
        with self._lock:
            now, what = self._clock(), line["what"]
            if what in ("asked", "seen", "ended", "tried again"):
                if self.open:
                    self.silence = max(self.silence, now - self._heard)
                self._heard = now
            known = getattr(self, "_" + what.replace(" ", "_"), None)
            known(line, now) if known else self.other.update([what])

    def server_ended(self) -> None:
        """What users were waiting for is to be offered by the next."""
        with self._lock:
            self.ended_at = self._clock()

    def left(self, user: str) -> list[dict[str, Any]]:
        """What the user still waits for."""
        with self._lock:
            waiting = [wish for wish in self.wishes.get(user, []) if any((user, key) in self.open for key in wish.keys)]
            self.wishes[user] = []
            return [wish.plain() for wish in waiting]

    def hung(self) -> list[str]:
        """Jobs that came to no end."""
        with self._lock:
            return sorted({key for _, key in self.open})

    def _asked(self, line: Mapping[str, Any], now: float) -> None:
        wish = Wish.of(line["wish"])
        self.wishes.setdefault(line["user"], []).append(wish)
        for key, values in zip(line["keys"], wish.values, strict=True):
            self.jobs.setdefault(key, Told(Wish(wish.kind, (values,))))
            self.open.setdefault((line["user"], key), now)

    def _ended(self, line: Mapping[str, Any], now: float) -> None:
        key = line["key"]
        self.longest = max(self.longest, now - self.open.pop((line["user"], key), now))
        self.ends[line["state"]] += 1
        if line["state"] == "finished":
            self.jobs[key].digests.add(line["digest"])
            self.jobs[key].people.add(line["user"])
        elif line["state"] == "failed":
            self.words[_without_numbers(line["words"])] += 1
            if not line["words"] or line.get("reason") == "error":
                self.broken.append(f"job {key[:8]} failed by a defect: {line['words'] or 'no word'}")

    def _pinned(self, line: Mapping[str, Any], _: float) -> None:
        self.other["pinned"] += 1
        self.jobs[line["key"]].pins.add(line["user"])

    def _broke(self, line: Mapping[str, Any], _: float) -> None:
        for key in line["keys"]:
            self.open.pop((line["user"], key), None)
        self.broken.append(line["words"])

    def _offered(self, line: Mapping[str, Any], _: float) -> None:
        key, status = line["key"], line["status"]
        self.offers[status or "unknown"] += 1
        asked = [then for (_, open_key), then in self.open.items() if open_key == key]
        if not status and asked and min(asked) < self.ended_at - JUST_NOW:
            self.forgotten.append(key)

    def _tick(self, line: Mapping[str, Any], _: float) -> None:
        if line["trouble"]:
            self.troubles[line["trouble"].partition(": ")[2].partition(". ")[0]] += 1
        self.clocks.append(line["time"])


def _without_numbers(words: str) -> str:
    """So that those that say the same are counted together."""
    return "".join("#" if letter.isdigit() else letter for letter in words).replace("##", "#").replace("##", "#")
