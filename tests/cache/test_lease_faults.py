"""Leases where the clock, the machine, their database or the disk fails: nobody waits for nobody."""

import contextlib
import os
import sqlite3
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from disks import fill, mounted, read_only_over
from toy_store import ROOM, reopened

from cache import Store

pytestmark = pytest.mark.whole


def test_a_clock_set_back_makes_nobody_wait(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process computed until the clock was set back an hour, and died."""
    script = (
        "import sys, pathlib, os; from cache import Store; "
        "store = Store(pathlib.Path(sys.argv[1])); lease = store.lease('k0'); "
        "assert lease.acquire(lambda _: True); os._exit(0)"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run([sys.executable, "-c", script, str(store.directory)], check=True, env=environment)
    now = time.time
    monkeypatch.setattr(time, "time", lambda: now() - 3600)
    assert store.holder("k0") is None
    began = time.monotonic()
    with store.lease("k0") as lease:
        assert lease.acquire(lambda _: True)
    assert time.monotonic() - began < 2


def test_a_lease_of_an_earlier_start_of_the_machine_is_free(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    store.lease("k0").acquire(lambda _: False)
    assert store.holder("k0") is not None
    monkeypatch.setattr("cache.lease.boot", lambda: "another start")
    assert store.holder("k0") is None


@pytest.mark.parametrize("foreign", [False, True])
def test_leases_that_are_no_good_are_made_again(store: Store, foreign: bool) -> None:
    file = store.directory / "leases" / "cache.db"
    with store.lease("k0") as lease:
        lease.acquire(lambda _: True)
    if foreign:
        store = reopened(store)
        file.unlink()
        with contextlib.closing(sqlite3.connect(file)) as opened:
            opened.execute("CREATE TABLE Settings (other)")
    else:
        file.write_bytes(b"garbage" * 5_000)  # while it is open
    faults = []
    for _ in range(2):
        with store.lease("k0") as lease:
            lease.acquire(lambda _: True)
            faults.append(lease.fault)
    assert faults[-1] == ""
    assert list(store.directory.glob("leases-damaged-*"))


def leased(store: Store, key: str) -> str:
    """What kept the lease of a run, which is always had, from being written down."""
    with store.lease(key) as lease:
        assert lease.acquire(lambda _: True)
        time.sleep(0.01)
        return lease.fault


def test_many_who_lease_on_a_read_only_disk_hinder_nobody(tmp_path: Path) -> None:
    keys = [f"k{number}" for number in range(300)]
    with mounted(tmp_path / "disk") as disk:
        store = Store(disk / "own", ROOM)
        assert leased(store, "k") == ""
        with ThreadPoolExecutor(12) as pool:
            with read_only_over(disk):
                faults = set(pool.map(lambda key: leased(store, key), keys))
            assert "another process holds its lock" not in faults
            assert {*pool.map(lambda key: leased(store, key), keys)} == {""}
        store.close()


def test_a_lease_that_did_not_fit_on_the_disk_keeps_no_lock(tmp_path: Path) -> None:
    with mounted(tmp_path / "disk") as disk:
        store = Store(disk / "own", ROOM)
        filler, faults = fill(disk) if leased(store, "k") == "" else Path(), []
        for number in range(100):  # until the journal has no room left
            (lease := store.lease(f"k{number}"))._try()
            faults.append(lease.fault)
        assert "disk" in faults[-1]  # and no other process is to blame
        filler.unlink()
        with ThreadPoolExecutor(1) as pool:
            assert pool.submit(leased, store, "other").result() == ""
        store.close()
