"""What the databases of a cache have in common: each may be lost at any time, and is made again."""

import contextlib
import sqlite3
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

SIDES = ("-wal", "-shm", "-journal")
"""What SQLite writes beside a database: names end so."""


@contextlib.contextmanager
def transaction(database: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """All of the block or nothing of it. Raises `sqlite3.Error`."""
    database.execute("BEGIN IMMEDIATE")
    try:
        yield database
        database.execute("COMMIT")
    except BaseException:
        with contextlib.suppress(sqlite3.Error):  # SQLite has done so already
            database.execute("ROLLBACK")
        raise


def set_aside(path: Path) -> None:
    """Renames a database that is no good, or its folder, with what lies beside it, by the day and minute.

    Raises `OSError`.
    """
    stamp = f"{time.strftime('%Y-%m-%d-%H%M%S')}-{uuid.uuid4().hex[:6]}"
    for side in ("", *SIDES):
        file = Path(f"{path}{side}")
        with contextlib.suppress(FileNotFoundError):
            file.rename(file.with_name(f"{path.stem}-damaged-{stamp}{path.suffix}{side}"))
