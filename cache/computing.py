"""Jobs on the compute processes: submitted, followed, stopped, submitted again when their worker dies; what became of
them, put on disk."""

import contextlib
import math
import os
import threading
import time
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import CancelledError
from copy import copy
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cache.failure import Failure, SchedulerError, died, log, no_cluster, no_workers, outgrew
from cache.job import LiveJob
from cache.lease import Lease
from cache.processes import LocalProcesses, remote
from cache.result_metrics import of_result
from cache.run_folders import Ending, Record
from cache.storage import Store
from cache.task import Device, Outcome, Rehearsal, Task
from cache.turns import Place
from engine import jobs

if TYPE_CHECKING:
    from distributed import Future

    from cache.cluster import Cluster

GRACE = 3.0
"""Seconds a task has to notice that it is not wanted, before its worker process is ended."""

WORKER_WAIT_VARIABLE = "KERNEL_DRIFT_WORKER_WAIT"
WORKER_WAIT = 300.0
"""Seconds that a job waits for a scheduler without workers to get one, unless the variable says otherwise."""

SAY_SO_AFTER = 5.0
"""Seconds without a worker before a job says so: a worker that died is back sooner."""

NEVER_BEGAN = (
    "The job was handed out three times and never began: its worker died each time, "
    "or scheduler and workers run other code than this server; their logs say which."
)
NO_OUTCOME = "The worker sent something that is not a result of this program's; it was not read."

JUST_NOW = 1.0
"""Seconds for which an attempt to reach the cluster that has failed speaks for others."""

SUBMISSIONS = 3
"""How often a task that never started is submitted: it may have stood behind one that killed the worker."""


class BackToQueue(Exception):
    """The job is to have another turn: its worker went before it began, or died under several and nobody knows by
    which. Then it is to be `alone`."""

    def __init__(self, alone: bool = False):
        super().__init__()
        self.alone = alone


