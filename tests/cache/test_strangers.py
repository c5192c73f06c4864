"""Another account of this machine reaches the ports of the compute processes, and gets nowhere."""

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

STRANGER = 65534
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="another account's point of view needs root")

BREAK_IN = """
# As another account: every way in that is known, for each port. Prints what was got by each.
import asyncio, json, os, ssl, sys, tempfile
from pathlib import Path
from cache.certificate import make_certificate
from distributed import Client
from distributed.core import rpc
from distributed.protocol.pickle import dumps
from distributed.security import Security

ports, files, uid = json.loads(sys.argv[1])
if uid:
    os.setgroups([])
    os.setgid(uid)
    os.setuid(uid)

def tried(way, attempt):
    try:
        got[way] = str(attempt())
    except (Exception, asyncio.CancelledError) as error:
        got[way] = None

async def call(address, security):
    arguments = security.get_connection_args("client") if security else {}
    async with rpc(address, connection_args=arguments, timeout=2) as server:
        return await server.identity()

got = {}
for path in files:
    tried(f"read {path}", lambda: Path(path).read_bytes()[:5])
folder = Path(tempfile.mkdtemp())
own = Security(**make_certificate(folder))
tried("own certificate works", lambda: own.get_connection_args("client")["ssl_context"])
for port in ports:
    for scheme in ("tcp", "tls"):
        address = f"{scheme}://127.0.0.1:{port}"
        tried(f"{address} identity", lambda: asyncio.run(call(address, own if scheme == "tls" else None)))
        tried(f"{address} client", lambda: Client(address, security=own if scheme == "tls" else None, timeout=2,
                                                  set_as_default=False).run_on_scheduler(os.getpid))
print(json.dumps(got))
"""


def compute_processes() -> list[psutil.Process]:
    return psutil.Process().children(recursive=True)


def listening() -> list[int]:
    found = [connection for process in compute_processes() for connection in process.net_connections()]
    return sorted({connection.laddr.port for connection in found if connection.status == psutil.CONN_LISTEN})


def scratch(engine: CachedEngine) -> Path:
    return engine._computing.cluster()._processes._scratch  # type: ignore[union-attr]


def break_in(uid: int | None, ports: list[int], files: list[Path]) -> dict[str, str | None]:
    arguments = json.dumps([ports, [str(path) for path in files], uid])
    done = subprocess.run(
        [sys.executable, "-c", BREAK_IN, arguments], cwd="/", capture_output=True, text=True, timeout=200, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@needs_root
def test_another_account_is_refused(engine: CachedEngine, config: Callable[..., ToyConfig]) -> None:
    engine.wait(engine.request("steady", config(), "me"), 60)  # all of them are up
    folder = scratch(engine)
    ports, files = listening(), [folder, *sorted(folder.glob("*.*"))]
    assert len(ports) >= 3
    assert {path.name for path in files} >= {"key.pem", "certificate.pem", "scheduler.json"}
    got = break_in(STRANGER, ports, files)
    assert got.pop("own certificate works")
    assert len(got) == len(files) + 4 * len(ports)
    assert {way for way, what in got.items() if what is not None} == set()


@needs_root
def test_the_owner_has_the_key_and_the_way_in_is_the_right_one(engine: CachedEngine) -> None:
    """The control: with the owner's files the same calls succeed."""
    from distributed import Client
    from distributed.security import Security

    processes = engine._computing.cluster()._processes
    assert processes is not None
    with Client(processes.address(), security=Security(**processes.security), set_as_default=False) as client:
        assert client.run_on_scheduler(os.getuid) == 0


def test_the_key_is_closed_to_others_and_goes_with_the_processes(store: Store, cold: None) -> None:
    with CachedEngine(store) as engine:
        folder = scratch(engine)
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert stat.S_IMODE((folder / "key.pem").stat().st_mode) == 0o600
    assert not folder.exists()


def test_each_start_has_a_key_of_its_own(store: Store, tmp_path: Path, cold: None) -> None:
    keys = []
    for name in ("one", "two"):
        with CachedEngine(Store(tmp_path / name)) as engine:
            keys.append((scratch(engine) / "key.pem").read_bytes())
    assert keys[0] != keys[1]


def test_no_page_is_served(engine: CachedEngine, config: Callable[..., ToyConfig]) -> None:
    """Dask's own web server listens beside each process, and knows no address."""
    import urllib.error
    import urllib.request

    engine.wait(engine.request("steady", config(number=1), "me"), 60)
    for port in listening():
        for path in ("/", "/info/main/workers.html", "/json/identity.json", "/metrics", "/sitemap.json", "/health"):
            with pytest.raises((urllib.error.URLError, ConnectionError, TimeoutError)) as error:
                urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=2)
            if isinstance(error.value, urllib.error.HTTPError):
                assert error.value.code == 404
                error.value.close()
