"""Run with `failing_write.c` preloaded: a store whose k-th write fails, in a process of its own for each k.

    python every_write.py LIBRARY FOLDER STRIDE

Prints the number of places at which a write was made to fail; ends with an error where a result was lost.
"""

import ctypes
import itertools
import logging
import os
import shutil
import sys
from pathlib import Path

import numpy as np

from cache import Store
from cache.archive import address, encode
from cache.run_folders import Record

logging.disable(logging.CRITICAL)
ROOM = 100_000_000
KEYS = {"before": 20_000, "k1": 10, "k2": 20_000}


def put(store: Store, key: str) -> None:
    record = Record(key, "steady", {}, "label", "finished", 1.0, 1.0, ("result",))
    assert store.put(key, {"result": encode({"x": np.arange(KEYS[key])}, address(key, "result"))}, record) == []


def holds(store: Store, key: str) -> bool:
    found = store.get(key)
    return found is not None and len(found["x"]) == KEYS[key]


def attempt(library: ctypes.CDLL, folder: Path, k: int, for_good: bool) -> bool:
    """Whether the k-th write was reached. Raises where something is lost."""
    store = Store(folder, ROOM)
    put(store, "before")
    store.pin("before")
    library.arm(str(folder).encode(), k, for_good)
    put(store, "k1")
    put(store, "k2")
    with store.lease("k1") as lease:
        assert lease.acquire(lambda _: True)
    assert all(holds(store, key) for key in KEYS)
    reached = library.counted() > k
    library.arm(str(folder).encode(), -1, False)
    store.flush()
    assert store.fault == "", store.fault
    store.close()
    again = Store(folder, ROOM)
    assert all(holds(again, key) for key in KEYS)
    assert again.pinned("before")
    assert {record.key for record in again.index.recent()} == set(KEYS)
    again.close()
    return reached


def main() -> None:
    library = ctypes.CDLL(sys.argv[1])
    reached = 0
    for for_good in (False, True):
        for k in itertools.count(0, int(sys.argv[3])):
            folder = Path(sys.argv[2]) / f"{k}-{for_good}"
            child = os.fork()
            if child == 0:
                try:
                    os._exit(0 if attempt(library, folder, k, for_good) else 1)
                except BaseException as error:
                    print(
                        f"write {k}, for good {for_good}: {type(error).__name__}: {error}", file=sys.stderr, flush=True
                    )
                    raise SystemExit(2) from error
            status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
            shutil.rmtree(folder, ignore_errors=True)
            if status == 1:
                break
            assert status == 0, f"write {k}, for good {for_good}: exit {status}"
            reached += 1
    print(reached)


if __name__ == "__main__":
    main()
