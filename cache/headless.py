"""Compute here and now, reusing what is stored: for the command line, scripts and tests. No Dask."""

import time
from dataclasses import replace

from cache.archive import address, encode
from cache.failure import explain, no_such_entry
from cache.lease import Holder
from cache.service import run_key
from cache.storage import Store
from engine import jobs
from engine.progress import Arrays, Cancelled, Entries, Progress, Report, silent
from engine.schema import Config


def cached_compute(store: Store, kind: str, config: Config, report: Report = silent, entry: str = "result") -> Arrays:
    """The entry, from the store or computed in this process and stored with its siblings.

    When a server computes the same run already, waits for it. Raises `ConfigError` for an unknown kind,
    `KeyError` when the run produces no such entry, and whatever the computation raises (`Cancelled` included).
    A disk that does not take the result raises nothing: `store.fault` says so.
    """
    key = run_key(kind, config)
    found = store.get(key, entry)
    if found is not None:
        return found

    def waiting(other: Holder) -> bool:
        report(Progress(other.fraction, other.message or "computed by another process"))
        return True

    with store.lease(key) as lease:
        lease.acquire(waiting)
        if lease.fault:
            store.failed(lease.fault)
        found = store.get(key, entry)
        if found is not None:
            return found

        def noted(progress: Progress) -> None:
            lease.note(progress.fraction, progress.message)
            report(progress)

        entries = _compute(store, key, kind, config, noted)
    if entry not in entries:
        raise KeyError(no_such_entry(entry, tuple(entries)).message)
    return entries[entry]


def _compute(store: Store, key: str, kind: str, config: Config, report: Report) -> Entries:
    """Computes, and keeps the index and the store up to date, however it ends."""
    start = time.perf_counter()
    record = store.index.add(key, kind, config)
    try:
        entries = jobs.compute(kind, config, report)
    except Cancelled:
        store.index.settle(key, "cancelled")
        raise
    except Exception as error:
        store.index.settle(key, "failed", error=explain(error).message)
        raise
    ended = {"seconds": time.perf_counter() - start, "entries": tuple(entries)}
    encoded = {name: encode(arrays, address(key, name)) for name, arrays in entries.items()}
    store.put(key, encoded, replace(record, **ended))
    store.index.settle(key, "finished", **ended)
    return entries
