"""The layout before run folders: one diskcache database, with the small entries, the records and the pins inside.

It is read, and left as it is. Once everything has been brought over, files that the run folders share with it lose
their old name, so that they are not kept twice.
"""

import contextlib
import json
import os
import shutil
import sqlite3
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from urllib.parse import quote

from cache.archive import labelled
from cache.failure import log
from cache.run_folders import Record, RunFolders, nameable

RAW, BINARY = 1, 2
"""diskcache's modes: the value is in the row, or in a file."""


class OldLayout:
    """Reads the old database. Methods raise `sqlite3.Error` or `OSError`."""

    def __init__(self, directory: Path):
        """`directory`: the one of `cache.db`."""
        self._directory = directory
        self._database = directory / "cache.db"

    @property
    def exists(self) -> bool:
        return self._database.is_file()

    @property
    def written(self) -> float:
        """When it was written last (Unix time)."""
        files = (self._database, self._database.with_name("cache.db-wal"))
        return max(file.stat().st_mtime for file in files if file.exists())

    def read(self, key: str, name: str) -> bytes | None:
        """The bytes of an entry, None where there is none."""
        for _, value in self._rows(f"entry/{key}/{name}"):
            return value.read_bytes() if isinstance(value, Path) else value
        return None

    def records(self) -> Iterator[Record]:
        """The records that make sense."""
        for key, value in self._rows("run/", within=True):
            record = Record.from_json(value.decode()) if isinstance(value, bytes) else None
            if record is not None and record.key == key.removeprefix("run/"):
                yield record

    def pins(self) -> Iterator[str]:
        for key, _ in self._rows("pin/", within=True):
            yield key.removeprefix("pin/")

    def entries(self) -> Iterator[tuple[str, str, bytes | Path]]:
        """Key, name, and the bytes or the file that holds them."""
        for where, value in self._rows("entry/", within=True):
            key, _, name = where.removeprefix("entry/").partition("/")
            yield key, name, value

    def _rows(self, key: str, within: bool = False) -> Iterator[tuple[str, bytes | Path]]:
        """Rows with this key, or with keys that begin so. What this program did not write is passed over."""
        condition = "key >= ? AND key < ?" if within else "key = ?"
        values = (key, key[:-1] + chr(ord(key[-1]) + 1)) if within else (key,)
        statement = f"SELECT key, mode, filename, value FROM Cache WHERE raw = 1 AND {condition}"
        with contextlib.closing(_connect(self._database)) as database:
            for found, mode, filename, value in database.execute(statement, values):
                if mode == BINARY and isinstance(filename, str):
                    yield found, self._directory / filename
                elif mode == RAW:
                    yield found, value if isinstance(value, bytes) else str(value).encode()


def bring_over(old: OldLayout, folders: RunFolders, done: Path) -> int:
    """Everything of the old layout that the run folders do not hold yet; gives the number of entries.

    Interrupted, it goes on where it was: what is there already is left alone. `done` is written at the end.
    Raises `sqlite3.Error` or `OSError`; nothing is lost then, and the next start tries again.
    """
    for record in old.records():
        if _sensible(record.key, "run") and folders.record(record.key) is None:
            folders.write_record(record)
    for key in old.pins():
        if _sensible(key, "pin"):
            folders.pin(key)
    shared, count = [], 0
    for key, name, value in old.entries():
        if not _sensible(key, name):
            continue
        count += 1
        if isinstance(value, Path):
            if _same(value, folders.entry(key, name)) or _link(value, folders.entry(key, name)):
                shared.append(value)
        elif not folders.has(key, name):
            folders.write(key, name, labelled(value, f"{key}/{name}", _facts(folders, key)))
    done.write_text(json.dumps({"entries": count}) + "\n")
    for file in shared:
        file.unlink(missing_ok=True)  # its second name
    if count:
        log.info("brought over %d entries of the old layout", count)
    return count


def _facts(folders: RunFolders, key: str) -> dict[str, object]:
    record = folders.record(key)
    return {} if record is None else asdict(replace(record, status="finished"))


def _sensible(key: str, name: str) -> bool:
    if nameable(key, name):
        return True
    log.warning("left an entry of the old layout where it is: %r cannot name a file", f"{key}/{name}")
    return False


def _link(file: Path, target: Path) -> bool:
    """The file under a second name, or else a copy. Whether both names are of one file."""
    if target.exists() or not file.exists():
        return False
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(file, target)
    except OSError:
        part = target.with_name(f".part-{file.name}")
        shutil.copy2(file, part)
        part.rename(target)
        return False
    return True


def _same(file: Path, target: Path) -> bool:
    return file.exists() and target.exists() and file.samefile(target)


def _connect(path: Path) -> sqlite3.Connection:
    """Read-only, also where not even a lock file can be made beside the database (a full or read-only disk)."""
    try:
        return _reader(path, "mode=ro")
    except sqlite3.OperationalError:
        journal = Path(f"{path}-wal")
        if journal.exists() and journal.stat().st_size:
            raise  # its newest rows are in there
        return _reader(path, "immutable=1")


def _reader(path: Path, mode: str) -> sqlite3.Connection:
    database = sqlite3.connect(f"file:{quote(str(path))}?{mode}", uri=True, timeout=5)
    try:
        database.execute("SELECT count(*) FROM Cache").fetchone()
    except BaseException:
        database.close()
        raise
    return database
