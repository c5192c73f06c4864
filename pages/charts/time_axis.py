"""The axis of t, linear or logarithmic, and where t = 0 goes on it."""

import altair as alt
import numpy as np

from pages import theme

GAP = 3.0
"""On a log axis t = 0 stands this factor before the first positive t, under a tick of its own, with no line to it."""


def is_log(t: np.ndarray, log_time: bool) -> bool:
    """Whether a log axis is wanted and there is anything to put on it."""
    return log_time and bool(np.any(t > 0))


def zero_position(t: np.ndarray) -> float:
    """Where t = 0 is drawn on a log axis."""
    return float(t[t > 0].min()) / GAP


def placed(t: np.ndarray, log_time: bool) -> np.ndarray:
    """Where each t is drawn."""
    return np.where(t > 0, t, zero_position(t)) if is_log(t, log_time) else t


def time_x(t: np.ndarray, log_time: bool, title: str | None = None) -> alt.X:
    """The encoding of the column `x` that `placed` gave for these times."""
    title = title or theme.axis_title("t")
    if not is_log(t, log_time):
        end = float(t.max()) if len(t) and t.max() > 0 else 1.0
        return alt.X("x:Q", scale=alt.Scale(domain=[0, end], nice=False), axis=theme.linear_axis(title, 6))
    low, high = float(t[t > 0].min()), float(t.max()) * 1.05
    shown = theme.ticks(low, max(high, 1.2 * low))
    labels = {value: theme.power(value) for value in shown}
    if np.any(t == 0):
        zero = zero_position(t)
        labels = {zero: "0"} | labels
        low = zero / 1.3
    scale = alt.Scale(type="log", domain=[low, max(high, 1.2 * low)], nice=False)
    expression = theme.label_expression(labels)
    return alt.X(
        "x:Q", scale=scale, axis=alt.Axis(title=title, values=list(labels), labelExpr=expression, **theme.AXIS)
    )
