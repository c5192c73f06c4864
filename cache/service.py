"""The cached engine: config in, result out; each config computed once, whoever asks."""

import threading
from dataclasses import replace
from typing import Self

from cache import logs, memory, metrics, readiness
from cache.archive import address, decode
from cache.computing import Computing
from cache.failure import Failure, log, no_room, no_such_entry
from cache.job import Job, LiveJob, State
from cache.lease import Holder
from cache.memory import RecentlyRead
from cache.run_folders import Record, Status
from cache.run_list import Run, list_runs
from cache.storage import Store
from cache.task import Device, Outcome, Rehearsal
from engine import jobs
from engine.jobs import key_of
from engine.progress import Arrays
from engine.schema import Config, ConfigError, Problem, did_you_mean
from engine.versions import VERSIONS

# What is asked for is checked before anything is started.


def known_kind(kind: str) -> jobs.Kind:
    """The kind of job. Raises `ConfigError` with the valid names."""
    if kind not in jobs.KINDS:
        allowed = list(jobs.KINDS)
        hint = did_you_mean(kind, allowed)
        raise ConfigError([Problem("kind", f"{kind!r} is unknown.{hint} Allowed: {', '.join(allowed)}")])
    return jobs.KINDS[kind]


def run_key(kind: str, config: Config) -> str:
    """The content address of a result. Raises `ConfigError` when kind and config do not fit together."""
    wanted = known_kind(kind).config
    if not isinstance(config, wanted):
        given = type(config).__name__
        raise ConfigError([Problem("config", f"a {kind!r} job takes a {wanted.__name__}, got a {given}")])
    return jobs.key(kind, config)


# The cached engine: config in, result out; each config computed once, whoever asks.

KEEP_SETTLED = 32
"""Jobs remembered after their end, for their rows and errors; results come from disk."""

KEEP_UNSAVED = 4
"""Results held in memory because the limit of the cache leaves no room for them."""

KEEP_EVERY = 5.0
"""Seconds between two tries to write what the disk did not take."""


