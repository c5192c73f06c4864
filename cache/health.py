"""What watches over a server asks: what has it done, and can it do what it is there for."""

import math
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

from cache.failure import CacheFault, Reason

if TYPE_CHECKING:
    from prometheus_client import Metric

    from cache.job import LiveJob
    from cache.service import CachedEngine
    from cache.storage import Store

# What a server counts of its jobs and its cache, as Prometheus reads it.

PREFIX = "kernel_drift"
SECONDS = (0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1_000.0, 3_000.0, 10_000.0, 30_000.0)
"""Upper edges of the histogram: a step of an exact law takes a tenth of a second, a sweep's cell hours."""

Source = Literal["memory", "disk"]


class Metrics:
    """Of one cached engine. Thread-safe; a server process counts what it did itself, since it started.

    A miss is a computation begun, not a lookup without an answer: pages look twice a second until there is one.
    """

    def __init__(self, engine: "CachedEngine"):
        from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector  # a tenth of a second

        self._registry = CollectorRegistry()
        given = {"namespace": PREFIX, "registry": self._registry}
        self._seconds = Histogram("computation_seconds", "Time computed for a job", ["kind"], buckets=SECONDS, **given)
        self._failures = Counter("failures", "Jobs that gave no result, by reason", ["reason"], **given)
        self._hits = Counter("cache_hits", "Lookups of entries that were there", ["source"], **given)
        self._misses = Counter("cache_misses", "Computations begun because an entry was not there", **given)
        for reason in get_args(Reason):
            self._failures.labels(reason)  # shown at zero: what has no past cannot be seen to rise
        for source in get_args(Source):
            self._hits.labels(source)
        ProcessCollector(**given)
        self._registry.register(_Present(engine))

    def hit(self, source: Source) -> None:
        """A lookup was answered from there."""
        self._hits.labels(source).inc()

    def missed(self) -> None:
        """A computation was begun."""
        self._misses.inc()

    def settled(self, job: "LiveJob") -> None:
        """A job has ended. What never began, or came from another process, took no time here."""
        if job.error is not None:
            self._failures.labels(job.error.reason).inc()
        if job.worker and job.seconds:
            self._seconds.labels(job.kind).observe(job.seconds)

    def text(self) -> bytes:
        """Everything in Prometheus' text format. Asks the scheduler: up to a second."""
        from prometheus_client import generate_latest

        return generate_latest(self._registry)


class _Present:
    """What is true now, read when it is asked for."""

    def __init__(self, engine: "CachedEngine"):
        self._engine = engine

    def describe(self) -> list["Metric"]:
        """Nothing: or Prometheus would ask for everything to learn the names."""
        return []

    def collect(self) -> Iterator["Metric"]:
        from prometheus_client.metrics_core import GaugeMetricFamily

        engine, store = self._engine, self._engine.store
        jobs = GaugeMetricFamily(f"{PREFIX}_jobs", "Jobs that have not ended, by state", labels=["state"])
        for state, count in engine.under_way().items():
            jobs.add_metric([state], count)
        yield jobs
        now = {
            "workers": ("Workers that the scheduler has", engine.readiness().workers or 0),
            "unsaved_bytes": ("Results in memory because the disk does not take them", store.held[1]),
            "cache_limit_bytes": ("What the cache may take", store.size_limit),
            "cache_size_bytes": ("What the cache takes", _volume(store)),
        }
        for name, (words, value) in now.items():
            yield GaugeMetricFamily(f"{PREFIX}_{name}", words, value=value)


def _volume(store: "Store") -> float:
    """Bytes; NaN where the index cannot be read: no number is better than a wrong one."""
    try:
        return store.volume()
    except CacheFault:
        return math.nan


# Whether a server can do what it is there for: keep results, and compute new ones.

POLL_EVERY = 1.0
"""Seconds for which an answer stands, however many ask."""


@dataclass(frozen=True)
class Readiness:
    """Attributes:
    fault: what keeps the cache from being written, as a clause without paths; empty when nothing does.
    workers: how many the scheduler has; None while there is no scheduler that answers.
    """

    fault: str
    workers: int | None

    @property
    def ready(self) -> bool:
        return not self.fault and bool(self.workers)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, with the state of the workers in a word: "there", "none", or "lost" with their scheduler."""
        state = "lost" if self.workers is None else "there" if self.workers else "none"
        return {
            "ready": self.ready,
            "cache": {"writable": not self.fault, "fault": self.fault},
            "workers": {"state": state, "count": self.workers or 0},
        }


class Watch:
    """Looks when asked, at most every `POLL_EVERY` seconds. Thread-safe."""

    def __init__(self, fault: Callable[[], str], workers: Callable[[], int | None]):
        self._fault, self._workers = fault, workers
        self._lock = threading.Lock()
        self._polled = float("-inf")
        self._found = Readiness("", None)

    def __call__(self) -> Readiness:
        with self._lock:
            if time.monotonic() - self._polled >= POLL_EVERY:
                self._found = Readiness(self._fault(), self._workers())
                self._polled = time.monotonic()
            return self._found
