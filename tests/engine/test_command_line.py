"""`python -m engine`, in a process of its own as a person would run it."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytestmark = pytest.mark.whole

ROOT = Path(__file__).parents[2]
SMALL = """\
data: {name: circle, size: 8, test_size: 8}
network: {depth: 1, width: 8}
training: {max_steps: 5}
seeds: [0, 4]
"""


def engine(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "engine", *arguments]
    whole = {**os.environ, "JAX_DISABLE_MOST_OPTIMIZATIONS": "0", "XLA_FLAGS": ""}
    return subprocess.run(command, cwd=ROOT, env=whole, capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture
def small(tmp_path: Path) -> Path:
    path = tmp_path / "small.yaml"
    path.write_text(SMALL)
    return path


def test_run_writes_the_result_and_its_summary(small: Path, tmp_path: Path) -> None:
    done = engine("run", str(small), "--out", str(tmp_path / "out"))
    assert done.returncode == 0, done.stderr
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert set(summary) >= {
        "config", "config_hash", "versions", "device", "seconds", "beta", "parameters", "drift", "shape_drift", "cka",
        "alignment_start", "alignment_end", "lambda_max_start", "lambda_max_end", "residual_end", "t_stop", "steps",
        "stop_reason",
    }  # fmt: skip
    assert summary["beta"] == 1 / 8
    assert summary["parameters"] == 2 * 8 + 8 + 8 + 1
    assert summary["steps"] == [5, 5]
    found = dict(line.split(": ", 1) for line in done.stdout.splitlines() if ": " in line)
    assert found["beta"] == "0.125"
    assert found["stopped by"] == "max_steps 2"
    assert found["drift, at the stop"] == f"{np.median(summary['drift']):.4g}"
    assert found["time, to the stop"] == f"{np.median(summary['t_stop']):.4g} over an eigenvalue of K"
    assert re.fullmatch(r"([0-9a-f]{12}) \(\?run=\1 on a page of this cache\)", found["result"])
    with np.load(tmp_path / "out" / "result.npz", allow_pickle=False) as arrays:
        assert arrays["seed1/eigenvalues"].shape == (6, 8)


def test_quiet_prints_nothing(small: Path, tmp_path: Path) -> None:
    done = engine("run", str(small), "--out", str(tmp_path / "out"), "--quiet")
    assert (done.returncode, done.stdout) == (0, "")


def test_show_prints_a_config_that_runs_and_its_cost(small: Path) -> None:
    done = engine("show", str(small))
    assert done.returncode == 0, done.stderr
    assert "hidden" not in done.stdout
    assert "floating-point operations" in done.stdout
    assert "max_steps: 5" in done.stdout


def test_an_error_is_one_line_and_exit_2(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("data: {name: circle}\nnetwork: {depht: 3}\n")
    done = engine("run", str(tmp_path / "bad.yaml"), "--out", str(tmp_path / "out"))
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (2, "", 1)
    assert "Did you mean 'depth'?" in done.stderr
