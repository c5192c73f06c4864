"""What runs inside a worker process: the one module of the cache that imports JAX."""

import contextlib
import importlib
import os
import platform
import signal
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

from distributed import Worker, WorkerPlugin, get_worker
from distributed.system import MEMORY_LIMIT
from distributed.utils import sync

import cache.wire  # noqa: F401  (outcomes leave by it)
from cache.archive import address, encode
from cache.failure import explain
from cache.task import Device, Outcome, Task
from cache.turns import QUANTUM
from engine.data import contents
from engine.jobs import named
from engine.networks.module.limits import stuck
from engine.progress import Cancelled, Progress, silent

TOPIC = "kernel-drift"
"""The one Dask topic for everything a worker says; the scheduler keeps a bounded log per topic."""

SEND_EVERY = 0.1
ASK_EVERY = 0.2
"""Seconds between messages to the server, and between looks at the cancel flag."""


POLL_EVERY = 0.02
"""Seconds between looks of a job that waits for another on its worker."""

PAUSED = "paused for another job"


def execute(text: str, files: Sequence[bytes] = ()) -> Outcome:
    """Runs a `Task` written as JSON, whose config names these files. Never raises: the server reads no exceptions,
    only outcomes."""
    task = Task.from_json(text)
    for content in files:
        contents.give(content)
    report = Reporter(task.name)
    while stuck():  # this worker is about to end: what has not begun goes to the next one
        time.sleep(POLL_EVERY)
    turns.enter(task.name, task.background)
    try:
        report.started()
        warm_up_done()
        entries = named(task.function)(task.parse(), report)
        report.flush()
        encoded = {name: encode(arrays, address(task.key, name)) for name, arrays in entries.items()}
        return Outcome(encoded, seconds=turns.leave(task.name))
    except Cancelled:
        return Outcome(cancelled=True)
    except BaseException as error:
        return Outcome(failure=explain(error), seconds=turns.leave(task.name))
    finally:
        turns.leave(task.name)
        _end_if_stuck()


LAST_WORDS = 5.0
"""Seconds that an outcome has to leave its worker before that ends itself."""


def _end_if_stuck() -> None:
    """Where code of others goes on that nobody waits for any more, another worker takes the place of this one."""

    def end() -> None:
        if stuck():
            os.kill(os.getpid(), signal.SIGKILL)

    if stuck():
        timer = threading.Timer(LAST_WORDS, end)
        timer.daemon = True
        timer.start()


class Turns:
    """Which of the jobs that this process holds computes; the others wait at their next report, with all they have.

    A job that has computed for less than `QUANTUM` comes first, in the order of their coming: a short one that came
    behind a long one, or behind the jobs of a batch, is soon over. The others take turns. Time passes by the clock,
    whatever a job does: one that never reports cannot keep the others waiting. Thread-safe.
    """

    def __init__(self, quantum: float = QUANTUM, clock: Callable[[], float] = time.monotonic):
        self._quantum, self._clock = quantum, clock
        self._lock = threading.Lock()
        self._seconds: dict[str, float] = {}
        self._background: set[str] = set()
        self._current = ""
        self._slice = 0.0
        self._looked = clock()

    def enter(self, task: str, background: bool = False) -> None:
        with self._lock:
            self._pass_time()
            self._seconds[task] = 0.0
            if background:
                self._background.add(task)
            self._pass_time()  # it may be its turn from now on, though it never asks

    def leave(self, task: str) -> float:
        """The seconds that it computed; 0 where it has left."""
        with self._lock:
            self._pass_time()
            self._background.discard(task)
            return self._seconds.pop(task, 0.0)

    def mine(self, task: str) -> bool:
        """Whether the task computes now."""
        with self._lock:
            self._pass_time()
            return self._current in (task, "")

    def _pass_time(self) -> None:
        """To the one that had it; and says whose turn it is from now."""
        now = self._clock()
        passed, self._looked = now - self._looked, now
        if self._current in self._seconds:
            self._seconds[self._current] += passed
            self._slice += passed
        chosen = self._choose()
        if chosen != self._current:
            self._current, self._slice = chosen, 0.0

    def _choose(self) -> str:
        first = self._seconds.keys() - self._background
        young = [task for task, seconds in self._seconds.items() if seconds < self._quantum and task in first]
        if young:
            return young[0]
        if self._current in self._seconds and self._slice < self._quantum:
            return self._current
        return min(self._seconds, key=lambda task: self._seconds[task], default="")


