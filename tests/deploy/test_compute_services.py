"""Scheduler and worker of the compose file, started here with its commands and settings: a server computes on them."""

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import dask
import pytest
import yaml

from cache import CachedEngine, Store
from engine.initialisation.config import SampleConfig

pytestmark = pytest.mark.whole

ROOT = Path(__file__).parents[2]
SERVICES = yaml.safe_load((ROOT / "deploy" / "compose.yaml").read_text())["services"]


class Here:
    """Turns what a service is told into what holds on this machine."""

    def __init__(self, folder: Path):
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = str(free.getsockname()[1])
        self.folder = folder

    def __call__(self, text: str) -> str:
        text = re.sub(r"\$\{\w+:-(.*?)\}", r"\1", text).replace("scheduler:8786", f"127.0.0.1:{self.port}")
        text = self.port if text == "8786" else text
        return re.sub(r"^/(tls|cache|tmp)", lambda found: str(self.folder / found[1]), text)

    def environment(self, service: str) -> dict[str, str]:
        return {name: self(value) for name, value in SERVICES[service].get("environment", {}).items()}

    def command(self, service: str) -> list[str]:
        program, *rest = map(self, SERVICES[service]["command"])
        programs = {"python": [sys.executable], "dask": [sys.executable, "-m", "dask"]}
        return [*programs[program], *rest]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Here]:
    here = Here(tmp_path)
    for name in ("cache", "tmp"):
        (tmp_path / name).mkdir()
    with ExitStack() as stack:
        for service in ("keys", "scheduler", "worker"):
            environment = {**os.environ, "PYTHONPATH": str(ROOT), **here.environment(service)}
            process = stack.enter_context(subprocess.Popen(here.command(service), cwd=ROOT, env=environment))
            if service == "keys":
                assert process.wait(60) == 0
            else:
                stack.callback(process.terminate)
                time.sleep(1)
        for name, value in here.environment("web-1").items():
            if name.startswith(("DASK_", "KERNEL_DRIFT_SCHEDULER")):
                monkeypatch.setenv(name, value)
        dask.config.refresh()
        yield here
    monkeypatch.undo()
    dask.config.refresh()


def test_a_server_computes_on_them(here: Here, tmp_path: Path) -> None:
    assert (tmp_path / "tls" / "key.pem").stat().st_mode & 0o777 == 0o600
    with CachedEngine(Store(tmp_path / "store")) as engine:
        end = time.monotonic() + 60
        while not engine.readiness().ready and time.monotonic() < end:
            time.sleep(0.2)
        assert engine.readiness().to_dict()["workers"] == {"state": "there", "count": 1}
        config = SampleConfig.from_dict({"setting": {"widths": [3, 5, 1]}, "draws": 1000})
        job = engine.wait(engine.request("initial_sample", config, "me"), 120)
        assert (job.state, job.error) == ("finished", None)
