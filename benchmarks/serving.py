"""Streamlit servers of our own to measure, one or several behind a proxy, and the browser to measure them with."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO

import psutil

from cache.turns import HELD

ROOT = Path(__file__).parents[1]
CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]


@dataclass(frozen=True)
class Server:
    """A running server: where it answers, and its process."""

    address: str
    process: subprocess.Popen


@contextmanager
def started(script: Path, cache: Path, log: int | IO[str] = subprocess.DEVNULL, **environment: str) -> Iterator[Server]:
    """A server that runs `script` on the cache in this folder; what it says goes to `log`."""
    port = free_port()
    command = [sys.executable, "-m", "streamlit", "run", str(script), f"--server.port={port}"]
    environment = {**os.environ, "KERNEL_DRIFT_CACHE": str(cache), "PYTHONPATH": str(ROOT), **environment}
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
    try:
        wait_for(f"http://127.0.0.1:{port}/_stcore/health", process)
        yield Server(f"http://127.0.0.1:{port}", process)
    finally:
        process.terminate()
        process.wait(20)


@contextmanager
def served(script: Path, cache: Path, log: int | IO[str] = subprocess.DEVNULL) -> Iterator[str]:
    """The address of such a server."""
    with started(script, cache, log) as server:
        yield server.address


@contextmanager
def served_script(text: str) -> Iterator[str]:
    """The address of a server that runs this text."""
    with TemporaryDirectory() as folder:
        script = Path(folder) / "script.py"
        script.write_text(text + "\n")
        with served(script, Path(folder) / "cache") as address:
            yield address


@contextmanager
def served_app() -> Iterator[str]:
    """The address of the dashboard, on an empty cache."""
    with TemporaryDirectory() as folder, served(ROOT / "app.py", Path(folder)) as address:
        yield address


def free_port() -> int:
    """A port of this machine on which nobody listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def wait_for(address: str, server: subprocess.Popen, seconds: float = 90) -> None:
    """Until a server that was just started answers there."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and server.poll() is None:
        try:
            with urllib.request.urlopen(address, timeout=1):
                return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f"no answer from {address} within {seconds:g} s")


# The servers of a lab: one, or several processes on one cache with one scheduler, behind a proxy.

PROXY = """
{
	admin off
	auto_https off
}

http://127.0.0.1:%(port)d {
	bind 127.0.0.1
	reverse_proxy %(webs)s {
		lb_policy cookie kernel_drift_process
		# The visitors of a benchmark name addresses of their own, as a proxy outside would.
		trusted_proxies private_ranges
	}
}
"""


@dataclass(frozen=True)
class Fleet:
    """What visitors meet.

    Attributes:
        address: of the server, or of the proxy.
        servers: the processes that show pages.
    """

    address: str
    servers: Sequence[Server]

    def memory(self) -> float:
        """Megabytes that the servers have resident, together."""
        return sum(psutil.Process(server.process.pid).memory_info().rss for server in self.servers) / 1e6

    def descriptors(self) -> int:
        """Files and sockets that they have open."""
        return sum(psutil.Process(server.process.pid).num_fds() for server in self.servers)

    def processor(self) -> float:
        """Seconds of processor time that they have taken, without what computes."""
        times = [psutil.Process(server.process.pid).cpu_times() for server in self.servers]
        return sum(time.user + time.system for time in times)


@contextmanager
def fleet(folder: Path, servers: int = 1) -> Iterator[Fleet]:
    """Servers on the cache in this folder, their log beside it; several stand behind a proxy and share a scheduler.

    Raises:
        SystemExit: there is no proxy to be had.
    """
    with ExitStack() as stack:
        log = stack.enter_context((folder / "log").open("a"))
        if servers == 1:
            server = stack.enter_context(started(ROOT / "app.py", folder, log))
            yield Fleet(server.address, [server])
            return
        if shutil.which("caddy") is None:
            raise SystemExit("Several servers need a proxy before them: apt install caddy")
        address = stack.enter_context(scheduler(folder, log))
        shared = {"KERNEL_DRIFT_SCHEDULER": address, "KERNEL_DRIFT_PLAIN_TCP": "1"}
        webs = [stack.enter_context(started(ROOT / "app.py", folder, log, **shared)) for _ in range(servers)]
        yield Fleet(stack.enter_context(_proxy(folder, webs, log)), webs)


@contextmanager
def scheduler(folder: Path, log: IO[str], threads: int = HELD, path: str = "") -> Iterator[str]:
    """The address of a Dask scheduler on this machine with one worker, as an administrator would start them.

    Args:
        threads: jobs that the worker holds at once.
        path: where it finds modules besides ours.
    """
    contact = folder / "scheduler.json"
    modules = f"PYTHONPATH={os.pathsep.join(filter(None, [str(ROOT), path]))}"
    dask = ["nice", "-n", "10", "env", modules, "JAX_ENABLE_X64=1", "OPENBLAS_NUM_THREADS=1"]
    dask += ["MALLOC_TRIM_THRESHOLD_=268435456", "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES=0"]
    dask += [f"JAX_COMPILATION_CACHE_DIR={folder / 'compiled'}", sys.executable, "-m", "dask"]
    place = [
        "--scheduler-file",
        str(contact),
        "--host",
        "127.0.0.1",
        "--no-dashboard",
        "--dashboard-address",
        "127.0.0.1:0",
    ]
    one = ["--nworkers", "1", "--nthreads", str(threads), "--local-directory", str(folder / "scratch")]
    with ExitStack() as stack:
        stack.enter_context(_ended([*dask, "scheduler", *place, "--port", "0"], log))
        process = stack.enter_context(_ended([*dask, "worker", *place, *one], log))
        while not contact.exists():
            if process.poll() is not None:
                raise RuntimeError("no scheduler came up: see the log")
            time.sleep(0.1)
        yield json.loads(contact.read_text())["address"]


@contextmanager
def _proxy(folder: Path, webs: Sequence[Server], log: IO[str]) -> Iterator[str]:
    """The address of a proxy that brings a browser back to the server which it met first."""
    port, settings = free_port(), folder / "Caddyfile"
    names = " ".join(web.address.removeprefix("http://") for web in webs)
    settings.write_text(PROXY % {"port": port, "webs": names})
    command = ["caddy", "run", "--config", str(settings), "--adapter", "caddyfile"]
    with _ended(command, log) as process:
        wait_for(f"http://127.0.0.1:{port}/_stcore/health", process)
        yield f"http://127.0.0.1:{port}"


@contextmanager
def _ended(command: Sequence[str], log: IO[str]) -> Iterator[subprocess.Popen]:
    """A process of ours, and its children, until the end of the block."""
    process = subprocess.Popen(command, stdout=log, stderr=log, cwd=ROOT)
    try:
        yield process
    finally:
        family = []
        with suppress(psutil.NoSuchProcess):  # it has ended, and was waited for
            of = psutil.Process(process.pid)
            family = [*of.children(recursive=True), of]
        for end in (psutil.Process.terminate, psutil.Process.kill):
            for member in family:
                with suppress(psutil.NoSuchProcess):
                    end(member)
            _, family = psutil.wait_procs(family, timeout=10)
        process.wait()
