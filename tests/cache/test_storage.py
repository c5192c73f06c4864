import contextlib
import logging
import pickle
import resource
import sqlite3
import stat
from collections.abc import Iterator
from pathlib import Path

import diskcache
import numpy as np
import pytest

from cache import Store, location
from cache.archive import address, encode
from cache.bytes_disk import BytesDisk, UnsafeEntryError

Row = tuple[str, int, bytes | None, str | None]


class Bomb:
    """Unpickling it writes a file."""

    def __init__(self, path: Path):
        self.path = path

    def __reduce__(self) -> tuple:
        return Path.touch, (self.path,)


def encoded(key: str, size: int = 10, name: str = "result") -> dict[str, bytes]:
    return {name: encode({"x": np.zeros(size)}, address(key, name))}


def change(store: Store, statement: str, *values: object) -> None:
    """Behind the store's back."""
    with contextlib.closing(sqlite3.connect(store.directory / "results" / "cache.db")) as database:
        database.execute(statement, values)
        database.commit()


def value_files(store: Store) -> list[Path]:
    return list((store.directory / "results").rglob("*.val"))


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Store]:
    """Room for two or three megabytes."""
    store = Store(tmp_path / "small", size_limit=3_000_000)
    yield store
    store.close()


def test_round_trip_survives_reopening(store: Store) -> None:
    assert store.put("k", encoded("k", 5)) == []
    store.close()
    again = Store(store.directory, store.size_limit)
    arrays = again.get("k")
    assert arrays is not None
    np.testing.assert_array_equal(arrays["x"], np.zeros(5))
    assert again.get("k", "parameters") is None
    assert again.get("other") is None


