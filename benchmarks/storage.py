"""The store with many runs: listing a page, writing one more, making the index again.

python -m benchmarks.storage
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from cache import Store
from cache.archive import address, encode
from engine.config import RunConfig
from engine.jobs import key

PAGE = 50


def write(store: Store, seed: int) -> None:
    """A run as the engine writes it: asked for, computed, kept, settled."""
    config = RunConfig.from_dict({"data": {"name": "circle"}, "seeds": [seed]})
    name = key("run", config)
    record = store.index.add(name, "run", config)
    store.put(name, {"result": encode({"x": np.zeros(10)}, address(name, "result"))}, record)
    store.index.settle(name, "finished", seconds=1.0, entries=("result",))


def milliseconds(work: Callable[[], object], times: int = 50) -> str:
    """Median and worst of some calls."""
    took = []
    for _ in range(times):
        began = time.perf_counter()
        work()
        took.append(1000 * (time.perf_counter() - began))
    return f"median {np.median(took):.1f} ms, worst {max(took):.1f} ms"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, default=100_000)
    entries = parser.parse_args().entries
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder) / "store", 10**12)
        seeds = iter(range(entries + 1000))
        began = time.perf_counter()
        for _ in range(entries):
            write(store, next(seeds))
        print(f"{entries} runs written in {time.perf_counter() - began:.0f} s")
        print("one more written:", milliseconds(lambda: write(store, next(seeds))))
        print("newest page:", milliseconds(lambda: store.index.recent("run", PAGE)))
        print("page in the middle:", milliseconds(lambda: store.index.recent("run", PAGE, entries // 2)))
        print("last page:", milliseconds(lambda: store.index.recent("run", PAGE, entries - PAGE)))
        print("pinned:", milliseconds(lambda: store.index.recent("run", PAGE, pinned=True)))
        print("start of a server (reconcile):", milliseconds(store.reconcile, 3))
        store.close()
        store.directory.joinpath("index.db").rename(store.directory / "lost.db")
        store = Store(store.directory, 10**12)
        print("index made again:", milliseconds(lambda: store.index.recent("run", PAGE), 1))
        store.close()


if __name__ == "__main__":
    main()
