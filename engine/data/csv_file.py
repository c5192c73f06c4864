"""A table in a file, by its digest, and the tables that were read last."""

import threading
from collections import OrderedDict
from dataclasses import replace

from engine.data import contents
from engine.data.contents import NamedFile, name_of
from engine.data.csv_records import decode
from engine.data.csv_table import Table, read_text

MOST_BYTES = 20_000_000
"""Of a file."""
MOST_ROWS = 100_000
"""In a file; a dataset draws at most `engine.data.dataset.MAX_POINTS` of them."""
MOST_HELD = 60_000_000
"""Bytes of the files whose tables are held: those asked for longest ago go first, the newest never."""

_one_at_a_time = threading.Lock()
"""A file takes ten times its size while it is read."""
_lock = threading.Lock()
_held: OrderedDict[str, tuple[int, Table | str]] = OrderedDict()


class TableSource(NamedFile):
    """A file that holds a table."""

    @property
    def table(self) -> Table | None:
        """None where nobody has its bytes. Raises `ValueError`, in one line, where they are no table."""
        found = _held_of(self.digest)
        if isinstance(found, str):
            raise ValueError(f"{self.file} {found}")
        return found

    @property
    def missing(self) -> str:
        """What keeps the file from being used here; empty where nothing does."""
        return "" if contents.has(self.digest) else self.not_here


def taken_in(file: str, content: bytes) -> tuple[TableSource, tuple[str, ...]]:
    """What a config says of a table that somebody brings, and remarks on how its bytes were read as text.

    Raises `ValueError`, in one line that says what to do.
    """
    digest = contents.digest_of(content)
    found = _held_of(digest, content)
    assert found is not None
    if isinstance(found, str):
        raise ValueError(found)
    return TableSource(file=name_of(file), digest=digest), found.remarks


def _held_of(digest: str, content: bytes | None = None) -> Table | str | None:
    """The table, why there is none, or None where nobody has its bytes, which may be given."""
    with _lock:
        if digest in _held:
            _held.move_to_end(digest)
            return _held[digest][1]
    with _one_at_a_time:
        if digest in _held:
            return _held[digest][1]
        if content is None and (content := contents.find(digest)) is None:
            return None
        found = _read(content)
        _hold(digest, len(content), found)
    return found


def _hold(digest: str, size: int, found: Table | str) -> None:
    with _lock:
        _held[digest] = size, found
        while len(_held) > 1 and sum(size for size, _ in _held.values()) > MOST_HELD:
            _held.popitem(last=False)


def _read(content: bytes) -> Table | str:
    if len(content) > MOST_BYTES:
        return _too_large(len(content))
    try:
        text, remarks = decode(content)
        table = read_text(text, MOST_ROWS)
    except ValueError as error:
        return str(error)
    return replace(table, notes=(*remarks, *table.notes), remarks=remarks)


def _too_large(size: int) -> str:
    return f"has {size:,} bytes, at most {MOST_BYTES:,} are read: keep fewer rows or columns"
