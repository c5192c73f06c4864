"""What the compute processes leave open, leave behind, and say at the end. Each test starts a server of its own."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from toy_jobs import ToyConfig

import cache
from cache import CachedEngine

pytestmark = pytest.mark.whole

HERE = Path(__file__).parent
ROOT = HERE.parents[1]

SERVER = """
import sys, time
from pathlib import Path
from conftest import add_toys
from toy_jobs import ToyConfig
from cache import CachedEngine, Store, cluster
from cold_start import ColdStart

add_toys()
cluster.WarmUp = ColdStart  # importing JAX is most of what a start costs
directory, trace = sys.argv[1:]
config = ToyConfig(steps=5, pause=0.05, trace=trace)
"""


def server(script: str, *arguments: Path) -> subprocess.Popen[str]:
    path = os.pathsep.join([str(HERE), str(ROOT)])
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-W", "ignore::ResourceWarning", "-c", SERVER + script, *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": path, "KERNEL_DRIFT_CACHE": str(arguments[0])},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process: subprocess.Popen[str]) -> tuple[str, str]:
    output, errors = process.communicate(timeout=90)
    assert process.returncode == 0, errors
    return output.strip(), errors.strip()


def compute_processes(parent: int) -> list[psutil.Process]:
    return psutil.Process(parent).children(recursive=True)


def test_only_the_loopback_interface_is_listened_on(engine: CachedEngine, config: Callable[..., ToyConfig]) -> None:
    engine.wait(engine.request("steady", config(), "me"), 10)  # all of them are up
    listening = [
        connection.laddr.ip
        for process in compute_processes(os.getpid())
        for connection in process.net_connections()
        if connection.status == psutil.CONN_LISTEN
    ]
    assert len(listening) >= 3
    assert set(listening) == {"127.0.0.1"}


def test_workers_have_a_lower_priority(engine: CachedEngine) -> None:
    priorities = {process.nice() for process in compute_processes(os.getpid())}
    assert 10 in priorities


def test_a_clean_end_leaves_no_process_and_no_noise(tmp_path: Path) -> None:
    script = """
import logging, psutil
engine = CachedEngine(Store(Path(directory)))
engine.start()
assert engine.wait(engine.request("steady", config, "me"), 60).state == "finished"
print(*[process.pid for process in psutil.Process().children(recursive=True)])
logging.getLogger("kernel_drift.cache").setLevel(logging.CRITICAL)
for kind in ("uses_jax", "out_of_device_memory", "keeps_objects", "refuses"):
    assert engine.wait(engine.request(kind, config, "me"), 60).done
engine.close()
assert not {"jax", "jaxlib", "streamlit"} & set(sys.modules)
"""
    output, errors = finish(server(script, tmp_path / "cache", tmp_path / "trace"))
    pids = [int(pid) for pid in output.split()]
    assert len(pids) >= 3
    gone_within(pids, 3)
    assert errors == ""


def test_importing_the_cache_is_light() -> None:
    script = "import cache, sys; sys.exit(bool({'jax', 'dask', 'distributed', 'streamlit'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", script], cwd=ROOT).returncode == 0


def test_pages_get_the_engine_that_is_installed_or_one_of_their_own(
    engine: CachedEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KERNEL_DRIFT_CACHE", str(tmp_path / "mine"))
    cache.install(engine)
    assert cache.current() is engine
    cache.install(None)
    own = cache.current()
    assert own is cache.current()
    assert own.store.directory.parent == tmp_path / "mine"
    assert own.device() is None  # nothing was started
    cache.install(None)
    own.close()


def test_a_killed_server_leaves_no_process(tmp_path: Path) -> None:
    script = """
import psutil
engine = CachedEngine(Store(Path(directory)))
engine.start()
job = engine.request("deaf", config, "me")
while engine.job(job.key).state == "queued":
    time.sleep(0.05)
print(*[process.pid for process in psutil.Process().children(recursive=True)], flush=True)
time.sleep(60)
"""
    process = server(script, tmp_path / "cache", tmp_path / "trace")
    assert process.stdout is not None
    pids = [int(pid) for pid in process.stdout.readline().split()]
    assert len(pids) >= 3
    process.kill()
    _, errors = process.communicate()
    gone_within(pids, 5)
    assert [line for line in errors.splitlines() if " - distributed." not in line] == []


def gone_within(pids: list[int], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while alive := [pid for pid in pids if psutil.pid_exists(pid)]:
        assert time.monotonic() < deadline, f"{alive} still run"
        time.sleep(0.1)


def ask(kind: str, config: ToyConfig) -> str:
    """The script of a server that asks for this job and says how it ended."""
    return f"""
config = ToyConfig.from_dict({config.to_dict()})
engine = CachedEngine(Store(Path(directory)))
engine.start()
print("ready", flush=True)
print(engine.wait(engine.request({kind!r}, config, "me"), 60).state)
engine.close()
"""


def test_two_servers_asked_at_once_compute_once(
    engine: CachedEngine, tmp_path: Path, config: Callable[..., ToyConfig], computations: Callable[[], int]
) -> None:
    toy = config(steps=30, pause=0.05)
    other = server(ask("steady", toy), engine.store.directory, tmp_path / "trace")
    assert other.stdout is not None
    assert other.stdout.readline() == "ready\n"
    assert engine.wait(engine.request("steady", toy, "me"), 60).state == "finished"
    assert finish(other) == ("finished", "")
    assert computations() == 1


def test_the_second_takes_over_when_the_first_is_killed(
    engine: CachedEngine, tmp_path: Path, config: Callable[..., ToyConfig], computations: Callable[[], int]
) -> None:
    toy = config()
    first = server(ask("hangs_once", toy), engine.store.directory, tmp_path / "trace")
    while computations() == 0:
        time.sleep(0.05)
    job = engine.request("hangs_once", toy, "me")
    time.sleep(0.5)
    assert computations() == 1
    first.kill()
    first.communicate()
    assert engine.wait(job, 10).state == "finished"
    assert computations() == 2


def test_the_command_line_waits_for_the_server(
    engine: CachedEngine, tmp_path: Path, config: Callable[..., ToyConfig], computations: Callable[[], int]
) -> None:
    toy = config(steps=10, pause=0.05)
    engine.request("steady", toy, "me")
    assert len(cache.cached_compute(engine.store, "steady", toy)["squares"]) == 10
    assert computations() == 1
