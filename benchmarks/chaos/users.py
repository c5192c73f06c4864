"""Users of a server, as its pages serve them: they ask, look, cancel, try again, and say what they were told."""

import hashlib
import json
import random
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from benchmarks.chaos.wishes import Wish, drawn
from cache import CachedEngine, Job
from cache.batches import OpenBatch, Order
from cache.failure import CacheFault
from cache.policy import Policy
from engine.progress import Arrays
from engine.schema import Config

LOOK_EVERY = 0.2
"""Seconds between two looks at a job."""

DOMAIN = "lab.example"
GLUTTON = f"glutton@{DOMAIN}"
"""Who asks for what eats memory."""

RULES = Policy(domains={DOMAIN: "member"})
"""Users have signed in: what they ask for is theirs, and limited."""

MOST_TRIES = 3
"""Of a job that fails, by one user."""

RETURN = 5.0
"""Seconds in which a server that starts has its sweeps going again."""

Tell = Callable[..., None]


def digest(arrays: Arrays) -> str:
    """The same for results that are the same to the last bit, besides the seconds that they took."""
    found = hashlib.sha256()
    for name, array in sorted(arrays.items()):
        array = _without_seconds(array) if name == "meta" else np.asarray(array)
        found.update(f"{name} {array.dtype} {array.shape} ".encode() + array.tobytes())
    return found.hexdigest()


def _without_seconds(meta: np.ndarray) -> np.ndarray:
    facts = json.loads(str(meta))
    facts.pop("seconds", None)
    return np.array(json.dumps(facts, sort_keys=True))


class User(threading.Thread):
    """Asks for one thing after another until `leaving`, then for what is left to the end.

    Args:
        tell: called with what happened, by name, and its facts.
        left: what the user had asked for when the server before this one ended.
    """

    def __init__(
        self, name: str, engine: CachedEngine, tell: Tell, chance: random.Random, left: Sequence[Mapping[str, Any]]
    ):
        super().__init__(name=name, daemon=True)
        self._engine, self._tell, self._chance = engine, tell, chance
        self._left = [Wish.of(plain) for plain in left]
        self.leaving = threading.Event()

    def run(self) -> None:
        for wish in self._left:
            self._pursue(wish, back=True)
        while not self.leaving.wait(self._chance.uniform(0.2, 2.0)):
            self._pursue(drawn(self._chance))

    def _pursue(self, wish: Wish, back: bool = False) -> None:
        self._tell("asked", user=self.name, keys=wish.keys, wish=wish.plain())
        try:
            if len(wish.values) > 1:
                self._sweep(wish, back)
            else:
                self._single(wish)
        except Exception as error:  # a page would show a traceback
            self._tell("broke", user=self.name, keys=wish.keys, words=f"{type(error).__name__}: {error}")

    # One job.

    def _single(self, wish: Wish) -> None:
        (config,) = wish.configs
        job = self._engine.request(wish.kind, config, self.name)
        for _ in range(MOST_TRIES):
            job = self._watched(wish.kind, config, job)
            if job.state == "finished" or self._chance.random() < 0.4:
                break
            self._tell("tried again", user=self.name)
            job = self._engine.retry(wish.kind, config, self.name)
        else:
            job = self._watched(wish.kind, config, job)
        self._ended(job, wish.kind, config)

    def _watched(self, kind: str, config: Config, job: Job) -> Job:
        """To its end, or until the user has lost patience."""
        patience = self._chance.uniform(0, 1.5) if self._chance.random() < 0.12 else float("inf")
        began, seen = time.monotonic(), None
        while not job.done:
            if seen != (seen := (job.state, job.fraction, job.message)):
                self._tell("seen", user=self.name, state=job.state)
            time.sleep(LOOK_EVERY)
            if time.monotonic() - began > patience:
                return self._engine.cancel(job.key, self.name) or job
            job = self._engine.request(kind, config, self.name)
        return job

    def _ended(self, job: Job, kind: str, config: Config) -> None:
        (words, reason), found = (job.error.message, job.error.reason) if job.error else ("", ""), ""
        if job.state == "finished":
            arrays = self._engine.lookup(kind, config)
            found = digest(arrays) if arrays is not None else ""
        elif not job.done:
            words = "cancelled while it stopped"
        state = job.state if job.done else "cancelled"
        self._tell("ended", user=self.name, key=job.key, state=state, words=words, reason=reason, digest=found)
        if found and self._chance.random() < 0.1:
            self._pin(job.key)

    def _pin(self, key: str) -> None:
        try:
            self._engine.ownership.pin(key, self.name)
        except CacheFault:
            self._tell("told that it cannot be pinned", user=self.name)
        else:
            self._tell("pinned", user=self.name, key=key)

    # A sweep.

    def _sweep(self, wish: Wish, back: bool) -> None:
        configs, batches = wish.configs, self._engine.batches
        groups = tuple((config,) for config in configs)
        order = Order(self.name, "chaos", wish.name, wish.kind, groups, "cell", "/regimes")
        standing = self._resumed(order) if back and wish.stays else None
        if standing is None:
            batches.start(order)
            batches.stay(order.key, wish.stays)
        patience = self._chance.uniform(0, 3) if self._chance.random() < 0.1 else float("inf")
        began, told = time.monotonic(), set[str]()
        while (standing := batches.of(order.key)) is not None:
            done = standing.batch.done
            self._tell_cells(wish, configs, standing, told)
            if done:
                break
            time.sleep(LOOK_EVERY)
            if time.monotonic() - began > patience:
                batches.cancel(order.key)
        self._tell_the_rest(wish, standing, told)
        batches.forget(order.key)

    def _resumed(self, order: Order) -> OpenBatch | None:
        """The sweep, if the server goes on with it."""
        until = time.monotonic() + RETURN
        while (standing := self._engine.batches.of(order.key)) is None and time.monotonic() < until:
            time.sleep(LOOK_EVERY)
        self._tell("sweep returned" if standing else "sweep forgotten", user=self.name)
        return standing

    def _tell_cells(self, wish: Wish, configs: list[Config], standing: OpenBatch, told: set[str]) -> None:
        self._tell("seen", user=self.name, state=standing.batch.message)
        for key, config in zip(wish.keys, configs, strict=True):
            found = standing.batch.results.get(config.hash)
            if found is not None and key not in told:
                told.add(key)
                self._tell("ended", user=self.name, key=key, state="finished", words="", digest=digest(found))

    def _tell_the_rest(self, wish: Wish, standing: OpenBatch | None, told: set[str]) -> None:
        failures = standing.batch.failures if standing else {}
        for number, key in enumerate(wish.keys):
            if key not in told:
                words = failures.get(number, "")
                self._tell("ended", user=self.name, key=key, state="failed" if words else "cancelled", words=words)
