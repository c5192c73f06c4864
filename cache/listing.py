"""What a list of runs is asked for, as one statement on the table of runs, and what the table keeps for it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from pydantic_core import from_json as read_json
from pydantic_core import to_json as write_json

from cache.claims import Claim, from_json, to_json
from cache.run_folders import Record
from cache.run_table import Listed

LONG, LONGEST = 16_000, 200
"""Bytes of a record from which on a list keeps only so many letters of each text: a config may carry a whole table."""

KNOWN = 10_000
"""Rows of which the text is not read again at every look: some 5 kB each."""

ESCAPE = str.maketrans({"\\": "\\\\", "%": "\\%", "_": "\\_"})

ROWS = """SELECT record, claims, pinned, runs.size + (SELECT coalesce(sum(size), 0) FROM entries WHERE key = runs.key),
EXISTS (SELECT * FROM entries WHERE key = runs.key AND name = 'result'),
(SELECT count(*) FROM parts JOIN entries ON entries.key = part AND name = 'result' WHERE whole = runs.key),
(SELECT coalesce(sum(size), 0) FROM parts JOIN entries ON entries.key = part WHERE whole = runs.key)
+ (SELECT coalesce(sum(own.size), 0) FROM parts JOIN runs AS own ON own.key = part WHERE whole = runs.key)
FROM runs JOIN listed ON listed.key = runs.key"""
ORDER = "ORDER BY created DESC, runs.key DESC"


@dataclass(frozen=True)
class RunFilter:
    """Which runs a list shows.

    Attributes:
        kinds: one of these; all when empty.
        text: words that all stand in its settings, its names, tags and notes, or in who asked for it.
        tags: all of these.
        person: who asked for it.
        kept: only what somebody keeps.
        whole: the key of what it is a part of.
    """

    kinds: tuple[str, ...] = ()
    text: str = ""
    tags: tuple[str, ...] = ()
    person: str = ""
    kept: bool = False
    whole: str = ""

    def selection(self) -> tuple[str, dict[str, Any]]:
        """Where to look, as SQL from FROM on, and the values in it. `listed` is read only for what it says."""
        words = [*self.text.lower().split(), *(f" #{tag.lower()} " for tag in self.tags)]
        words += [f" @{self.person.lower()} "] if self.person else []
        given: dict[str, Any] = {f"kind{at}": kind for at, kind in enumerate(self.kinds)}
        conditions = [f"kind IN ({', '.join(f':{name}' for name in given)})"] if given else []
        for at, word in enumerate(words):
            conditions.append(f"words LIKE :word{at} ESCAPE '\\'")
            given[f"word{at}"] = f"%{word.translate(ESCAPE)}%"
        if self.kept:
            conditions.append("pinned = 1")
        if self.whole:
            conditions.append("runs.key IN (SELECT part FROM parts WHERE whole = :whole)")
            given["whole"] = self.whole
        tables = "runs JOIN listed ON listed.key = runs.key" if words else "runs"
        return f"FROM {tables} {'WHERE ' if conditions else ''}{' AND '.join(conditions)}", given


@dataclass(frozen=True)
class ListedRun:
    """A row of the list.

    Attributes:
        size: bytes of all that was kept of it, and of what it is made of.
        stored: whether its result is there.
        there: how many of its parts have a result.
    """

    record: Record
    claims: tuple[Claim, ...]
    pinned: bool
    size: int
    stored: bool
    there: int


@lru_cache(KNOWN)
def _record(text: str) -> Record:
    """Without the checks of `Record.from_json`, which would take most of the time of a long list."""
    values = read_json(text)
    return Record(**{**values, "entries": tuple(values["entries"]), "parts": tuple(values["parts"])})


_claims = lru_cache(KNOWN)(from_json)


def listed(record: Record | None, claims: Sequence[Claim], measurable: bool) -> Listed:
    """What the table keeps of a run. Long texts in its settings are cut.

    Args:
        measurable: whether numbers could be read from its result.
    """
    if record is None:
        return Listed()
    values, text = record.values, write_json(vars(record))  # `asdict` copies every value: half of a new index's time
    if len(text) > LONG:
        values = _cut(record.values)
        text = write_json({**vars(record), "values": values})
    words = f" {' '.join(_words(record, values, claims))} ".lower()
    measured = record.metrics is not None or not measurable
    return Listed(text.decode(), to_json(claims) if claims else "[]", words, measured, record.parts)


def _words(record: Record, values: Mapping[str, Any], claims: Sequence[Claim]) -> Iterator[str]:
    yield from (record.kind, record.key[:16], record.label)
    yield from (f"{name.rpartition('.')[2]}={value}" for name, value in settings(values))
    for claim in claims:
        yield from (f"@{claim.person}", claim.name, *(f"#{tag}" for tag in claim.tags), claim.note)


def settings(values: Mapping[str, Any], within: str = "") -> Iterator[tuple[str, Any]]:
    """Every setting by its dotted name."""
    for name, value in values.items():
        if isinstance(value, dict):  # plain values; of `Mapping` the question takes ten times as long
            yield from settings(value, f"{within}{name}.")
        else:
            yield f"{within}{name}", value


def _cut(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _cut(one) for name, one in value.items()}
    return f"{value[:LONGEST]}…" if isinstance(value, str) and len(value) > LONGEST else value


def statement(which: RunFilter, limit: int, offset: int) -> tuple[str, dict[str, Any]]:
    """The rows of these runs, newest first; `limit` of them after the first `offset`."""
    selection, given = which.selection()
    keys = f"SELECT runs.key {selection} {ORDER} LIMIT :limit OFFSET :offset"
    return f"{ROWS} WHERE runs.key IN ({keys}) {ORDER}", {**given, "limit": limit, "offset": offset}


def counted(which: RunFilter) -> tuple[str, dict[str, Any]]:
    """How many there are."""
    selection, given = which.selection()
    return f"SELECT count(*) {selection}", given


def listed_runs(rows: Iterable[Sequence[Any]]) -> list[ListedRun]:
    """Rows of `ROWS`, without those that this program did not write."""
    found = []
    for text, claims, pinned, own, stored, there, parts in rows:
        with suppress(KeyError, TypeError, ValueError):
            found.append(ListedRun(_record(text), _claims(claims), bool(pinned), own + parts, bool(stored), there))
    return found
