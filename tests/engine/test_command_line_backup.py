"""`python -m engine backup` and `restore`."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from cache import Store
from cache.archive import address, encode


def test_a_result_survives_the_loss_of_its_cache(
    tmp_path: Path, engine: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KERNEL_DRIFT_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "cache" / f"store-{os.getuid()}"
    before = Store()
    before.put("key", {"result": encode({"x": np.arange(3.0)}, address("key", "result"))})
    before.close()
    assert engine("backup", "--to", f"{tmp_path}/file.tar")[:2] == (
        0,
        f"{tmp_path}/file.tar: results 1, files 2, 0.1 MB\n",
    )
    shutil.rmtree(folder)
    code, out, _ = engine("restore", f"{tmp_path}/file.tar", str(tmp_path / "cache"))
    assert (code, out) == (0, f"{folder}: results 1, files 2, 0.1 MB\n")
    after = Store()
    found = after.get("key")
    assert found is not None
    assert found["x"].tolist() == [0, 1, 2]
    after.close()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("backup {0}/none --to {0}/file.tar", "is no cache: name the folder that holds it"),
        ("backup", "Missing option '--to'"),
        ("restore {0}/none.tar {0}/other", "none.tar cannot be restored: "),
        ("restore {0}/text {0}/other", "text cannot be restored: "),
    ],
)
def test_what_is_wrong_is_said_in_one_line(tmp_path: Path, engine: Callable, arguments: str, words: str) -> None:
    (tmp_path / "text").write_text("no archive\n" * 1000)
    code, out, error = engine(*arguments.format(tmp_path).split())
    assert (code, out, len(error.splitlines())) == (2, "", 1)
    assert words in error
    assert not (tmp_path / "other").exists() or not [*(tmp_path / "other").iterdir()]
