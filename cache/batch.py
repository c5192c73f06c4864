"""Many configs of one kind, computed together: each is a job of its own, which anybody else who asks finds again."""

import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from cache.failure import Failure
from cache.job import Job
from engine.progress import Arrays
from engine.schema import Config

if TYPE_CHECKING:
    from cache.service import CachedEngine

IN_FLIGHT = 32
"""Jobs asked for at once: enough for as many workers. Each costs this process a thread."""

HOPELESS = ("scheduler", "workers")
"""Reasons of a failure after which no other job would fare better."""

RETRIED = ("worker", "cluster", "missing")
"""Reasons of a failure after which a job is tried once more: it may fare better on another worker."""

LATER = "queue"
"""The reason of a job that is refused until others have ended."""

LOST = Failure("missing", "The result was computed but not kept: make room in the cache.")


class Batch:
    """Jobs in groups, such as the parts of a cell of a sweep, the first first. `step` returns at once; call it every so
    often until `done`. Thread-safe: two tabs of one browser drive the same.

    Attributes:
        results: "result" entries by the hash of their config, as they come.
        failures: why a group is missing, by its place, once the last try has failed too.
        flying: the jobs asked for and not there yet, as they stood at the last step.
        computed: places of the groups that were not known before.
        began: when, by `time.monotonic`.
        unstarted: why nothing can be computed at all: the compute processes do not start, or a scheduler that was never
            reached does not answer.
        message: how far it is, and what it waits for.

    Args:
        viewer: who asks. What failed, or was cancelled by them, before is tried again; what others have started is
            joined, and goes on for whoever still asks when one gives it up.
        unit: what the groups are, in the plural.
        tries: of a job, where another may fare better.
    """

    def __init__(
        self,
        engine: "CachedEngine",
        kind: str,
        groups: Sequence[Sequence[Config]],
        viewer: str,
        unit: str = "results",
        tries: int = 2,
    ):
        self.kind, self.groups, self.unit, self.tries = kind, groups, unit, tries
        self.results: dict[str, Arrays] = {}
        self.failures: dict[int, str] = {}
        self.flying: list[Job] = []
        self.computed: set[int] = set()
        self.began = time.monotonic()
        self.unstarted = ""
        self._lock = threading.RLock()
        self._engine, self._viewer = engine, viewer
        self._waiting = deque((index, config) for index, group in enumerate(groups) for config in group)
        self._running: dict[str, tuple[int, Config]] = {}
        self._total, self._failed = len(self._waiting), Counter[str]()

    @property
    def done(self) -> bool:
        return not self._waiting and not self._running

    @property
    def fraction(self) -> float:
        """Of the jobs that have ended."""
        return 1 - (len(self._waiting) + len(self._running)) / self._total

    @property
    def finished(self) -> int:
        """Groups of which all results are there."""
        return sum(all(config.hash in self.results for config in group) for group in self.groups)

    @property
    def waits(self) -> str:
        """What the jobs asked for wait for, such as a worker; empty where one of them is computed."""
        if any(job.state == "running" for job in self.flying):
            return ""
        return next((job.message for job in self.flying if job.state == "queued" and job.message), "")

    @property
    def message(self) -> str:
        return f"{self.finished} of {len(self.groups)} {self.unit}" + (f", {self.waits}" if self.waits else "")

    def step(self) -> None:
        """Takes in what has ended, tries again what deserves it, and asks for the next jobs."""
        with self._lock:
            self.flying = []
            for key, (index, config) in list(self._running.items()):
                if key in self._running:  # it may have given up meanwhile
                    self._settle(key, index, config)
            while self._waiting and len(self._running) < IN_FLIGHT:
                index, config = self._waiting.popleft()
                job = self._ask(self._engine.retry, config)
                if job.error and job.error.reason == LATER:
                    self._waiting.appendleft((index, config))
                    break
                self._running[job.key] = (index, config)
                self._settle(job.key, index, config, job.error)
                if job.key in self._running:
                    self.computed.add(index)

    def cancel(self, noted: bool = True) -> None:
        """Gives up what has not ended; what others ask for goes on. `noted`: as an act of who asked."""
        leave = self._engine.cancel if noted else self._engine.call_off
        with self._lock:
            self._waiting.clear()
            for key in self._running:
                leave(key, self._viewer)
            self._running.clear()
            self.flying = []

    def give_up(self, message: str) -> None:
        """The rest would only wait in vain: `message` says why."""
        with self._lock:
            left = [index for index, _ in (*self._running.values(), *self._waiting)]
            self.cancel()
            self.failures |= dict.fromkeys(left, message)

    def _ask(self, ask: Callable[..., Job], config: Config) -> Job:
        return ask(self.kind, config, self._viewer, background=self._total > 1)

    def _settle(self, key: str, index: int, config: Config, refused: Failure | None = None) -> None:
        """Moves a job that has ended or was `refused` to results or failures, or starts it again."""
        job = self._engine.job(key, self._viewer)
        if job is not None and not job.done:
            # Looking counts as asking: the job goes on when somebody else gives it up.
            self.flying.append(self._ask(self._engine.request, config))
            return
        found = self._engine.lookup(self.kind, config)
        if found is not None:
            del self._running[key]
            self.results[config.hash] = found
            return
        failure = (job.error if job else refused) or self._noted(key)
        if failure.reason in HOPELESS or (failure.reason == "cluster" and (not self.results or self._failed[key])):
            self.unstarted = failure.message if failure.reason == "scheduler" else ""
            self.give_up(failure.message)
        elif failure.reason in RETRIED and self._failed[key] + 1 < self.tries:
            self._failed[key] += 1
            self.flying.append(self._ask(self._engine.retry, config))
        else:
            del self._running[key]
            self.failures[index] = failure.message

    def _noted(self, key: str) -> Failure:
        """Why a job that is not remembered any more has failed."""
        record = self._engine.store.index.get(key)
        if record is None or record.status == "finished":
            return LOST
        return Failure("worker", record.error or f"The job was {record.status}.")
