"""Calling off a job of the cached engine, here and on every other server on its cache."""

import threading
from typing import TYPE_CHECKING

from cache.dispatch import Dispatch
from cache.failure import Failure
from cache.job import Job, LiveJob, State
from cache.memory import RecentlyRead
from cache.queue import Call, Queue
from cache.storage import Store

if TYPE_CHECKING:
    from cache.batches import Batches


class CallingOff:
    """The part of `cache.service.CachedEngine` that gives up what is under way."""

    store: Store
    queue: Queue
    batches: "Batches"
    _dispatch: Dispatch
    _recent: RecentlyRead
    _lock: threading.Condition
    _live: dict[str, LiveJob]

    def _settle(self, live: LiveJob, state: State, seconds: float = 0.0, error: Failure | None = None) -> None: ...

    def call_off(self, key: str, viewer: str | None = None) -> Job | None:
        """Detaches `viewer` from a job, or everybody if none is named. Asks nobody whether they may, leaves no line.

        Other servers do so with theirs within a second. None where the job is not of this one.
        """
        self.queue.call(Call(key, viewer))
        return self._call_off(key, viewer)

    def call_off_all(self, who: str) -> None:
        """Detaches a viewer from all their jobs, and ends their batches, on every server."""
        call = Call("", who)
        self.queue.call(call)
        self._call_off_all(call)

    def _call_off_all(self, call: Call) -> None:
        who = str(call.viewer)
        self.batches.call_off(who, call.time)
        with self._lock:
            theirs = [
                key
                for key, live in self._live.items()
                if who in (live.user, *live.viewers) and not live.done and live.asked <= call.time
            ]
            for key in theirs:  # of another's job nobody leaves: it would stop where no page looks just now
                self._call_off(key, who)

    def forget(self, key: str) -> None:
        """What is in memory of a run that is to be deleted, on every server; one that computes it will not keep it."""
        call = Call(key, deleted=True)
        self.queue.call(call)
        self._forget(call)

    def _forget(self, call: Call) -> None:
        self._recent.forget(call.key)
        with self._lock:
            live = self._live.get(call.key)
            if live is None or live.asked > call.time:
                return
            live.deleted = True
            if live.done:
                del self._live[call.key]

    def _call_off(self, key: str, viewer: str | None) -> Job | None:
        with self._lock:
            live = self._live.get(key)
            if live is None:
                return None
            if not live.done:
                for who in {*live.viewers, live.user} if viewer is None else {viewer}:
                    live.leave(who)
                if live.stopping and live.state == "queued":
                    self._settle(live, "cancelled")
                    self._dispatch.leave(live)
                    self.store.index.settle(key, "cancelled")
            return live.snapshot(viewer or live.user)

    def _answer_calls(self) -> None:
        """Does what other servers called, unless the job was asked for here since."""
        for call in self.queue.heard():
            if call.deleted:
                self._forget(call)
                continue
            if not call.key:
                self._call_off_all(call)
                continue
            with self._lock:
                live = self._live.get(call.key)
                if live is not None and not live.done and live.asked <= call.time:
                    self._call_off(call.key, call.viewer)
