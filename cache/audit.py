"""The audit log: who did what, one JSON line for each action, in a file that only this account may read."""

import hashlib
import json
import logging
import os
import sys
from datetime import UTC, datetime
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path

from cache import location
from cache.failure import log, words
from cache.policy import NOBODY, OWN

MOST_BYTES = 10_000_000
"""Of one file; it is then put aside as `audit.log.1`, and so on."""

FILES_KEPT = 10


class Audit:
    """Call it with each action. Thread-safe; servers on one cache share the file. A disk that fails costs the file a
    line, which the program's own log gets instead."""

    def __init__(self, directory: Path, most_bytes: int = MOST_BYTES):
        self._file = _SharedFile(
            directory / "audit.log", maxBytes=most_bytes, backupCount=FILES_KEPT, encoding="utf-8", delay=True
        )

    def __call__(self, who: str, action: str, **facts: str | float) -> None:
        """Notes an action, such as `audit("ann@lab.example", "delete", key=key, kind="run")`.

        Args:
            who: an e-mail address, or a browser's cookie, which is not written: it would let its reader in.
        """
        time = datetime.now(UTC).isoformat(timespec="milliseconds")
        line = json.dumps({"time": time, "who": named(who), "action": action, **facts})
        self._file.handle(logging.makeLogRecord({"msg": line}))

    def close(self) -> None:
        self._file.close()


def named(who: str) -> str:
    """A person by their address, the program by its part, a browser by a short hash of its cookie."""
    if "@" in who or who in (*OWN, NOBODY, ""):
        return who
    return f"browser {hashlib.sha256(who.encode()).hexdigest()[:8]}"


class _SharedFile(RotatingFileHandler):
    """A file that another server may have put aside meanwhile."""

    def shouldRollover(self, record: logging.LogRecord) -> bool:  # noqa: N802
        if self.stream is not None and not _is_open_at(self.stream, Path(self.baseFilename)):
            self.stream.close()
            self.stream = None  # pyright: ignore[reportAttributeAccessIssue]
        return bool(super().shouldRollover(record))

    def _open(self) -> TextIOWrapper:
        location.private(Path(self.baseFilename).parent)
        return open(self.baseFilename, "a", encoding=self.encoding, opener=_for_us_only)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        log.warning("the audit log cannot be written (%s): %s", words(sys.exc_info()[1] or OSError()), record.msg)


def _for_us_only(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _is_open_at(stream: TextIOWrapper, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(stream.fileno()), path.stat())
    except OSError:
        return False
