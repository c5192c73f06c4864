"""Disks and databases that go wrong at every place where they can: no finished result is lost."""

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from disks import FailingWrite, fill, mounted, read_only
from toy_jobs import ToyConfig
from toy_store import ROOM, entries, holds, put, reopened

from cache import CachedEngine, CacheFault, Store, memory
from cache.run_folders import PART, PART_SECONDS, RunFolders

pytestmark = pytest.mark.whole

# The files.


def test_an_entry_of_the_wrong_kind_is_left_alone(store: Store) -> None:
    put(store, "k0")
    foreign = store.directory / "runs" / "k0" / "k0" / "notes.txt"
    foreign.write_text("mine")
    (store.directory / "runs" / "stray").write_text("mine too")
    (store.directory / "runs" / "k0" / "..odd").mkdir()
    store.reconcile()
    store = reopened(store)
    assert holds(store, "k0")
    assert foreign.read_text() == "mine"


def test_what_killed_writers_left_is_removed_after_a_day(store: Store) -> None:
    put(store, "k0")
    home = store.directory
    folders = [RunFolders(home).entry("k0", "result").parent, home / "files" / "ab", home / "recordings", home]
    for folder in folders:
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("new", "old"):
            (folder / f"{PART}{name}").write_bytes(b"half")
        os.utime(folder / f"{PART}old", (time.time() - PART_SECONDS - 60,) * 2)
    store.reconcile()
    assert all((folder / f"{PART}new").exists() for folder in folders)
    assert not any((folder / f"{PART}old").exists() for folder in folders)
    assert holds(store, "k0")


def test_the_folder_may_be_removed_at_any_time(store: Store) -> None:
    put(store, "k0")
    with store.lease("k0") as lease:
        lease.acquire(lambda _: True)
        subprocess.run(["rm", "-rf", str(store.directory)], check=True)
        assert store.get("k0") is None
        assert store.index.recent() == []
    put(store, "k1")
    assert holds(store, "k1")
    assert [record.key for record in store.index.recent()] == ["k1"]
    assert (store.directory.stat().st_mode & 0o777) == 0o700
    assert store.fault == ""
    with store.lease("k1") as lease:
        assert lease.acquire(lambda _: True)
        assert lease.fault == ""
    store = reopened(store)
    assert holds(store, "k1")


def test_another_accounts_folder_is_refused_in_words(tmp_path: Path) -> None:
    if os.getuid():
        pytest.skip("only root can give a folder away")
    (tmp_path / "theirs").mkdir(mode=0o700)
    os.chown(tmp_path / "theirs", 65534, 65534)
    with pytest.raises(CacheFault, match="belongs to another account"):
        Store(tmp_path / "theirs", ROOM)


@pytest.mark.parametrize("for_good", [False, True])
def test_any_write_may_fail(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, for_good: bool) -> None:
    disk = FailingWrite(monkeypatch, tmp_path)
    k = 0
    while True:
        disk.at(10**9, False)
        store = Store(tmp_path / str(k), ROOM)
        put(store, "before", 20_000)
        disk.at(k, for_good)
        put(store, "k1")
        put(store, "k2", 20_000)
        reached = disk.count > k
        assert all(holds(store, key) for key in ("before", "k1", "k2"))
        assert {record.key for record in store.index.recent()} == {"before", "k1", "k2"}
        disk.at(10**9, False)
        store.flush()
        assert store.fault == ""
        store = reopened(store)
        assert all(holds(store, key) for key in ("before", "k1", "k2"))
        assert {r.key: r.status for r in store.index.recent()} == dict.fromkeys(("before", "k1", "k2"), "finished")
        store.close()
        if not reached:
            break
        k += 1
    assert k >= 10


def test_a_full_disk_is_waited_for(tmp_path: Path) -> None:
    with mounted(tmp_path / "disk") as disk:
        store = Store(disk / "own", ROOM)
        put(store, "k0", 20_000)
        filler = fill(disk)
        for number in range(1, 4):
            put(store, f"k{number}", 20_000)
        assert all(holds(store, f"k{number}") for number in range(4))
        assert "the disk is full" in store.fault
        assert store.held[0] == 3
        store.flush()
        assert store.held[0] == 3
        filler.unlink()
        store.flush()
        assert (store.fault, store.held) == ("", (0, 0))
        store = reopened(store)
        assert all(holds(store, f"k{number}") for number in range(4))
        assert len(store.index.recent()) == 4
        store.close()


