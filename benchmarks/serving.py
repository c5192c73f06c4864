"""A Streamlit server of one's own to measure, and the browser to measure it with."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO

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
