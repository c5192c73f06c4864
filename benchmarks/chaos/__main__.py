"""Lets users work while everything fails, and says what was lost: python -m benchmarks.chaos --minutes 20

Exits with 1 when anything was lost, wrong or hung, or memory grew.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from benchmarks.chaos import hungry, machine
from benchmarks.chaos.conductor import Server, Storm
from benchmarks.chaos.faults import Fault, of_a_network, of_this_machine
from benchmarks.chaos.ledger import Ledger
from benchmarks.chaos.machine import ROOT, Elsewhere
from benchmarks.chaos.report import Report
from benchmarks.chaos.vitals import growths

DISK = "400m"
HERE = 0.55
"""Of the time, with processes of this machine; then a scheduler elsewhere."""


def options(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.chaos", description=__doc__)
    parser.add_argument("--minutes", type=float, default=20.0)
    parser.add_argument("--users", type=int, default=10)
    parser.add_argument("--every", type=float, default=30.0, help="seconds between two faults")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--in-process", action="store_true", help="take no namespaces, also where there are some")
    parser.add_argument("--keep", type=Path, help="a folder for what servers and the scheduler elsewhere log")
    return parser.parse_args(arguments)


@contextmanager
def disk(folder: Path) -> Iterator[Path]:
    """Where the cache lies: a small file system, where one can be had."""
    place = folder / "disk"
    place.mkdir()
    if machine.ours():
        machine.do("mount", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", str(place))
    try:
        yield place
    finally:
        if machine.ours():
            machine.do("umount", "--lazy", str(place))


def compared(directory: Path, ledger: Ledger, folder: Path) -> dict[str, Any]:
    """What a process that has seen nothing finds."""
    alone = {"PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1", "JAX_ENABLE_X64": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.chaos.compare", str(directory)],
        env={**os.environ, **alone, "JAX_COMPILATION_CACHE_DIR": str(folder / "compiled")},
        input=json.dumps({key: told.plain() for key, told in ledger.jobs.items()}),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


def rage(given: argparse.Namespace, folder: Path, place: Path) -> Report:
    """The whole of it."""
    began, ledger = time.monotonic(), Ledger()

    def say(text: str) -> None:
        print(f"{time.monotonic() - began:6.0f} s  {text}", file=sys.stderr, flush=True)

    directory, log = place / "cache", (given.keep or folder) / "servers.log"
    with closing(Server(directory, given.users, given.seed, ledger, log)) as server:
        storm = Storm(server, given.every, random.Random(given.seed), say)
        faults = here_and_elsewhere(server, storm, given, folder, place)
    time.sleep(3.0)  # what has lost its server ends by itself
    say("everything once more")
    found = compared(directory, ledger, folder)
    return Report(
        ledger,
        faults,
        storm.made,
        found["found"],
        growths(storm.vitals),
        servers=server.life,
        died=server.died,
        orphans=server.orphans(),
        aside=[path.name for path in directory.rglob("*damaged*")] + [*map(str, directory.glob("aside/*"))],
        unreadable=found["unreadable"],
        tracebacks=log.read_text(errors="replace").count("Traceback (most recent call last)"),
    )


def here_and_elsewhere(
    server: Server, storm: Storm, given: argparse.Namespace, folder: Path, place: Path
) -> list[Fault]:
    """Makes those of a server with processes of its own, then of one with a scheduler elsewhere; then all users end."""
    local = of_this_machine(server, place, random.Random(given.seed))
    storm.rage(local, 60 * given.minutes * HERE)
    with closing(Elsewhere(folder / "elsewhere", (given.keep or folder) / "elsewhere.log")) as there:
        storm.say("a scheduler elsewhere")
        server.again(there.environment)
        remote = of_a_network(server, there)
        storm.rage(remote, 60 * given.minutes * (1 - HERE), there.mend)
        storm.say("the last jobs")
        server.leave()
        server.close()
    return local + [fault for fault in remote if fault.name not in {other.name for other in local}]


def main() -> int:
    given = options()
    hungry.install()
    if not given.in_process:
        machine.enter()
    with tempfile.TemporaryDirectory(prefix="kernel-drift-chaos-") as name, disk(Path(name)) as place:
        report = rage(given, Path(name), place)
    print("\n".join(report.lines()))
    return 1 if report.wrong() else 0


if __name__ == "__main__":
    raise SystemExit(main())
