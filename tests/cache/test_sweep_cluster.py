"""A scheduler and three workers of one's own over TCP with TLS; one of them is killed while a sweep runs."""

import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import dask
import pytest
import toy_cells
from distributed import Client
from distributed.security import Security

from cache import CachedEngine, Store
from cache.batch import Batch
from engine import jobs
from engine.config import RunConfig
from engine.regimes.config import SweepConfig

pytestmark = pytest.mark.whole

HERE = Path(__file__).parent
WIDTHS = tuple(range(20, 44))
ROLES = ("client", "scheduler", "worker")


@pytest.fixture(scope="module", autouse=True)
def _toy_cells() -> None:
    """Undone with the other toys."""
    jobs.KINDS["cell"] = jobs.Kind(RunConfig, "toy_cells:cell")


def certified(folder: Path) -> Security:
    """One self-signed certificate for scheduler, workers and client."""
    cert, key = folder / "cert.pem", folder / "key.pem"
    command = "openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=127.0.0.1"
    subprocess.run([*command.split(), "-keyout", str(key), "-out", str(cert)], check=True, capture_output=True)
    files = {"cert": str(cert), "key": str(key)}
    given = {f"tls_{role}_{kind}": path for role in ROLES for kind, path in files.items()}
    return Security(tls_ca_file=str(cert), require_encryption=True, **given)


@pytest.fixture(scope="module")
def security(tmp_path_factory: pytest.TempPathFactory) -> Security:
    return certified(tmp_path_factory.mktemp("tls"))


class Processes:
    """A scheduler and its workers, each a process of its own in a folder of its own: they share no disk."""

    def __init__(self, security: Security, folder: Path, environment: dict[str, str], undo: ExitStack):
        self._security, self._folder, self._undo = security, folder, undo
        self._environment = environment
        contact = folder / "scheduler.json"
        self._start("scheduler", {"cls": "distributed.Scheduler", "opts": {"scheduler_file": str(contact)}})
        deadline = time.monotonic() + 30
        while not contact.exists() or not contact.read_text():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        self.address = json.loads(contact.read_text())["address"]

    def worker(self, name: str, **more: str) -> subprocess.Popen:
        options = {"scheduler_ip": self.address, "nthreads": 1, "name": name, **more}
        return self._start(name, {"cls": "distributed.Worker", "opts": options})

    def _start(self, name: str, specification: dict) -> subprocess.Popen:
        place = self._folder / name
        place.mkdir()
        options = {"host": "127.0.0.1", "protocol": "tls", "dashboard_address": "127.0.0.1:0", "dashboard": False}
        specification["opts"] = options | specification["opts"]
        command = [sys.executable, "-m", "dask", "spec", "--spec", json.dumps(specification)]
        process = subprocess.Popen(command, cwd=place, env=self._environment, stderr=subprocess.DEVNULL)
        self._undo.callback(process.wait)
        self._undo.callback(process.kill)
        return process


@pytest.fixture
def trace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Counter[str]]:
    path = tmp_path / "trace"
    monkeypatch.setenv(toy_cells.TRACE, str(path))
    return lambda: Counter(path.read_text().splitlines() if path.exists() else [])


@pytest.fixture
def processes(security: Security, tmp_path: Path, trace: object) -> Iterator[Processes]:
    with ExitStack() as undo:
        yield Processes(security, tmp_path, {**os.environ, **_settings(security)}, undo)


def _settings(security: Security) -> dict[str, str]:
    """What `deploy/slurm.md` has one set, as environment variables."""
    prefix = "DASK_DISTRIBUTED__COMM__"
    return {
        "PYTHONPATH": os.pathsep.join([str(HERE.parents[1]), str(HERE)]),
        "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "0",
        f"{prefix}REQUIRE_ENCRYPTION": "True",
        f"{prefix}TLS__CA_FILE": security.tls_ca_file,
        **{f"{prefix}TLS__{role.upper()}__{kind.upper()}": getattr(security, f"tls_{role}_{kind}")
           for role in ROLES for kind in ("cert", "key")},
    }  # fmt: skip


@pytest.mark.parametrize("leaves", [False, pytest.param(True, marks=pytest.mark.long)], ids=["killed", "lifetime"])
def test_a_worker_lost_mid_sweep_costs_its_cells_only(
    processes: Processes,
    security: Security,
    trace: Callable[[], Counter[str]],
    store: Store,
    cold: None,
    monkeypatch: pytest.MonkeyPatch,
    leaves: bool,
) -> None:
    assert processes.address.startswith("tls://127.0.0.1")
    # One that reaches its lifetime leaves by itself, as the launcher has them do before their walltime.
    lifetime = {"lifetime": "12 s"} if leaves else {}
    workers = [processes.worker(f"worker{number}", **lifetime if number == 2 else {}) for number in range(3)]
    with Client(processes.address, security=security, set_as_default=False) as client:
        client.wait_for_workers(3, timeout=30)

    config = SweepConfig.from_dict(
        {"base": {"data": {"name": "circle"}}, "grid": {"network.width": WIDTHS}, "seeds": (0,)}
    )
    monkeypatch.setenv("KERNEL_DRIFT_SCHEDULER", processes.address)
    tls = "distributed.comm.tls"
    given = {f"{tls}.ca-file": security.tls_ca_file}
    given |= {f"{tls}.client.{kind}": getattr(security, f"tls_client_{kind}") for kind in ("cert", "key")}
    with dask.config.set(given), CachedEngine(store) as engine:
        sweep, deadline = Batch(engine, "cell", config.groups, "me", "cells"), time.monotonic() + 60
        while not sweep.done:
            assert time.monotonic() < deadline
            sweep.step()
            if workers and not leaves and len(sweep.results) >= 4:
                workers.pop().kill()
                workers.clear()
            time.sleep(0.02)
    if leaves:
        workers[-1].wait(30)

    # Every cell ended, with its own result, in the caller's store.
    assert not sweep.failures
    assert sorted(int(arrays["width"]) for arrays in sweep.results.values()) == list(WIDTHS)
    assert all(store_has(store.directory, part) for cell in config.cells for part in cell.parts)
    # Nothing was computed twice but the one cell that the killed worker may have had in hand.
    counts = trace()
    assert set(counts) == {f"{width} (0,)" for width in WIDTHS}
    assert sum(counts.values()) <= len(WIDTHS) + 1


def store_has(directory: Path, part: RunConfig) -> bool:
    store = Store(directory)
    try:
        return store.has(jobs.key("cell", part))
    finally:
        store.close()


def test_a_stranger_s_certificate_is_refused(processes: Processes, tmp_path: Path) -> None:
    with pytest.raises(OSError), Client(processes.address, security=certified(tmp_path), timeout=2):  # noqa: PT011
        pass
