"""Computes every result again, in a process that has seen none of it: python -m benchmarks.chaos.audit DIRECTORY

Reads a list of jobs in JSON: what each is, and the digests of what users were shown. Writes what is the matter with
which, and how many were compared.
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.chaos import hungry
from benchmarks.chaos.server import ROOM
from benchmarks.chaos.users import digest
from benchmarks.chaos.wishes import Wish
from cache import Store
from cache.archive import address, decode, encode
from engine import jobs


def computed(kind: str, values: Mapping[str, Any]) -> dict[str, str]:
    """Digests of the entries of a job, computed here and written as workers write them."""
    entries = jobs.compute(kind, jobs.parse(kind, dict(values)))
    return {
        name: digest(decode(encode(arrays, address("", name)), address("", name))) for name, arrays in entries.items()
    }


def matter(store: Store, key: str, wish: Wish, shown: set[str]) -> str | None:
    """What is the matter with a job; empty when its result is there and right, None when there is none to be."""
    record = store.index.get(key)
    if not shown and (record is None or record.status != "finished"):
        return None
    if record is None:
        return "lost: the index does not know it"
    if "" in shown:
        return "lost: it was said to be finished, and not shown"
    stored = {name: store.get(key, name) for name in record.entries or ("result",)}
    if record.status != "finished" or any(arrays is None for arrays in stored.values()):
        return f"lost: its result is gone, the index says {record.status}"
    right = computed(wish.kind, wish.values[0])
    if {name: digest(arrays) for name, arrays in stored.items() if arrays is not None} != right:
        return "wrong: what is kept is not what is computed"
    return "" if shown <= {right["result"]} else "wrong: what was shown is not what is computed"


def main() -> None:
    hungry.install()
    store = Store(Path(sys.argv[1]), ROOM)
    store.reconcile()
    found = {}
    for key, told in json.load(sys.stdin).items():
        found[key] = matter(store, key, Wish.of(told["wish"]), set(told["shown"]))
    store.close()
    json.dump({"found": found}, sys.stdout)


if __name__ == "__main__":
    main()
