"""The store with many runs: listing a page, writing one more, making the index again.

python -m benchmarks.storage
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from cache import Store
from cache.archive import address, encode, labelled
from cache.run_folders import Record, RunFolders, label
from engine.config import RunConfig
from engine.jobs import key
from engine.versions import VERSIONS

PAGE = 50
ENTRIES = ("result",)


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


def crowd(directory: Path, runs: int) -> None:
    """So many run folders of 40 networks, without waiting for the disk at each."""
    folders = RunFolders(directory)
    plain = RunConfig.from_dict({"data": {"name": "circle"}})
    shapes = [{"width": 2**width, "depth": depth} for width in range(2, 10) for depth in range(1, 6)]
    networks = [plain.network.model_copy(update=shape) for shape in shapes]
    for seed in range(runs):
        config = plain.model_copy(update={"network": networks[seed % len(networks)], "seeds": (seed,)})
        name = key("run", config)
        metrics = {"drift": seed / runs, "loss": 1.0}
        record = Record(name, "run", config.to_dict(), label(config), "finished", float(seed), 1.0, ENTRIES)
        folders.write_record(replace(record, version=VERSIONS["run"], metrics=metrics))
        arrays = encode({"x": np.zeros(10)}, address(name, "result"))
        folders.entry(name, "result").write_bytes(b"".join(labelled(arrays, address(name, "result"), {})))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, default=100_000)
    entries = parser.parse_args().entries
    with tempfile.TemporaryDirectory() as folder:
        crowd(Path(folder) / "store", entries)
        store = Store(Path(folder) / "store", 10**12)
        print("index made from", entries, "run folders:", milliseconds(lambda: store.index.recent("run", PAGE), 1))
        seeds = iter(range(entries, 2 * entries))
        print("one more written:", milliseconds(lambda: write(store, next(seeds))))
        print("newest page:", milliseconds(lambda: store.index.recent("run", PAGE)))
        print("page in the middle:", milliseconds(lambda: store.index.recent("run", PAGE, entries // 2)))
        print("last page:", milliseconds(lambda: store.index.recent("run", PAGE, entries - PAGE)))
        print("pinned:", milliseconds(lambda: store.index.recent("run", PAGE, pinned=True)))
        print("all counted:", milliseconds(lambda: store.index.count("run")))
        print("start of a server (reconcile):", milliseconds(store.reconcile, 3))
        store.close()


if __name__ == "__main__":
    main()
