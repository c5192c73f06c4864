"""A server and its users, in a process of its own: python -m benchmarks.chaos.server

Reads lines of JSON: first what it is to be, then orders. Writes lines of JSON: what its users were told. It ends with
its input.
"""

import errno
import json
import os
import random
import sys
import threading
import time
from pathlib import Path
from typing import Any

from distributed.system import MEMORY_LIMIT

import cache
import engine.training.result  # noqa: F401  (pandas, 70 MB, which the pages of a dashboard have imported by now)
from benchmarks.chaos import hungry
from benchmarks.chaos.users import GLUTTON, RULES, User
from benchmarks.chaos.wishes import RUN, Wish
from cache import CachedEngine, Store, processes
from engine import jobs

ROOM = 10_000_000_000
_writing = threading.Lock()


def tell(what: str, **facts: Any) -> None:
    """To whoever has started this."""
    with _writing:
        print(json.dumps({"what": what, **facts}), flush=True)


class Faults:
    """Those that are made in this process, where the system lets nobody make them from outside."""

    WRITING = (
        "os.mkdir",
        "os.rename",
        "os.remove",
        "os.utime",
        "os.link",
        "os.chmod",
        "os.truncate",
        "sqlite3.connect",
    )

    def __init__(self, place: str):
        self._place, self._read_only = place, False
        self._time = time.time

    def clock(self, seconds: float) -> None:
        """Moves `time.time`."""
        time.time = lambda: self._time() + seconds

    def read_only(self, on: bool) -> None:
        """Whether below the cache nothing can be opened to write, made, renamed or removed."""
        if not hasattr(self, "_hooked"):
            self._hooked = sys.addaudithook(self._audit)  # which stays for good
        self._read_only = on

    def _audit(self, event: str, arguments: tuple) -> None:
        if not self._read_only or not arguments or not str(arguments[0]).startswith(self._place):
            return
        opened = event == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR)
        if opened or event in self.WRITING:
            raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(arguments[0]))


def rehearsal() -> cache.Rehearsal:
    """What workers compile when they start, as those of the dashboard do."""
    return cache.Rehearsal("run", jobs.parse("run", RUN))


def offered(engine: CachedEngine, left: dict[str, list[dict[str, Any]]]) -> None:
    """What the index says of what was asked for when the server before this one ended."""
    for wishes in left.values():
        for wish in map(Wish.of, wishes):
            for key in wish.keys:
                record = engine.store.index.get(key)
                tell("offered", key=key, status=record.status if record else "")


def tick(engine: CachedEngine, ended: threading.Event) -> None:
    """Says every second that it is there, what it says of the disk, and the time."""
    while not ended.wait(1.0):
        tell("tick", trouble=engine.trouble(), time=time.time())


def serve(given: dict[str, Any]) -> None:
    left, ended = given["left"], threading.Event()
    faults = Faults(given["directory"])
    processes.MEMORY_SHARE = hungry.WORKER_BYTES / MEMORY_LIMIT
    engine = CachedEngine(Store(Path(given["directory"]), ROOM), rehearsal(), RULES)
    offered(engine, left)
    cache.install(engine)
    engine.start()
    threading.Thread(target=tick, args=(engine, ended), daemon=True).start()
    users = [
        User(name, engine, tell, random.Random(f"{given['seed']} {name} {given['life']}"), wishes)
        for name, wishes in left.items()
        if name != GLUTTON
    ]
    guests: list[threading.Thread] = [*users]
    guests += [feeding(engine, hungry.HungryConfig(**wish["values"][0])) for wish in left.get(GLUTTON, [])]
    for guest in guests:
        guest.start()
    tell("ready")
    for order in map(json.loads, sys.stdin):
        if order["order"] == "leave":
            for user in users:
                user.leaving.set()
            threading.Thread(target=last_one_out, args=(guests,), daemon=True).start()
        elif order["order"] == "eat":
            guests.append(feeding(engine, hungry.HungryConfig(number=order["number"])))
            guests[-1].start()
        else:
            getattr(faults, order["order"])(order["value"])
    ended.set()
    engine.close()


def last_one_out(guests: list[threading.Thread]) -> None:
    for guest in guests:
        guest.join()
    tell("left")


def feeding(engine: CachedEngine, config: hungry.HungryConfig) -> threading.Thread:
    return threading.Thread(target=feed, args=(engine, config), daemon=True)


def feed(engine: CachedEngine, config: hungry.HungryConfig) -> None:
    """Asks for a job that eats memory."""
    job = engine.request(hungry.KIND, config, GLUTTON)
    tell("asked", user=GLUTTON, keys=[job.key], wish=Wish(hungry.KIND, (config.to_dict(),)).plain())
    while not job.done:
        time.sleep(0.2)
        job = engine.request(hungry.KIND, config, GLUTTON)
    words, reason = (job.error.message, job.error.reason) if job.error else ("", "")
    tell("ended", user=GLUTTON, key=job.key, state=job.state, words=words, digest="", reason=reason)


if __name__ == "__main__":
    hungry.install()
    serve(json.loads(sys.stdin.readline()))
