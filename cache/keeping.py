"""What came of a computation, put on disk."""

from dataclasses import replace
from typing import Literal

from cache.failure import log
from cache.run_folders import Record
from cache.storage import Store
from cache.task import Outcome

Ending = Literal["failed", "cancelled", "finished"]


def keep(store: Store, record: Record, outcome: Outcome) -> tuple[Ending, dict[str, bytes]]:
    """Stores its entries and settles its record: how it ended, and entries that the limit of the cache leaves out."""
    failure = outcome.failure
    status: Ending = "failed" if failure else "cancelled" if outcome.cancelled else "finished"
    if failure is not None:
        details = "\n" + failure.details if failure.reason == "error" else ""
        log.warning("job %s failed: %s%s", record.key, failure.message, details)
    ended = {"seconds": outcome.seconds, "entries": tuple(outcome.entries)}
    missing = store.put(record.key, outcome.entries, replace(record, **ended))
    store.index.settle(record.key, status, error=failure.message if failure else "", **ended)
    return status, {name: outcome.entries[name] for name in missing}
