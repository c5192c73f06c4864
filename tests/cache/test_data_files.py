"""Files of points in the cache: kept once, found by digest, never deleted while a record names them."""

import io
import json
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cache import CachedEngine, CacheFault, Store
from cache.archive import address, encode
from cache.backup import backup, restore
from cache.data_files import UNNAMED_SECONDS
from cache.task import Task
from engine import jobs
from engine.config import RunConfig
from engine.data import contents, csv_file, generate
from engine.data.file import taken_in
from engine.regimes.config import SweepConfig

DAY = UNNAMED_SECONDS
Made = Callable[..., bytes]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with closing(Store(tmp_path / "cache", 10_000_000)) as opened:
        yield opened


def content_of(seed: int, size: int = 20) -> bytes:
    """Each seed is of one test alone: a process holds what it was given, and asks every store that still lives."""
    buffer, draw = io.BytesIO(), np.random.default_rng([17, seed])
    np.savez(buffer, x=draw.normal(size=(size, 3)), y=draw.normal(size=size))
    return buffer.getvalue()


def table_of(seed: int, size: int = 20) -> bytes:
    """The same numbers as text."""
    draw = np.random.default_rng([17, seed])
    return "\n".join(["a,b,c", *(",".join(map(str, row)) for row in draw.normal(size=(size, 3)))]).encode()


OF_EITHER = pytest.mark.parametrize("made", [content_of, table_of], ids=["points", "table"])


def run_on(content: bytes, name: str = "mine.npz") -> RunConfig:
    """Nothing but the store has the bytes."""
    if not content.startswith(b"PK"):
        return RunConfig.from_dict({"data": {"name": "csv", "source": csv_file.taken_in(name, content)[0].to_dict()}})
    return RunConfig.from_dict({"data": {"name": "file", "source": taken_in([(name, content)]).source.to_dict()}})


def finish(store: Store, key: str, config: Any) -> None:
    record = store.index.add(key, "run", config)
    store.put(key, {"result": encode({"a": np.zeros(5)}, address(key, "result"))}, record)
    store.index.settle(key, "finished", entries=("result",))


def grow_old(store: Store, seconds: float = 2 * DAY) -> None:
    for file in store.directory.glob("files/*/*"):
        os.utime(file, (time.time() - seconds,) * 2)


def kept(store: Store) -> set[str]:
    return {file.name for file in store.directory.glob("files/*/*") if len(file.name) == 64}


@OF_EITHER
def test_the_data_of_a_config_come_from_the_store(store: Store, made: Made) -> None:
    content = made(1)
    run = run_on(content)
    assert run.data.lacking
    assert store.files.take(content, "mine.npz") == "mine.npz"
    assert not run.data.lacking
    assert len(generate(run.data).x_train) == 15


def test_equal_bytes_are_kept_once_under_their_first_name(store: Store) -> None:
    content = content_of(2)
    assert store.files.take(content, "first.npz") == "first.npz"
    before = store.files.volume()
    assert store.files.take(content, "second.npz") == "first.npz"
    assert store.files.volume() == before == len(content)
    assert kept(store) == {contents.digest_of(content)}


def test_only_this_account_reads_them(store: Store) -> None:
    store.files.take(content_of(3), "a.npz")
    assert store.directory.stat().st_mode & 0o077 == 0


@OF_EITHER
def test_what_a_record_names_stays_and_the_rest_goes_after_a_day(store: Store, made: Made) -> None:
    used, unused, swept, fresh = (made(seed) for seed in (4, 5, 6, 7))
    for content in (used, unused, swept):
        store.files.take(content, "a.npz")
    finish(store, "a" * 64, run_on(used))
    sweep = SweepConfig.from_dict({"base": run_on(swept).to_dict(), "grid": {"network.width": [8, 16]}})
    store.index.add("b" * 64, "sweep", sweep)
    grow_old(store)
    store.files.take(fresh, "a.npz")
    assert store.files.remove_unnamed() == 1
    assert kept(store) == {contents.digest_of(content) for content in (used, swept, fresh)}
    store.remove("a" * 64)
    grow_old(store)
    store.reconcile()
    assert kept(store) == {contents.digest_of(swept)}


def test_a_server_tidies_once_a_day(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now)
    store.files.take(content_of(30), "a.npz")
    grow_old(store)
    store.files.tidy()  # it began today
    assert len(kept(store)) == 1
    now += DAY
    store.files.tidy()
    assert kept(store) == set()


