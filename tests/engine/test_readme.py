"""The README's example runs as it stands."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.whole

ROOT = Path(__file__).parents[2]


def test_the_headless_example_prints_a_drift_per_seed() -> None:
    (example,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), flags=re.DOTALL)
    command = [sys.executable, "-c", example]
    whole = {**os.environ, "JAX_DISABLE_MOST_OPTIMIZATIONS": "0", "XLA_FLAGS": ""}
    done = subprocess.run(command, cwd=ROOT, env=whole, capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode == 0, done.stderr
    drifts = [float(line.split()[1]) for line in done.stdout.splitlines() if re.match(r"[01]\s+\d", line)]
    assert len(drifts) == 2
    assert all(0.01 < drift < 2 for drift in drifts)
