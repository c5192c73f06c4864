"""The Dask client: submits tasks, hears their progress, stops them."""

import asyncio
import concurrent.futures
import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from dask import config as dask_config
from distributed import Client, Future
from distributed.client import ClosedClientError
from distributed.protocol.pickle import dumps
from distributed.security import Security
from tornado.ioloop import IOLoop

from cache import plain_comm
from cache.failure import SchedulerError
from cache.processes import LocalProcesses
from cache.task import Rehearsal, Task
from cache.turns import Place
from cache.wire import READABLE
from cache.worker import TOPIC, WarmUp, execute, kill_worker_process

MEMORY_TOPIC = "worker-restart-memory"
"""Where a nanny says that it ends its worker for lack of memory."""

dask_config.set({"distributed.admin.large-graph-warning-threshold": "1GB"})  # a task brings its files of points

LOST = "the connection to the Dask scheduler was lost"

POLL_EVERY, POLL_SOON = 1.0, 0.1
"""Seconds between looks at the workers, and while there are none."""


class Cluster:
    """Local processes, or a scheduler of your own.

    That needs this code on its workers, one to four threads each, and `distributed.scheduler.allowed-failures: 0`.
    The client unpickles nothing (`cache.plain_comm`): tasks go as JSON, outcomes come by `cache.wire`.
    """

    def __init__(
        self,
        scheduler: LocalProcesses | str,
        functions: list[str],
        rehearsal: Rehearsal | None,
        listener: Callable[[Mapping[str, Any]], None],
    ):
        """Connects to local processes, which end with it, or to the scheduler at an address.

        Workers import the modules of `functions` and rehearse meanwhile.
        `listener` gets every message of a worker, on Dask's thread: it must be quick.
        Raises `SchedulerError`, `OSError` or `RuntimeError`.
        """
        self._processes = scheduler if isinstance(scheduler, LocalProcesses) else None
        self._idle_since: float | None = None
        self._places: list[Place] = []
        self._polled = float("-inf")
        self._poll_lock = threading.Lock()
        with contextlib.ExitStack() as undo:
            if isinstance(scheduler, LocalProcesses):
                undo.enter_context(scheduler)
                address, security = scheduler.address(), Security(**scheduler.security)
            else:
                address, security = scheduler, _own_security(scheduler)
            # Left in the reverse order: ending the processes first would make the client report their loss.
            loop = undo.enter_context(_event_loop())
            self._client = undo.enter_context(_client(address, security, loop))
            for topic in ("print", "warn"):  # nobody prints here but us
                self._client.unsubscribe_topic(topic)
            for topic in (TOPIC, MEMORY_TOPIC):
                self._client.subscribe_topic(topic, lambda event: listener(event[1]))
            self._client.register_plugin(WarmUp(functions, _as_task(rehearsal)))
            self._undo = undo.pop_all()

    def alive(self) -> bool:
        return self._client.status == "running" and (self._processes is None or self._processes.alive())

    def idle(self) -> float:
        """Seconds for which the scheduler has had no worker; 0 when it has one, or does not answer."""
        self.places()
        return time.monotonic() - self._idle_since if self._idle_since else 0.0

    def places(self) -> list[Place]:
        """The workers, as they were a second ago at most."""
        with self._poll_lock:
            now = time.monotonic()
            if now - self._polled >= POLL_EVERY or (not self._places and now - self._polled >= POLL_SOON):
                self._polled = now
                found = self._ask_for_workers()
                if found is not None:
                    self._places = found
                    self._idle_since = None if found else self._idle_since or now
            return self._places

    def lost(self, worker: str) -> None:
        """The worker is known to have gone."""
        with self._poll_lock:
            self._places = [place for place in self._places if place.worker != worker]

    def submit(self, task: Task, worker: str = "") -> Future:
        """A future of an `Outcome`, computed by this worker unless it has gone. Tasks of one name are computed once.

        Raises `ConnectionError` where the scheduler was lost.
        """
        where = {"workers": [worker], "allow_other_workers": True} if worker else {}
        try:
            return self._client.submit(execute, task.to_json(), task.files(), key=task.name, retries=0, **where)
        except ClosedClientError as error:
            raise ConnectionError(LOST) from error

    def ask_to_stop(self, task: str) -> None:
        """Raises the flag that the task looks at when it reports."""
        self._flag("event_set", task)

    def forget(self, task: str) -> None:
        """Lowers the flag of a task that has ended."""
        self._flag("event_clear", task)

    def kill(self, worker: str) -> None:
        """Ends the worker process at this address at once. Its nanny starts another.

        `Client.restart_workers` would first wait 5 s for the very task that does not listen, and `Client.run` would
        unpickle the answer.
        """
        order = {
            "op": "run",
            "function": dumps(kill_worker_process),
            "args": dumps(()),
            "kwargs": dumps({}),
            "wait": True,
        }
        with contextlib.suppress(Exception):  # it is gone already
            patience = plain_comm.CONNECT_TIMEOUT
            self._ask(
                "broadcast", msg=order, workers=[worker], nanny=True, on_error="ignore", callback_timeout=patience
            )

    def workers(self) -> int | None:
        """How many the scheduler has right now; None when it does not answer."""
        try:
            return self._ask("identity", n_workers=0, callback_timeout=POLL_EVERY)["n_workers"]
        except (OSError, RuntimeError):
            return None

    def close(self) -> None:
        self._undo.close()

    def _ask_for_workers(self) -> list[Place] | None:
        try:
            workers = self._ask("identity", n_workers=-1, callback_timeout=POLL_EVERY)["workers"]
        except (OSError, RuntimeError):  # no answer; `alive` will say so
            return None
        return [Place(name, int(of["nthreads"]), float(of["memory_limit"] or 0)) for name, of in workers.items()]

    def _flag(self, operation: str, task: str) -> None:
        """Of a `distributed.Event`. No matter where there is no answer: the task goes with its scheduler."""
        with contextlib.suppress(OSError, RuntimeError):
            self._ask(operation, name=task, callback_timeout=plain_comm.CONNECT_TIMEOUT)

    def _ask(self, operation: str, **arguments: Any) -> Any:
        scheduler = self._client.scheduler
        if scheduler is None:  # the client has given up, perhaps since somebody looked whether it is alive
            raise ConnectionError(LOST)
        return self._client.sync(getattr(scheduler, operation), **arguments)