@OF_EITHER
def test_a_file_goes_with_its_last_result_and_not_before(store: Store, made: Made) -> None:
    content = made(8)
    store.files.take(content, "a.npz")
    for key in ("a" * 64, "b" * 64):
        finish(store, key, run_on(content))
    for key, left in (("a" * 64, 0), ("b" * 64, 1)):
        store.remove(key)
        grow_old(store)
        assert store.files.remove_unnamed() == left


@OF_EITHER
def test_results_are_evicted_and_their_data_stay(tmp_path: Path, made: Made) -> None:
    with closing(Store(tmp_path / "small", 200_000)) as store:
        content = made(9)
        store.files.take(content, "a.npz")
        for number in range(6):
            record = store.index.add(f"{number}" * 64, "run", run_on(content).model_copy(update={"seeds": (number,)}))
            data = encode({"a": np.zeros(6_000)}, address(record.key, "result"))
            store.put(record.key, {"result": data}, record)
            grow_old(store)
        assert not store.has("0" * 64)
        assert store.volume() <= 200_000
        store.files.remove_unnamed()
        assert kept(store) == {contents.digest_of(content)}


def test_a_record_that_cannot_be_read_deletes_nothing(store: Store) -> None:
    content = content_of(10)
    store.files.take(content, "a.npz")
    finish(store, "c" * 64, run_on(content_of(11)))
    folder = store.directory / "runs" / "cc" / ("c" * 64)
    (folder / "run.json").write_text("no record")
    (folder / "result.entry").write_bytes(b"nor a label")
    grow_old(store)
    assert store.files.remove_unnamed() == 0
    assert kept(store) == {contents.digest_of(content)}


def test_the_label_of_a_result_names_its_data_too(store: Store) -> None:
    content = content_of(12)
    store.files.take(content, "a.npz")
    finish(store, "d" * 64, run_on(content))
    (store.directory / "runs" / "dd" / ("d" * 64) / "run.json").unlink()
    grow_old(store)
    assert store.files.remove_unnamed() == 0


def test_a_file_that_was_damaged_is_set_aside(store: Store) -> None:
    content = content_of(13)
    store.files.take(content, "a.npz")
    digest = contents.digest_of(content)
    (store.directory / "files" / digest[:2] / digest).write_bytes(content[:-1])
    assert store.files.find(digest) is None
    assert kept(store) == set()
    assert [file.read_bytes() for file in store.directory.glob("aside/*")] == [content[:-1]]
    store.files.take(content, "a.npz")
    assert store.files.find(digest) == content


@pytest.mark.parametrize("digest", ["../../runs", "", "a" * 300, "/etc/passwd"])
def test_no_other_file_is_found(store: Store, digest: str) -> None:
    assert store.files.find(digest) is None


def test_uploads_take_half_of_the_cache_at_most(tmp_path: Path) -> None:
    with closing(Store(tmp_path / "small", 4 * len(content_of(14)))) as store:
        store.files.take(content_of(14), "a.npz")
        store.files.take(content_of(15), "b.npz")
        with pytest.raises(CacheFault, match=r"files of points take .* MB that are for them: delete results"):
            store.files.take(content_of(16), "c.npz")
        assert store.files.take(content_of(15), "c.npz") == "b.npz"  # is there already
        grow_old(store, 7_200)  # unused for two hours: they make room
        store.files.take(content_of(16), "c.npz")
        assert kept(store) == {contents.digest_of(content_of(16))}


def test_a_person_brings_so_much_and_no_more(store: Store) -> None:
    contents_of_hers = [content_of(seed) for seed in (40, 41, 42)]
    size = len(contents_of_hers[0])
    hers = {"person": "ann@lab.example", "share": 2.5 * size}
    for content in contents_of_hers[:2]:
        store.files.take(content, "a.npz", **hers)
    with pytest.raises(CacheFault, match=r"files that you brought take .* MB that you may bring: delete results of y"):
        store.files.take(contents_of_hers[2], "a.npz", **hers)
    store.files.take(contents_of_hers[0], "again.npz", **hers)  # is there already
    store.files.take(contents_of_hers[2], "b.npz", "bob@lab.example", size)
    store.files.take(contents_of_hers[2], "a.npz", **hers)  # brought by another, and no part of hers
    assert store.files.brought_by("ann@lab.example") == 2 * size
    assert store.files.brought_by("bob@lab.example") == size
    finish(store, "a" * 64, run_on(contents_of_hers[0]))
    grow_old(store, 7_200)  # the other one is unused for two hours: it makes room
    store.files.take(content_of(43), "a.npz", **hers)
    assert store.files.brought_by("ann@lab.example") == 2 * size
    with pytest.raises(CacheFault, match="files that you brought"):
        store.files.take(content_of(44), "a.npz", **hers)


