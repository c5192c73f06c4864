"""The command line on full, read-only or locked disks: what was computed is written, and what stood there stays."""

import contextlib
import errno
import json
import os
import sqlite3
import subprocess
import sys
import tarfile
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from disks import fill, mounted, read_only

from engine import files, jobs
from engine.config import RunConfig
from engine.cost import Calibration
from engine.texts import read

pytestmark = pytest.mark.whole

ROOT = Path(__file__).parents[2]
SMALL = "data: {name: circle, size: 8, test_size: 16}\nnetwork: {depth: 1, width: 8}\ntraining: {max_steps: 5}\n"
CALIBRATION = {name: np.array(value) for name, value in vars(Calibration()).items()}


@pytest.fixture
def small(tmp_path: Path) -> str:
    path = tmp_path / "small"
    path.write_text(SMALL)
    return str(path)


@pytest.fixture(scope="module")
def entries() -> dict:
    return dict(jobs.compute("run", RunConfig.from_dict(read(SMALL))))


def test_results_are_written_before_a_fault_of_the_cache_is_told(entries, engine, small, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(jobs, "compute", lambda *_: entries)
    with mounted(tmp_path / "disk") as disk:
        monkeypatch.setenv("KERNEL_DRIFT_CACHE", str(disk))
        filler = fill(disk)
        code, out, error = engine("run", small, "--out", str(tmp_path / "out"))
        assert (code, len(error.splitlines())) == (2, 1)
        assert out.startswith("beta: "), "what was found, and no key: the cache has it not"
        assert error.startswith(f"error: the cache in {disk}/store-")
        assert "the disk is full" in error
        with np.load(tmp_path / "out" / "result.npz", allow_pickle=False) as arrays:
            assert set(arrays) == set(entries["result"])
        assert json.loads((tmp_path / "out" / "summary.json").read_text())["steps"] == [5]
        filler.unlink()
        assert engine("run", small, "--out", str(tmp_path / "out"))[0] == 0
        monkeypatch.setattr(jobs, "compute", lambda *_: pytest.fail("it is in the cache"))
        with read_only(disk):
            code, out, error = engine("run", small, "--out", str(tmp_path / "again"))
            assert (code, error) == (0, "")
            assert out.startswith("result: ")
        assert (tmp_path / "again" / "result.npz").stat().st_size > 0


def test_a_full_disk_costs_an_old_cache_nothing(engine, small, tmp_path, monkeypatch) -> None:
    """It used to delete every result, print the cost and exit with 0."""
    monkeypatch.setattr(jobs, "compute", lambda kind, *_: {"result": CALIBRATION})
    with mounted(tmp_path / "disk") as disk:
        with tarfile.open(ROOT / "tests" / "data" / "old-layout.tar.gz") as archive:
            archive.extractall(disk, filter="data")
        before = {path.name: path.read_bytes() for path in (disk / "cache").rglob("*.val")}
        monkeypatch.setenv("KERNEL_DRIFT_CACHE", str(disk / "cache"))
        fill(disk)
        code, out, error = engine("show", small)
        assert code == 2
        assert "floating-point operations" in out
        assert (len(error.splitlines()), "the disk is full" in error) == (1, True)
        assert {path.name: path.read_bytes() for path in (disk / "cache").rglob("*.val")} == before


@pytest.mark.long
def test_a_lock_held_for_a_hundred_seconds_costs_nothing(entries, engine, small, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("KERNEL_DRIFT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(jobs, "compute", lambda *_: entries)
    assert engine("run", small, "--out", str(tmp_path / "out"))[0] == 0
    (index,) = (tmp_path / "cache").glob("store-*/index-2.db")
    other = str(tmp_path / "other settings")
    Path(other).write_text(SMALL + "seeds: [5]\n")
    began = time.monotonic()
    with contextlib.closing(sqlite3.connect(index, isolation_level=None, check_same_thread=False)) as holder:
        holder.execute("BEGIN EXCLUSIVE")
        threading.Timer(100, holder.rollback).start()
        assert engine("run", small, "--out", str(tmp_path / "out"))[::2] == (0, "")
        code, _, error = engine("run", other, "--out", str(tmp_path / "other"))
        assert code == 2
        assert "another process holds its lock" in error
        assert (tmp_path / "other" / "result.npz").exists()
        assert time.monotonic() - began < 60
        time.sleep(max(0.0, 101 - (time.monotonic() - began)))
    monkeypatch.setattr(jobs, "compute", lambda *_: pytest.fail("it is in the cache"))
    assert engine("run", other, "--out", str(tmp_path / "other"))[::2] == (0, "")


def test_a_full_disk_leaves_what_stood_there(entries, tmp_path, monkeypatch) -> None:
    (tmp_path / "result.npz").write_text("the result before")

    def half(path: Path) -> None:
        path.write_bytes(b"half")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    for names in (("result.npz",), ("summary.json", "result.npz")):
        filled = {name: half if name == "result.npz" else lambda path: path.write_text("{}") for name in names}
        with pytest.raises(files.ConfigError, match="cannot be written: No space left on device"):
            files.write(tmp_path, filled)
        assert [path.name for path in tmp_path.iterdir()] == ["result.npz"]
        assert (tmp_path / "result.npz").read_text() == "the result before"


def test_a_result_too_large_for_its_file_system_leaves_nothing(small, tmp_path) -> None:
    """A limit on the size of files stands in for a full disk: the system refuses the write itself."""
    run = f"ulimit -f 4; exec {sys.executable} -m engine run {small} --fresh --out {tmp_path}/out"
    alone = {**os.environ, "JAX_ENABLE_COMPILATION_CACHE": "false"}  # its files would be too large, too
    done = subprocess.run(["bash", "-c", run], cwd=ROOT, env=alone, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"error: --out: {tmp_path}/out cannot be written: File too large\n"
    assert not list((tmp_path / "out").iterdir())
