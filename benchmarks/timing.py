"""Seconds of programs that are compared, in interleaved rounds, so that other work on the machine hits all alike."""

import time
from collections.abc import Callable, Mapping
from typing import Any

import jax


def seconds(run: Callable[[], Any], rounds: int) -> list[float]:
    """Of every round of one program, as in `interleaved`."""
    return interleaved({"": run}, rounds)[""]


def interleaved(
    candidates: Mapping[str, Callable[[], Any]], rounds: int, clock: Callable[[], float] = time.perf_counter
) -> dict[str, list[float]]:
    """Seconds of every round of each, until its result is ready; one before, which compiles, is not counted.

    `clock` may be `time.process_time`: the processor's time of this process, where other work is beside.
    """
    for run in candidates.values():
        jax.block_until_ready(run())
    times: dict[str, list[float]] = {name: [] for name in candidates}
    for _ in range(rounds):
        for name, run in candidates.items():
            start = clock()
            jax.block_until_ready(run())
            times[name].append(clock() - start)
    return times