def test_a_store_opened_on_a_full_disk_works_from_memory(tmp_path: Path) -> None:
    with mounted(tmp_path / "disk") as disk:
        filler = fill(disk)
        store = Store(disk / "own", ROOM)
        put(store, "k0")
        assert holds(store, "k0")
        assert [record.key for record in store.index.recent()] == ["k0"]
        filler.unlink()
        store.flush()
        assert store.fault == ""
        store = reopened(store)
        assert holds(store, "k0")
        store.close()


def test_a_read_only_cache_is_read_and_listed(tmp_path: Path) -> None:
    with mounted(tmp_path / "disk") as disk:
        store = Store(disk / "own", ROOM)
        put(store, "k0")
        store.close()
        with read_only(disk):
            store = Store(disk / "own", ROOM)
            assert holds(store, "k0")
            assert store.fault == ""
            assert [record.key for record in store.index.recent()] == ["k0"]
            put(store, "k1")
            assert holds(store, "k1")
            assert "read-only" in store.fault
            store.close()


def test_no_descriptors_lose_nothing(store: Store) -> None:
    import resource

    put(store, "k0")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    taken = [os.open(os.devnull, os.O_RDONLY)]
    resource.setrlimit(resource.RLIMIT_NOFILE, (taken[0] + 1, hard))
    try:
        with contextlib.suppress(OSError):
            while True:
                taken.append(os.open(os.devnull, os.O_RDONLY))
        put(store, "k1")
        fault = store.fault
    finally:
        for descriptor in taken:
            os.close(descriptor)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert "descriptors" in fault
    store.flush()
    assert store.fault == ""
    store = reopened(store)
    assert holds(store, "k0")
    assert holds(store, "k1")


# Processes that are killed.


def test_forty_kills_while_writing_lose_nothing(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [sys.executable, Path(__file__).with_name("kills_while_writing.py"), tmp_path / "own"]
    subprocess.run(command, env=environment, check=True, timeout=120)
    done = [path.name.removeprefix("done-") for path in (tmp_path / "own").glob("done-*")]
    store = Store(tmp_path / "own", ROOM)
    store.reconcile()
    assert len(done) >= 40
    assert [number for number in done if not holds(store, f"k{number}")] == []
    listed = {record.key: record.status for record in store.index.recent()}
    assert [number for number in done if listed.get(f"k{number}") != "finished"] == []
    store.close()


# The server.


@pytest.mark.usefixtures("cold")
def test_a_server_on_a_full_disk_computes_says_so_and_writes_later(
    tmp_path: Path, config: Callable[..., ToyConfig], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cache.service.KEEP_EVERY", 0.2)
    with mounted(tmp_path / "disk") as disk, CachedEngine(Store(disk / "own", ROOM)) as engine:
        filler = fill(disk)
        job = engine.wait(engine.request("steady", config(number=1), "me"), 30)
        assert job.state == "finished"
        assert engine.lookup("steady", config(number=1)) is not None
        assert "the disk is full" in engine.trouble()
        assert "are held in memory" in engine.trouble()
        monkeypatch.setattr(memory, "UNSAVED_LIMIT", 10)
        refused = engine.request("steady", config(number=2), "me")
        assert refused.state == "failed"
        assert refused.error is not None
        assert refused.error.reason == "disk"
        assert "the disk is full" in refused.error.message
        filler.unlink()
        deadline = time.monotonic() + 10
        while engine.trouble() and time.monotonic() < deadline:
            time.sleep(0.1)
        assert engine.trouble() == ""
        assert engine.wait(engine.request("steady", config(number=2), "me"), 30).state == "finished"
        assert Store(disk / "own", ROOM).get(job.key) is not None


def test_nothing_is_evicted_while_the_disk_is_in_doubt(tmp_path: Path) -> None:
    store = Store(tmp_path / "small", size_limit=3_000_000)
    for key in ("k0", "k1"):
        put(store, key, 150_000)
    store.failed(OSError(5, "Input/output error"))
    put(store, "k2", 150_000)
    assert all(store.has(key) for key in ("k0", "k1", "k2"))
    store.flush()
    put(store, "k3", 10)
    assert not store.has("k0")


def test_what_can_never_be_written_keeps_nothing_else_in_memory(store: Store) -> None:
    put(store, "k0")
    (store.directory / "runs" / "a0").write_text("a file where a folder should be")
    put(store, "a0")
    store._unsaved.hold(memory.Held("k1", "result", entries("k1")["result"], store.index.get("k0")))
    store.flush()
    assert store.fault != ""
    assert store.held[0] == 1
    assert holds(reopened(store), "k1")
