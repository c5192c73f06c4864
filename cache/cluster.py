"""The Dask client: submits tasks, hears their progress, stops them."""

import contextlib
import os
from collections.abc import Callable, Mapping
from typing import Any

from distributed import Client, Event, Future

from cache.processes import SCHEDULER_VARIABLE, LocalProcesses
from cache.task import Rehearsal, Task
from cache.worker import TOPIC, WarmUp, execute, kill_worker_process

MEMORY_TOPIC = "worker-restart-memory"
"""Where a nanny says that it ends its worker for lack of memory."""

CONNECT_TIMEOUT = 5.0


class Cluster:
    """Local processes, or the scheduler named by `KERNEL_DRIFT_SCHEDULER` (tcp://host:port).

    A scheduler of your own needs this code on its workers, one thread per worker, and
    `distributed.scheduler.allowed-failures: 0`.
    """

    def __init__(
        self,
        processes: LocalProcesses | None,
        functions: list[str],
        rehearsal: Rehearsal | None,
        listener: Callable[[Mapping[str, Any]], None],
    ):
        """Connects to the local processes, which end with it, or to the scheduler named by the environment.

        Workers import the modules of `functions` and rehearse meanwhile.
        `listener` gets every message of a worker, on Dask's thread: it must be quick.
        Raises `OSError` or `RuntimeError`.
        """
        self._processes = processes
        with contextlib.ExitStack() as undo:
            scheduler = undo.enter_context(processes).address() if processes else os.environ[SCHEDULER_VARIABLE]
            # Left in the reverse order: ending the processes first would make the client report their loss.
            self._client = undo.enter_context(_client(scheduler))
            for topic in (TOPIC, MEMORY_TOPIC):
                self._client.subscribe_topic(topic, lambda event: listener(event[1]))
            self._client.register_plugin(WarmUp(functions, rehearsal))
            self._undo = undo.pop_all()

    def alive(self) -> bool:
        return self._client.status == "running" and (self._processes is None or self._processes.alive())

    def submit(self, task: Task) -> Future:
        """A future of an `Outcome`. Tasks of the same name share one computation."""
        return self._client.submit(execute, task, key=task.name, retries=0)

    def ask_to_stop(self, task: str) -> None:
        """Raises the flag that the task looks at when it reports."""
        Event(task, client=self._client).set()

    def forget(self, task: str) -> None:
        """Lowers the flag of a task that has ended."""
        if self.alive():
            Event(task, client=self._client).clear()

    def kill(self, worker: str) -> None:
        """Ends the worker process at this address at once. Its nanny starts another.

        `Client.restart_workers` would first wait 5 s for the very task that does not listen.
        """
        self._client.run(kill_worker_process, workers=[worker], nanny=True, on_error="ignore")

    def close(self) -> None:
        self._undo.close()


def _client(scheduler: str) -> Client:
    try:
        return Client(scheduler, set_as_default=False, timeout=CONNECT_TIMEOUT)
    except TypeError as error:  # Dask's word for tls:// without certificates
        raise RuntimeError(f"{scheduler}: {error}") from error
