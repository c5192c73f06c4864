import signal
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path

import dask
import numpy as np
import pytest
from distributed import Future
from distributed.comm.core import CommClosedError
from distributed.system import MEMORY_LIMIT
from toy_jobs import ToyConfig

from cache import CachedEngine, Job, Store, cluster, plain_comm, processes
from cache.failure import SchedulerError
from cache.task import Task
from cache.turns import Place

pytestmark = pytest.mark.whole

Make = Callable[..., ToyConfig]
Count = Callable[[], int]


def ended(engine: CachedEngine, job: Job, within: float = 30) -> Job:
    job = engine.wait(job, within)
    assert job.done
    return job


@pytest.mark.parametrize(
    "by", [signal.SIGKILL, *(pytest.param(by, marks=pytest.mark.long) for by in (signal.SIGABRT, signal.SIGSEGV))]
)
def test_killed_while_it_trains(engine: CachedEngine, config: Make, computations: Count, by: signal.Signals) -> None:
    """By the system, or by a library of its own that finds no memory to say so."""
    toy = config(number=by.value)
    job = ended(engine, engine.request("dies", toy, "me"), within=10)
    assert job.state == "failed"
    assert job.error is not None
    assert job.error.reason == "worker"
    assert "was killed at 40% (training)" in job.error.message
    assert "retry" in job.error.message
    assert next(run for run in engine.recent() if run.key == job.key).state == "failed"
    assert computations() == 1  # not tried again by itself
    assert engine.retry("dies", toy, "me").state == "queued"
    assert ended(engine, job).state == "finished"
    assert engine.lookup("dies", toy) is not None
    assert computations() == 2


def test_one_that_was_beside_it_goes_on_and_both_are_tried_alone(
    engine: CachedEngine, config: Make, computations: Count
) -> None:
    """Which of them killed the process is not known: each has it to itself once more."""
    killer = engine.request("dies", config(), "me")
    neighbour = engine.request("steady", config(number=7, trace=""), "you")  # another's share: put beside it
    assert ended(engine, neighbour).state == "finished"
    assert ended(engine, killer).state == "finished"  # it dies once only
    assert computations() == 2


def test_one_that_dies_at_once_is_not_tried_again(engine: CachedEngine, config: Make, computations: Count) -> None:
    job = ended(engine, engine.request("exits_at_once", config(), "me"))
    assert job.state == "failed"
    assert computations() == 1


@pytest.mark.usefixtures("cold")
def test_one_that_outgrows_the_memory_is_stopped(store: Store, config: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "MEMORY_SHARE", 700e6 / MEMORY_LIMIT)
    with CachedEngine(store) as engine:
        job = ended(engine, engine.request("eats", config(), "me"))
    assert job.state == "failed"
    assert job.error is not None
    assert job.error.reason == "memory"
    assert "all that a worker may use: use fewer samples" in job.error.message


@pytest.mark.usefixtures("cold")
# CPython before 3.11.8 and 3.12.2 (gh-113280) leaves a socket open that the peer resets just before the handshake, and
# nothing but `ssl.SSLSocket._create` ever holds it.
@pytest.mark.filterwarnings("ignore:Exception ignored in. <ssl.SSLSocket:pytest.PytestUnraisableExceptionWarning")
def test_a_lost_scheduler_fails_the_job_and_is_replaced(store: Store, config: Make) -> None:
    with CachedEngine(store) as engine:
        job = engine.request("deaf", config(), "me")
        while engine.job(job.key).state == "queued":  # type: ignore[union-attr]
            time.sleep(0.05)
        engine._computing.cluster()._processes._processes[0].kill()  # type: ignore[union-attr]
        job = ended(engine, job)
        assert job.error is not None
        assert job.error.reason == "cluster"
        assert ended(engine, engine.request("steady", config(), "me")).state == "finished"


def test_a_scheduler_that_goes_while_a_result_is_fetched_costs_a_retry(
    engine: CachedEngine, config: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_: object) -> None:
        raise CommClosedError("Stream is closed")

    with monkeypatch.context() as patch:
        patch.setattr(Future, "result", gone)
        job = ended(engine, engine.request("steady", config(), "me"))
    assert job.error is not None
    assert job.error.reason == "cluster"
    assert "retry in a moment" in job.error.message
    assert ended(engine, engine.retry("steady", config(), "me")).state == "finished"


