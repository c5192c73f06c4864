"""The table beside the files of the runs goes wrong: it is made again from them, and nothing is evicted on its word."""

import contextlib
import os
import sqlite3
import time
from pathlib import Path

import pytest
from toy_jobs import ToyConfig
from toy_store import ROOM, database, holds, put, reopened

from cache import Store, cached_compute
from cache.listing import RunFilter
from cache.run_folders import RunFolders

pytestmark = pytest.mark.whole

SIZES = (10, 20_000)


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
    assert [run.record.key for run in again.index.listed(RunFilter(kept=True), -1)] == ["k0"]
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


def test_what_is_deleted_while_the_table_is_locked_does_not_come_back(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cache.run_table.PATIENCE", 0.02)
    put(store, "k0")
    store = reopened(store)
    with locked(database(store)):
        store.remove("k0")
        assert store.index.listed(RunFilter(), -1) == []
    store.flush()
    assert store.fault == ""
    assert store.index.listed(RunFilter(), -1) == []
    assert store.volume() == 0
    store.close()


def test_a_pin_of_nothing_is_not_listed(store: Store) -> None:
    store.pin("abc")
    assert (store.index.how_many(RunFilter(kept=True)), store.index.listed(RunFilter(kept=True), -1)) == (0, [])
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