class Computing:
    """Owns the cluster, and starts it again when it was lost. Jobs are guarded by the `lock` of their engine."""

    def __init__(self, directory: Path, lock: threading.Condition, rehearsal: Rehearsal | None):
        self._directory = directory
        self._rehearsal = rehearsal
        self._lock = lock
        self._tasks: dict[str, LiveJob] = {}
        self._submissions: Counter[str] = Counter()
        self._devices: dict[str, Device] = {}
        self._outgrown: dict[str, int] = {}
        self._cluster: Cluster | None = None
        self._reached = False
        self._worker_wait = WORKER_WAIT
        self._cluster_lock = threading.Lock()
        self._refused: OSError | RuntimeError | None = None
        self._refused_at = 0.0
        self._closing = False

    def closing(self) -> None:
        """Ends every `run` under way, soon."""
        self._closing = True

    def close(self) -> None:
        """Ends the processes."""
        self._closing = True
        with self._cluster_lock:
            if self._cluster is not None:
                self._cluster.close()
                self._cluster = None

    def workers(self) -> int | None:
        """How many the scheduler has; None while there is none that answers. Starts nothing, waits for no start."""
        cluster = self._cluster
        return cluster.workers() if cluster is not None and cluster.alive() else None

    def revive(self) -> None:
        """Starts again what was lost. A job would do it; where a proxy sends none to a server without, nobody would."""
        if self.workers() is None and not self._closing:
            with contextlib.suppress(OSError, RuntimeError):  # the next job says why
                self.cluster()

    def device(self) -> Device | None:
        with self._lock:
            return next(reversed(self._devices.values()), None)

    def device_of(self, worker: str) -> Device | None:
        """None until the worker has said so."""
        with self._lock:
            return self._devices.get(worker)

    def cluster(self) -> "Cluster":
        """The cluster, started when there is none or when it has died. An attempt that has failed just now, or while
        this waited for it, is not made again: a scheduler that does not answer takes seconds each time.

        Raises `SchedulerError` when settings or the scheduler that they name stand against it, `OSError` or
        `RuntimeError` otherwise.
        """
        asked = time.monotonic()
        with self._cluster_lock:
            if self._closing:
                raise RuntimeError("the server is closing")
            if self._cluster is not None and not self._cluster.alive():
                log.warning("the compute processes were lost: starting them again")
                with contextlib.suppress(Exception):
                    self._cluster.close()
                self._cluster = None
            if self._cluster is None:
                if self._refused is not None and self._refused_at > asked - JUST_NOW:
                    raise copy(self._refused)
                self._cluster = self._begin()
            return self._cluster

    def _begin(self) -> "Cluster":
        try:
            self._worker_wait = worker_wait()
            scheduler = remote() or LocalProcesses(self._directory)
            # Dask takes half a second to import: the command line, and a page that finds its result, need none.
            from cache.cluster import Cluster

            functions = [kind.function for kind in jobs.KINDS.values()]
            cluster = Cluster(scheduler, functions, self._rehearsal, self._hear)
        except (OSError, RuntimeError) as error:
            # A copy: the traceback of the error itself holds what was opened.
            self._refused, self._refused_at = copy(error), time.monotonic()
            raise
        self._reached = True
        return cluster

    @property
    def name(self) -> str:
        """Of the cluster: servers that use the same have one queue."""
        return remote() or f"local {os.getpid()}"

    def places(self) -> list[Place] | None:
        """The workers; None where the cluster cannot be had."""
        try:
            return self.cluster().places()
        except (OSError, RuntimeError):
            return None

    def waits(self, live: LiveJob) -> Failure | None:
        """Says in a job that has no turn that no worker has been there for so long; a failure when that is too long."""
        cluster = self._cluster
        return self._waited(live, cluster) if cluster else None

    def run(self, live: LiveJob, lease: Lease) -> Outcome | None:
        """Runs the job until it has ended or nobody wants it. None when the server closes first.

        Raises `BackToQueue`.
        """
        for _ in range(SUBMISSIONS):
            try:
                cluster = self.cluster()
            except (OSError, RuntimeError) as error:
                return None if self._closing else Outcome(failure=self._not_started(error))
            task = self._task(live)
            with self._lock:
                self._tasks[task.name] = live
                live.queued()
            try:
                future = cluster.submit(task, live.place)
                future.add_done_callback(lambda _: live.wake.set())
                failure = self._attend(live, lease, cluster, task, future)
                outcome = Outcome(failure=failure) if failure else self._outcome(live, cluster, future)
            except ConnectionError as error:
                return None if self._closing else Outcome(failure=no_cluster(error))
            finally:
                with self._lock:
                    self._tasks.pop(task.name, None)
            if self._closing:
                return None
            future.release()
            if live.stopping:
                cluster.forget(task.name)
                stopped = Outcome(failure=live.overdue) if live.overdue else Outcome(cancelled=True)
                return outcome if outcome and outcome.entries else stopped
            if outcome is not None and not outcome.cancelled:
                return outcome
            # Never started, or stopped by another server that shares the scheduler: once more.
        return Outcome(failure=Failure("worker", NEVER_BEGAN))

    def _not_started(self, error: Exception) -> Failure:
        if isinstance(error, SchedulerError):
            return Failure("cluster" if self._reached else "scheduler", str(error))
        return no_cluster(error)

    def _attend(self, live: LiveJob, lease: Lease, cluster: "Cluster", task: Task, future: "Future") -> Failure | None:
        """Returns when the task has ended, or cannot end any more; stops it when nobody wants it.

        A failure when no worker came to take it.
        """
        asked: float | None = None
        killed = False
        while not future.done() and cluster.alive() and not self._closing:
            self._look_for_worker(live, cluster, task, future)
            if live.stopping and asked is None:
                asked = time.monotonic()
                cluster.ask_to_stop(task.name)
            # The grace of a task that waits in the queue begins when it starts: it then looks at its flag first.
            if asked is not None and not live.worker:
                asked = time.monotonic()
            if asked is not None and not killed and time.monotonic() - asked > GRACE:
                log.info("job %s does not listen: ending its worker process", live.key)
                cluster.kill(live.worker)
                killed = True
            if not live.worker and (failure := self._waited(live, cluster)):
                return failure
            lease.note(live.fraction, live.message)
            live.wake.wait(1.0 if asked is None else 0.1)
            live.wake.clear()
        return None

    def _look_for_worker(self, live: LiveJob, cluster: "Cluster", task: Task, future: "Future") -> None:
        """Dask would wait for a worker that went before the job began to come back."""
        if live.place and not live.worker and live.place not in {place.worker for place in cluster.places()}:
            # It may have begun on another, which has not said so yet.
            cluster.ask_to_stop(task.name)
            future.cancel()
            raise BackToQueue(live.alone)

    def _waited(self, live: LiveJob, cluster: "Cluster") -> Failure | None:
        """`waits` of this cluster."""
        seconds = min(cluster.idle(), time.monotonic() - live.asked)
        if seconds >= self._worker_wait:
            return no_workers(seconds, WORKER_WAIT_VARIABLE)
        with self._lock:
            if not live.worker and not live.stopping:
                live.message = f"no worker for {seconds:.0f} s" if seconds >= SAY_SO_AFTER else ""
        return None

    def _outcome(self, live: LiveJob, cluster: "Cluster", future: "Future") -> Outcome | None:
        """What came of the task; None when it never started."""
        if future.status == "finished":
            with contextlib.suppress(OSError, RuntimeError, CancelledError):  # the scheduler has gone just now
                outcome = future.result()
                return outcome if isinstance(outcome, Outcome) else Outcome(failure=Failure("error", NO_OUTCOME))
        if future.status != "error":
            return Outcome(failure=no_cluster("the connection to the Dask scheduler was lost"))
        # The exception is not read (`cache.plain_comm`), and need not be: `execute` raises none, so that a task which
        # began can only have lost its worker.
        if not live.worker:
            return None
        cluster.lost(live.worker)
        if live.beside and not live.alone and not live.stopping:
            raise BackToQueue(alone=True)
        used = self._outgrown.pop(live.worker, None)
        return Outcome(failure=outgrew(used) if used else died(live.fraction, live.message))

    def _task(self, live: LiveJob) -> Task:
        with self._lock:
            number = self._submissions[live.key]
            self._submissions[live.key] += 1
        # The first submission is named by the key alone: servers that share a scheduler share the computation.
        name = f"{live.key}-{number}" if number else live.key
        return Task.of(name, live.key, live.kind, live.config, live.background)

    def _hear(self, message: Any) -> None:
        """One message of a worker or a nanny; called on Dask's thread."""
        try:
            self._take_in(message)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            log.warning("a worker sent what is not a message of this program's: %s", error)

    def _take_in(self, message: Mapping[str, Any]) -> None:
        with self._lock:
            if "device" in message:
                device = self._devices[message["worker"]] = Device(**message["device"])
                for live in self._tasks.values():
                    if live.worker == message["worker"]:
                        live.device = device.name
            elif "rss" in message:
                self._outgrown[message["worker"]] = message["rss"]
            live = self._tasks.get(message.get("task", ""))
            if live is None or live.done:
                return
            if "started" in message:
                worker = message["started"]["worker"]
                device = self._devices.get(worker)
                live.started(worker, device.name if device else "")
                live.wake.set()
            elif "progress" in message:
                live.progressed(_progress(**message["progress"]))
            self._lock.notify_all()


