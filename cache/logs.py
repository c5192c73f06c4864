"""What the server writes down of itself: plain text, or a line of JSON each that names its request and its job."""

import logging
import os
import sys
from contextvars import ContextVar

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
