"""Several seeds trained at once, in threads: one network of moderate width leaves cores idle."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import replace
from typing import TypeVar

from engine.progress import Cancelled, Progress, Report

AT_ONCE = 2
"""Seeds trained at the same time."""

T = TypeVar("T")


def for_each(seeds: Sequence[int], work: Callable[[int, Report], T], report: Report) -> list[T]:
    """`work(seed, report)` of every seed, in order.

    The first seed goes ahead until it has a row to show, so that the others find everything compiled. Where one
    fails or is cancelled the others stop at their next report, and what it raised is raised here.
    """
    shared = _SharedReport(report, len(seeds))
    with ThreadPoolExecutor(AT_ONCE) as pool:
        futures = [pool.submit(shared.follow, index, work, seed) for index, seed in enumerate(seeds)]
        try:
            for future in as_completed(futures):
                future.result()
        finally:
            shared.stopped.set()
    return [future.result() for future in futures]


class _SharedReport:
    """One report for all: the mean of their fractions, one speaker at a time."""

    def __init__(self, report: Report, count: int):
        self.report = report
        self.fractions = [0.0] * count
        self.lock = threading.Lock()
        self.ready, self.stopped = threading.Event(), threading.Event()

    def follow(self, index: int, work: Callable[[int, Report], T], seed: int) -> T:
        if index > 0:
            self.ready.wait()

        def forward(progress: Progress) -> None:
            if self.stopped.is_set():
                raise Cancelled
            if progress.rows:
                self.ready.set()
            self.say(index, seed, progress)

        try:
            forward(Progress(0.0, "starts"))
            return work(seed, forward)
        finally:
            self.fractions[index] = 1.0
            self.ready.set()

    def say(self, index: int, seed: int, progress: Progress) -> None:
        with self.lock:
            self.fractions[index] = progress.fraction
            count = len(self.fractions)
            message = f"seed {seed}, {progress.message}" if count > 1 else progress.message
            self.report(replace(progress, fraction=sum(self.fractions) / count, message=message))
