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
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO

ROOT = Path(__file__).parents[1]
CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]


@contextmanager
def served(script: Path, cache: Path, log: int | IO[str] = subprocess.DEVNULL) -> Iterator[str]:
    """The address of a server that runs `script` on the cache in this folder; what it says goes to `log`."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", str(script), f"--server.port={port}"]
    environment = {**os.environ, "KERNEL_DRIFT_CACHE": str(cache), "PYTHONPATH": str(ROOT)}
    server = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
    try:
        _wait_for(f"http://127.0.0.1:{port}/_stcore/health", server)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(20)


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


def _wait_for(address: str, server: subprocess.Popen, seconds: float = 90) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end and server.poll() is None:
        try:
            with urllib.request.urlopen(address, timeout=1):
                return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f"no answer from {address} within {seconds:g} s")
