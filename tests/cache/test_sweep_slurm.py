"""The SLURM launcher: its job script, and a sweep on its workers, with two small scripts as `sbatch` and `scancel`."""

import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import dask
import pytest
import toy_cells

from cache import Store
from cache.sweep import run_sweep
from engine import jobs
from engine.config import RunConfig
from engine.regimes.requests import SweepConfig

dask_jobqueue = pytest.importorskip("dask_jobqueue", reason="needs deploy/requirements.txt")
HERE = Path(__file__).parent
LAUNCHER = HERE.parents[1] / "deploy" / "slurm.py"
SBATCH = """\
#!/bin/sh
# Runs a copy of the job here, in a session of its own whose number is the job's.
cp "$1" "$JOBS/$$.sh"
setsid bash "$JOBS/$$.sh" >"$JOBS/$$.log" 2>&1 &
echo "Submitted batch job $!"
"""
SCANCEL = """\
#!/bin/sh
for job in "$@"; do kill -KILL -"$job"; done
"""


@pytest.fixture
def certificates(tmp_path: Path) -> Path:
    folder = tmp_path / "tls"
    folder.mkdir()
    make = "openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=here -keyout key.pem -out cert.pem"
    subprocess.run(make.split(), cwd=folder, check=True, capture_output=True)
    (folder / "ca.pem").write_bytes((folder / "cert.pem").read_bytes())
    return folder


def command(folder: Path, *more: str) -> list[str]:
    return [sys.executable, str(LAUNCHER), "--certificates", str(folder), "--port", "0", *more]


def environment(**more: str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(Path(dask_jobqueue.__file__).parents[1]), **more}


def launch(folder: Path, *more: str) -> subprocess.CompletedProcess[str]:
    whole = command(folder, "--workers", "4", *more)
    return subprocess.run(whole, env=environment(), capture_output=True, text=True, timeout=60, check=False)


def test_the_job_script_starts_one_encrypted_worker(certificates: Path) -> None:
    done = launch(certificates, "--show", "--gpus", "1", "--partition", "short", "--account", "lab")
    assert done.returncode == 0, done.stderr
    script = done.stdout
    for line in ("#SBATCH -p short", "#SBATCH -A lab", "#SBATCH --cpus-per-task=2", "#SBATCH --gpus=1"):
        assert line in script
    assert "export JAX_ENABLE_X64=1" in script
    (worker,) = [line for line in script.splitlines() if "dask_worker" in line or "dask worker" in line]
    for part in ("tls://", "--nthreads 1", "--tls-ca-file", str(certificates / "key.pem")):
        assert part in worker


def test_missing_certificates_are_said_in_one_line(tmp_path: Path) -> None:
    done = launch(tmp_path, "--show")
    assert done.returncode == 1
    assert "ca.pem is missing" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


@pytest.fixture
def _dask_settings() -> Iterator[None]:
    """Read from the environment as it is again after the test."""
    yield
    dask.config.refresh()


@pytest.mark.usefixtures("_dask_settings")
def test_a_sweep_on_its_workers(
    certificates: Path, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Found below the root, which the launcher has on the workers' path.
    monkeypatch.setitem(jobs.KINDS, "cell", jobs.Kind(RunConfig, "tests.cache.toy_cells:cell"))
    programs = tmp_path / "bin"
    programs.mkdir()
    for name, text in (("sbatch", SBATCH), ("scancel", SCANCEL)):
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    trace = tmp_path / "trace"
    played = {"PATH": f"{programs}:{os.environ['PATH']}", "JOBS": str(programs), toy_cells.TRACE: str(trace)}
    whole = command(certificates, "--workers", "2", "--interface", "lo")
    with subprocess.Popen(
        whole, env=environment(**played), cwd=tmp_path, stdout=subprocess.PIPE, text=True
    ) as launcher:
        try:
            for line in launcher.stdout or ():
                if line.startswith("export "):
                    monkeypatch.setenv(*line.removeprefix("export ").strip().split("=", 1))
                if "--scheduler" in line:
                    monkeypatch.setenv("KERNEL_DRIFT_SCHEDULER", line.split()[-1])
                    break
            grid = {"network.width": list(range(20, 28))}
            config = SweepConfig.from_dict({"base": {"data": {"name": "circle"}}, "grid": grid, "seeds": [0]})
            dask.config.refresh()
            found = run_sweep(config, store=store)
        finally:
            launcher.send_signal(signal.SIGTERM)
    assert (len(found.results), found.failures) == (8, {})
    assert list(Counter(trace.read_text().splitlines()).values()) == [1] * 8
    assert launcher.returncode == 0
