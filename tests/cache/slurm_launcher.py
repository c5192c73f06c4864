"""The SLURM launcher as a program, and a sweep of toy cells for its workers. Needs deploy/requirements.txt."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import dask
import dask_jobqueue
import pytest
import toy_cells

from engine import jobs
from engine.config import RunConfig
from engine.regimes.config import SweepConfig

LAUNCHER = Path(__file__).parents[2] / "deploy" / "slurm.py"


def command(certificates: Path, *more: str) -> list[str]:
    return [sys.executable, str(LAUNCHER), "--certificates", str(certificates), "--port", "0", *more]


def environment(**more: str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(Path(dask_jobqueue.__file__).parents[1]), **more}


@contextlib.contextmanager
def launched(
    certificates: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, *options: str, **variables: str
) -> Iterator[subprocess.Popen[str]]:
    """The launcher at work in a folder, and the settings that it asks for. It ends well, unless it was ended before."""
    # Found below the root, which the launcher has on the workers' path.
    monkeypatch.setitem(jobs.KINDS, "cell", jobs.Kind(RunConfig, "tests.cache.toy_cells:cell"))
    played = {toy_cells.TRACE: str(folder / "trace"), **variables}
    whole = command(certificates, "--interface", "lo", *options)
    with subprocess.Popen(whole, env=environment(**played), cwd=folder, stdout=subprocess.PIPE, text=True) as launcher:
        try:
            for line in launcher.stdout or ():
                if line.startswith("export "):
                    monkeypatch.setenv(*line.removeprefix("export ").strip().split("=", 1))
                if "--scheduler" in line:
                    monkeypatch.setenv("KERNEL_DRIFT_SCHEDULER", line.split()[-1])
                    break
            dask.config.refresh()
            yield launcher
        finally:
            killed = launcher.poll() is not None
            launcher.send_signal(signal.SIGTERM)
    assert killed or launcher.returncode == 0


def sweep(cells: int = 8) -> SweepConfig:
    grid = {"network.width": list(range(20, 20 + cells))}
    return SweepConfig.from_dict({"base": {"data": {"name": "circle"}}, "grid": grid, "seeds": [0]})