def _as_task(rehearsal: Rehearsal | None) -> str | None:
    return Task.of("", "", rehearsal.kind, rehearsal.config).to_json() if rehearsal else None


@contextlib.contextmanager
def _event_loop() -> Iterator[IOLoop]:
    """For a client: one that it starts itself stays, with its descriptors, where it does not connect or gives up."""
    begun = concurrent.futures.Future[tuple[IOLoop, asyncio.Event]]()

    async def run() -> None:
        ended = asyncio.Event()
        begun.set_result((IOLoop.current(), ended))
        await ended.wait()

    thread = threading.Thread(target=asyncio.run, args=(run(),), daemon=True, name="event loop")
    thread.start()
    loop, ended = begun.result()
    try:
        yield loop
    finally:
        loop.add_callback(ended.set)
        thread.join(plain_comm.CONNECT_TIMEOUT)


def _client(scheduler: str, security: Security, loop: IOLoop) -> Client:
    try:
        return Client(
            plain_comm.plain(scheduler),
            loop=loop,
            security=security,
            set_as_default=False,
            direct_to_workers=False,
            timeout=plain_comm.CONNECT_TIMEOUT,
            deserializers=list(READABLE),
        )
    except OSError as error:
        raise SchedulerError(f"the scheduler {scheduler} does not answer: {_cause(error)}") from error


def _own_security(scheduler: str) -> Security:
    """What Dask's settings say for a scheduler of one's own. Raises `SchedulerError` when certificates are missing."""
    try:
        security = Security()
        security.require_encryption = scheduler.startswith("tls://")
        usable = not security.require_encryption or security.get_connection_args("client")["ssl_context"] is not None
    except (OSError, ValueError) as error:  # of ssl, too
        raise SchedulerError(f"the certificates for {scheduler} cannot be used: {error}") from error
    if not usable:
        raise SchedulerError(
            f"{scheduler} needs certificates: set DASK_DISTRIBUTED__COMM__TLS__CA_FILE, ...__TLS__CLIENT__CERT and "
            "...__TLS__CLIENT__KEY (deploy/slurm.md)"
        )
    return security


def _cause(error: BaseException) -> str:
    """The innermost reason, in one line: Dask wraps it in "timed out"."""
    while error.__cause__ is not None:
        error = error.__cause__
    if isinstance(error, (asyncio.CancelledError, TimeoutError)):
        return f"not within {plain_comm.CONNECT_TIMEOUT:.0f} s"
    return str(error).split("\n")[0] or type(error).__name__
