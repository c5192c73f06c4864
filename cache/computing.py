"""Jobs on the compute processes: submitted, followed, stopped, and what became of them."""

import contextlib
import os
import threading
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cache.failure import Failure, died, no_cluster, outgrew
from cache.faults import log
from cache.job import LiveJob
from cache.lease import Lease
from cache.processes import SCHEDULER_VARIABLE, LocalProcesses
from cache.task import Device, Outcome, Rehearsal, Task
from engine import jobs

if TYPE_CHECKING:
    from distributed import Future

    from cache.cluster import Cluster

GRACE = 3.0
"""Seconds a task has to notice that it is not wanted, before its worker process is ended."""

SUBMISSIONS = 3
"""How often a task that never started is submitted: it may have stood behind one that killed the worker."""


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
        self._cluster_lock = threading.Lock()
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

    def device(self) -> Device | None:
        with self._lock:
            return next(reversed(self._devices.values()), None)

    def cluster(self) -> "Cluster":
        """The cluster, started when there is none or when it has died. Raises `OSError` or `RuntimeError`."""
        with self._cluster_lock:
            if self._closing:
                raise RuntimeError("the server is closing")
            if self._cluster is not None and not self._cluster.alive():
                log.warning("the compute processes were lost: starting them again")
                with contextlib.suppress(Exception):
                    self._cluster.close()
                self._cluster = None
            if self._cluster is None:
                local = None if os.environ.get(SCHEDULER_VARIABLE) else LocalProcesses(self._directory)
                # Dask takes half a second to import: the command line, and a page that finds its result, need none.
                from cache.cluster import Cluster

                functions = [kind.function for kind in jobs.KINDS.values()]
                self._cluster = Cluster(local, functions, self._rehearsal, self._hear)
            return self._cluster

    def run(self, live: LiveJob, lease: Lease) -> Outcome | None:
        """Runs the job until it has ended or nobody wants it. None when the server closes first."""
        for _ in range(SUBMISSIONS):
            try:
                cluster = self.cluster()
            except (
                OSError,
                RuntimeError,
                TypeError,
            ) as error:  # Dask's word for tls:// without certificates: TypeError
                return None if self._closing else Outcome(failure=no_cluster(error))
            task = self._task(live)
            with self._lock:
                self._tasks[task.name] = live
                live.queued()
            try:
                future = cluster.submit(task)
                future.add_done_callback(lambda _: live.wake.set())
                self._attend(live, lease, cluster, task, future)
                outcome = self._outcome(live, cluster, future)
            finally:
                with self._lock:
                    self._tasks.pop(task.name, None)
            if self._closing:
                return None
            future.release()
            if live.stopping:
                cluster.forget(task.name)
                return outcome if outcome and outcome.entries else Outcome(cancelled=True)
            if outcome is not None and not outcome.cancelled:
                return outcome
            # Never started, or stopped by another server that shares the scheduler: once more.
        return Outcome(failure=died(0.0, "before it began"))

    def _attend(self, live: LiveJob, lease: Lease, cluster: "Cluster", task: Task, future: "Future") -> None:
        """Returns when the task has ended, or cannot end any more; stops it when nobody wants it."""
        asked: float | None = None
        killed = False
        while not future.done() and cluster.alive() and not self._closing:
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
            lease.note(live.fraction, live.message)
            live.wake.wait(1.0 if asked is None else 0.1)
            live.wake.clear()

    def _outcome(self, live: LiveJob, cluster: "Cluster", future: "Future") -> Outcome | None:
        """What came of the task; None when it never started."""
        from distributed import KilledWorker

        if future.status == "finished":
            return future.result()
        if future.status != "error":
            return Outcome(failure=no_cluster("the connection to the Dask scheduler was lost"))
        error = future.exception()
        if not isinstance(error, KilledWorker):
            return Outcome(failure=Failure("error", f"The worker could not take the job: {error}"))
        if not live.worker:
            return None
        used = self._outgrown.pop(live.worker, None)
        return Outcome(failure=outgrew(used) if used else died(live.fraction, live.message))

    def _task(self, live: LiveJob) -> Task:
        kind = jobs.KINDS[live.kind]
        with self._lock:
            number = self._submissions[live.key]
            self._submissions[live.key] += 1
        # The first submission is named by the key alone: servers that share a scheduler share the computation.
        return Task(
            name=f"{live.key}-{number}" if number else live.key,
            key=live.key,
            config=f"{kind.config.__module__}:{kind.config.__qualname__}",
            function=kind.function,
            values=live.config.canonical(),
        )

    def _hear(self, message: Mapping[str, Any]) -> None:
        """One message of a worker or a nanny; called on Dask's thread."""
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
                live.progressed(message["progress"])
            self._lock.notify_all()
