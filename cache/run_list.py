"""What a run picker shows: the index of runs, with what is going on right now."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from cache.job import Job, State
from cache.lease import holder
from cache.run_index import Record
from cache.storage import Store


@dataclass(frozen=True)
class Run:
    """A line of the run picker.

    Attributes:
        values: the config as plain values; `engine.jobs.parse(kind, values)` gives it back (or `ConfigError`,
            when an older version wrote it).
        state: of the job while there is one here, else of the index; "unfinished" was cut short by a restart.
        stored: whether its result is in the cache.
        created: Unix time.
    """

    key: str
    kind: str
    values: Mapping[str, Any]
    label: str
    state: State | Literal["unfinished"]
    created: float
    seconds: float
    fraction: float
    error: str
    stored: bool
    pinned: bool


def list_runs(store: Store, job: Callable[[str], Job | None], limit: int, kind: str | None = None) -> list[Run]:
    """The newest runs, of one kind or of all. `job` gives the live job of a key."""
    pinned, records = store.pinned(), store.index.recent(kind)[:limit]
    return [_run(store, record, job(record.key), record.key in pinned) for record in records]


def _run(store: Store, record: Record, live: Job | None, pinned: bool) -> Run:
    state: State | Literal["unfinished"] = record.status
    fraction = 1.0 if state == "finished" else 0.0
    if live is not None and not (live.done and state == "finished"):
        state, fraction = live.state, live.fraction
    elif state == "unfinished" and (elsewhere := holder(store.cache, record.key)):
        state, fraction = "running", elsewhere.fraction
    return Run(
        key=record.key,
        kind=record.kind,
        values=record.values,
        label=record.label,
        state=state,
        created=record.created,
        seconds=live.seconds if live else record.seconds,
        fraction=fraction,
        error=record.error,
        stored=store.has(record.key),
        pinned=pinned,
    )
