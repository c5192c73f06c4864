"""The SLURM launcher: its job script, and a sweep on its workers, with two small scripts as `sbatch` and `scancel`."""

import os
import signal
import socket
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from cache import Store
from cache.headless import run_batch
from engine.progress import Progress

pytestmark = pytest.mark.whole

pytest.importorskip("dask_jobqueue", reason="needs deploy/requirements.txt")
from slurm_launcher import LAUNCHER, command, environment, launched, sweep  # noqa: E402

SBATCH = """\
#!/bin/sh
# Runs a copy of the job here, in a session of its own whose number is the job's.
cp "$1" "$JOBS/$$.sh"
setsid bash "$JOBS/$$.sh" >"$JOBS/$$.log" 2>&1 &
echo "$!" >"$JOBS/$$.job"
echo "Submitted batch job $!"
"""
SCANCEL = """\
#!/bin/sh
for job in "$@"; do kill -KILL -"$job"; done
"""


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """`sbatch` and `scancel`; job scripts and logs gather beside them."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name, text in (("sbatch", SBATCH), ("scancel", SCANCEL)):
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    return folder


def played(programs: Path) -> dict[str, str]:
    return {"PATH": f"{programs}:{os.environ['PATH']}", "JOBS": str(programs)}


def launch(folder: Path, *more: str, **variables: str) -> subprocess.CompletedProcess[str]:
    whole = command(folder, "--workers", "4", *more)
    return subprocess.run(whole, env=environment(**variables), capture_output=True, text=True, timeout=60, check=False)


def test_the_job_script_starts_one_encrypted_worker(certificates: Path) -> None:
    done = launch(certificates, "--show", "--gpus", "1", "--partition", "short", "--account", "lab")
    assert done.returncode == 0, done.stderr
    script = done.stdout
    for line in ("#SBATCH -p short", "#SBATCH -A lab", "#SBATCH --cpus-per-task=2", "#SBATCH --gpus=1"):
        assert line in script
    assert "export JAX_ENABLE_X64=1" in script
    assert "--lifetime 11520s --lifetime-stagger 1440s" in script  # at most 9/10 of four hours
    (worker,) = [line for line in script.splitlines() if "dask_worker" in line or "dask worker" in line]
    for part in ("tls://", "--nthreads 1", "--tls-ca-file", str(certificates / "key.pem")):
        assert part in worker


def test_missing_certificates_are_said_in_one_line(tmp_path: Path) -> None:
    one_line(launch(tmp_path, "--show"), f"{tmp_path}/ca.pem: No such file or directory; slurm.md says how")
    for name in ("ca", "cert", "key"):
        (tmp_path / f"{name}.pem").write_text("nonsense")
    one_line(launch(tmp_path, "--show"), "not a certificate and its key")


def one_line(done: subprocess.CompletedProcess[str], words: str) -> None:
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    assert len(done.stderr.strip().splitlines()) == 1
    assert words in done.stderr


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("--memory 4", "'4': give a number with its unit, at least 0.5GB"),
        ("--memory much", "give a number with its unit"),
        ("--interface nope0", "'nope0' is none of this machine's: "),
        ("--workers 0", "'0': give a whole number from 1"),
        ("--cores x", "give a whole number from 1"),
        ("--gpus -1", "give a whole number from 0"),
        ("--port 99999", "give a whole number from 0 to 65535"),
        ("--walltime soon", "'soon': give HH:MM:SS, D-HH:MM or minutes"),
        ("--walltime 00:01:00", "at least 5 minutes"),
        ("--partition a;b", "letters, digits"),
        ("--unknown 1", "unrecognized arguments: --unknown 1"),
    ],
)
def test_bad_options_are_said_in_one_line(certificates: Path, options: str, words: str) -> None:
    one_line(launch(certificates, *options.split()), words)


def test_no_sbatch_and_a_busy_port_are_said_in_one_line(certificates: Path, programs: Path, tmp_path: Path) -> None:
    one_line(launch(certificates, PATH=str(tmp_path)), "sbatch is not on this machine's PATH")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        busy = launch(certificates, "--interface", "lo", "--port", port, PATH=f"{programs}:{os.environ['PATH']}")
        one_line(busy, "ddress already in use")


def test_what_sbatch_says_is_said(certificates: Path, programs: Path) -> None:
    (programs / "sbatch").write_text("#!/bin/sh\necho invalid partition >&2; exit 1\n")
    one_line(launch(certificates, "--interface", "lo", PATH=f"{programs}:{os.environ['PATH']}"), "invalid partition")


def test_time_limits_are_read_as_sbatch_reads_them() -> None:
    sys.path.insert(0, str(LAUNCHER.parent))
    try:
        from slurm import seconds  # pyright: ignore[reportMissingImports]
    finally:
        sys.path.remove(str(LAUNCHER.parent))
    minute, hour, day = 60, 3600, 86400
    limits = {"30": 30 * minute, "30:15": 30 * minute + 15, "2:00:00": 2 * hour, "1-2": day + 2 * hour}
    limits |= {"1-02:30": day + 2 * hour + 30 * minute, "2-00:00:01": 2 * day + 1}
    assert {text: seconds(text) for text in limits} == limits


@pytest.mark.usefixtures("dask_settings")
def test_a_sweep_on_its_workers(
    certificates: Path, programs: Path, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with launched(certificates, tmp_path, monkeypatch, "--workers", "2", **played(programs)):
        found = run_batch("cell", sweep().groups, store=store)
    assert (len(found.results), found.failures) == (8, {})
    assert list(Counter((tmp_path / "trace").read_text().splitlines()).values()) == [1] * 8


@pytest.mark.long
@pytest.mark.usefixtures("dask_settings")
def test_a_job_that_reaches_its_walltime_is_replaced(
    certificates: Path, programs: Path, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def end_the_only_job(progress: Progress) -> None:
        if progress.fraction > 0.3 and not ended:
            ended.append(progress.message)
            (job,) = programs.glob("*.job")
            os.killpg(int(job.read_text()), signal.SIGKILL)

    ended: list[str] = []
    with launched(certificates, tmp_path, monkeypatch, "--workers", "1", **played(programs)):
        found = run_batch("cell", sweep().groups, end_the_only_job, store)
    assert ended
    assert (len(found.results), found.failures) == (8, {})
    assert len(list(programs.glob("*.job"))) == 2
