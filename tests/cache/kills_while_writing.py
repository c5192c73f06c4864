"""Writers that are killed at any moment: python kills_while_writing.py FOLDER. A process of its own, free to fork."""

import contextlib
import itertools
import os
import random
import signal
import sys
import time
from pathlib import Path

from toy_store import ROOM, put

from cache import Store


def write_for_ever(folder: Path, first: int) -> None:
    store = Store(folder, ROOM)
    for number in itertools.count(first):
        put(store, f"k{number}", 20_000)
        (folder / f"done-{number}").touch()  # said to be finished


def main() -> None:
    folder, chance = Path(sys.argv[1]), random.Random(0)
    for kill in range(1, 41):
        child = os.fork()
        if child == 0:
            with contextlib.suppress(BaseException):
                write_for_ever(folder, 1000 * kill)
            os._exit(1)
        while not (folder / f"done-{1000 * kill}").exists():
            time.sleep(0.002)
        time.sleep(chance.uniform(0, 0.05))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


if __name__ == "__main__":
    main()
