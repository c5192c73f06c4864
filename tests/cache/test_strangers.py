"""Another account of this machine reaches the ports of the compute processes, and gets nowhere."""

import contextlib
import http.client
import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from toy_jobs import ToyConfig

from cache import CachedEngine, Store
from cache.processes import LocalProcesses, make_certificate

pytestmark = pytest.mark.whole

ROOT = Path(__file__).resolve().parents[2]
STRANGER = 65534
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="another account's point of view needs root")

BREAK_IN = """
# As another account: reads the files, and asks each port for what a client may ask. Prints what was got.
import asyncio, json, os, ssl, sys, tempfile
from pathlib import Path
from cache.processes import make_certificate
from distributed.core import rpc
from distributed.protocol.pickle import dumps

ports, files, uid = json.loads(sys.argv[1])
os.setgroups([])
os.setgid(uid)
os.setuid(uid)

run = {"function": dumps(os.getpid), "args": dumps(()), "kwargs": dumps({}), "wait": True}
operations = {"identity": {}, "run_function": run, "run": run}
own = make_certificate(Path(tempfile.mkdtemp()))
bare, signed = ssl._create_unverified_context(), ssl._create_unverified_context()
signed.load_cert_chain(own["tls_client_cert"], own["tls_client_key"])
ways = {"tcp": {}, "tls without a certificate": {"ssl_context": bare}, "tls with its own": {"ssl_context": signed}}

async def asked(address, arguments, operation):
    async with rpc(address, connection_args=arguments, timeout=2) as server:
        return await getattr(server, operation)(**operations[operation])

async def tried(port, way, operation):
    asking = asked(f"{way[:3]}://127.0.0.1:{port}", ways[way], operation)
    try:
        got[f"{operation} at {port} by {way}"] = str(await asyncio.wait_for(asking, 3))
    except (Exception, asyncio.CancelledError):
        got[f"{operation} at {port} by {way}"] = None

got = {}
async def main():
    await asyncio.gather(*(tried(port, way, operation) for port in ports for way in ways for operation in operations))

for path in files:
    try:
        got[path] = str(Path(path).read_bytes() if Path(path).is_file() else os.listdir(path))
    except PermissionError:
        got[path] = None
asyncio.run(main())
print(json.dumps(got), flush=True)
os._exit(0)
"""


def listening(engine: CachedEngine) -> list[int]:
    """Ports of its compute processes."""
    begun = [psutil.Process(process.pid) for process in processes(engine)._processes]
    family = [one for process in begun for one in (process, *process.children(recursive=True))]
    found = [connection for process in family for connection in process.net_connections()]
    return sorted({connection.laddr.port for connection in found if connection.status == psutil.CONN_LISTEN})


def processes(engine: CachedEngine) -> LocalProcesses:
    return engine._computing.cluster()._processes  # type: ignore[union-attr]


def scratch(engine: CachedEngine) -> Path:
    return processes(engine)._scratch


def break_in(ports: list[int], files: list[Path]) -> dict[str, str | None]:
    arguments = json.dumps([ports, [str(path) for path in files], STRANGER])
    done = subprocess.run(
        [sys.executable, "-c", BREAK_IN, arguments],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        cwd="/",
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@needs_root
def test_another_account_is_refused(engine: CachedEngine, config: Callable[..., ToyConfig]) -> None:
    engine.wait(engine.request("steady", config(), "me"), 60)  # all of them are up
    folder = scratch(engine)
    ports, files = listening(engine), [folder, *sorted(folder.glob("*.*"))]
    assert len(ports) >= 3
    assert {path.name for path in files} >= {"key.pem", "certificate.pem", "scheduler.json"}
    got = break_in(ports, files)
    assert len(got) == len(files) + 9 * len(ports)
    assert {way for way, what in got.items() if what is not None} == set()


@needs_root
def test_the_owner_has_the_key_and_the_way_in_is_the_right_one(engine: CachedEngine) -> None:
    """The control: with the owner's files the same calls succeed."""
    from distributed import Client
    from distributed.security import Security

    begun = processes(engine)
    with Client(begun.address(), security=Security(**begun.security), set_as_default=False) as client:
        assert client.run_on_scheduler(os.getuid) == 0


def test_the_key_is_closed_to_others_and_goes_with_the_processes(store: Store, cold: None) -> None:
    with CachedEngine(store) as engine:
        folder = scratch(engine)
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert stat.S_IMODE((folder / "key.pem").stat().st_mode) == 0o600
    assert not folder.exists()


def test_each_start_has_a_key_of_its_own(tmp_path: Path) -> None:
    keys = set()
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        keys.add(Path(make_certificate(tmp_path / name)["tls_client_key"]).read_bytes())
    assert len(keys) == 2


def test_no_page_is_served(engine: CachedEngine, config: Callable[..., ToyConfig]) -> None:
    """Dask's own web server listens beside each process, and knows no address but its list of them."""
    engine.wait(engine.request("steady", config(number=1), "me"), 60)
    for port in listening(engine):
        for path in ("/", "/info/main/workers.html", "/json/identity.json", "/metrics", "/health"):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
            with contextlib.closing(connection), contextlib.suppress(OSError, http.client.HTTPException):  # TLS
                connection.request("GET", path)
                assert connection.getresponse().status == 404
