"""What pages ask a cached engine about its runs, its queue and its workers. Changes nothing."""

import threading

from cache import memory
from cache.computing import Computing
from cache.job import Job, LiveJob, State
from cache.queue import Queue
from cache.run_folders import Record
from cache.run_list import Run, list_runs
from cache.storage import Store
from cache.task import Device
from cache.work import Work, work
from engine import jobs
from engine.schema import Config
from engine.versions import VERSIONS


class Overview:
    """The half of `cache.service.CachedEngine` that only looks."""

    store: Store
    queue: Queue
    _computing: Computing
    _lock: threading.Condition
    _live: dict[str, LiveJob]

    def job(self, key: str, viewer: str = "") -> Job | None:
        """The job of this key if one ran here lately; does not count as asking for it."""
        with self._lock:
            live = self._live.get(key)
            return live.snapshot(viewer) if live else None

    def earlier(self, kind: str, config: Config) -> Record | None:
        """Of the newest result that an earlier version of the numbers of its kind gave for this config."""
        canonical = config.canonical()
        for version in range(VERSIONS.get(kind, 0) - 1, -1, -1):
            key = jobs.key_of(kind, canonical, version)
            if self.store.has(key):
                return self.store.index.get(key)
        return None

    def recent(self, limit: int = 100, kind: str | None = None, offset: int = 0, pinned: bool = False) -> list[Run]:
        """What was asked for (of one kind of job), newest first: finished, in flight, unfinished, failed."""
        tickets = {ticket.key: ticket for ticket in self.queue.listed()}
        return list_runs(self.store, self.job, tickets, limit, kind, offset, pinned)

    def trouble(self) -> str:
        """What is wrong with the disk and what follows from it, for everyone to see; empty when nothing is."""
        return memory.trouble(self.store.fault, self.store.held)

    def work(self) -> Work:
        """Workers, the queue in its order, and what each user was given."""
        return work(self.queue, self._computing)

    def device(self) -> Device | None:
        """What computes; None until a worker has said so, a few seconds after the start."""
        return self._computing.device()

    def under_way(self) -> dict[State, int]:
        """Jobs that have not ended, by state."""
        with self._lock:
            states = [live.state for live in self._live.values()]
        return {state: states.count(state) for state in ("queued", "running")}
