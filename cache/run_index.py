"""The list of runs that were ever asked for: survives a restart, offers what did not finish."""

import json
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

import diskcache

from cache.faults import DISK_FAULTS, tolerant
from engine.schema import Config

Status = Literal["unfinished", "finished", "failed", "cancelled"]

KEEP = 500
"""Records of each kind of job."""

PREFIX = "run/"


@dataclass(frozen=True)
class Record:
    """One run in the index.

    Attributes:
        values: the config as plain values; `engine.jobs.parse(kind, values)` gives it back.
        label: the settings that differ from the defaults, short.
        created, seconds: when it was asked for (Unix time), and how long it computed.
        entries: names of what it produced, once finished.
        error: one sentence, when failed.
    """

    key: str
    kind: str
    values: Mapping[str, Any]
    label: str
    status: Status = "unfinished"
    created: float = 0.0
    seconds: float = 0.0
    entries: tuple[str, ...] = ()
    error: str = ""


class RunIndex:
    """Records by run key, the newest `KEEP` of each kind."""

    def __init__(self, cache: diskcache.Cache):
        self._cache = cache

    def add(self, key: str, kind: str, config: Config) -> None:
        """Notes that the run was asked for and is not finished."""
        old = self.get(key)
        created = old.created if old else time.time()
        self._put(Record(key, kind, config.to_dict(), label(config), created=created))
        self._prune()

    def settle(self, key: str, status: Status, **changes: Any) -> None:
        """Notes how the run ended. Nothing happens for a run that was pruned."""
        record = self.get(key)
        if record is not None:
            self._put(replace(record, status=status, **changes))

    def get(self, key: str) -> Record | None:
        try:
            values = json.loads(str(self._cache.get(PREFIX + key)))
            return Record(**{**values, "entries": tuple(values["entries"])})
        except (ValueError, TypeError, KeyError, *DISK_FAULTS):  # missing, tampered, or of another version
            return None

    def recent(self, kind: str | None = None) -> list[Record]:
        """All records, or those of one kind, newest first."""
        records = [record for key in self._keys() if (record := self.get(key)) is not None]
        wanted = [record for record in records if kind in (None, record.kind)]
        return sorted(wanted, key=lambda record: record.created, reverse=True)

    def _keys(self) -> list[str]:
        return [key.removeprefix(PREFIX) for key in map(str, self._cache.iterkeys()) if key.startswith(PREFIX)]

    def _put(self, record: Record) -> None:
        with tolerant("write the index of runs"):
            self._cache.set(PREFIX + record.key, json.dumps(asdict(record)))

    def _prune(self) -> None:
        with tolerant("prune the index of runs"):
            if len(self._keys()) <= KEEP:
                return
            kept: Counter[str] = Counter()
            for record in self.recent():
                kept[record.kind] += 1
                if kept[record.kind] > KEEP:
                    self._cache.delete(PREFIX + record.key)


def label(config: Config, limit: int = 80) -> str:
    """The settings that differ from the defaults, as `width=64, depth=3`."""
    changed = config.model_dump(mode="json", exclude_defaults=True)
    text = ", ".join(f"{name}={value}" for name, value in _leaves(changed)) or "defaults"
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _leaves(values: Mapping[str, Any]) -> list[tuple[str, Any]]:
    leaves = []
    for name, value in values.items():
        leaves.extend(_leaves(value) if isinstance(value, dict) else [(name, value)])
    return leaves
