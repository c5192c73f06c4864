"""`python -m engine rkhs`, in a process of its own as a person would run it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytestmark = pytest.mark.whole

ROOT = Path(__file__).parents[2]
SMALL = """\
data: {name: circle, size: 16, test_size: 32}
network: {depth: 1, width: 16}
training: {max_steps: 8, checkpoints: 3}
seeds: [0, 4]
"""


def engine(*arguments: str, cache: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "engine", *arguments]
    environment = {**os.environ, "KERNEL_DRIFT_CACHE": str(cache)}
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=200, check=False, env=environment)


def test_rkhs_writes_the_result_and_its_summary(tmp_path: Path) -> None:
    (tmp_path / "small.yaml").write_text(SMALL)
    done = engine("rkhs", str(tmp_path / "small.yaml"), "--out", str(tmp_path / "out"), cache=tmp_path / "cache")
    assert done.returncode == 0, done.stderr
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert summary["seeds"] == [0, 4]
    for name in ("S_start", "S_end", "H_t_in_H_0", "H_0_in_H_t", "decay_exponent", "test_error", "flags"):
        assert len(summary[name]) == 2
    assert set(summary["test_error"][0]) == {"network", "K_0", "K_T", "K_inf"}
    with np.load(tmp_path / "out" / "result.npz", allow_pickle=False) as arrays:
        assert arrays["seed1/held_out/eigenvalues"].shape[1] == 32
    assert (tmp_path / "out" / "result.npz").stat().st_size < 2e7


@pytest.mark.long
def test_options_stand_beside_the_run(tmp_path: Path) -> None:
    run = "\n".join(f"  {line}" for line in SMALL.splitlines()).replace("[0, 4]", "[0]")
    options = "{large: 2048, grid: 64, sample: 64, sizes: [4], draws: 4, times: 2}"
    (tmp_path / "large.yaml").write_text(f"run:\n{run}\noptions: {options}\n")
    done = engine("rkhs", str(tmp_path / "large.yaml"), "--out", str(tmp_path / "out"), cache=tmp_path / "cache")
    assert done.returncode == 0, done.stderr
    with np.load(tmp_path / "out" / "result.npz", allow_pickle=False) as arrays:
        assert arrays["seed0/large_eigenvalues"].shape == (2, 32)
        assert np.all(np.diff(arrays["seed0/large_eigenvalues"]) <= 0)
