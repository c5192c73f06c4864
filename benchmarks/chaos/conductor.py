"""Starts servers one after another on one cache, and makes the faults."""

import json
import os
import random
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import psutil

from benchmarks.chaos.faults import Fault
from benchmarks.chaos.ledger import Ledger
from benchmarks.chaos.machine import ROOT
from benchmarks.chaos.users import DOMAIN, GLUTTON
from benchmarks.chaos.vitals import Vital, vital

READY = 90.0
"""Seconds that a server may take to start."""

PATIENCE = 300.0
"""Seconds after the last fault in which everything that was asked for has to come to an end."""

SETTLE = 8.0
"""Seconds at least between the end of a fault and the next."""

CENSUS_EVERY = 5.0
"""Seconds between two looks at the processes of a server."""


class Server:
    """The present one of servers on one cache, whose users come back to the next.

    Attributes:
        life: which of them it is, from 1.
        died: how often one ended without being told to.
    """

    def __init__(self, directory: Path, users: int, seed: int, ledger: Ledger, log: Path):
        self._directory, self._seed, self._ledger, self._log = directory, seed, ledger, log
        self._names = [GLUTTON, *(f"user{number}@{DOMAIN}" for number in range(users))]
        self.environment: dict[str, str] = {}
        self.life = self.died = 0
        self._census: dict[int, float] = {}
        self._start()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def age(self) -> float:
        return time.monotonic() - self._born

    def order(self, order: str, **values: object) -> None:
        """Tells the server what to do, if it is there to hear it."""
        with suppress(OSError):
            self._input.write(json.dumps({"order": order, **values}) + "\n")
            self._input.flush()

    @contextmanager
    def killed(self) -> Iterator[None]:
        """Killed, and started again."""
        self._process.kill()
        self._gone()
        self._start()
        yield

    def again(self, environment: Mapping[str, str]) -> None:
        """Ended in order, and started again with more settings."""
        self.close()
        self.environment |= environment
        self._start()

    def look(self) -> None:
        """Starts one that has ended by itself again."""
        if self._process.poll() is not None:
            self.died += 1
            self._gone()
            self._start()

    def leave(self) -> bool:
        """Lets users end what they are at. Whether all did."""
        self.order("leave")
        return self._left.wait(PATIENCE)

    def close(self) -> None:
        """Ended in order, else by force."""
        with suppress(OSError):
            self._input.close()
        try:
            self._process.wait(60)
        except subprocess.TimeoutExpired:
            self.died += 1
            self._process.kill()
        self._gone()

    def vital(self, when: float) -> Vital | None:
        return vital(psutil.Process(self.pid), when, self.life, self.age) if psutil.pid_exists(self.pid) else None

    def census(self) -> None:
        """Notes the processes that it has started."""
        with suppress(psutil.Error):
            for process in psutil.Process(self.pid).children(recursive=True):
                self._census[process.pid] = process.create_time()

    def orphans(self) -> list[str]:
        """Processes of servers that have ended, which still run."""
        found = []
        for pid, born in self._census.items():
            with suppress(psutil.Error):
                process = psutil.Process(pid)
                if process.create_time() == born and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(" ".join(process.cmdline())[:120])
        return found

    def _start(self) -> None:
        self.life += 1
        self._born = time.monotonic()
        self._ready, self._left = threading.Event(), threading.Event()
        with self._log.open("a") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "benchmarks.chaos.server"],
                cwd=ROOT,
                env={**os.environ, "PYTHONPATH": str(ROOT), **self.environment},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        assert self._process.stdin
        self._input = self._process.stdin
        self._reader = threading.Thread(target=self._read, args=(self._process,), daemon=True)
        self._reader.start()
        left = {name: self._ledger.left(name) for name in self._names}
        self._input.write(
            json.dumps({"directory": str(self._directory), "left": left, "seed": self._seed, "life": self.life}) + "\n"
        )
        self._input.flush()
        self._ready.wait(READY)

    def _gone(self) -> None:
        self._process.wait()
        self._reader.join(5.0)  # its processes hold its output too, a little longer
        self._ledger.server_ended()
        with suppress(OSError):
            self._input.close()

    def _read(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout
        with process.stdout as lines:
            for text in lines:
                try:
                    line = json.loads(text)
                except ValueError:  # the last of one that was killed
                    continue
                {"ready": self._ready, "left": self._left}.get(line["what"], threading.Event()).set()
                self._ledger.take(line)


class Storm:
    """Faults, one after another.

    Attributes:
        say: tells whoever watches what happens.
        made: how often each was.
        vitals: of the servers, every second.
    """

    def __init__(self, server: Server, every: float, chance: random.Random, say: Callable[[str], None]):
        self._server, self._every, self._chance, self.say = server, every, chance, say
        self._began = time.monotonic()
        self.made = Counter[str]()
        self.vitals: list[Vital] = []

    def rage(self, faults: Sequence[Fault], seconds: float, mend: Callable[[], None] = lambda: None) -> None:
        """Makes one fault every so often, each kind once in every round. `mend` is called every second."""
        until, following = time.monotonic() + seconds, self._rounds(faults)
        coming = time.monotonic() + min(self._every, 10.0)
        while coming < until:
            self._pass(coming - time.monotonic(), mend)
            fault = next(following)
            self.say(fault.name)
            began = time.monotonic()
            with ExitStack() as undo:
                undo.enter_context(fault.made())
                self._pass(fault.lasts, mend)
            self.made[fault.name] += 1
            coming = max(began + self._every, time.monotonic() + SETTLE)
        self._pass(until - time.monotonic(), mend)

    def _rounds(self, faults: Sequence[Fault]) -> Iterator[Fault]:
        while True:
            yield from self._chance.sample(faults, len(faults))

    def _pass(self, seconds: float, mend: Callable[[], None]) -> None:
        until = time.monotonic() + seconds
        while (now := time.monotonic()) < until:
            self._server.look()
            mend()
            found = self._server.vital(now - self._began)
            self.vitals += [found] if found else []
            if len(self.vitals) % int(CENSUS_EVERY) == 0:
                self._server.census()
            time.sleep(max(0.0, min(1.0, until - time.monotonic())))
