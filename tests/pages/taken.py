"""What a page gives away, and all that it asks for."""

import io
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pretend_engine import MAIN, PretendEngine

from engine.schema import Config

ROOT = MAIN.parents[1]


class Asking(PretendEngine):
    """Notes every result that a page looks for."""

    def __init__(self) -> None:
        super().__init__()
        self.wanted: dict[tuple[str, str], Config] = {}

    def lookup(self, kind: str, config: Config, entry: str = "result") -> Mapping | None:
        if entry == "result":
            self.wanted[kind, config.hash] = config
        return super().lookup(kind, config, entry)


def bundle_of(given: Mapping[str, Callable[[], Any]]) -> bytes:
    """The last zip that a page offered."""
    return [make() for name, make in given.items() if name.endswith(".zip")][-1]


def files(archive: bytes) -> dict[str, bytes]:
    """Of a zip by their path within its one folder."""
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        assert opened.testzip() is None
        folders = {name.split("/")[0] for name in opened.namelist()}
        assert len(folders) == 1
        return {name.split("/", 1)[1]: opened.read(name) for name in opened.namelist()}


def unpack(archive: bytes, to: Path) -> Path:
    """The folder of a zip."""
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        opened.extractall(to)
    (folder,) = to.iterdir()
    return folder


def alone(command: list[str], cache: Path) -> str:
    """What a fresh process says, on an empty cache."""
    assert not cache.exists()
    environment = {
        **os.environ, "KERNEL_DRIFT_CACHE": str(cache), "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }  # fmt: skip
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
