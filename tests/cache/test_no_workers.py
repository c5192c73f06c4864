"""A scheduler for which nobody works, or nobody any more: it is said, and given up after a stated time."""

import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import dask
import psutil
import pytest
import toy_cells
from toy_jobs import ToyConfig

from cache import CachedEngine, Store, computing, processes
from cache.failure import SchedulerError
from cache.headless import run_batch
from engine import jobs
from engine.config import RunConfig
from engine.progress import Progress
from engine.regimes.config import SweepConfig

pytestmark = pytest.mark.whole


@pytest.fixture(scope="module", autouse=True)
def _toy_cells() -> None:
    """Undone with the other toys."""
    jobs.KINDS["cell"] = jobs.Kind(RunConfig, "toy_cells:cell")


@pytest.fixture
def scheduler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cold: None) -> Iterator[processes.LocalProcesses]:
    """A scheduler of one's own, with a worker."""
    monkeypatch.setenv(toy_cells.TRACE, str(tmp_path / "trace"))
    with processes.LocalProcesses(tmp_path / "elsewhere") as others:
        monkeypatch.setenv("KERNEL_DRIFT_SCHEDULER", others.address())
        tls = "distributed.comm.tls"
        files = {f"{tls}.ca-file": others.security["tls_ca_file"]}
        files |= {f"{tls}.client.{kind}": others.security[f"tls_client_{kind}"] for kind in ("cert", "key")}
        with dask.config.set(files):
            yield others


def stop_workers(others: processes.LocalProcesses) -> None:
    """Ends the nanny and with it the worker."""
    _, nanny = others._processes
    os.killpg(nanny.pid, 9)
    nanny.wait()


def sweep(count: int) -> SweepConfig:
    grid = {"network.width": list(range(20, 20 + count))}
    return SweepConfig.from_dict({"base": {"data": {"name": "circle"}}, "grid": grid, "seeds": (0,)})


def test_a_job_says_so_and_gives_up(
    scheduler: processes.LocalProcesses,
    store: Store,
    config: Callable[..., ToyConfig],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stop_workers(scheduler)
    monkeypatch.setenv(computing.WORKER_WAIT_VARIABLE, "8")
    with CachedEngine(store) as engine:
        began, said = time.monotonic(), set()
        job = engine.request("steady", config(), "me")
        while not job.done:
            assert time.monotonic() - began < 40
            job = engine.request("steady", config(), "me")
            said.add(job.message)
            time.sleep(0.1)
    assert said & {f"no worker for {seconds} s" for seconds in (5, 6, 7)}
    assert job.error is not None
    assert job.error.reason == "workers"
    assert job.error.message.startswith("No worker for 8 s: start one and retry")


@pytest.mark.long
def test_a_sweep_whose_only_worker_leaves_gives_up_the_rest(
    scheduler: processes.LocalProcesses, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(computing.WORKER_WAIT_VARIABLE, "6")
    left, messages = threading.Event(), set()

    def watch(progress: Progress) -> None:
        messages.add(progress.message)
        if progress.fraction > 0.3 and not left.is_set():
            left.set()
            stop_workers(scheduler)

    found = run_batch("cell", sweep(8).groups, watch, store)
    assert left.is_set()
    assert len(found.results) + len(found.failures) == 8
    assert found.failures
    assert len(found.results) >= 2
    assert any("No worker for 6 s" in message for message in found.failures.values())
    assert any(", no worker for 5 s" in message for message in messages)


def test_nothing_to_compute_on_is_an_error_of_one_line(
    store: Store, cold: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {child.pid for child in psutil.Process().children()}
    for address in ("nonsense", "tcp://127.0.0.1:1", "tls://127.0.0.1:1"):
        monkeypatch.setenv("KERNEL_DRIFT_SCHEDULER", address)
        with pytest.raises(SchedulerError) as error:
            run_batch("cell", sweep(40).groups, store=store)
        assert address in str(error.value)
        assert len(str(error.value).splitlines()) == 1
    assert {child.pid for child in psutil.Process().children()} <= before
