"""The cached engine: config in, result out; each config computed once, whoever asks."""

import threading
from typing import Self

from cache import health, logs, maps, result_metrics
from cache.archive import address, decode
from cache.batches import Batches
from cache.calling_off import CallingOff
from cache.computing import BackToQueue, Computing, keep
from cache.dispatch import Dispatch
from cache.failure import Failure, log, no_room, no_such_entry
from cache.job import Job, LiveJob, State, run_key
from cache.lease import Holder, Lease
from cache.logins import EndedLogins
from cache.logs import Audit
from cache.memory import RecentlyRead
from cache.overview import Overview
from cache.ownership import Ownership
from cache.policy import Limits, Policy, PolicyFile, not_run, policy, refusal
from cache.run_folders import Record
from cache.storage import Store
from cache.task import Outcome, Rehearsal
from engine import jobs
from engine.progress import Arrays
from engine.schema import Config

KEEP_SETTLED = 32
"""Jobs remembered after their end, for their rows and errors; results come from disk."""

KEEP_UNSAVED = 4
"""Results held in memory because the limit of the cache leaves no room for them."""

KEEP_EVERY = 5.0
"""Seconds between two tries to write what the disk did not take."""


class CachedEngine(CallingOff, Overview):
    """Results from disk, else from the compute processes. Thread-safe. Knows no page. What people may do with results
    that are there is said by `ownership`.

    Every method returns at once except `start`, `close`, `wait`, and `work` where it starts the processes. A job is
    followed by one thread of its own, from its request to its end (`_follow`).

    Attributes:
        metrics: what it counts.
        readiness: called, says whether results can be kept and computed; asks the disk and the scheduler.
    """

    def __init__(self, store: Store | None = None, rehearsal: Rehearsal | None = None, rules: Policy | None = None):
        """Opens the store (at its default place when None); the processes come with `start` or the first job.

        Each new worker computes `rehearsal` once, and throws it away. Raises `CacheFault`.
        """
        self.store = store or Store()
        self._policy_file = PolicyFile()
        self.policy = rules or policy()
        self._recent = RecentlyRead()
        self._lock = threading.Condition(threading.RLock())
        self._live: dict[str, LiveJob] = {}
        self._followers: set[threading.Thread] = set()
        self._computing = Computing(self.store.directory, self._lock, rehearsal)
        steps = self._note, self._start, self._give_up, self._answer_calls
        self._dispatch = Dispatch(self.store.directory, self._lock, self._computing, *steps)
        self.queue = self._dispatch.queue
        self.batches = Batches(self, self.store.directory)
        self.audit = Audit(self.store.directory)
        self.logins = EndedLogins(self.store.directory)
        self.ownership = Ownership(self)
        self._closing = False
        self._closed = threading.Event()
        self.readiness = health.Watch(self.store.probe, self._computing.workers)
        self.metrics = health.Metrics(self)

    def start(self) -> None:
        """Starts the compute processes, about a second. Trouble is logged; each job tries again."""
        threading.Thread(target=self._keep, name="keeper", daemon=True).start()
        threading.Thread(target=self.batches.drive, args=(lambda: self._closing,), daemon=True).start()
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
        self._dispatch.close()
        for thread in followers:
            thread.join(timeout=5)
        self._computing.close()
        self._closed.set()
        self.store.flush()
        self.store.close()
        self.audit.close()

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

    def request(self, kind: str, config: Config, viewer: str, entry: str = "result", background: bool = False) -> Job:
        """The job for this config, queued unless its entry is known or somebody has asked for it. Ask repeatedly.

        A job that failed stays failed until `retry`, and one that `viewer` cancelled stays cancelled for them.
        `viewer` should survive a reload of the page; who asks first is charged for the computing. A job in the
        `background` is part of a batch, which others may overtake. Raises `ConfigError` for an unknown kind.
        """
        key = run_key(kind, config)
        limits = self.policy_now().limits(viewer)
        if (joined := self._joined(key, kind, viewer, background, keeps=limits.running > 0)) is not None:
            return joined
        if self.lookup(kind, config, entry) is not None:
            self.ownership.asked(key, kind, viewer)
            return self._finished(key, kind, config)
        if (no := self._refused(key, kind, config, entry, viewer, limits)) is not None:
            return Job(key, kind, config, "failed", error=no)
        with self._lock:
            live = self._live.get(key)
            if live is None or not self._still_stands(live, viewer):
                live = self._begin(LiveJob(key, kind, config, entry, viewer, background))
                self.ownership.asked(key, kind, viewer, begun=True)
            live.seen_by(viewer)
            return live.snapshot(viewer)

    def retry(self, kind: str, config: Config, viewer: str, background: bool = False) -> Job:
        """Like `request`, but starts a failed or cancelled job again, and takes `viewer` back who had left."""
        key = run_key(kind, config)
        may = self.policy_now().limits(viewer).running > 0
        with self._lock:
            live = self._live.get(key)
            if not may:
                pass  # who only looks takes nobody's error away
            elif live and live.state in ("failed", "cancelled"):
                del self._live[key]
            elif live:
                live.left.discard(viewer)
        return self.request(kind, config, viewer, background=background)

    def wait(self, job: Job, timeout: float | None = None) -> Job:
        """The job once it has ended, or as it is after `timeout` seconds. For scripts and tests, not for pages."""
        with self._lock:
            self._lock.wait_for(lambda: job.key not in self._live or self._live[job.key].done, timeout)
        return self.job(job.key) or job

    def cancel(self, key: str, viewer: str) -> Job | None:
        """Detaches `viewer`. The work stops when nobody else watches: at its next report, else by force."""
        job = self.call_off(key, viewer)
        if job is not None and job.state == "cancelled":
            self.audit(viewer, "cancel", key=key, kind=job.kind)
        return job

    def note(self, whole: maps.Whole, viewer: str, link: str = "") -> str:
        """Notes that the viewer asks for a map, beside its cells; gives its key. `link`: of the page that shows it."""
        return maps.note(self, whole, viewer, link)

    def policy_now(self) -> Policy:
        """The policy, read again where its file has changed."""
        self.policy = self._policy_file.again(self.policy)
        return self.policy

    def _keep(self) -> None:
        """Beside everything else: lists what nobody listed, writes what could not be written, starts what was lost."""
        self.store.reconcile()
        while not self._closed.wait(KEEP_EVERY):
            self.store.flush()
            self.store.files.tidy()
            result_metrics.fill(self.store)
            self._computing.revive()
            self._answer_calls()  # the queue does so too, while anything is in it

    # Starting and ending a job; all under the lock.

    def _joined(self, key: str, kind: str, viewer: str, background: bool, keeps: bool) -> Job | None:
        """The job that goes on, which the viewer joins if they may keep results; None where none does."""
        with self._lock:
            live = self._live.get(key)
            if live is None or live.done or live.stopping:
                return None
            if keeps and viewer not in live.left:
                live.seen_by(viewer)
                self.ownership.asked(key, kind, viewer)
            if keeps and live.background and not background:
                self._dispatch.to_foreground(live)
            return live.snapshot(viewer)

    def _refused(self, key: str, kind: str, config: Config, entry: str, viewer: str, limits: Limits) -> Failure | None:
        """Why nothing is computed."""
        record = self.store.index.get(key)
        if record and record.status == "finished" and record.entries and entry not in record.entries:
            return no_such_entry(entry, record.entries)
        if self.store.full:
            return no_room(self.store.fault)
        seconds = jobs.expected(kind, config).seconds
        no = not_run(config) or refusal(limits, seconds, self._dispatch.waiting(viewer))
        no = no or self.ownership.too_much_kept(viewer)
        if no is not None:
            self.ownership.refused(key, kind, viewer, no)
        return no

    def _still_stands(self, live: LiveJob, viewer: str) -> bool:
        """Whether a new request joins this job rather than starting another."""
        if live.state == "failed" or live.overdue:
            return True
        if live.state == "cancelled" or live.stopping:
            return viewer in live.left
        return not live.done

    def _begin(self, live: LiveJob) -> LiveJob:
        self._live.pop(live.key, None)
        self._live[live.key] = live
        self._dispatch.enter(live, self.policy_now().limits(live.user))
        return live

    def _note(self, live: LiveJob) -> Record:
        """It was asked for: a server that ends leaves it unfinished."""
        record = self.store.index.add(live.key, live.kind, live.config)
        with self._lock:
            state, error = live.state, live.error
        if state in ("cancelled", "failed"):  # meanwhile
            self.store.index.settle(live.key, state, error=error.message if error else "")
        return record

    def _start(self, live: LiveJob) -> None:
        """Its turn has come."""
        with self._lock:
            thread = threading.Thread(target=self._follow, args=(live,), name=f"follow {live.key[:8]}", daemon=True)
            self._followers.add(thread)
            thread.start()

    def _give_up(self, live: LiveJob, failure: Failure) -> None:
        """No worker came."""
        self._dispatch.leave(live)
        self._settle(live, "failed", error=failure)
        self.store.index.settle(live.key, "failed", error=failure.message)

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
        """From its turn to the end: the disk, the cluster, the disk."""
        again = False
        try:
            logs.follow(live.key, live.request)
            with self.store.lease(live.key) as lease:
                if lease.acquire(lambda other: self._watch_other(live, other)) and not self._found(live):
                    if live.elsewhere:  # no longer: it has lost its turn meanwhile
                        raise BackToQueue(live.alone)
                    self.metrics.missed()
                    if lease.fault:
                        self.store.failed(lease.fault)
                    self._record(live, self._note(live), self._compute(live, lease))
        except BackToQueue as back:
            again, live.alone = True, back.alone
        except Exception as error:
            log.exception("job %s was lost", live.key)
            self._settle(live, "failed", error=Failure("error", f"The server lost track of this job: {error}"))
        finally:
            self._dispatch.leave(live)
            with self._lock:
                self._followers.discard(threading.current_thread())
                if again and not live.done and not self._closing:
                    live.queued()
                    self._dispatch.enter(live, self.policy_now().limits(live.user))

    def _compute(self, live: LiveJob, lease: Lease) -> Outcome | None:
        """Its worker is free for others before the result is on disk."""
        outcome = self._computing.run(live, lease)
        self._dispatch.leave(live, outcome.seconds if outcome and outcome.entries else None)
        return outcome

    def _watch_other(self, live: LiveJob, other: Holder) -> bool:
        """While another process computes the same run: shows how far it is. False when nobody here wants it."""
        self._answer_calls()
        with self._lock:
            if live.stopping or self._closing:
                if not self._closing:
                    self._settle(live, "cancelled")
                return False
            live.state, live.fraction, live.elsewhere = "running", other.fraction, True
            live.message = other.message or "computed by another process"
        self._dispatch.leave(live)
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
        if live.deleted:  # its worker was done before it heard of that
            self._settle(live, "cancelled", outcome.seconds)
            return
        state, unsaved = keep(self.store, record, outcome)
        with self._lock:
            live.unsaved = unsaved
            self._settle(live, state, outcome.seconds, outcome.failure)
