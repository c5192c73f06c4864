"""Efficiency of a sweep on 1 and 2 workers, with as many cells for each worker: `python -m benchmarks.sweep`.

Every worker is a process on a core of its own. All cells differ in width, so that each compiles its own programs.
Prints seconds and efficiency, the time on one worker over that on n.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from distributed import Client

from cache import Store
from cache.headless import run_batch
from cache.processes import PLAIN_TCP_VARIABLE, SCHEDULER_VARIABLE
from engine.regimes.config import DEFAULT_MAP, SweepConfig

ROOT = Path(__file__).parents[1]
CELLS = 8
"""Cells of each worker."""

WORKERS = (1, 2)
ENVIRONMENT = {
    "PYTHONPATH": str(ROOT),
    "JAX_ENABLE_X64": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MALLOC_TRIM_THRESHOLD_": str(256 * 2**20),
    "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "0",
}


def main() -> None:
    seconds = {count: measure(count) for count in WORKERS}
    for count, taken in seconds.items():
        efficiency = seconds[WORKERS[0]] / taken
        print(f"{count} workers, {count * CELLS} cells: {taken:.1f} s, efficiency {efficiency:.2f}", flush=True)


def measure(count: int) -> float:
    """Seconds of a sweep of `CELLS` cells for each of so many workers, once those have imported JAX."""
    with TemporaryDirectory() as folder, workers(count, Path(folder)) as address:
        os.environ |= {SCHEDULER_VARIABLE: address, PLAIN_TCP_VARIABLE: "1"}
        run_batch("cell", cells(4, 4 + 2 * count).groups, store=Store(Path(folder) / "warm-up"))
        began = time.perf_counter()
        done = run_batch("cell", cells(32, 32 + count * CELLS).groups, store=Store(Path(folder) / "cache"))
        taken = time.perf_counter() - began
    if done.failures:
        sys.exit(f"error: {next(iter(done.failures.values()))}")
    return taken


def cells(first: int, last: int) -> SweepConfig:
    """Depth 4 and every width from `first` up to before `last`, one seed."""
    grid = {"network.depth": [4], "network.width": list(range(first, last))}
    return SweepConfig.from_dict({"base": DEFAULT_MAP.base, "grid": grid, "seeds": [0]})


@contextmanager
def workers(count: int, folder: Path) -> Iterator[str]:
    """The address of a scheduler with so many workers."""
    contact = folder / "scheduler.json"
    with ExitStack() as undo:
        start("distributed.Scheduler", {"scheduler_file": str(contact), "dashboard": False}, folder, undo)
        while not contact.exists() or not contact.read_text():
            time.sleep(0.05)
        address = json.loads(contact.read_text())["address"]
        for number in range(count):
            options = {"scheduler_ip": address, "nthreads": 1, "name": f"worker {number}"}
            start("distributed.Worker", options, folder, undo, core=number)
        with Client(address, set_as_default=False) as client:
            client.wait_for_workers(count, timeout=60)
        yield address


def start(server: str, options: dict, folder: Path, undo: ExitStack, core: int | None = None) -> None:
    """A process of Dask, ended with `undo`."""
    options = {"host": "127.0.0.1", "dashboard_address": "127.0.0.1:0"} | options
    pinned = ["taskset", "-c", str(core)] if core is not None and shutil.which("taskset") else []
    specification = json.dumps({"cls": server, "opts": options})
    command = [*pinned, sys.executable, "-m", "dask", "spec", "--spec", specification]
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(command, cwd=folder, env={**os.environ, **ENVIRONMENT}, stdout=quiet, stderr=quiet)
    undo.callback(process.wait)
    undo.callback(process.terminate)


if __name__ == "__main__":
    main()
