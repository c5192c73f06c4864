"""Nothing that comes in costs more than a second or 200 MB, or ends in a traceback."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.whole

CASES = Path(__file__).with_name("cases.py")
ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("count", [120, pytest.param(10_000, marks=pytest.mark.long)])
def test_generated_cases(count: int, tmp_path: Path) -> None:
    """In one process: configs, sweeps, YAML, CSV, URLs and command lines in turn."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "KERNEL_DRIFT_CACHE": str(tmp_path)}
    command = [sys.executable, "-W", "error", str(CASES), str(count), "1"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=3_000)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert not report["raised"], report["raised"][0]
    assert not report["slow"]
    assert report["grown_mb"] < 200
