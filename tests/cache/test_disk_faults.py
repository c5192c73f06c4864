"""Disks and databases that go wrong at every place where they can: no finished result is lost."""

import contextlib
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from disks import FailingWrite, fill, mounted, read_only, read_only_over
from toy_jobs import ToyConfig

from cache import CachedEngine, CacheFault, Store, cached_compute, memory
from cache.archive import address, encode
from cache.run_folders import PART, PART_SECONDS, RunFolders

pytestmark = pytest.mark.whole

ROOM = 100_000_000
SIZES = (10, 20_000)


def entries(key: str, size: int = 10) -> dict[str, bytes]:
    return {"result": encode({"x": np.full(size, float(int(key, 36)))}, address(key, "result"))}


def put(store: Store, key: str, size: int = 10) -> None:
    """As the engine does: asked for, computed, kept, settled."""
    record = store.index.add(key, "steady", ToyConfig(number=int(key, 36)))
    assert store.put(key, entries(key, size), record) == []
    store.index.settle(key, "finished", seconds=1.0, entries=("result",))


def holds(store: Store, key: str) -> bool:
    found = store.get(key)
    return found is not None and bool((found["x"] == float(int(key, 36))).all())


def reopened(store: Store) -> Store:
    store.close()
    return Store(store.directory, ROOM)


def database(store: Store) -> Path:
    return store.directory / "index-2.db"


# The database.


