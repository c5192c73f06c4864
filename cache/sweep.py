"""A sweep on a cached engine: every part of every cell is a job of its own, so it is found again by any other sweep."""

import time
from collections import Counter, deque
from collections.abc import Iterator

from cache.failure import Failure, SchedulerError
from cache.scheduler import remote
from cache.service import CachedEngine
from cache.storage import Store
from engine.config import RunConfig
from engine.progress import Arrays, Progress, Report, silent
from engine.regimes.config import SweepConfig

KIND = "cell"
IN_FLIGHT = 32
"""Jobs asked for at once: enough for as many workers. Each costs this process a thread."""

POLL = 0.1
"""Seconds between looks at the jobs."""

HOPELESS = ("scheduler", "workers")
"""Reasons of a failure after which no other part would fare better."""

RETRIED = ("worker", "cluster", "missing")
"""Reasons of a failure after which a part is tried once more: it may fare better on another worker."""

LOST = Failure("missing", "The result was computed but not kept: make room in the cache.")


class Sweep:
    """The jobs of a sweep, cheap cells first. `step` returns at once; call it every so often until `done`.

    Attributes:
        results: "result" entries by the hash of their part (`engine.regimes.config.Cell.parts`), as they come.
        failures: why a cell is missing, by its place in `config.cells`, once its second try has failed too.
        unstarted: why nothing can be computed at all: the compute processes do not start, or a scheduler that was never
            reached does not answer.
        waits: what the jobs asked for wait for, such as a worker; empty where they do not.
        message: how far it is, with that.
    """

    def __init__(self, engine: CachedEngine, config: SweepConfig, viewer: str):
        self.config = config
        self.results: dict[str, Arrays] = {}
        self.failures: dict[int, str] = {}
        self.unstarted = ""
        self._engine, self._viewer = engine, viewer
        self._waiting = deque((index, part) for index, cell in enumerate(config.cells) for part in cell.parts)
        self._running: dict[str, tuple[int, RunConfig]] = {}
        self._total, self._tries = len(self._waiting), Counter[str]()
        self.waits = ""

    @property
    def done(self) -> bool:
        return not self._waiting and not self._running

    @property
    def fraction(self) -> float:
        """Of the jobs that have ended."""
        return 1 - (len(self._waiting) + len(self._running)) / self._total

    @property
    def finished(self) -> int:
        """Cells all of whose parts are there."""
        return sum(all(part.hash in self.results for part in cell.parts) for cell in self.config.cells)

    @property
    def message(self) -> str:
        return f"{self.finished} of {len(self.config.cells)} cells" + (f", {self.waits}" if self.waits else "")

    def running(self) -> Iterator[int]:
        """Places of the cells asked for and not there yet."""
        return iter(sorted({index for index, _ in self._running.values()}))

    def step(self) -> None:
        """Takes in what has ended, tries again what deserves it, and asks for the next jobs."""
        self.waits = ""
        for key, (index, part) in list(self._running.items()):
            if key in self._running:  # it may have given up meanwhile
                self._settle(key, index, part)
        while self._waiting and len(self._running) < IN_FLIGHT:
            index, part = self._waiting.popleft()
            job = self._engine.request(KIND, part, self._viewer)
            self._running[job.key] = (index, part)
            self._settle(job.key, index, part)

    def cancel(self) -> None:
        """Gives up what has not ended; what others ask for goes on."""
        self._waiting.clear()
        for key in self._running:
            self._engine.cancel(key, self._viewer)
        self._running.clear()

    def _settle(self, key: str, index: int, part: RunConfig) -> None:
        """Moves a job that has ended from the running ones to results or failures, or starts it again."""
        job = self._engine.job(key, self._viewer)
        if job is not None and not job.done:
            self.waits = job.message if job.state == "queued" else self.waits
            return
        found = self._engine.lookup(KIND, part)
        if found is not None:
            del self._running[key]
            self.results[part.hash] = found
            return
        failure = (job.error if job else None) or self._noted(key)
        if failure.reason in HOPELESS or (failure.reason == "cluster" and (not self.results or self._tries[key])):
            self.unstarted = failure.message if failure.reason == "scheduler" else ""
            self._give_up(failure.message)
        elif failure.reason in RETRIED and not self._tries[key]:
            self._tries[key] += 1
            self._engine.retry(KIND, part, self._viewer)
        else:
            del self._running[key]
            self.failures[index] = failure.message

    def _noted(self, key: str) -> Failure:
        """Why a job that is not remembered any more has failed."""
        record = self._engine.store.index.get(key)
        if record is None or record.status == "finished":
            return LOST
        return Failure("worker", record.error or f"The job was {record.status}.")

    def _give_up(self, message: str) -> None:
        """There is nothing to compute on: the rest would only wait for it in turn."""
        left = [index for index, _ in (*self._running.values(), *self._waiting)]
        self.cancel()
        self.failures |= dict.fromkeys(left, message)


def run_sweep(config: SweepConfig, report: Report = silent, store: Store | None = None) -> Sweep:
    """The sweep, computed on processes of its own or on the scheduler of `KERNEL_DRIFT_SCHEDULER`, to its end.

    Results stay in the store: a sweep that was interrupted goes on where it was. Raises what `report` raises, and
    `SchedulerError` when nothing can be computed at all and nothing is known.
    """
    remote()
    with CachedEngine(store) as engine:
        sweep = Sweep(engine, config, viewer="command line")
        while True:
            sweep.step()
            if sweep.unstarted and not sweep.results:
                raise SchedulerError(sweep.unstarted)
            if sweep.done:
                return sweep
            report(Progress(sweep.fraction, sweep.message))
            time.sleep(POLL)