def worker_wait() -> float:
    """Seconds that a job waits for a worker to come. Raises `SchedulerError` unless the setting is positive."""
    given = os.environ.get(WORKER_WAIT_VARIABLE, WORKER_WAIT)
    try:
        seconds = float(given)
    except ValueError:
        seconds = math.nan
    if not seconds > 0:
        raise SchedulerError(f"{WORKER_WAIT_VARIABLE} is {given!r}: give a positive number of seconds, such as 3600")
    return seconds


def _progress(fraction: Any, message: Any, rows: Any) -> dict[str, Any]:
    """What a worker reports, of the types that `Progress` has."""
    for value in (value for row in rows for value in row.values()):
        if not isinstance(value, (float, int, str)):
            raise TypeError(f"a row with {value!r}")
    return {"fraction": min(max(float(fraction), 0.0), 1.0), "message": str(message), "rows": list(rows)}


# What came of a computation, put on disk.


def keep(store: Store, record: Record, outcome: Outcome) -> tuple[Ending, dict[str, bytes]]:
    """Stores its entries and settles its record: how it ended, and entries that the limit of the cache leaves out."""
    failure = outcome.failure
    status: Ending = "failed" if failure else "cancelled" if outcome.cancelled else "finished"
    if failure is not None:
        details = "\n" + failure.details if failure.reason == "error" else ""
        log.warning("job %s failed: %s%s", record.key, failure.message, details)
    metrics = of_result(record.kind, record.key, outcome.entries.get("result"))
    ended = {"seconds": outcome.seconds, "entries": tuple(outcome.entries), "metrics": metrics}
    missing = store.put(record.key, outcome.entries, replace(record, **ended))
    store.index.settle(record.key, status, error=failure.message if failure else "", **ended)
    return status, {name: outcome.entries[name] for name in missing}
