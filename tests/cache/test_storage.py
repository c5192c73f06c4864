import logging
import os
import pickle
import resource
import stat
from collections.abc import Iterator
from pathlib import Path

import diskcache
import numpy as np
import pytest

from cache import CacheFault, Store, location
from cache.archive import BytesDisk, UnsafeEntryError, address, encode
from cache.run_folders import RunFolders


class Bomb:
    """Unpickling it writes a file."""

    def __init__(self, path: Path):
        self.path = path

    def __reduce__(self) -> tuple:
        return Path.touch, (self.path,)


def encoded(key: str, size: int = 10, name: str = "result") -> dict[str, bytes]:
    return {name: encode({"x": np.zeros(size)}, address(key, name))}


def entry_file(store: Store, key: str = "k", name: str = "result") -> Path:
    return RunFolders(store.directory).entry(key, name)


def aside(store: Store) -> list[str]:
    folder = store.directory / "aside"
    return [path.name for path in folder.iterdir()] if folder.exists() else []


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
    store.put("k", encoded("k"))
    with store.lease("k") as lease:
        lease.acquire(lambda _: True)
    for path in (store.directory, store.directory / "leases"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700


def test_a_folder_that_others_share_keeps_its_mode(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    tmp_path.chmod(0o2775)
    monkeypatch.setenv("KERNEL_DRIFT_CACHE", str(tmp_path))
    store = Store()
    store.put("k", encoded("k"))
    store.close()
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o2775
    assert stat.S_IMODE(store.directory.stat().st_mode) & 0o777 == 0o700


def test_location_and_limit_come_from_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("KERNEL_DRIFT_CACHE", str(tmp_path / "here"))
    monkeypatch.setenv("KERNEL_DRIFT_CACHE_GB", "0.5")
    store = Store()
    assert store.directory == tmp_path / "here" / f"store-{os.getuid()}"
    assert store.size_limit == 500_000_000
    store.close()


@pytest.mark.parametrize("given", ["0", "-3", "many", "nan", "inf", "1e300"])
def test_a_senseless_limit_is_explained(monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    monkeypatch.setenv("KERNEL_DRIFT_CACHE_GB", given)
    with pytest.raises(CacheFault, match="positive number of gigabytes"):
        location.size_limit()


@pytest.mark.parametrize("given", ["~nobody-of-this-name/x", "{here}/loop/x"])
def test_a_place_that_is_none_is_explained(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, given: str) -> None:
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    monkeypatch.setenv("KERNEL_DRIFT_CACHE", given.format(here=tmp_path))
    with pytest.raises(CacheFault, match="KERNEL_DRIFT_CACHE"):
        Store()


@pytest.mark.skipif(os.getuid() != 0, reason="a link of another account's needs root")
def test_a_link_that_another_account_made_is_not_followed(tmp_path: Path) -> None:
    ours, link = tmp_path / "ours", tmp_path / "store"
    ours.mkdir(mode=0o755)
    link.symlink_to(ours)
    os.lchown(link, 12345, 12345)
    with pytest.raises(CacheFault, match="another account"):
        Store(link)
    assert ours.stat().st_mode & 0o777 == 0o755


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


def test_a_pickle_put_in_place_of_an_entry_is_set_aside(store: Store, tmp_path: Path) -> None:
    store.put("k", encoded("k"))
    entry_file(store).write_bytes(pickle.dumps(Bomb(tmp_path / "went off")))
    assert store.get("k") is None
    assert not (tmp_path / "went off").exists()
    assert len(aside(store)) == 1
    assert not store.has("k")


@pytest.mark.parametrize("size", [10, 100_000])
@pytest.mark.parametrize("damage", ["truncate", "flip", "empty", "delete", "label", "moved"])
def test_damaged_entries_are_set_aside_alone(
    store: Store, size: int, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    store.put("k", encoded("k", size))
    store.put("other", encoded("other", size))
    file = entry_file(store)
    good = file.read_bytes()
    half = len(good) // 2
    bad = {
        "truncate": good[:half],
        "flip": good[:half] + bytes([good[half] ^ 255]) + good[half + 1 :],
        "empty": b"",
        "label": good[:15] + b"\xff" * 8 + good[23:],
        "moved": entry_file(store, "other").read_bytes(),
    }
    file.unlink() if damage == "delete" else file.write_bytes(bad[damage])
    assert store.get("k") is None
    if damage != "delete":
        assert "set a damaged entry aside" in caplog.text
        assert caplog.records[0].name == "kernel_drift.cache"
        assert len(aside(store)) == 1
    assert not store.has("k")
    assert store.put("k", encoded("k", size)) == []
    assert store.get("k") is not None
    assert store.get("other") is not None


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
    assert small.pinned("a")
    assert not small.pinned("b")
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
    assert missing == []
    assert "larger than this process may write" in store.fault
    assert not entry_file(store).exists()
    assert not list(store.directory.rglob(".part-*"))
    assert store.get("k") is not None, "held in memory"
    store.flush()
    assert store.fault == ""
    assert entry_file(store).exists()
    assert store.get("before") is not None


def test_a_place_that_cannot_be_a_directory_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CacheFault, match="is not a folder: KERNEL_DRIFT_CACHE names"):
        Store(tmp_path / "file" / "below")


def test_only_the_entry_asked_for_is_read(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    store.put("k", {**encoded("k", 10_000), **encoded("k", 20_000, "parameters")})
    read: list[int] = []
    original = Path.read_bytes
    monkeypatch.setattr(Path, "read_bytes", lambda path: read.append(path.stat().st_size) or original(path))
    assert store.get("k") is not None
    assert len(read) == 1
    assert read[0] < 100_000
