"""How a long computation speaks to whoever started it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

Arrays = Mapping[str, np.ndarray]
"""One cache entry: named arrays. Text and metadata travel as 0-d unicode arrays. Nothing is pickled."""

Entries = Mapping[str, Arrays]
"""What a job returns: entry name ("result", "parameters", ...) to arrays."""


@dataclass(frozen=True)
class Progress:
    """A step of a computation.

    Attributes:
        fraction: done so far, in [0, 1]; an estimate.
        message: one short sentence for a person, without a full stop.
        rows: new records since the last report (column to scalar), for curves that grow.
    """

    fraction: float
    message: str = ""
    rows: tuple[Mapping[str, float | int | str], ...] = field(default=())


class Cancelled(Exception):
    """Raised by a `Report` when the work is no longer wanted. Let it pass."""


Report = Callable[[Progress], None]
"""Called often (a few times a second); raises `Cancelled` when the caller has gone."""


def silent(progress: Progress) -> None:
    """The report for headless use: says nothing, never cancels."""
