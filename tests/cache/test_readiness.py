"""Whether a server can keep results and compute new ones; and that it starts again what was lost, unasked."""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from cache import CachedEngine, Store, health, service
from cache.health import Readiness, Watch


def test_it_says_what_is_missing() -> None:
    assert Readiness("", 2).to_dict() == {
        "ready": True,
        "cache": {"writable": True, "fault": ""},
        "workers": {"state": "there", "count": 2},
    }
    assert not Readiness("the disk is full", 2).ready
    assert Readiness("the disk is full", 2).to_dict()["cache"] == {"writable": False, "fault": "the disk is full"}
    assert Readiness("", 0).to_dict()["workers"] == {"state": "none", "count": 0}
    assert Readiness("", None).to_dict()["workers"] == {"state": "lost", "count": 0}
    assert not any(Readiness("", workers).ready for workers in (0, None))


def test_many_who_ask_look_once(monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[int] = []
    watch = Watch(lambda: "", lambda: looks.append(1) or len(looks))
    assert [watch().workers for _ in range(5)] == [1] * 5
    monkeypatch.setattr(health, "POLL_EVERY", 0.0)
    assert watch().workers == 2


def test_a_disk_that_takes_nothing_is_found_before_a_result_is_lost(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert store.probe() == ""
    assert not [*store.directory.glob(".part-*")]

    def full(*_: object) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(Path, "rename", full)
    assert store.probe() == "the disk is full"
    assert store.fault == ""  # nothing was lost
    monkeypatch.undo()
    store.failed("the file system is read-only")
    assert store.probe() == "the file system is read-only"


@pytest.mark.whole
@pytest.mark.usefixtures("cold")
def test_lost_processes_are_started_again_though_nobody_asks(
    store: Store, monkeypatch: pytest.MonkeyPatch, until: Callable
) -> None:
    monkeypatch.setattr(service, "KEEP_EVERY", 0.5)
    with CachedEngine(store) as engine:
        until(lambda: engine.readiness().ready)
        processes = engine._computing.cluster()._processes
        assert processes is not None
        first = processes._processes[0].pid
        os.killpg(first, signal.SIGKILL)
        until(lambda: not engine.readiness().ready)
        until(lambda: engine.readiness().ready)


@pytest.fixture
def until() -> Callable[[Callable[[], bool]], None]:
    """Waits, half a minute at most."""

    def until(there: Callable[[], bool]) -> None:
        end = time.monotonic() + 30
        while not there():
            assert time.monotonic() < end
            time.sleep(0.05)

    return until
