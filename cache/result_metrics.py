"""Metrics of results in their records: read when a result is kept, and later of those that were kept without."""

import time
from contextlib import suppress

from cache.archive import CorruptEntryError, address, decode
from cache.failure import tolerant
from cache.run_folders import Record
from cache.storage import Store
from engine.metrics import METRICS, measured, of_cells

AT_ONCE = 200
SECONDS = 0.5
"""Results looked at between two looks at everything else, and how long that may take."""


def of_result(kind: str, key: str, data: bytes | None) -> dict[str, float] | None:
    """Of an encoded "result" entry; None where there is none, or nothing is known of its kind."""
    if data is None or kind not in METRICS:
        return None
    with suppress(CorruptEntryError):
        return measured(kind, decode(data, address(key, "result")))
    return None


def fill(store: Store) -> int:
    """Reads some of the metrics that no record has yet; gives how many were."""
    began, count = time.monotonic(), 0
    with tolerant("read the metrics of older results"):
        unmeasured = store.index.unmeasured(AT_ONCE)
        if not unmeasured or store.probe():  # a disk that is only read stays without a fault
            return 0
        for key in unmeasured:
            record = store.index.get(key)
            found = _found(store, record) if record else None
            if record is None or found is None:
                store.index.list_again(key)  # it has changed meanwhile
            else:
                status = "finished" if record.status == "unfinished" else record.status
                store.index.settle(key, status, metrics=found)
                count += 1
            if time.monotonic() - began > SECONDS:
                break
    return count


def _found(store: Store, record: Record) -> dict[str, float] | None:
    """None where its result is not there."""
    if record.parts:
        return of_cells((part and part.metrics) or {} for part in map(store.index.get, record.parts))
    arrays = store.get(record.key, use=False)
    return None if arrays is None else measured(record.kind, arrays)
