"""Computes every result again, in a process that has seen none of it: python -m benchmarks.chaos.compare DIRECTORY

Reads in JSON what users were told of each job. Writes what is the matter with which, and lines of the audit log that
are none.
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.chaos import hungry
from benchmarks.chaos.ledger import Told
from benchmarks.chaos.server import ROOM
from benchmarks.chaos.users import digest
from cache import Store
from cache.archive import address, decode, encode
from engine import jobs


def computed(kind: str, values: Mapping[str, Any]) -> dict[str, str]:
    """Digests of the entries of a job, computed here and written as workers write them."""
    entries = jobs.compute(kind, jobs.parse(kind, dict(values)))
    return {
        name: digest(decode(encode(arrays, address("", name)), address("", name))) for name, arrays in entries.items()
    }


def matter(store: Store, key: str, told: Told) -> str | None:
    """What is the matter with a job; empty when its result is there and right, None when there is none to be."""
    record = store.index.get(key)
    if not told.digests and (record is None or record.status != "finished"):
        return None
    if record is None:
        return "lost: the index does not know it"
    if "" in told.digests:
        return "lost: it was said to be finished, and not shown"
    stored = {name: store.get(key, name) for name in record.entries or ("result",)}
    if record.status != "finished" or any(arrays is None for arrays in stored.values()):
        return f"lost: its result is gone, the index says {record.status}"
    right = computed(told.wish.kind, told.wish.values[0])
    if {name: digest(arrays) for name, arrays in stored.items() if arrays is not None} != right:
        return "wrong: what is kept is not what is computed"
    if not told.digests <= {right["result"]}:
        return "wrong: what was shown is not what is computed"
    return unclaimed(store, key, told)


def unclaimed(store: Store, key: str, told: Told) -> str:
    """Whether it is forgotten who asked for a result, or who keeps it."""
    claims = store.claims.of(key)
    if told.people - {claim.person for claim in claims}:
        return "lost: that somebody asked for it"
    if told.pins - {claim.person for claim in claims if claim.pinned} or (told.pins and not store.pinned(key)):
        return "lost: that somebody keeps it"
    return ""


def unreadable(directory: Path) -> list[str]:
    """Lines of the audit log that say nothing."""
    lines = [line for path in directory.glob("audit.log*") for line in path.read_text(errors="replace").splitlines()]
    return [line for line in lines if not _says_who(line)]


def _says_who(line: str) -> bool:
    try:
        return {"time", "who", "action"} <= json.loads(line).keys()
    except (ValueError, AttributeError):
        return False


def main() -> None:
    hungry.install()
    directory = Path(sys.argv[1])
    store = Store(directory, ROOM)
    store.reconcile()
    found = {key: matter(store, key, Told.of(told)) for key, told in json.load(sys.stdin).items()}
    store.close()
    json.dump({"found": found, "unreadable": unreadable(directory)}, sys.stdout)


if __name__ == "__main__":
    main()