@pytest.mark.usefixtures("cold")
def test_an_unreachable_scheduler_is_a_clear_failure(
    store: Store, config: Make, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(plain_comm, "CONNECT_TIMEOUT", 0.5)
    monkeypatch.setenv("KERNEL_DRIFT_SCHEDULER", "tcp://127.0.0.1:1")
    monkeypatch.setenv("KERNEL_DRIFT_PLAIN_TCP", "1")
    with CachedEngine(store) as engine:
        assert "did not start" in caplog.text
        job = ended(engine, engine.request("steady", config(), "me"))
    assert job.error is not None
    assert job.error.reason == "scheduler"
    assert "the scheduler tcp://127.0.0.1:1 does not answer" in job.error.message


@pytest.mark.usefixtures("cold")
def test_a_scheduler_that_says_nothing_is_a_clear_failure(
    store: Store, config: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plain_comm, "CONNECT_TIMEOUT", 1.0)
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        monkeypatch.setenv("KERNEL_DRIFT_SCHEDULER", f"tcp://127.0.0.1:{deaf.getsockname()[1]}")
        monkeypatch.setenv("KERNEL_DRIFT_PLAIN_TCP", "1")
        with CachedEngine(store) as engine:
            job = ended(engine, engine.request("steady", config(), "me"))
    assert job.error is not None
    assert job.error.message.endswith("does not answer: not within 1 s")


def loops() -> int:
    return sum(thread.name in ("event loop", "IO loop") for thread in threading.enumerate())


@pytest.mark.usefixtures("cold")
def test_a_client_that_does_not_connect_or_gives_up_leaves_nothing_behind(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    before = loops()
    with monkeypatch.context() as patch, socket.create_server(("127.0.0.1", 0)) as deaf:
        patch.setattr(plain_comm, "CONNECT_TIMEOUT", 0.3)
        with pytest.raises(SchedulerError):
            cluster.Cluster(f"tcp://127.0.0.1:{deaf.getsockname()[1]}", [], None, print)
    assert loops() == before
    lost = cluster.Cluster(processes.LocalProcesses(tmp_path), [], None, print)
    lost._client.sync(lost._client._close)  # as after a scheduler that did not come back
    lost.close()
    assert loops() == before


@pytest.mark.usefixtures("cold")
def test_a_client_that_gives_up_at_any_moment_costs_a_retry_at_most(store: Store, config: Make) -> None:
    """It may between a look whether it is alive and the next use of it."""
    with CachedEngine(store) as engine:
        lost = engine._computing.cluster()
        lost._client.close()
        lost._polled = float("-inf")
        assert lost.places() == []
        lost.ask_to_stop("task")
        lost.forget("task")
        with pytest.raises(ConnectionError):
            lost.submit(Task.of("task", "key", "steady", config()))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(lost, "alive", lambda: True)
            patch.setattr(lost, "places", lambda: [Place("tls://127.0.0.1:1")])
            job = ended(engine, engine.request("steady", config(), "me"))
            assert job.error is not None
            assert job.error.reason == "cluster"
        assert ended(engine, engine.retry("steady", config(), "me")).state == "finished"


@pytest.mark.usefixtures("cold")
def test_a_scheduler_of_ones_own(store: Store, config: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with processes.LocalProcesses(tmp_path / "elsewhere") as others:
        monkeypatch.setenv("KERNEL_DRIFT_SCHEDULER", others.address())
        tls = "distributed.comm.tls"
        files = {f"{tls}.ca-file": others.security["tls_ca_file"]}
        files |= {f"{tls}.client.{kind}": others.security[f"tls_client_{kind}"] for kind in ("cert", "key")}
        with dask.config.set(files), CachedEngine(store) as engine:
            assert ended(engine, engine.request("steady", config(), "me")).state == "finished"
            result = engine.lookup("steady", config())
            assert result is not None
            np.testing.assert_array_equal(result["squares"], [0, 1, 4])
        assert others.alive()
