"""Gives jobs their turns: holds them back until a worker is theirs, and says to those who wait how long."""

import queue
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from cache.computing import Computing
from cache.failure import Failure, log
from cache.job import LiveJob
from cache.policy import Limits, overdue
from cache.queue import Queue
from cache.turns import Outlook, Ticket
from engine import jobs

TICK = 0.25
"""Seconds between two looks at the queue while there is anything in it."""

BLIND = 32
"""Jobs that are handed on where there is nothing to compute on, to find out why."""

NOWHERE = "nowhere"
"""The place of such a job."""


@dataclass
class _LocalJob:
    """A job of this server. `queued`: its ticket is in the queue; `started`: its turn has come; `limits`: of its user,
    where nobody knows what it takes."""

    live: LiveJob
    ticket: Ticket
    expected: float
    limits: Limits | None
    queued: bool = False
    started: bool = False


class Dispatch:
    """Two threads, started by the first job: one gives turns, one notes what waits, also while the compute processes
    start or do not answer. Jobs are guarded by the `lock` of their engine."""

    def __init__(
        self,
        directory: Path,
        lock: threading.Condition,
        computing: Computing,
        note: Callable[[LiveJob], object],
        start: Callable[[LiveJob], None],
        give_up: Callable[[LiveJob, Failure], None],
        answer_calls: Callable[[], None],
    ):
        """`note` is called with a job that waits, `start` with one whose turn has come, its `place` the worker,
        `give_up` with one for which no worker came, and `answer_calls` to hear what other servers call off."""
        self.queue = Queue(directory)
        self._lock, self._computing = lock, computing
        self._note, self._start, self._give_up, self._answer_calls = note, start, give_up, answer_calls
        self._jobs: dict[LiveJob, _LocalJob] = {}
        self._unnoted: queue.SimpleQueue[LiveJob | None] = queue.SimpleQueue()
        self._wake = threading.Event()
        self._threads: list[threading.Thread] = []
        self._closing = False

    def enter(self, live: LiveJob, limits: Limits) -> None:
        """Queues a job; its turn comes by `start`."""
        expected = jobs.expected(live.kind, live.config)
        ticket = Ticket(
            uuid.uuid4().hex,
            live.key,
            live.kind,
            live.user,
            time.monotonic(),
            expected.seconds,
            expected.memory_bytes,
            limits.weight,
            limits.running,
            background=live.background,
            alone=live.alone,
        )
        with self._lock:
            self._jobs[live] = _LocalJob(live, ticket, expected.seconds, None if expected.known else limits)
            if not self._threads:
                for name, work in (("dispatch", self._run), ("notes", self._note_all)):
                    self._threads.append(threading.Thread(target=work, name=name, daemon=True))
                    self._threads[-1].start()
            if self._closing:  # the thread that notes has gone: the next server offers it all the same
                self._note(live)
            else:
                self._unnoted.put(live)
        self._wake.set()

    def leave(self, live: LiveJob, seconds: float | None = None) -> None:
        """Takes a job out; `seconds` of computing where it came to its end."""
        with self._lock:
            job = self._jobs.pop(live, None)
        if job is not None and job.queued:
            self.queue.leave(job.ticket.id, seconds, job.expected)
            self._wake.set()

    def to_foreground(self, live: LiveJob) -> None:
        """Somebody asks for one job of a batch alone."""
        with self._lock:
            live.background = False
            if (job := self._jobs.get(live)) is not None:
                job.ticket = replace(job.ticket, background=False)
                if job.queued:
                    self.queue.change(job.ticket)

    def waiting(self, user: str) -> int:
        """Jobs of the user that wait, at whichever server they were asked for."""
        with self._lock:
            here = sum(job.live.user == user and not job.started for job in self._jobs.values())
        return here + self.queue.waiting_elsewhere(user)

    def close(self) -> None:
        with self._lock:
            self._closing = True
            self._unnoted.put(None)
        self._wake.set()
        for thread in self._threads:
            thread.join(timeout=5)
        self.queue.close()

    def _run(self) -> None:
        while not self._closing:
            self._wake.wait(TICK if self._jobs else None)
            self._wake.clear()
            try:
                if self._jobs and not self._closing:
                    self._turn()
            except Exception:
                log.exception("the queue stumbled")
                time.sleep(TICK)

    def _turn(self) -> None:
        self._answer_calls()
        self._enter_new()
        places = self._computing.places()
        if places is None:
            self._begin([(live, NOWHERE) for live in self._waiting()[: max(0, BLIND - self._started())]])
            return
        if not places:
            self._wait_for_workers()
        self._find_astray()
        turn = self.queue.turn(self._computing.name, places)
        sharing = Counter(ticket.worker for ticket in turn.tickets)
        with self._lock:
            mine = {job.ticket.id: job for job in self._jobs.values()}
            for ticket in turn.tickets:
                if (job := mine.get(ticket.id)) is not None:
                    job.ticket = ticket
                    job.live.beside |= sharing[ticket.worker] > 1 and bool(ticket.worker)
                    if job.limits is not None and ticket.charged > job.limits.job_seconds:
                        job.live.end(overdue(job.limits))
            for id, outlook in turn.outlooks.items():
                if (job := mine.get(id)) is not None and not job.live.stopping:
                    job.live.message = _words(outlook)
            for ticket in turn.starts:
                if (job := mine.get(ticket.id)) is not None:
                    job.live.background = ticket.background
        found = [(mine[ticket.id].live, ticket.worker) for ticket in turn.starts if ticket.id in mine]
        # What another server has begun is looked on at, and needs no turn.
        found += [(live, turn.elsewhere[live.key]) for live in self._waiting() if live.key in turn.elsewhere]
        self._begin(found, several=len(places) > 1)

    def _wait_for_workers(self) -> None:
        for live in self._waiting():
            if failure := self._computing.waits(live):
                self._give_up(live, failure)

    def _find_astray(self) -> None:
        """Notes where jobs are that began on another worker than the one that they were given."""
        with self._lock:
            for job in self._jobs.values():
                if job.started and job.live.worker not in ("", job.ticket.worker):
                    job.ticket = replace(job.ticket, worker=job.live.worker)
                    self.queue.change(job.ticket)

    def _begin(self, found: Sequence[tuple[LiveJob, str]], several: bool = False) -> None:
        """Of `several` workers a job gets the one that is its; a single one need not be named, and may have gone."""
        for live, place in found:
            with self._lock:
                job = self._jobs.get(live)
                if job is None or job.started:
                    continue
                job.started, live.message = True, ""
                live.place = place if place != NOWHERE and several else ""
                if place == NOWHERE:
                    self.queue.change(replace(job.ticket, worker=NOWHERE))
            self._start(live)

    def _enter_new(self) -> None:
        """Those of one user after another, for so long: who asks for many at once holds up nobody."""
        until = time.monotonic() + TICK
        with self._lock:
            new = [job for job in self._jobs.values() if not job.queued]
        for job in _in_rounds(new):
            if time.monotonic() > until:
                self._wake.set()
                return
            with self._lock:
                job.queued = True
            self.queue.enter(job.ticket)
            with self._lock:
                gone = self._jobs.get(job.live) is not job
            if gone:  # given up meanwhile
                self.queue.leave(job.ticket.id)

    def _note_all(self) -> None:
        while (live := self._unnoted.get()) is not None:
            with self._lock:
                waits = live in self._jobs
            try:
                if waits:
                    self._note(live)
            except Exception:
                log.exception("job %s was not noted", live.key)

    def _waiting(self) -> list[LiveJob]:
        with self._lock:
            return [job.live for job in self._jobs.values() if not job.started]

    def _started(self) -> int:
        with self._lock:
            return sum(job.started for job in self._jobs.values())


def _in_rounds(new: Sequence[_LocalJob]) -> list[_LocalJob]:
    """The first of each user, then the second of each, and so on."""
    counted = Counter[str]()

    def place(job: _LocalJob) -> int:
        counted[job.live.user] += 1
        return counted[job.live.user]

    return sorted(new, key=place)


def _words(outlook: Outlook) -> str:
    place = "next" if outlook.position == 1 else f"number {outlook.position}"
    return f"{place} in the queue, expected to start within {outlook.seconds:.0f} s"