turns = Turns()


class Reporter:
    """The `Report` of a task: sends progress to the server and raises `Cancelled` when the flag is up.

    Cheap to call often: both happen only every so often, rows in between are kept for the next message.
    """

    def __init__(self, task: str):
        self._task = task
        self._worker = get_worker()
        self._rows: list[dict[str, float | int | str]] = []
        self._last = Progress(0.0)
        self._sent = self._asked = float("-inf")

    def started(self) -> None:
        """Says where the task runs, and leaves at once when it was cancelled in the queue."""
        self._say(started={"worker": self._worker.address, "pid": os.getpid()})
        # A process that dies at once must have been seen to start, or it would be started again.
        time.sleep(0.02)
        if self._cancelled():
            raise Cancelled

    def __call__(self, progress: Progress) -> None:
        self._last = progress
        self._rows.extend({name: _plain(value) for name, value in row.items()} for row in progress.rows)
        now = time.monotonic()
        if now - self._sent >= SEND_EVERY:
            self._sent = now
            self.flush()
        self._look_at_flag()
        if not turns.mine(self._task):
            self._wait()

    def _wait(self) -> None:
        """Until it is this task's turn, or it is not wanted."""
        self.flush()
        self._say(progress={"fraction": float(self._last.fraction), "message": PAUSED, "rows": []})
        while not turns.mine(self._task):
            time.sleep(POLL_EVERY)
            self._look_at_flag()
        self.flush()

    def _look_at_flag(self) -> None:
        """Every so often. Raises `Cancelled` when it is up."""
        now = time.monotonic()
        if now - self._asked >= ASK_EVERY:
            self._asked = now
            if self._cancelled():
                raise Cancelled

    def flush(self) -> None:
        """Sends what has gathered."""
        rows, self._rows = self._rows, []
        self._say(progress={"fraction": float(self._last.fraction), "message": self._last.message, "rows": rows})

    def _say(self, **message: Any) -> None:
        self._worker.log_event(TOPIC, {"task": self._task, **message})

    def _cancelled(self) -> bool:
        # Straight to the scheduler: `distributed.Event` would start a second client inside the worker.
        try:
            ask: Any = self._worker.scheduler.event_is_set
            return bool(sync(self._worker.loop, ask, name=self._task, callback_timeout=5))
        except OSError:  # no answer (TimeoutError included) is not a yes
            return False


class WarmUp(WorkerPlugin):
    """Imports JAX and the engine beside the event loop, whenever a worker process starts.

    A rehearsal, a job that is computed and thrown away, then compiles what the first real one will need.
    """

    name = "kernel-drift-warm-up"
    idempotent = False

    def __init__(self, functions: list[str], rehearsal: str | None):
        """`rehearsal` is a `Task` written as JSON."""
        self.rehearsal = rehearsal
        self.modules = sorted({function.split(":")[0] for function in functions})

    def setup(self, worker: Worker) -> None:
        threading.Thread(target=self._run, args=(worker,), name="warm-up", daemon=True).start()

    def _run(self, worker: Worker) -> None:
        with _warming:
            device = _device()
            for module in self.modules:
                # A module that does not import fails the job which needs it, with a message.
                try:
                    importlib.import_module(module)
                except Exception:
                    continue
            worker.log_event(TOPIC, {"worker": worker.address, "device": asdict(device)})
            if self.rehearsal:
                with contextlib.suppress(Exception):  # a real job will say what is wrong
                    task = Task.from_json(self.rehearsal)
                    named(task.function)(task.parse(), silent)


_warming = threading.Lock()


def warm_up_done() -> None:
    """Waits for a warm-up under way.

    Two threads that import JAX at once can see half a module, and two that compile the same do it twice.
    """
    with _warming:
        pass


def kill_worker_process(dask_worker: Any) -> None:
    """Runs in the nanny (Dask passes it as `dask_worker`): ends its worker at once; the nanny starts another."""
    os.kill(dask_worker.process.pid, signal.SIGKILL)


def _device() -> Device:
    from engine.device import device  # imports JAX

    found = device()
    memory = MEMORY_LIMIT if found.platform == "cpu" else found.memory
    return Device(found.model, found.platform, memory, platform.node())


def _plain(value: Any) -> float | int | str:
    """Numpy and JAX scalars as Python ones, which the message format needs."""
    return value.item() if hasattr(value, "item") else value
