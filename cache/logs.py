"""What the server writes down: its own log, and the audit log of who did what."""

import hashlib
import json
import logging
import os
import sys
import threading
import time
from collections.abc import Mapping
from contextvars import ContextVar
from datetime import UTC, datetime
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path

from cache import location
from cache.failure import log, words
from cache.policy import NOBODY, OWN

# Of itself: plain text, or a line of JSON each that names its request and its job.

VARIABLE = "KERNEL_DRIFT_LOG"
OURS = ("kernel_drift", "pages")
FIELDS = ("levelname", "name", "message")
"""Of every line, beside `time`; `request`, `job` and what a call gives as `extra` where there is any."""

REQUEST: ContextVar[str] = ContextVar("request", default="")
"""Names what was asked, in a thread or a task: of a job, what it was asked for by."""

JOB: ContextVar[str] = ContextVar("job", default="")
"""The first digits of the key of the job that a thread follows."""

processes = logging.getLogger("kernel_drift.processes")


def start() -> None:
    """Takes the log over where the environment says so. Raises `ValueError` where it says what cannot be."""
    given = os.environ.get(VARIABLE, "text")
    if given not in ("text", "json"):
        raise ValueError(f"{VARIABLE} is {given!r}: give json, or text, which is the default")
    if given == "json":
        logging.root.handlers = [_handler()]
        for name in OURS:
            logging.getLogger(name).setLevel(logging.INFO)
        take_over()


def take_over() -> None:
    """Brings loggers that write for themselves, such as Streamlit's, into the one log, where there is one.

    They are made whenever a module is imported: to be called again when the server has started.
    """
    if is_json():
        for logger in logging.root.manager.loggerDict.values():
            if isinstance(logger, logging.Logger) and logger.handlers:
                logger.handlers, logger.propagate = [], True
        for name in ("uvicorn.access", "uvicorn.error"):
            logging.getLogger(name).setLevel(logging.WARNING)  # they repeat the query of each request


def is_json() -> bool:
    """Whether the log is lines of JSON."""
    return any(isinstance(each, _Named) for handler in logging.root.handlers for each in handler.filters)


def follow(key: str, request: str) -> None:
    """What this thread logs from here on is of this job, asked for by this request."""
    JOB.set(key[:8])
    REQUEST.set(request)


def pass_on(line: bytes) -> None:
    """What a compute process printed: as it came, or as the text of a line of ours. Raises `OSError`."""
    if is_json():
        processes.warning("%s", line.decode(errors="replace").rstrip())
    else:
        os.write(2, line)


class _Named(logging.Filter):
    """Adds the names to a record that has none of its own."""

    def filter(self, record: logging.LogRecord) -> bool:
        for name, current in (("request", REQUEST.get()), ("job", JOB.get())):
            if current and not hasattr(record, name):
                setattr(record, name, current)
        return True


def _handler() -> logging.Handler:
    from pythonjsonlogger.json import JsonFormatter

    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        JsonFormatter(FIELDS, rename_fields={"levelname": "level", "name": "logger"}, timestamp="time")
    )
    handler.addFilter(_Named())
    return handler


# The audit log: who did what, one JSON line for each action, in a file that only this account may read.

MOST_BYTES = 10_000_000
"""Of one file; it is then put aside as `audit.log.1`, and so on."""

FILES_KEPT = 10

SELDOM = 600.0
"""Seconds in which a person is refused the same kind of thing once: who may do nothing here could else fill the log
until it has forgotten what others did."""

MOST_REFUSED = 1000
"""Refusals that are remembered for that."""


class Audit:
    """Call it with each action. Thread-safe; servers on one cache share the file. A disk that fails costs the file a
    line, which the program's own log gets instead. Of what is refused it writes one line per person, kind and ten
    minutes."""

    def __init__(self, directory: Path, most_bytes: int = MOST_BYTES):
        self._file = _SharedFile(
            directory / "audit.log", maxBytes=most_bytes, backupCount=FILES_KEPT, encoding="utf-8", delay=True
        )
        self._refused: dict[tuple[str | float, ...], float] = {}
        self._lock = threading.Lock()

    def __call__(self, who: str, action: str, **facts: str | float) -> None:
        """Notes an action, such as `audit("ann@lab.example", "delete", key=key, kind="run")`.

        Args:
            who: an e-mail address, or a browser's cookie, which is not written: it would let its reader in.
        """
        if action.startswith("refused") and self._again(who, action, facts):
            return
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        line = json.dumps({"time": now, "who": named(who), "action": action, **facts})
        self._file.handle(logging.makeLogRecord({"msg": line}))

    def _again(self, who: str, action: str, facts: Mapping[str, str | float]) -> bool:
        """Whether the like was written a short while ago, of whichever result."""
        like, now = (who, action, *(fact for name, fact in sorted(facts.items()) if name != "key")), time.monotonic()
        with self._lock:
            if now - self._refused.get(like, -SELDOM) < SELDOM:
                return True
            if len(self._refused) >= MOST_REFUSED:
                self._refused.pop(next(iter(self._refused)))
            self._refused.pop(like, None)
            self._refused[like] = now
            return False

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
