"""A job as the person who asked for it sees it; and what may be asked for."""

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from cache.claims import claimant
from cache.failure import Failure
from cache.logs import REQUEST
from cache.run_folders import Ending
from engine import jobs
from engine.schema import Config, ConfigError, Problem, did_you_mean

State = Literal["queued", "running", Ending]

VIEWER_SECONDS = 30.0
"""A viewer that has not asked for so long has gone. Pages ask every second or so while a job runs."""

Row = Mapping[str, float | int | str]


@dataclass(frozen=True)
class Job:
    """A snapshot. Ask again for a newer one.

    Attributes:
        key: content address of the result.
        fraction: done so far, in [0, 1].
        message: what it is doing, one short sentence.
        rows: everything reported so far, in order: curves that grow.
        error: why it failed.
        seconds: computing, so far or in all.
        device: name of what computes it, once known.
        user: for whom, by address; empty where they did not sign in.
    """

    key: str
    kind: str
    config: Config
    state: State
    fraction: float = 0.0
    message: str = ""
    rows: tuple[Row, ...] = ()
    error: Failure | None = None
    seconds: float = 0.0
    device: str = ""
    user: str = ""

    @property
    def done(self) -> bool:
        return self.state in get_args(Ending)


class LiveJob:
    """The job itself. Every attribute is guarded by the engine's lock; `wake` stirs the thread that follows it."""

    def __init__(self, key: str, kind: str, config: Config, entry: str, user: str, background: bool = False):
        self.key = key
        self.kind = kind
        self.config = config
        self.entry = entry  # what was asked for first; a computation gives all of them
        self.user = user  # who asked first, and is charged
        self.background = background
        self.place = ""  # the worker that it was given
        self.beside = False  # whether that worker ever held another job at the same time
        self.alone = False  # it may not: a worker died under it and others
        self.elsewhere = False  # another process computed it, and this one looked on
        self.asked = time.monotonic()
        self.state: State = "queued"
        self.fraction = 0.0
        self.message = ""
        self.rows: list[Row] = []
        self.error: Failure | None = None
        self.seconds = 0.0
        self.device = ""
        self.worker = ""
        self.viewers: dict[str, float] = {}
        self.left: set[str] = set()
        self.stopping = False
        self.overdue: Failure | None = None  # why it is stopped though somebody wants it
        self.deleted = False  # nobody claims the result any more: it is not kept
        self.unsaved: dict[str, bytes] = {}
        self.wake = threading.Event()
        self.request = REQUEST.get()  # by which it was asked for, for the log
        self._began = 0.0

    def snapshot(self, viewer: str = "") -> Job:
        """As `viewer` sees it: who has cancelled does not see others go on."""
        state = "cancelled" if viewer in self.left and not self.done else self.state
        seconds = time.monotonic() - self._began if self.state == "running" and self._began else self.seconds
        return Job(
            key=self.key,
            kind=self.kind,
            config=self.config,
            state=state,
            fraction=self.fraction,
            message=self.message,
            rows=tuple(self.rows),
            error=self.error,
            seconds=seconds,
            device=self.device,
            user=claimant(self.user),
        )

    @property
    def done(self) -> bool:
        return self.state in get_args(Ending)

    def seen_by(self, viewer: str) -> None:
        if viewer not in self.left:
            self.viewers[viewer] = time.monotonic()

    def leave(self, viewer: str) -> None:
        """Detaches a viewer; with the last one the job begins to stop."""
        self.viewers.pop(viewer, None)
        self.left.add(viewer)
        now = time.monotonic()
        if not any(now - seen < VIEWER_SECONDS for seen in self.viewers.values()):
            self._stop()

    def end(self, why: Failure) -> None:
        """Begins to stop for everybody, and has then failed."""
        if not self.stopping:
            self.overdue = why
            self._stop()

    def _stop(self) -> None:
        self.stopping = True
        self.message = "stopping"
        self.wake.set()

    def queued(self) -> None:
        """Handed to the compute processes."""
        self.worker, self.elsewhere = "", False
        if not self.done:
            self.state, self.fraction, self.message = "queued", 0.0, ""

    def started(self, worker: str, device: str) -> None:
        self.worker = worker
        self.device = device
        self.state = "running"
        self._began = time.monotonic()
        self.fraction, self.message, self.rows = 0.0, "", []

    def progressed(self, progress: Mapping[str, Any]) -> None:
        self.fraction = max(self.fraction, progress["fraction"])
        self.rows.extend(progress["rows"])
        if not self.stopping:
            self.message = progress["message"]

    def settle(self, state: State, seconds: float = 0.0, error: Failure | None = None) -> None:
        self.state, self.seconds, self.error = state, seconds, error
        self.message = ""
        if state == "finished":
            self.fraction = 1.0


# What is asked for, checked before anything is started.


def known_kind(kind: str) -> jobs.Kind:
    """The kind of job. Raises `ConfigError` with the valid names."""
    if kind not in jobs.KINDS:
        allowed = list(jobs.KINDS)
        hint = did_you_mean(kind, allowed)
        raise ConfigError([Problem("kind", f"{kind!r} is unknown.{hint} Allowed: {', '.join(allowed)}")])
    return jobs.KINDS[kind]


def run_key(kind: str, config: Config) -> str:
    """The content address of a result. Raises `ConfigError` when kind and config do not fit together."""
    expected = known_kind(kind).config
    if not isinstance(config, expected):
        given = type(config).__name__
        raise ConfigError([Problem("config", f"a {kind!r} job takes a {expected.__name__}, got a {given}")])
    return jobs.key(kind, config)
