"""A backup taken while others write: restored, it opens, and holds every result that was finished before it began."""

import os
import sqlite3
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from lab import ANN, BOB
from test_data_files import content_of, finish, run_on
from test_disk_faults import put

import cache.backup as backups
from cache import CacheFault, Store
from cache.backup import backup, restore
from cache.claims import Claim
from cache.logins import EndedLogins
from cache.logs import Audit
from engine import jobs
from engine.data import contents

HERE = Path(__file__).parent
ROOM = 100_000_000

WRITER = """
import itertools, sys
from pathlib import Path
from test_disk_faults import put
from cache import Store
folder = Path(sys.argv[1])
store = Store(folder, 300_000)  # evicts all the time
for number in itertools.count():
    put(store, f"{sys.argv[2]}{number}", 1_000)
    print(number, flush=True)
"""


@pytest.fixture
def filled(tmp_path: Path) -> Path:
    folder = tmp_path / "cache"
    with closing(Store(folder, ROOM)) as store:
        for number in range(5):
            put(store, f"k{number}", 1000)
        store.pin("k3")
        os.utime(folder / "runs" / "k2" / "k2" / "result.entry", (1e9, 1e9))
        store.index.list_again("k2")
    return folder


@contextmanager
def writing(folder: Path, name: str) -> Iterator[subprocess.Popen[str]]:
    environment = {**os.environ, "PYTHONPATH": f"{HERE}:{HERE.parent}:{HERE.parents[1]}"}
    command = [sys.executable, "-c", WRITER, str(folder), name]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def opened(folder: Path) -> Store:
    store = Store(folder, ROOM)
    store.reconcile()
    return store


def test_what_comes_back_is_what_was(filled: Path, tmp_path: Path) -> None:
    contents = backup(filled, tmp_path / "file.tar")
    assert contents.entries == 5
    assert restore(tmp_path / "file.tar", tmp_path / "other") == contents
    assert (tmp_path / "file.tar").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "other").stat().st_mode & 0o777 == 0o700
    with closing(opened(filled)) as before, closing(opened(tmp_path / "other")) as after:
        assert after.index.recent() == before.index.recent()
        assert after.pinned("k3")
        assert after.volume() == before.volume()
        assert after._table.least_used(1) == before._table.least_used(1)  # when each was used last
        for number in range(5):
            assert after.get(f"k{number}") is not None


def test_what_people_left_comes_back(filled: Path, tmp_path: Path) -> None:
    """Whose is what, what they wrote, files of theirs, loops under way, maps and their links, and the log of it all."""
    claims = Claim(ANN, 1.0, "wide", True, ("paper",), "the one of figure 2"), Claim(BOB, 2.0)
    with closing(Store(filled, ROOM)) as store:
        for claim in claims:
            store.claims.put("k1", claim)
        store.index.list_again("k1")
        run = run_on(content_of(101))
        store.files.take(content_of(101), "hers.npz", ANN)
        key = jobs.key("run", run)
        finish(store, key, run)
        whole = replace(
            store.index.add("0" * 64, "sweep", run, parts=(key,), link="/regimes?map_depth=2"), status="finished"
        )
        store.index.settle("0" * 64, "finished")
        loop = store.recordings.begin("my loop")
        loop.save({"x": np.arange(3.0)})
        audit = Audit(filled)
        audit(ANN, "rename", key="k1")
        audit.close()
        logins = EndedLogins(filled)
        logins.end("hers", time.time() + 1000)
    backup(filled, tmp_path / "file.tar")
    restore(tmp_path / "file.tar", tmp_path / "other")
    assert EndedLogins(tmp_path / "other").has("hers")
    assert (tmp_path / "other" / "audit.log").read_text() == (filled / "audit.log").read_text()
    with closing(opened(tmp_path / "other")) as store:
        assert store.claims.of("k1") == claims
        assert store.index.bytes_of(ANN) == 0  # not hers alone
        assert store.index.find(key[:6], 2) == [key]
        assert store.index.get("0" * 64) == whole
        assert store.files.find(contents.digest_of(content_of(101))) == content_of(101)
        assert store.files.brought_by(ANN) == len(content_of(101))
        (found,) = store.recordings.listed()
        assert (found.id, found.name, found.path.read_bytes()) == (loop.id, "my loop", loop.path.read_bytes())
        assert found.alive


