"""`python -m engine sweep`, in a process of its own as a person would run it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

pytestmark = pytest.mark.whole

ROOT = Path(__file__).parents[2]
SWEEP = """\
base:
  data: {name: circle, size: 6, test_size: 8}
  network: {train_bias: false, output_bias: false}
  training: {max_steps: 300}
grid: {network.depth: [1, 2], network.width: [4]}
seeds: [0, 1]
"""


def engine(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "engine", "sweep", *arguments]
    whole = {**os.environ, **environment}
    return subprocess.run(command, cwd=ROOT, env=whole, capture_output=True, text=True, timeout=240, check=False)


def test_it_writes_cells_runs_and_summary_and_computes_nothing_twice(tmp_path: Path) -> None:
    (tmp_path / "sweep.yaml").write_text(SWEEP)
    own = {"KERNEL_DRIFT_CACHE": str(tmp_path / "cache")}
    done = engine(str(tmp_path / "sweep.yaml"), "--out", str(tmp_path / "out"), **own)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("cells: 2, seeds of each: 2, about ")
    assert "computed: 2 of 2 cells, 4 runs\n" in done.stdout
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert set(summary) >= {"cells", "failed", "boundaries", "collapse", "seconds"}
    assert (summary["cells"], summary["failed"], summary["runs"]) == (2, 0, 4)
    assert set(summary["boundaries"]) == {"lazy_weak", "weak_strong", "stable_unstable"}
    for edge in summary["boundaries"].values():
        assert edge["beta"] is None
        assert "not enough data" in edge["reason"]
    assert set(summary["collapse"]) == {"elt", "drift", "shape_drift", "first_step", "residual_lazy_error"}
    for found in summary["collapse"].values():
        assert set(found) >= {"p_value", "depth_exponent", "best_q"}
    cells, runs = (pd.read_parquet(tmp_path / "out" / f"{name}.parquet") for name in ("cells", "runs"))
    assert sorted(cells["beta"]) == [0.25, 0.5]
    assert set(cells["label"]) <= {"lazy", "weak", "strong", "unstable"}
    assert len(runs) == 4
    assert set(runs["network.depth"]) == {1, 2}

    # Once more, with one cell beside them and no worker to compute it: what is known is read, the rest fails.
    (tmp_path / "more.yaml").write_text(SWEEP.replace("[1, 2]", "[1, 2, 3]"))
    dead = ("--scheduler", "tcp://127.0.0.1:1")
    own["KERNEL_DRIFT_PLAIN_TCP"] = "1"
    more = engine(str(tmp_path / "more.yaml"), "--out", str(tmp_path / "more"), *dead, **own)
    assert more.returncode == 1, more.stderr
    (message,) = [line for line in more.stderr.splitlines() if line.startswith("error:")]
    assert "1 of 3 cells could not be computed" in message
    summary = json.loads((tmp_path / "more" / "summary.json").read_text())
    assert (summary["cells"], summary["failed"], summary["runs"]) == (3, 1, 4)
    (failure,) = summary["failures"]
    assert failure["settings"] == {"network.depth": 3, "network.width": 4}
    again = pd.read_parquet(tmp_path / "more" / "runs.parquet")
    pd.testing.assert_frame_equal(again.drop(columns="cell"), runs.drop(columns="cell"))
