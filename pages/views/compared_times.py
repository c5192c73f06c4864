"""Results that are compared, at one time: that of the loops that gave none is the step."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from pages.charts.encodings import time_of_its_loop
from pages.charts.matched import at_steps, counts_steps, per_step, recorded_in
from pages.charts.words import plain
from pages.views.compare_words import ends
from pages.views.compared import Compared
from pages.views.hold_words import meeting

WITH_STOPS = ("run", "recording")
"""Kinds of which it is said that they did not stop at one t."""


@dataclass(frozen=True)
class Timed:
    """Results over one axis of time.

    Attributes:
        drawn: those that have a place on it.
        said: how their times meet, where there are recordings among them.
        by_step: whether it is the step.
        of_loop: whether it is the time of a loop.
    """

    drawn: Sequence[Compared]
    said: Sequence[str] = ()
    by_step: bool = False
    of_loop: bool = False

    @classmethod
    def of(cls, compared: Sequence[Compared]) -> "Timed":
        """Of results that have curves: at equal steps where the loop of any gave no t, else at equal t."""
        if not compared:
            return cls(())
        own = next(filter(_by_step, compared), next(filter(_of_run, compared), compared[0]))
        called = f"**{plain(own.label)}**"
        said = [meeting(one.label, own.result, one.result, called) for one in compared if one is not own]
        placed = [own if one is own else _placed(one, own) for one in compared]
        drawn = [one for one in placed if one is not None]
        of_loop = own.run.kind in ("recording", "recording_spaces")
        return cls(drawn, [*filter(None, said)], _by_step(own), of_loop)

    def ends(self) -> str:
        """That they did not stop at one t; "" where they did."""
        stopped = [one.result for one in self.drawn if one.result and one.run.kind in WITH_STOPS]
        return "" if self.by_step else ends(stopped)

    def named(self, chart: Any) -> Any:
        """A chart with the name of its time."""
        return time_of_its_loop(chart) if self.of_loop else chart


def _by_step(one: Compared) -> bool:
    return counts_steps(one.result)


def _of_run(one: Compared) -> bool:
    return recorded_in(one.result) is None


def _placed(one: Compared, own: Compared) -> Compared | None:
    """A result on the axis of another one; None where it has no place there."""
    rate = per_step(own.result, one.result)
    if rate is None:
        return None
    return replace(one, result=at_steps(one.result, rate)) if rate else one
