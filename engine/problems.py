"""What is wrong with a config or any other input, in words of bounded length."""

import difflib
import re
import reprlib
from collections.abc import Iterable
from dataclasses import dataclass

MOST_PROBLEMS = 20
"""Told in one error, beside the number of those left out."""
LONGEST_MESSAGE = 1_000
LONGEST_FIELD = 300
LONGEST_NAME = 60


@dataclass(frozen=True)
class Problem:
    """One thing wrong: where, what was given, what to do."""

    field: str
    message: str

    def __str__(self) -> str:
        return f"{self.field}: {self.message}" if self.field else self.message


class ConfigError(ValueError):
    """A config that cannot be run. Carries every problem at once, up to `MOST_PROBLEMS`.

    Attributes:
        problems: in the order of the fields; a last one counts those left out.
    """

    def __init__(self, problems: Iterable[Problem]):
        found = list(problems)
        left = len(found) - MOST_PROBLEMS
        if left > 1:  # one more is told as well: it may be such a count
            found[MOST_PROBLEMS:] = [Problem("", f"and {left:,} more problems")]
        told = [
            Problem(clipped(problem.field, LONGEST_FIELD), clipped(problem.message, LONGEST_MESSAGE))
            for problem in found
        ]
        self.problems = tuple(told)
        super().__init__("; ".join(map(str, told)))


def clipped(text: str, most: int = LONGEST_NAME) -> str:
    """The text, cut to `most` characters."""
    return text if len(text) <= most else f"{text[: most - 3]}..."


def short_repr(value: object) -> str:
    """A value as Python writes it, in one line and cut short; nothing large is walked."""
    try:
        return clipped(re.sub(r"\s*\n\s*", " ", reprlib.repr(value)))
    except ValueError:  # an integer too long for Python to write
        return "a number of thousands of digits"


def several(count: int, noun: str) -> str:
    """1 point, 4 points."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def did_you_mean(given: object, allowed: list[str]) -> str:
    """' Did you mean ...?' when a name in `allowed` is close to `given`, else an empty string."""
    small = {name.lower(): name for name in allowed}
    close = difflib.get_close_matches(clipped(str(given)).lower(), small, n=1)
    return f" Did you mean {small[close[0]]!r}?" if close else ""
