"""A cache written by the version before run folders (tests/data/old-layout.tar.gz) is brought over whole."""

import contextlib
import shutil
import sqlite3
import tarfile
from pathlib import Path

import numpy as np
import pytest
from disks import FailingWrite, fill, mounted, read_only

from cache import Store
from cache.listing import RunFilter
from engine import jobs
from engine.config import RunConfig
from engine.cost import CalibrationConfig

ARCHIVE = Path(__file__).parents[1] / "data" / "old-layout.tar.gz"
PRUNED = [f"{number:064x}" for number in range(2)]
"""Keys of entries whose records the old version had dropped."""


def config(seed: int) -> RunConfig:
    return RunConfig.from_dict({"data": {"name": "circle"}, "seeds": [seed]})


def run_key(seed: int) -> str:
    """As the old version made it, whatever version the numbers have now."""
    return jobs.key_of("run", config(seed).canonical(), version=5)


CALIBRATION = jobs.key_of("calibration", CalibrationConfig(device="CPU: test").canonical(), version=5)


def unpacked(place: Path) -> Path:
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(place, filter="data")
    return place / "cache"


def opened(place: Path) -> Store:
    return Store(place / "store-0", size_limit=100_000_000)


def assert_whole(store: Store) -> None:
    for seed in range(3):
        result, parameters = store.get(run_key(seed)), store.get(run_key(seed), "parameters")
        assert result is not None
        assert parameters is not None
        np.testing.assert_array_equal(result["x"], np.arange(20_000.0) + seed)
        np.testing.assert_array_equal(parameters["p"], np.arange(10.0) * seed)
    for number, key in enumerate(PRUNED):
        result = store.get(key)
        assert result is not None
        np.testing.assert_array_equal(result["x"], np.full(5 + number * 10_000, number))
    calibration = store.get(CALIBRATION)
    assert calibration is not None
    assert calibration["flops"] == 1e9


def test_every_entry_record_and_pin_is_brought_over(tmp_path: Path) -> None:
    place = unpacked(tmp_path)
    store = opened(place)
    assert store.fault == ""
    assert_whole(store)
    records = {record.key: record for record in store.index.recent()}
    assert [records[run_key(seed)].status for seed in (0, 7, 8)] == ["finished", "unfinished", "failed"]
    assert records[run_key(8)].error == "It failed."
    assert records[run_key(2)].seconds == 3.5
    assert RunConfig.from_dict(dict(records[run_key(1)].values)) == config(1)
    assert len(records) == 6
    keys = [run_key(seed) for seed in (0, 1, 2)] + PRUNED
    assert [store.pinned(key) for key in keys] == [False, True, False, False, True]
    store.close()
    # Once more, from the files alone.
    for file in store.directory.glob("index-2.db*"):
        file.unlink()
    again = opened(place)
    assert_whole(again)
    assert {record.key for record in again.index.recent()} == set(records)
    assert {run.record.key for run in again.index.listed(RunFilter(kept=True), -1)} == {run_key(1)}
    again.close()


def test_nothing_is_kept_twice_and_nothing_removed_that_is_not_held(tmp_path: Path) -> None:
    place = unpacked(tmp_path)
    assert len(list((place / "results").rglob("*.val"))) == 4
    opened(place).close()
    assert not list((place / "results").rglob("*.val"))
    assert (place / "results" / "cache.db").exists()
    store = opened(place)
    assert_whole(store)
    store.close()


def test_a_file_that_cannot_be_shared_is_copied_and_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = unpacked(tmp_path)

    def refuse(*_: object) -> None:
        raise OSError(1, "no links here")

    monkeypatch.setattr("os.link", refuse)
    store = opened(place)
    assert_whole(store)
    assert len(list((place / "results").rglob("*.val"))) == 4
    store.close()


@pytest.mark.parametrize("for_good", [False, True])
@pytest.mark.parametrize("stride", [11, pytest.param(1, marks=pytest.mark.long)])
def test_interrupted_at_any_write_it_is_read_where_it_is_and_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, for_good: bool, stride: int
) -> None:
    disk = FailingWrite(monkeypatch, tmp_path)
    k = 0
    while True:
        place = unpacked(tmp_path / str(k))
        disk.at(k, for_good)
        store = opened(place)
        assert_whole(store)
        reached = disk.count > k
        disk.at(10**9, False)
        store.close()
        again = opened(place)
        assert again.fault == ""
        assert_whole(again)
        assert {key for key in (*PRUNED, run_key(0), run_key(1)) if again.pinned(key)} == {run_key(1), PRUNED[1]}
        again.close()
        shutil.rmtree(tmp_path / str(k))
        if not reached:
            break
        k += stride
    assert k > 20


def test_a_foreign_key_is_left_where_it_is(tmp_path: Path) -> None:
    place = unpacked(tmp_path)
    with contextlib.closing(sqlite3.connect(place / "results" / "cache.db")) as database:
        database.execute(
            "INSERT INTO Cache (key, raw, mode, value) VALUES (?, 0, 4, ?)", (b"\x80\x04N.", b"\x80\x04N.")
        )
        database.execute("INSERT INTO Cache (key, raw, mode, value) VALUES ('entry/../../x/y', 1, 1, ?)", (b"evil",))
        database.execute("UPDATE Cache SET mode = 4 WHERE key = ?", (f"entry/{PRUNED[0]}/result",))
        database.commit()
    store = opened(place)
    assert store.fault == ""
    assert store.get(run_key(0)) is not None
    assert store.get(PRUNED[0]) is None
    assert not list(tmp_path.rglob("x"))
    store.close()


def test_a_damaged_database_is_left_alone_and_said(tmp_path: Path) -> None:
    place = unpacked(tmp_path)
    (place / "results" / "cache.db").write_bytes(b"not a database " * 1000)
    store = opened(place)
    assert "not a database" in store.fault
    assert len(list((place / "results").rglob("*.val"))) == 4
    store.close()


def test_a_full_disk_loses_nothing(tmp_path: Path) -> None:
    with mounted(tmp_path / "disk") as disk:
        place = unpacked(disk)
        filler = fill(disk)
        store = opened(place)
        assert "the disk is full" in store.fault
        assert_whole(store)
        store.close()
        filler.unlink()
        store = opened(place)
        assert store.fault == ""
        assert_whole(store)
        assert (store.directory / "brought-over.json").exists()
        store.close()


def test_a_read_only_disk_can_be_read(tmp_path: Path) -> None:
    with mounted(tmp_path / "disk") as disk:
        place = unpacked(disk)
        with read_only(disk):
            store = opened(place)
            assert "read-only" in store.fault
            assert_whole(store)
            store.close()
