"""What the command line says, and how far it is: lines, a progress bar, one line for what went wrong."""

import contextlib
import os
import sys
from collections.abc import Callable
from typing import TypeVar

from engine.problems import ConfigError, Problem, clipped
from engine.progress import Progress, Report, silent

T = TypeVar("T")

INTERRUPTED = 130
"""Exit code."""
LONGEST_LINE = 4_000
"""Characters of an error."""


def with_bar(ask: Callable[[Report], T]) -> T:
    """`ask` under a progress bar, where there is a terminal to show one."""
    if not sys.stderr.isatty():
        return ask(silent)
    from rich.console import Console
    from rich.progress import Progress as Bar

    with Bar(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("starting", total=1.0)

        def shown(progress: Progress) -> None:
            bar.update(task, completed=progress.fraction, description=progress.message or "running")

        return ask(shown)


def say(*lines: str) -> None:
    """Prints. Raises `ConfigError` where nobody reads."""
    try:
        print(*lines, sep="\n", flush=True)
    except (OSError, UnicodeEncodeError) as error:
        with contextlib.suppress(OSError):  # or Python would try once more at its end, and complain
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise ConfigError([Problem("standard output", f"cannot be written: {error}")]) from None


def tell(lines: list[str]) -> None:
    """Prints what was found. What is written already does not depend on whether anybody reads it."""
    if lines:
        with contextlib.suppress(ConfigError):
            say(*lines)


def duration(seconds: float) -> str:
    """For a person: 40 s, 12 min, 3.5 h."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def fail(message: str, code: int = 2) -> None:
    """Ends the process with the message in one line."""
    line = clipped(" ".join(message.split()), LONGEST_LINE)
    # What a file or an option says is not to steer the terminal.
    print("error:", "".join(c if c.isprintable() else ascii(c)[1:-1] for c in line), file=sys.stderr)
    sys.exit(code)


def interrupted(*_: object) -> None:
    """Ends at once: Python's own end would wait for what JAX still computes, and an exception may be swallowed."""
    show_cursor = b"\x1b[?25h" if sys.stderr.isatty() else b""  # the progress bar hides it
    os.write(2, show_cursor + b"error: interrupted\n")
    os._exit(INTERRUPTED)