@pytest.mark.parametrize("damage", ["garbage", "cut", "emptied", "foreign rows", "foreign layout", "no tables", "gone"])
def test_a_database_that_is_no_good_is_made_again_from_the_files(store: Store, damage: str) -> None:
    for number, size in enumerate(SIZES):
        put(store, f"k{number}", size)
    store.pin("k0")
    store.index.add("asked", "steady", ToyConfig(number=3))
    store.close()
    file = database(store)
    for journal in store.directory.glob("index-2.db-*"):
        journal.unlink()
    if damage == "garbage":
        file.write_bytes(b"not a database " * 1000)
    elif damage == "cut":
        os.truncate(file, file.stat().st_size // 2 // 4096 * 4096)
    elif damage == "emptied":
        file.write_bytes(b"")
    elif damage == "gone":
        file.unlink()
    else:
        statements = {
            "foreign rows": ["INSERT INTO runs VALUES (x'8004', NULL, 3, 'never', 'big', 'yes')", "DELETE FROM total"],
            "foreign layout": ["PRAGMA user_version = 99"],
            "no tables": ["DROP TABLE runs", "DROP TABLE entries"],
        }[damage]
        with contextlib.closing(sqlite3.connect(file)) as opened:
            for statement in statements:
                opened.execute(statement)
            opened.commit()
    again = Store(store.directory, ROOM)
    again.reconcile()
    assert all(holds(again, f"k{number}") for number in range(len(SIZES)))
    assert again.pinned("k0")
    assert {record.key for record in again.index.recent()} == {"k0", "k1", "asked"}
    assert [record.key for record in again.index.recent(pinned=True)] == ["k0"]
    put(again, "k2")
    assert holds(again, "k2")
    assert again.fault == ""
    again.close()
    if damage in ("garbage", "cut", "foreign layout", "no tables"):
        assert list(store.directory.glob("index-2-damaged-*")), "kept, not deleted"


def test_rows_that_were_lost_come_back(store: Store) -> None:
    put(store, "k0")
    with contextlib.closing(sqlite3.connect(database(store))) as opened:
        opened.execute("DELETE FROM runs")
        opened.commit()
    assert store.index.recent() == []
    store.reconcile()
    assert [record.key for record in store.index.recent()] == ["k0"]


@contextlib.contextmanager
def locked(file: Path):
    with contextlib.closing(sqlite3.connect(file, isolation_level=None)) as holder:
        holder.execute("BEGIN EXCLUSIVE")
        yield
        holder.execute("ROLLBACK")


def test_a_lock_that_another_process_holds_loses_nothing(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cache.run_table.PATIENCE", 0.2)
    put(store, "k0")
    with store.lease("k0") as lease:
        lease.acquire(lambda _: True)
    store = reopened(store)
    with locked(database(store)), locked(store.directory / "leases" / "cache.db"):
        assert holds(store, "k0")
        began = time.monotonic()
        put(store, "k1")
        assert holds(store, "k1")
        assert "another process holds its lock" in store.fault
        arrays = cached_compute(store, "steady", ToyConfig(number=5))
        assert arrays["squares"][0] == 5
        assert time.monotonic() - began < 15
        assert [record.key for record in store.index.recent()][-1] == "k0"
    store.flush()
    assert store.fault == ""
    store = reopened(store)
    assert {"k0", "k1"} < {record.key for record in store.index.recent()}
    store.close()


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
    folder = RunFolders(store.directory).entry("k0", "result").parent
    new, old = folder / f"{PART}new", folder / f"{PART}old"
    for part in (new, old):
        part.write_bytes(b"half")
    os.utime(old, (time.time() - PART_SECONDS - 60,) * 2)
    store.reconcile()
    assert new.exists()
    assert not old.exists()
    assert holds(store, "k0")


def test_a_complete_entry_without_a_row_is_listed_again(store: Store) -> None:
    put(store, "k0")
    (RunFolders(store.directory).entry("k0", "result").with_name("run.json")).unlink()
    with contextlib.closing(sqlite3.connect(database(store))) as opened:
        opened.execute("DELETE FROM runs")
        opened.execute("DELETE FROM entries")
        opened.commit()
    store.reconcile()
    (record,) = store.index.recent()
    assert (record.status, record.kind, record.values["number"]) == ("finished", "steady", int("k0", 36))


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


def test_eviction_trusts_the_files_not_the_table(tmp_path: Path) -> None:
    store = Store(tmp_path / "small", size_limit=3_000_000)
    for key in ("k0", "k1"):
        put(store, key, 150_000)
    store.pin("k0")
    with contextlib.closing(sqlite3.connect(database(store))) as opened:
        opened.execute("UPDATE runs SET pinned = 0")
        opened.commit()
    put(store, "k2", 150_000)
    assert [key for key in ("k0", "k1", "k2") if store.has(key)] == ["k0", "k2"]
    store.close()


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


def test_a_pin_of_nothing_is_not_listed(store: Store) -> None:
    store.pin("abc")
    assert (store.index.count(pinned=True), store.index.recent(pinned=True)) == (0, [])
    store.close()


@pytest.mark.parametrize(
    "wrong",
    [
        "UPDATE total SET size = 1000000000000",
        "INSERT INTO entries VALUES ('foreign', 'result', 1000000000000, 0)",
        "UPDATE entries SET size = 1000000000000 WHERE key = 'k2'",
        "UPDATE runs SET size = 1000000000000 WHERE key = 'k2'",
    ],
)
def test_a_table_that_is_wrong_about_the_room_evicts_nothing(store: Store, wrong: str) -> None:
    for key in ("k0", "k1", "k2"):
        put(store, key)
    with contextlib.closing(sqlite3.connect(database(store))) as opened:
        opened.execute(wrong)
        opened.commit()
    put(store, "k3")
    assert all(holds(store, key) for key in ("k0", "k1", "k2", "k3"))
    assert store.volume() < ROOM


def test_an_entry_without_a_row_is_counted_again(store: Store) -> None:
    put(store, "k0")
    before = store.volume()
    entry = RunFolders(store.directory).entry("k0", "parameters")
    entry.write_bytes(b"complete" * 1000)
    store.reconcile()
    assert store.volume() == before + 8000


def test_what_can_never_be_written_keeps_nothing_else_in_memory(store: Store) -> None:
    put(store, "k0")
    (store.directory / "runs" / "a0").write_text("a file where a folder should be")
    put(store, "a0")
    store._unsaved.hold(memory.Held("k1", "result", entries("k1")["result"], store.index.get("k0")))
    store.flush()
    assert store.fault != ""
    assert store.held[0] == 1
    assert holds(reopened(store), "k1")


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