def test_directory_is_private(store: Store) -> None:
    for path in (store.directory, store.directory / "results"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700


def test_location_and_limit_come_from_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("KERNEL_DRIFT_CACHE", str(tmp_path / "here"))
    monkeypatch.setenv("KERNEL_DRIFT_CACHE_GB", "0.5")
    store = Store()
    assert store.directory == tmp_path / "here"
    assert store.size_limit == 500_000_000
    store.close()


@pytest.mark.parametrize("given", ["0", "-3", "many", "nan", "inf"])
def test_a_senseless_limit_is_explained(monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    monkeypatch.setenv("KERNEL_DRIFT_CACHE_GB", given)
    with pytest.raises(ValueError, match="positive number of gigabytes"):
        location.size_limit()


def test_pickles_are_refused_both_ways(tmp_path: Path) -> None:
    plain = diskcache.Cache(str(tmp_path / "pickles"))
    plain["small"] = Bomb(tmp_path / "small went off")
    plain["large"] = [Bomb(tmp_path / "large went off"), "x" * 100_000]
    plain.close()
    cache = diskcache.Cache(str(tmp_path / "pickles"), disk=BytesDisk)
    for key in ("small", "large"):
        with pytest.raises(UnsafeEntryError, match="refused"):
            cache.get(key)
    with pytest.raises(TypeError, match="bytes, text or a number"):
        cache["new"] = {"a": 1}
    with pytest.raises(TypeError, match="key is text"):
        cache[("a", 1)] = b""
    cache.close()
    assert not list(tmp_path.glob("*went off"))


def test_a_pickle_put_in_place_of_an_entry_is_dropped(
    store: Store, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store.put("k", encoded("k"))
    bomb = pickle.dumps(Bomb(tmp_path / "went off"))
    change(store, "UPDATE Cache SET mode = 4, filename = NULL, value = ? WHERE key = 'entry/k/result'", bomb)
    assert store.get("k") is None
    assert not (tmp_path / "went off").exists()
    assert "refused to unpickle" in caplog.text
    assert not store.has("k")


def test_a_pickled_key_throws_the_database_away(store: Store, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    store.put("k", encoded("k"))
    change(store, "INSERT INTO Cache (key, raw) VALUES (?, 0)", pickle.dumps(Bomb(tmp_path / "went off")))
    store.close()
    again = Store(store.directory, store.size_limit)
    assert again.get("k") is None
    assert "starting an empty one" in caplog.text
    assert not (tmp_path / "went off").exists()
    again.close()


@pytest.mark.parametrize("size", [10, 100_000])
@pytest.mark.parametrize("damage", ["truncate", "flip", "empty", "delete"])
def test_damaged_entries_are_dropped_and_logged(
    store: Store, size: int, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    store.put("k", encoded("k", size))
    good = encoded("k", size)["result"]
    half = len(good) // 2
    flipped = good[:half] + bytes([good[half] ^ 255]) + good[half + 1 :]
    bad = {"truncate": good[:half], "flip": flipped, "empty": b"", "delete": None}[damage]
    files = value_files(store)
    if not files:  # small values lie in the database
        change(store, "UPDATE Cache SET value = ? WHERE key = 'entry/k/result'", bad)
    elif bad is None:
        files[0].unlink()
    else:
        files[0].write_bytes(bad)
    assert store.get("k") is None
    if damage != "delete":
        assert "dropped a damaged entry" in caplog.text
        assert caplog.records[0].name == "kernel_drift.cache"
        assert not store.has("k")
    assert store.put("k", encoded("k", size)) == []
    assert store.get("k") is not None


def test_a_damaged_database_is_replaced(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    store.put("k", encoded("k"))
    store.close()
    for file in (store.directory / "results").glob("cache.db*"):
        file.write_bytes(b"not a database " * 1000)
    again = Store(store.directory, store.size_limit)
    assert "is damaged" in caplog.text
    assert again.put("k", encoded("k")) == []
    again.close()


def test_the_least_recently_used_is_evicted_first(small: Store, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    for key in ("a", "b"):
        small.put(key, encoded(key, 150_000))  # 1.2 MB
    assert small.get("a") is not None
    small.put("c", encoded("c", 150_000))
    assert [key for key in "abc" if small.has(key)] == ["a", "c"]
    assert small.volume() <= small.size_limit
    assert "evicted b/result" in caplog.text


def test_pinned_runs_stay_until_unpinned(small: Store) -> None:
    for key in ("a", "b"):
        small.put(key, encoded(key, 150_000))
    small.pin("a")
    assert small.pinned() == {"a"}
    small.put("c", encoded("c", 150_000))
    assert [key for key in "abc" if small.has(key)] == ["a", "c"]
    small.unpin("a")
    small.put("d", encoded("d", 150_000))
    assert [key for key in "acd" if small.has(key)] == ["c", "d"]


def test_pins_that_fill_the_cache_leave_no_room(small: Store, caplog: pytest.LogCaptureFixture) -> None:
    for key in ("a", "b"):
        small.put(key, encoded(key, 150_000))
        small.pin(key)
    assert small.put("c", encoded("c", 150_000)) == ["result"]
    assert small.has("a")
    assert small.has("b")


def test_an_entry_larger_than_the_cache_is_not_stored(small: Store, caplog: pytest.LogCaptureFixture) -> None:
    small.put("a", encoded("a"))
    missing = small.put("k", {**encoded("k"), **encoded("k", 500_000, "parameters")})
    assert missing == ["parameters"]
    assert small.has("a")
    assert small.get("k") is not None
    assert "more than the whole cache" in caplog.text


def test_a_full_disk_is_survived_and_leaves_nothing_behind(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    store.put("before", encoded("before"))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, hard))  # writing beyond fails, as on a full disk
    try:
        missing = store.put("k", encoded("k", 1_000_000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert missing == ["result"]
    assert "could not store k/result" in caplog.text
    assert value_files(store) == []
    assert store.get("before") is not None


def test_a_place_that_cannot_be_a_directory_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="irectory"):
        Store(tmp_path / "file" / "below")


def test_only_the_entry_asked_for_is_read(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    store.put("k", {**encoded("k", 10_000), **encoded("k", 20_000, "parameters")})
    read: list[int] = []
    original = Path.read_bytes
    monkeypatch.setattr(Path, "read_bytes", lambda path: read.append(path.stat().st_size) or original(path))
    assert store.get("k") is not None
    assert len(read) == 1
    assert read[0] < 100_000
