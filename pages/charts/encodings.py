"""What charts are made of: encodings of columns, of the angle and of time, and charts beside or over each other."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import altair as alt
import numpy as np
import pandas as pd

from pages.charts import theme
from pages.charts.theme import AXIS, label_expression
from pages.charts.words import number

Channel = TypeVar("Channel", alt.X, alt.Y)
Domain = tuple[float, float]


def log_x(field: str, domain: Domain, title: str | None, most: int = 7) -> alt.X:
    """A column on a log axis with this domain and at most so many ticks."""
    return _log(alt.X, field, domain, theme.log_axis(*domain, title, most))


def log_y(field: str, domain: Domain, title: str | None, most: int = 7) -> alt.Y:
    """As `log_x`, upwards."""
    return _log(alt.Y, field, domain, theme.log_axis(*domain, title, most))


def linear_x(field: str, domain: Domain, title: str | None, count: int = 5, **axis: Any) -> alt.X:
    """A column on a linear axis with this domain and about so many ticks."""
    scale = alt.Scale(domain=list(domain), nice=False)
    return alt.X(f"{field}:Q", scale=scale, axis=theme.linear_axis(title, count, **axis))


def linear_y(field: str, domain: Domain, title: str | None, count: int = 5, **axis: Any) -> alt.Y:
    """As `linear_x`, upwards."""
    scale = alt.Scale(domain=list(domain), nice=False)
    return alt.Y(f"{field}:Q", scale=scale, axis=theme.linear_axis(title, count, **axis))


def index_x(count: int, title: str) -> alt.X:
    """The column `i` = 1 .. count on a log axis."""
    return log_x("i", (0.9, max(count * 1.1, 2.0)), title)


def listed_x(field: str, domain: Domain, title: str, values: Sequence[float], **axis: Any) -> alt.X:
    """A column on a log axis whose ticks are the values that there are, written as plain numbers."""
    return _log(alt.X, field, domain, _listed(title, values, **axis))


def listed_y(field: str, domain: Domain, title: str, values: Sequence[float], **axis: Any) -> alt.Y:
    """As `listed_x`, upwards."""
    return _log(alt.Y, field, domain, _listed(title, values, **axis))


def _listed(title: str, values: Sequence[float], **axis: Any) -> alt.Axis:
    labels = theme.label_expression({value: number(value) for value in values})
    return alt.Axis(title=title, values=list(values), labelExpr=labels, **axis, **theme.AXIS)


def _log(channel: type[Channel], field: str, domain: Domain, axis: alt.Axis) -> Channel:
    return channel(f"{field}:Q", scale=alt.Scale(type="log", domain=list(domain), nice=False), axis=axis)


def by_series(colours: Mapping[str, str], columns: int = 4, symbol: str = "stroke") -> alt.Color:
    """Colour by the column `series` (label -> colour), with a legend in so many columns; none where they are 0.

    Args:
        symbol: of the legend; empty where another channel of the column gives it.
    """
    scale = alt.Scale(domain=list(colours), range=list(colours.values()))
    legend = theme.legend(columns, **({"symbolType": symbol} if symbol else {})) if columns else None
    return alt.Color("series:N", scale=scale, legend=legend)


def tooltip(*rows: str | tuple[str, ...]) -> list[alt.Tooltip]:
    """Rows of a column, what it is called (as the column where that is empty) and the form of its number, as "value:Q",
    ("width:Q", "width n") or ("beta:Q", "β", ".3~g").
    """
    return [_row(row) if isinstance(row, str) else _row(*row) for row in rows]


def _row(field: str, title: str = "", form: str = "") -> alt.Tooltip:
    given: dict[str, Any] = {"title": title, "format": form}
    return alt.Tooltip(field, **{name: value for name, value in given.items() if value})


# The axis of the angle on the circle, from -π to π.

TICKS = {-np.pi: "−π", -np.pi / 2: "−π/2", np.pi / 2: "π/2", np.pi: "π"}


def wrapped(angle: np.ndarray) -> np.ndarray:
    """Angles moved into [-π, π)."""
    return (np.asarray(angle, float) + np.pi) % (2 * np.pi) - np.pi


def angle_x() -> alt.X:
    """The encoding of the column `angle`."""
    labels = f"abs(datum.value) < 1e-6 ? '0' : ({label_expression(TICKS)})"
    axis = alt.Axis(title="angle θ", values=[*TICKS, 0.0], labelExpr=labels, **AXIS)
    return alt.X("angle:Q", scale=alt.Scale(domain=[-np.pi, np.pi], nice=False), axis=axis)


def input_x(axis: str) -> alt.X:
    """The encoding of the column `angle`, or of `x`, the one input."""
    return (
        angle_x() if axis == "angle" else alt.X("x:Q", scale=alt.Scale(zero=False), axis=theme.linear_axis("input x"))
    )


# The axis of t, linear or logarithmic, and where t = 0 goes on it.

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


# Layers and grids of charts, put together without the copies that Altair's own constructors make.
#
# Every `alt.layer`, `alt.vconcat` and `add_params` copies the whole below it; for a page of five panels these copies
# took a second. Here the parts are set on an empty chart instead. Parts must carry no parameters of their own.

_OWN_SCALES = alt.Resolve(
    scale=alt.ScaleResolveMap(color="independent", opacity="independent", strokeDash="independent")
)

Panel = alt.Chart | alt.LayerChart | alt.VConcatChart | alt.HConcatChart | alt.ConcatChart


def layered(*layers: alt.Chart, **properties: Any) -> alt.LayerChart:
    """Charts on top of each other. One that draws nothing is nothing to a screen reader either."""
    for layer in layers:
        if isinstance(layer.data, pd.DataFrame) and layer.data.empty and isinstance(layer.mark, alt.MarkDef):
            layer.mark.aria = False
    chart = alt.LayerChart(**properties)
    chart.layer = list(layers)
    return chart


def sized(panels: Sequence[alt.Chart | alt.LayerChart], width: int, height: int) -> list[Panel]:
    """The panels, of this size in pixels."""
    for panel in panels:
        panel.width, panel.height = width, height
    return list(panels)


def stacked(charts: Sequence[Panel], spacing: int) -> alt.VConcatChart:
    """Charts one under another."""
    chart = alt.VConcatChart(spacing=spacing, resolve=_OWN_SCALES)
    chart.vconcat = list(charts)
    return chart


def side_by_side(charts: Sequence[Panel], spacing: int) -> alt.HConcatChart:
    """Charts from left to right."""
    chart = alt.HConcatChart(spacing=spacing, resolve=_OWN_SCALES)
    chart.hconcat = list(charts)
    return chart


def grid(charts: Sequence[Panel], columns: int, spacing: int) -> alt.ConcatChart:
    """Charts in rows of so many, whose columns stand in line whatever their axes and legends take."""
    chart = alt.ConcatChart(columns=columns, spacing=spacing, resolve=_OWN_SCALES)
    chart.concat = list(charts)
    return chart


PICK = "pick"
"""Name of the selection of a chart that can be clicked."""


def with_pick(chart: alt.LayerChart, layer: str, *fields: str) -> alt.LayerChart:
    """Lets a click on a mark of this layer choose its values in these columns."""
    select = alt.PointSelectionConfig(type="point", fields=list(fields), toggle=False)
    chart.params = [alt.TopLevelSelectionParameter(name=PICK, select=select, views=[layer])]
    return chart


def time_of_its_loop(chart: Any) -> Any:
    """A chart of a recording: its time is what its loop gave, eta_eff step or another."""
    for part in ("layer", "hconcat", "vconcat"):
        parts = getattr(chart, part, alt.Undefined)
        for one in parts if isinstance(parts, list) else ():
            time_of_its_loop(one)
    x = getattr(getattr(chart, "encoding", alt.Undefined), "x", alt.Undefined)
    axis = x["axis"] if isinstance(x, alt.X) and "axis" in x._kwds else None
    if isinstance(axis, alt.Axis) and axis["title"] == theme.axis_title("t"):
        axis["title"] = "time, t (of the loop)"
    return chart
