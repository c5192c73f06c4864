"""Axes and colours that charts of several results share: around all that each of them shows."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from altair import utils

from pages.charts import theme
from pages.charts.encodings import GAP, time_x

FEW_TICKS, MANY_TICKS = 3, 7
"""At most, on the axis of a strip and on any other."""


@dataclass(frozen=True)
class Span:
    """What an axis shows.

    Attributes:
        zero: where t = 0 stands on a log axis of t; None on others.
    """

    log: bool
    low: float
    high: float
    zero: float | None

    @classmethod
    def of(cls, channel: Any) -> "Span | None":
        """None where the data decide what is shown."""
        scale, axis = _given(channel, "scale"), _given(channel, "axis")
        domain = _given(scale, "domain") if scale else None
        if not isinstance(domain, list) or len(domain) != 2:
            return None
        low, high = float(domain[0]), float(domain[1])
        return cls(scale["type"] == "log", low, high, _zero(axis) if axis else None)


def _given(holder: Any, name: str) -> Any:
    """A property; None where it was not given."""
    value = holder[name] if holder else None
    return None if utils.is_undefined(value) else value


def _zero(axis: Any) -> float | None:
    """The tick of t = 0, which `pages.charts.encodings.time_x` puts first."""
    values, labels = _given(axis, "values"), _given(axis, "labelExpr")
    if not values or not labels or theme.label_expression({values[0]: "0"}).removesuffix("''") not in labels:
        return None
    return float(values[0])


def around(channel: Any, others: Sequence[Any], few: bool = False) -> Any:
    """An axis that shows what it showed and what the others show; its kind of scale stays.

    Args:
        channel, others: x or y of charts of the same thing.
        few: whether there is room for few ticks only.
    """
    mine, theirs = Span.of(channel), [span for one in others if (span := Span.of(one))]
    if mine is None or not theirs:
        return channel
    every = [mine, *theirs]
    if mine.log and any(span.zero is not None for span in every):
        return _of_time(channel, every)
    low = min(span.low for span in every if span.low > 0 or not mine.log)
    high = max(span.high for span in every)
    scale, axis = channel["scale"].copy(deep=False), _given(channel, "axis")
    scale["domain"] = [low, high]
    if mine.log and axis and _given(axis, "values"):
        axis = axis.copy(deep=False)
        axis["values"], axis["labelExpr"] = _ticks(axis, mine, (low, high), others, few)
    return _with(channel, scale, axis)


def _of_time(channel: Any, spans: Sequence[Span]) -> Any:
    first = min(span.low if span.zero is None else span.zero * GAP for span in spans)
    end = max(span.high for span in spans)
    drawn: Any = time_x(np.array([0.0, first, end / 1.05]), True, channel["axis"]["title"])
    return _with(channel, drawn["scale"], drawn["axis"])


def _with(channel: Any, scale: Any, axis: Any) -> Any:
    found = channel.copy(deep=False)
    found["scale"] = scale
    if axis is not None:
        found["axis"] = axis
    return found


def _ticks(
    axis: Any, mine: Span, domain: tuple[float, float], others: Sequence[Any], few: bool
) -> tuple[list[float], str]:
    """Values and labels: decades anew, and where they are a list of what there is, all lists together."""
    values, labels = list(axis["values"]), str(axis["labelExpr"])
    if any(values == theme.ticks(mine.low, mine.high, most) for most in (FEW_TICKS, MANY_TICKS)):
        found = theme.ticks(*domain, FEW_TICKS if few else MANY_TICKS)
        return found, theme.label_expression({value: theme.power(value) for value in found})
    for other in others:
        own = _given(other, "axis")
        if own and (listed := _given(own, "values")):
            values += [value for value in listed if value not in values]
            labels = labels.removesuffix("''") + str(own["labelExpr"])
    return sorted(values), labels


def zero_of(channel: Any) -> float | None:
    """Where t = 0 stands on an axis of t that is logarithmic."""
    span = Span.of(channel) if channel is not None else None
    return span.zero if span else None


def one_scale(colours: Sequence[Any]) -> Any:
    """Of several scales of colour for the same quantity the one that reaches furthest, around all of them."""
    spans = [(span, one) for one in colours if (span := _reach(one))]
    if not spans:
        return colours[0]
    low, high = min(span[0] for span, _ in spans), max(span[1] for span, _ in spans)
    widest = max(spans, key=lambda found: (found[0][0] < 0, found[0][1] - found[0][0]))[1]
    if low < 0:
        low, high = -max(-low, high), max(-low, high)
    found, scale = widest.copy(deep=False), widest["scale"].copy(deep=False)
    scale["domain"] = [low, high]
    found["scale"] = scale
    return found


def _reach(colour: Any) -> tuple[float, float] | None:
    scale = _given(colour, "scale")
    domain = _given(scale, "domain") if scale else None
    return (float(domain[0]), float(domain[-1])) if domain else None
