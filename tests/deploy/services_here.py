"""The services of the compose file, started on this machine by their commands and settings."""

import json
import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
SERVICES = yaml.safe_load((ROOT / "deploy" / "compose.yaml").read_text())["services"]
SITE = "drift.example.org"


class Here:
    """Turns what a service is told into what holds on this machine, where `/cache` is `folder/cache`."""

    def __init__(self, folder: Path):
        self.port, self.web_port = free_port(), free_port()
        self.folder = folder

    def __call__(self, text: str) -> str:
        text = re.sub(r"\$\{(\w+)(?::[-?]([^}]*))?\}", lambda found: {"SITE": SITE}.get(found[1], found[2]), text)
        text = text.replace("scheduler:8786", f"127.0.0.1:{self.port}")
        text = self.port if text == "8786" else text
        return re.sub(r"^/(tls|cache|tmp|etc)\b", lambda found: str(self.folder / found[1]), text)

    def environment(self, service: str) -> dict[str, str]:
        return {name: self(value) for name, value in SERVICES[service].get("environment", {}).items()}

    def command(self, service: str) -> list[str]:
        program, *rest = map(self, SERVICES[service].get("command") or _of_the_image())
        programs = {"python": [sys.executable], "dask": [sys.executable, "-m", "dask"]}
        port = [f"--server.port={self.web_port}"] if service.startswith("web-") else []
        return [*programs[program], *rest, *port]

    def started(self, service: str, **more: str) -> subprocess.Popen[bytes]:
        """The process of a service, and what it says in a file."""
        environment = {**os.environ, "PYTHONPATH": str(ROOT), **self.environment(service), **more}
        with self.log(service).open("w") as log:
            return subprocess.Popen(self.command(service), cwd=ROOT, env=environment, stdout=log, stderr=log)

    def log(self, service: str) -> Path:
        return self.folder / f"{service}.log"


def _of_the_image() -> list[str]:
    """What a service without a command of its own runs."""
    (command,) = re.findall(r"(?m)^CMD (\[.*\])$", (ROOT / "deploy" / "Dockerfile").read_text())
    return json.loads(command)


def free_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return str(free.getsockname()[1])
