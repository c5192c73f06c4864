"""What the compute processes print: passed on to our own standard error, its last lines kept to say why they ended."""

import contextlib
import os
import re
import threading
from collections import deque
from typing import Self

KEPT = 200
EXCEPTION = re.compile(r"[A-Za-z_][\w.]*(Error|Exception|Exit|Interrupt|Failed)(: .*)?")
"""The last line of a traceback."""


class ProcessLog:
    """A pipe, read by a thread, so that nobody blocks on it.

    Attributes:
        end: file descriptor for the processes to write to.
    """

    def __init__(self):
        self._reading, self.end = os.pipe()
        self._lines: deque[str] = deque(maxlen=KEPT)
        self._thread = threading.Thread(target=self._read, name="process log", daemon=True)
        self._thread.start()

    def reason(self) -> str:
        """The last error in the log, else its last line."""
        self._thread.join(0.2)  # what was written just now
        lines = [line.strip() for line in self._lines if line.strip()]
        errors = [line for line in lines if EXCEPTION.fullmatch(line)]
        return (errors or lines or ["they said nothing"])[-1]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """After the processes have ended."""
        os.close(self.end)
        self._thread.join(1.0)

    def _read(self) -> None:
        with os.fdopen(self._reading, "rb") as file:
            for line in file:
                self._lines.append(line.decode(errors="replace"))
                with contextlib.suppress(OSError):  # nobody reads ours
                    os.write(2, line)
