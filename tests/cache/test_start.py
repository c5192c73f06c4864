"""A start that fails says why; settings meant for a cluster do not reach the local processes."""

import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from toy_jobs import ToyConfig

from cache import CachedEngine, Store, computing, processes
from cache.failure import SchedulerError
from cache.processes import ProcessLog, checked

pytestmark = pytest.mark.whole

EXPORTS = {
    "DASK_DISTRIBUTED__COMM__REQUIRE_ENCRYPTION": "True",
    "DASK_DISTRIBUTED__COMM__TLS__CA_FILE": "/nowhere/ca.pem",
    "DASK_DISTRIBUTED__COMM__TLS__CLIENT__CERT": "/nowhere/cert.pem",
    "DASK_DISTRIBUTED__COMM__TLS__CLIENT__KEY": "/nowhere/key.pem",
    "DASK_SCHEDULER_ADDRESS": "tls://nowhere:1",
    "DASK_DISTRIBUTED__COMM__TLS__CIPHERS": "nonsense",
}
"""What `deploy/slurm.md` asks for, with paths of another machine, and worse."""


@pytest.mark.usefixtures("cold")
def test_settings_for_a_cluster_do_not_break_local_work(
    store: Store, config: Callable[..., ToyConfig], monkeypatch: pytest.MonkeyPatch
) -> None:
    import dask

    for name, value in EXPORTS.items():
        monkeypatch.setenv(name, value)
    dask.config.refresh()
    try:
        with CachedEngine(store) as engine:
            assert engine.wait(engine.request("steady", config(), "me"), 60).state == "finished"
    finally:
        monkeypatch.undo()
        dask.config.refresh()


def test_a_start_that_fails_says_why_and_when(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "LOOPBACK", "192.0.2.1")  # no interface has it
    began = time.monotonic()
    with pytest.raises(SchedulerError) as error, processes.LocalProcesses(tmp_path) as local:
        local.address()
    took = time.monotonic() - began
    message = str(error.value)
    assert "Cannot assign requested address" in message
    assert "\n" not in message
    said = float(message.split("ended after ")[1].split(" s")[0])
    assert took - 5 < said <= took
    assert not local._scratch.exists()


def test_an_attempt_that_has_failed_just_now_is_not_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a scheduler that does not answer each takes 5 s: of 30 jobs one would wait for all of them."""
    attempts, several = [], threading.Barrier(8)

    def unanswered(*_: object) -> None:
        attempts.append(time.monotonic())
        time.sleep(0.5)
        raise SchedulerError(f"attempt {len(attempts)}: no answer")

    monkeypatch.setenv("KERNEL_DRIFT_SCHEDULER", "tls://127.0.0.1:1")
    monkeypatch.setattr("cache.cluster.Cluster", unanswered)
    found = computing.Computing(tmp_path, threading.Condition(), None)

    def ask(_: int) -> str:
        several.wait()
        with pytest.raises(SchedulerError) as error:
            found.cluster()
        return str(error.value)

    with ThreadPoolExecutor(8) as pool:
        assert {*pool.map(ask, range(8))} == {"attempt 1: no answer"}
        assert {*pool.map(ask, range(8))} == {"attempt 1: no answer"}
        monkeypatch.setattr(computing, "JUST_NOW", 0)
        assert {*pool.map(ask, range(8))} == {"attempt 2: no answer"}
    assert len(attempts) == 2
    assert found._refused is not None
    assert found._refused.__traceback__ is None  # which would hold what was opened until the next attempt


def test_no_room_for_the_key_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    full = OSError(28, "No space left on device")
    monkeypatch.setattr(processes.tempfile, "mkdtemp", lambda **_: (_ for _ in ()).throw(full))
    with pytest.raises(SchedulerError, match=r"cannot be started: \[Errno 28\] No space left on device"):
        processes.LocalProcesses(tmp_path)


def test_the_log_keeps_the_last_error(capfd: pytest.CaptureFixture[str]) -> None:
    import subprocess

    script = "import sys; print('hello', file=sys.stderr); print('ValueError: no such thing', file=sys.stderr); print()"
    with ProcessLog() as log:
        subprocess.run([sys.executable, "-c", script], stderr=log.end, check=True)
        subprocess.run([sys.executable, "-c", "import sys; print('bye', file=sys.stderr)"], stderr=log.end, check=True)
        assert log.reason() == "ValueError: no such thing"
    assert capfd.readouterr().err.splitlines() == ["hello", "ValueError: no such thing", "bye"]


def test_what_never_ends_its_line_is_passed_on_piece_by_piece(capfd: pytest.CaptureFixture[str]) -> None:
    import subprocess

    with ProcessLog() as log:
        subprocess.run([sys.executable, "-c", "print('x' * 5_000_000, end='')"], stdout=log.end, check=True)
        log.reason()
        assert max(map(len, log._lines)) == processes.AT_ONCE
    assert capfd.readouterr().err == "x" * 5_000_000


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("nonsense", "is not the address of a scheduler: give tls://HOST:PORT"),
        ("tls://host", "is not the address"),
        ("tls://host:0", "is not the address"),
        ("tls://host:99999", "is not the address"),
        ("tls://:8786", "is not the address"),
        ("http://host:8786", "is not the address"),
        ("tls://a b:8786", "is not the address"),
        ("tls://host:8786/path", "is not the address"),
        ("tcp://host:8786", "is not encrypted"),
    ],
)
def test_an_address_that_may_not_be_used(address: str, words: str) -> None:
    with pytest.raises(SchedulerError) as error:
        checked(address)
    assert address in str(error.value)
    assert words in str(error.value)
    assert "\n" not in str(error.value)


def test_an_address_that_may(monkeypatch: pytest.MonkeyPatch) -> None:
    for address in ("tls://host:8786", "tls://10.0.0.1:1", "tls://[::1]:8786", "tls://node-1.cluster:65535"):
        assert checked(address) == address
    monkeypatch.setenv("KERNEL_DRIFT_PLAIN_TCP", "1")
    assert checked("tcp://host:8786") == "tcp://host:8786"


@pytest.mark.parametrize("given", ["soon", "-1", "0", "nan"])
def test_a_wait_that_is_none(given: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(computing.WORKER_WAIT_VARIABLE, given)
    with pytest.raises(SchedulerError, match="give a positive number of seconds"):
        computing.worker_wait()