def test_what_is_named_while_it_is_taken_is_in_it_with_its_file(
    filled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    readable, runs = backups._readable, [run_on(content_of(101)), run_on(content_of(102))]
    with closing(Store(filled, ROOM)) as store:
        store.files.take(content_of(101), "first.npz")
        finish(store, jobs.key("run", runs[0]), runs[0])

        def readable_meanwhile(path: Path):
            if "files" in path.parts and not store.index.get(jobs.key("run", runs[1])):
                store.files.take(content_of(102), "second.npz")
                finish(store, jobs.key("run", runs[1]), runs[1])
            return readable(path)

        monkeypatch.setattr(backups, "_readable", readable_meanwhile)
        backup(filled, tmp_path / "file.tar")
        assert store.index.get(jobs.key("run", runs[1])) is not None
    restore(tmp_path / "file.tar", tmp_path / "other")
    with closing(opened(tmp_path / "other")) as store:
        records = [record for record in store.index.recent() if record.key in map(partial(jobs.key, "run"), runs)]
        assert records
        assert all(map(store.files.has, (digest for record in records for digest in contents.named_in(record.values))))


def test_results_that_the_index_does_not_list_come_back(filled: Path, tmp_path: Path) -> None:
    (filled / "index-2.db").unlink()
    backup(filled, tmp_path / "file.tar")
    restore(tmp_path / "file.tar", tmp_path / "other")
    with closing(opened(tmp_path / "other")) as store:
        assert len(store.index.recent()) == 5


@pytest.mark.whole
def test_while_two_processes_write_and_evict(tmp_path: Path) -> None:
    folder = tmp_path / "cache"
    with writing(folder, "a") as one, writing(folder, "b") as other:
        for process in (one, other):
            for _ in range(25):
                assert process.stdout is not None
                assert process.stdout.readline()
        kept = Store(folder, ROOM)
        put(kept, "mine", 20_000)
        kept.pin("mine")
        for number in range(3):
            backup(folder, tmp_path / f"{number}.tar")
            time.sleep(0.05)
    kept.close()
    for number in range(3):
        restore(tmp_path / f"{number}.tar", tmp_path / f"other-{number}")
        with closing(sqlite3.connect(tmp_path / f"other-{number}" / "index-2.db")) as index:
            assert index.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        with closing(opened(tmp_path / f"other-{number}")) as store:
            assert store.get("mine") is not None
            assert store.pinned("mine")
            stored = [record.key for record in store.index.recent() if store.has(record.key)]
            assert len(stored) > 1
            assert all(store.get(key) is not None for key in stored)
            assert not [*store.directory.glob("aside/*")]


def test_what_was_there_stays(filled: Path, tmp_path: Path) -> None:
    (tmp_path / "there").write_text("mine")
    with pytest.raises(CacheFault, match="is there already or in the cache itself: name another file"):
        backup(filled, tmp_path / "there")
    with pytest.raises(CacheFault, match="in the cache itself"):
        backup(filled, filled / "file.tar")
    backup(filled, tmp_path / "file.tar")
    with pytest.raises(CacheFault, match="is there already: move it away"):
        restore(tmp_path / "file.tar", filled)
    assert (tmp_path / "there").read_text() == "mine"
    with pytest.raises(CacheFault, match="is no cache"):
        backup(tmp_path / "nothing", tmp_path / "other.tar")


def test_a_disk_that_takes_no_backup_leaves_none(filled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(CacheFault, match=r"cannot be written to .*: the disk is full"):
        backup(filled, tmp_path / "file.tar")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cache"]


@pytest.mark.parametrize("share", [0.0, 0.3, 0.6, 0.95])
def test_half_a_backup_is_none(filled: Path, tmp_path: Path, share: float) -> None:
    backup(filled, tmp_path / "file.tar")
    whole = (tmp_path / "file.tar").read_bytes()
    end = whole.index(b"kernel-drift-backup.json")
    (tmp_path / "half.tar").write_bytes(whole[: int(share * end) // 512 * 512])
    with pytest.raises(CacheFault, match=r"half.tar cannot be restored: \S"):
        restore(tmp_path / "half.tar", tmp_path / "other")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cache", "file.tar", "half.tar"]


@pytest.mark.parametrize("name", ["../outside", "/tmp/outside", "runs/../../outside", ".hidden", "a\nb"])
def test_an_archive_of_others_writes_nowhere(filled: Path, tmp_path: Path, name: str) -> None:
    with tarfile.open(tmp_path / "evil.tar", "w") as archive:
        archive.addfile(tarfile.TarInfo(name))
    with pytest.raises(CacheFault, match="is not of a backup"):
        restore(tmp_path / "evil.tar", tmp_path / "other")
    link = tarfile.TarInfo("link")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc"
    with tarfile.open(tmp_path / "link.tar", "w") as archive:
        archive.addfile(link)
    with pytest.raises(CacheFault, match="'link' in it is not of a backup"):
        restore(tmp_path / "link.tar", tmp_path / "other")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cache", "evil.tar", "link.tar"]