class CachedEngine:
    """Results from disk, else from the compute processes. Thread-safe. Knows no page.

    Every method returns at once except `start`, `close` and `wait`. A job is followed by one thread of its own,
    from its request to its end (`_follow`).

    Attributes:
        metrics: what it counts.
        readiness: called, says whether results can be kept and computed; asks the disk and the scheduler.
    """

    def __init__(self, store: Store | None = None, rehearsal: Rehearsal | None = None):
        """Opens the store (at its default place when None); the processes come with `start` or the first job.

        Each new worker computes `rehearsal` once, and throws it away.
        """
        self.store = store or Store()
        self._recent = RecentlyRead()
        self._lock = threading.Condition(threading.RLock())
        self._live: dict[str, LiveJob] = {}
        self._followers: set[threading.Thread] = set()
        self._computing = Computing(self.store.directory, self._lock, rehearsal)
        self._closing = False
        self._closed = threading.Event()
        self.readiness = readiness.Watch(self.store.probe, self._computing.workers)
        self.metrics = metrics.Metrics(self)

    def start(self) -> None:
        """Starts the compute processes, about a second. Trouble is logged; each job tries again."""
        threading.Thread(target=self._keep, name="keeper", daemon=True).start()
        try:
            self._computing.cluster()
        except (OSError, RuntimeError) as error:
            log.error("the compute processes did not start: %s", error)

    def close(self) -> None:
        """Ends the processes. What was running stays in the index as unfinished."""
        with self._lock:
            self._closing = True
            self._computing.closing()
            followers = list(self._followers)
            for live in self._live.values():
                live.wake.set()
        for thread in followers:
            thread.join(timeout=5)
        self._computing.close()
        self._closed.set()
        self.store.flush()
        self.store.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def lookup(self, kind: str, config: Config, entry: str = "result") -> Arrays | None:
        """The entry if it is known already, else None. Raises `ConfigError` for an unknown kind."""
        key = run_key(kind, config)
        where = address(key, entry)
        arrays = self._recent.get(where)
        if arrays is not None:
            self.store.touch(key, entry)
            self.metrics.hit("memory")
            return arrays
        with self._lock:
            live = self._live.get(key)
            memory = live.unsaved.get(entry) if live else None
        arrays = decode(memory, where) if memory is not None else self.store.get(key, entry)
        if arrays is not None:
            self._recent.put(where, arrays)
            self.metrics.hit("disk" if memory is None else "memory")
        return arrays

    def earlier(self, kind: str, config: Config) -> Record | None:
        """Of the newest result that an earlier version of the numbers of its kind gave for this config."""
        for version in range(VERSIONS.get(kind, 0) - 1, -1, -1):
            key = key_of(kind, config.canonical(), version)
            if self.store.has(key):
                return self.store.index.get(key)
        return None

    def request(self, kind: str, config: Config, viewer: str, entry: str = "result") -> Job:
        """The job for this config, started unless its entry is known or somebody has started it. Ask repeatedly.

        A job that failed stays failed until `retry`, and one that `viewer` cancelled stays cancelled for them.
        `viewer` should survive a reload of the page. Raises `ConfigError` for an unknown kind.
        """
        key = run_key(kind, config)
        with self._lock:
            live = self._live.get(key)
            if live and not live.done and not live.stopping:
                live.seen_by(viewer)
                return live.snapshot(viewer)
        if self.lookup(kind, config, entry) is not None:
            return self._finished(key, kind, config)
        record = self.store.index.get(key)
        if record and record.status == "finished" and record.entries and entry not in record.entries:
            return Job(key, kind, config, "failed", error=no_such_entry(entry, record.entries))
        if self.store.full:
            return Job(key, kind, config, "failed", error=no_room(self.store.fault))
        with self._lock:
            live = self._live.get(key)
            if live is None or not self._still_stands(live, viewer):
                live = self._begin(key, kind, config, entry)
            live.seen_by(viewer)
            return live.snapshot(viewer)

    def retry(self, kind: str, config: Config, viewer: str) -> Job:
        """Like `request`, but starts a failed or cancelled job again, and takes `viewer` back who had left."""
        key = run_key(kind, config)
        with self._lock:
            live = self._live.get(key)
            if live and live.state in ("failed", "cancelled"):
                del self._live[key]
            elif live:
                live.left.discard(viewer)
        return self.request(kind, config, viewer)

    def job(self, key: str, viewer: str = "") -> Job | None:
        """The job of this key if one ran here lately; does not count as asking for it."""
        with self._lock:
            live = self._live.get(key)
            return live.snapshot(viewer) if live else None

    def wait(self, job: Job, timeout: float | None = None) -> Job:
        """The job once it has ended, or as it is after `timeout` seconds. For scripts and tests, not for pages."""
        with self._lock:
            self._lock.wait_for(lambda: job.key not in self._live or self._live[job.key].done, timeout)
        return self.job(job.key) or job

    def cancel(self, key: str, viewer: str) -> Job | None:
        """Detaches `viewer`. The work stops when nobody else watches: at its next report, else by force."""
        with self._lock:
            live = self._live.get(key)
            if live is None:
                return None
            if not live.done:
                live.leave(viewer)
                if live.stopping and live.state == "queued":
                    self._settle(live, "cancelled")
            return live.snapshot(viewer)

    def recent(self, limit: int = 100, kind: str | None = None, offset: int = 0, pinned: bool = False) -> list[Run]:
        """What was asked for (of one kind of job), newest first: finished, in flight, unfinished, failed."""
        return list_runs(self.store, self.job, limit, kind, offset, pinned)

    def pin(self, key: str) -> None:
        """Keeps the run's entries whatever the size limit. Raises `CacheFault`."""
        self.store.pin(key)

    def unpin(self, key: str) -> None:
        """Raises `CacheFault`."""
        self.store.unpin(key)

    def trouble(self) -> str:
        """What is wrong with the disk and what follows from it, for everyone to see; empty when nothing is."""
        fault, (count, size) = self.store.fault, self.store.held
        if not fault or not count:
            return fault
        return (
            f"{fault}. Until then the newest results ({size / 1e6:.1f} of {memory.UNSAVED_LIMIT / 1e6:,.0f} MB) are "
            "held in memory, and lost if the server ends before; beyond that new runs are refused."
        )

    def device(self) -> Device | None:
        """What computes; None until a worker has said so, a few seconds after the start."""
        return self._computing.device()

    def under_way(self) -> dict[State, int]:
        """Jobs that have not ended, by state."""
        with self._lock:
            states = [live.state for live in self._live.values()]
        return {state: states.count(state) for state in ("queued", "running")}

    def _keep(self) -> None:
        """Beside everything else: lists what nobody listed, writes what could not be written, starts what was lost."""
        self.store.reconcile()
        while not self._closed.wait(KEEP_EVERY):
            self.store.flush()
            self._computing.revive()

    # Starting and ending a job; all under the lock.

    def _still_stands(self, live: LiveJob, viewer: str) -> bool:
        """Whether a new request joins this job rather than starting another."""
        if live.state == "failed":
            return True
        if live.state == "cancelled" or live.stopping:
            return viewer in live.left
        return not live.done

    def _begin(self, key: str, kind: str, config: Config, entry: str) -> LiveJob:
        live = LiveJob(key, kind, config, entry)
        self._live.pop(key, None)
        self._live[key] = live
        thread = threading.Thread(target=self._follow, args=(live,), name=f"follow {key[:8]}", daemon=True)
        self._followers.add(thread)
        thread.start()
        return live

    def _settle(self, live: LiveJob, state: State, seconds: float = 0.0, error: Failure | None = None) -> None:
        with self._lock:
            if live.done:
                return
            live.settle(state, seconds, error)
            self.metrics.settled(live)
            log.info("%s %s", live.kind, state, extra={"job": live.key[:8], "seconds": seconds})
            settled = [key for key, other in self._live.items() if other.done]
            for key in settled[:-KEEP_SETTLED]:
                del self._live[key]
            for key in [key for key in settled if key in self._live and self._live[key].unsaved][:-KEEP_UNSAVED]:
                del self._live[key]
            self._lock.notify_all()

    def _finished(self, key: str, kind: str, config: Config) -> Job:
        with self._lock:
            live = self._live.get(key)
            if live and live.state == "finished":
                return live.snapshot()
        record = self.store.index.get(key)
        return Job(key, kind, config, "finished", 1.0, seconds=record.seconds if record else 0.0)

    # The thread of a job.

    def _follow(self, live: LiveJob) -> None:
        """From the request to the end: our turn, the disk, the cluster, the disk."""
        try:
            logs.follow(live.key, live.request)
            with self.store.lease(live.key) as lease:
                if lease.acquire(lambda other: self._watch_other(live, other)) and not self._found(live):
                    self.metrics.missed()
                    if lease.fault:
                        self.store.failed(lease.fault)
                    record = self.store.index.add(live.key, live.kind, live.config)
                    self._record(live, record, self._computing.run(live, lease))
        except Exception as error:
            log.exception("job %s was lost", live.key)
            self._settle(live, "failed", error=Failure("error", f"The server lost track of this job: {error}"))
        finally:
            with self._lock:
                self._followers.discard(threading.current_thread())

    def _watch_other(self, live: LiveJob, other: Holder) -> bool:
        """While another process computes the same run: shows how far it is. False when nobody here wants it."""
        with self._lock:
            if live.stopping or self._closing:
                if not self._closing:
                    self._settle(live, "cancelled")
                return False
            live.state, live.fraction = "running", other.fraction
            live.message = other.message or "computed by another process"
            return True

    def _found(self, live: LiveJob) -> bool:
        """Whether what was asked for has come in the meantime, from another process."""
        if self.store.get(live.key, live.entry) is None:
            return False
        record = self.store.index.get(live.key)
        self._settle(live, "finished", record.seconds if record else 0.0)
        return True

    def _record(self, live: LiveJob, record: Record, outcome: Outcome | None) -> None:
        """Puts the outcome on disk and into the job. None: the server is closing, the run stays unfinished."""
        if outcome is None:
            return
        state, status = _ending(outcome)
        error = outcome.failure
        if error is not None:
            details = "\n" + error.details if error.reason == "error" else ""
            log.warning("job %s failed: %s%s", live.key, error.message, details)
        ended = {"seconds": outcome.seconds, "entries": tuple(outcome.entries)}
        missing = self.store.put(live.key, outcome.entries, replace(record, **ended))
        self.store.index.settle(live.key, status, error=error.message if error else "", **ended)
        with self._lock:
            live.unsaved = {name: outcome.entries[name] for name in missing}
            self._settle(live, state, outcome.seconds, error)


def _ending(outcome: Outcome) -> tuple[State, Status]:
    if outcome.failure is not None:
        return "failed", "failed"
    return ("cancelled", "cancelled") if outcome.cancelled else ("finished", "finished")
