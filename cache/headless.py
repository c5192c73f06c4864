"""Compute to the end, reusing what is stored: for the command line, scripts and tests."""

import time
from collections.abc import Sequence
from dataclasses import replace

from cache.archive import address, encode
from cache.batch import Batch
from cache.claims import own_claim
from cache.computing import keep
from cache.failure import CacheFault, SchedulerError, explain, no_such_entry
from cache.job import run_key
from cache.lease import Holder
from cache.maps import Whole
from cache.processes import remote
from cache.service import CachedEngine
from cache.storage import Store
from cache.task import Outcome
from engine import jobs
from engine.data import contents
from engine.progress import Arrays, Cancelled, Entries, Progress, Report, silent
from engine.schema import Config


def cached_compute(store: Store, kind: str, config: Config, report: Report = silent, entry: str = "result") -> Arrays:
    """The entry, from the store or computed in this process, without Dask, and stored with its siblings.

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


def kept_of_file(store: Store, kind: str, config: Config, content: bytes, owner: str = "") -> Arrays:
    """What is said of a file, with its bytes kept for good: it cannot be computed again without them. Who is named as
    its owner claims it.

    Raises as `cached_compute`, and `CacheFault` where the disk does not take it.
    """
    contents.give(content)
    arrays, key = cached_compute(store, kind, config), run_key(kind, config)
    if not store.fault:
        store.pin(key)
        if owner:
            own = own_claim(store.claims.of(key), owner)
            store.claims.put(key, replace(own, pinned=True, brought=True))
            store.index.list_again(key)
    if store.fault:
        raise CacheFault(store.fault)
    return arrays


COMMAND_LINE = "command line"
"""Who asks."""

POLL = 0.1
"""Seconds between looks at the jobs of a batch."""


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
    seconds = time.perf_counter() - start
    encoded = {name: encode(arrays, address(key, name)) for name, arrays in entries.items()}
    keep(store, record, Outcome(encoded, seconds=seconds))
    return entries


def run_batch(
    kind: str,
    groups: Sequence[Sequence[Config]],
    report: Report = silent,
    store: Store | None = None,
    unit: str = "results",
    whole: Whole | None = None,
) -> Batch:
    """The batch, computed on processes of its own or on the scheduler of `KERNEL_DRIFT_SCHEDULER`, to its end.

    The map of which these are the parts, `whole`, is noted among the runs. Results stay in the store: a batch that was
    interrupted goes on where it was. Raises what `report` raises, and `SchedulerError` when nothing can be computed at
    all and nothing is known.
    """
    remote()
    with CachedEngine(store) as engine:
        if whole is not None:
            engine.note(whole, COMMAND_LINE)
        batch = Batch(engine, kind, groups, COMMAND_LINE, unit)
        while True:
            batch.step()
            if batch.unstarted and not batch.results:
                raise SchedulerError(batch.unstarted)
            if batch.done:
                return batch
            report(Progress(batch.fraction, batch.message))
            time.sleep(POLL)
