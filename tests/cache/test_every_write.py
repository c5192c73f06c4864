"""Each write of a store fails in turn, those of SQLite included."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.whole

HERE = Path(__file__).parent


@pytest.mark.parametrize("stride", [17, pytest.param(1, marks=pytest.mark.long)])
def test_no_failing_write_loses_a_result(tmp_path: Path, stride: int) -> None:
    compiler = shutil.which("cc")
    if compiler is None or sys.platform != "linux":
        pytest.skip("needs a C compiler on Linux; test_disk_faults.py fails Python's own writes")
    library = tmp_path / "failing_write.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-o", library, HERE / "failing_write.c", "-ldl"], check=True)
    environment = {
        **os.environ,
        "LD_PRELOAD": str(library),
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
    }
    command = [sys.executable, HERE / "every_write.py", library, tmp_path / "stores", str(stride)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stderr[-3000:]
    assert int(done.stdout) >= 60 // stride