@pytest.mark.parametrize("damaged", [b"", b"{", b"[]", b'{"name": 1'])
def test_what_is_said_of_a_file_and_cannot_be_read_is_not_written_over(store: Store, damaged: bytes) -> None:
    """It may say whose the file is: a doubt is no permission."""
    content = content_of(201)
    store.files.take(content, "first.npz", "ann")
    (said,) = store.directory.glob("files/*/*.json")
    said.write_bytes(damaged)
    assert store.files.take(content, "second.npz", "bob") == "second.npz"
    assert said.read_bytes() == damaged
    assert store.files.brought_by("bob") == 0


def test_a_full_disk_loses_no_upload(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(store._folders, "write_file", full)
    content = content_of(17)
    assert store.files.take(content, "a.npz") == "a.npz"
    assert contents.find(contents.digest_of(content)) == content  # held in memory
    store.index.add("e" * 64, "run", run_on(content))
    assert "the disk is full" in store.fault
    monkeypatch.undo()
    store.index.add("e" * 64, "run", run_on(content))
    assert store.files.find(contents.digest_of(content)) == content


@OF_EITHER
def test_data_given_by_path_are_kept_with_the_run_that_names_them(store: Store, made: Made) -> None:
    content = made(19)
    contents.give(content)
    store.index.add("f" * 64, "run", run_on(content))
    assert kept(store) == {contents.digest_of(content)}
    assert json.loads(next(store.directory.glob("files/*/*.json")).read_text()) == {"name": "mine.npz"}


@OF_EITHER
def test_a_backup_holds_the_data(store: Store, tmp_path: Path, made: Made) -> None:
    content = made(20)
    store.files.take(content, "a.npz")
    finish(store, "a" * 64, run_on(content))
    backup(store.directory, tmp_path / "b.tar")
    restore(tmp_path / "b.tar", tmp_path / "again")
    with closing(Store(tmp_path / "again", 10_000_000)) as again:
        assert again.files.find(contents.digest_of(content)) == content
        assert again.files.take(content, "other.npz") == "a.npz"


@OF_EITHER
def test_a_worker_draws_from_a_file_that_its_task_brings(
    engine: CachedEngine, monkeypatch: pytest.MonkeyPatch, made: Made
) -> None:
    """A worker opens no store: it may have no disk in common with the server."""
    monkeypatch.setitem(jobs.KINDS, "draws", jobs.Kind(RunConfig, "toy_jobs:draws"))
    engine.store.files.take(content := made(40), "a.npz")
    run = run_on(content)
    job = engine.wait(engine.request("draws", run, "me"), 60)
    found = engine.lookup("draws", run)
    assert found is not None, job.error
    np.testing.assert_array_equal(found["x"], generate(run.data).x_train)
    assert found["pid"] != os.getpid()


@OF_EITHER
def test_a_job_whose_file_is_gone_says_so(engine: CachedEngine, monkeypatch: pytest.MonkeyPatch, made: Made) -> None:
    monkeypatch.setitem(jobs.KINDS, "draws", jobs.Kind(RunConfig, "toy_jobs:draws"))
    job = engine.wait(engine.request("draws", run_on(made(41)), "me"), 60)
    assert job.error is not None
    assert "mine.npz (sha256" in job.error.message
    assert "is not in the cache here" in job.error.message


@OF_EITHER
def test_a_task_names_the_files_that_it_brings(store: Store, made: Made) -> None:
    content = made(21)
    store.files.take(content, "a.npz")
    task = Task("name", "a" * 64, "", "", run_on(content).canonical())
    assert task.files() == (content,)
    assert Task("name", "a" * 64, "", "", RunConfig.from_dict({"data": {"name": "circle"}}).canonical()).files() == ()


def test_people_who_bring_the_same_file_at_once_keep_it_once(store: Store) -> None:
    content = content_of(22, 20_000)
    with ThreadPoolExecutor(8) as people:
        names = set(people.map(lambda number: store.files.take(content, f"{number}.npz"), range(8)))
    assert store.files.take(content, "late.npz") in names
    assert kept(store) == {contents.digest_of(content)}
    assert store.files.find(contents.digest_of(content)) == content
    assert len([*store.directory.glob("files/*/*")]) == 2  # the bytes and their name
