"""What a person at a terminal sees while something is computed, and how long it takes in words."""

import sys
from collections.abc import Callable
from typing import TypeVar

from engine.progress import Progress, Report, silent

T = TypeVar("T")


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


def duration(seconds: float) -> str:
    """For a person: 40 s, 12 min, 3.5 h."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
