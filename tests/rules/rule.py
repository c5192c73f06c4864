"""What a rule is."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Rule:
    """Of one function that computes a sentence.

    Attributes:
        source: module and function.
        says: the sentence, with ... for its numbers.
        permitted: the condition, or the interval, that permits it.
        silent: what silences it.
        instead: a part of what is then said; empty where nothing is.
        path: how it reads the path that it speaks about; empty where it speaks about none.
        also: functions that say the same, or a part of it.
    """

    source: str
    says: str
    permitted: str
    silent: str
    instead: str = ""
    path: str = ""
    also: tuple[str, ...] = ()
