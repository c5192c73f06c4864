"""A store of toy results, to be damaged."""

from pathlib import Path

import numpy as np
from toy_jobs import ToyConfig

from cache import Store
from cache.archive import address, encode

ROOM = 100_000_000


def entries(key: str, size: int = 10) -> dict[str, bytes]:
    return {"result": encode({"x": np.full(size, float(int(key, 36)))}, address(key, "result"))}


def put(store: Store, key: str, size: int = 10) -> None:
    """As the engine does: asked for, computed, kept, settled."""
    record = store.index.add(key, "steady", ToyConfig(number=int(key, 36)))
    assert store.put(key, entries(key, size), record) == []
    store.index.settle(key, "finished", seconds=1.0, entries=("result",))


def holds(store: Store, key: str) -> bool:
    found = store.get(key)
    return found is not None and bool((found["x"] == float(int(key, 36))).all())


def reopened(store: Store) -> Store:
    store.close()
    return Store(store.directory, ROOM)


def database(store: Store) -> Path:
    return store.directory / "index-2.db"
