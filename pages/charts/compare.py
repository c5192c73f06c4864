"""Several results in one chart: curves over t in a colour for each, a metric against a setting, two maps apart."""

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from engine.problems import several
from pages.charts import theme
from pages.charts.encodings import by_series, layered, linear_x, linear_y, log_x, log_y, tooltip
from pages.charts.map_plane import Plane
from pages.charts.over_time import Sampled, Style, bands, on_common_times, sampled_table
from pages.charts.theme import Table
from pages.charts.words import number

RESULT_COLOURS = (theme.BLUE, theme.VERMILION, theme.GREEN, theme.PINK, theme.ORANGE, theme.VIOLET)
"""A colour for each of up to six results."""
WIDE = 30.0
"""Values that are positive and further apart than this factor stand on a log axis."""
SCALED = ("width", "depth", "beta", "size", "test_size", "dim", "alpha", "learning_rate", "max_steps", "draws")
"""Settings that stand on a log axis where they are positive: a factor, not a difference, changes something."""
SPREAD = 4.0
"""From this factor between the largest and the smallest on."""
MAP_HEIGHT = 330
SHORT = 28
"""Names of so many letters stand two in a row of a legend."""

Curves = Mapping[str, Sequence[Sampled]]
"""What each result is called -> the curves of its seeds."""


def curves_table(curves: Curves, log_value: bool) -> Table:
    """As `sampled_table`, of each result by itself: their seeds have nothing to do with each other."""
    tables = {name: sampled_table({name: seeds}, log_value) for name, seeds in curves.items()}
    notes = [f"{name}: {note}" for name, table in tables.items() for note in table.notes]
    frames = [table.frame for table in tables.values() if len(table.frame)]
    whole = pd.concat(frames, ignore_index=True) if frames else next(iter(tables.values())).frame
    return Table(whole, tuple(notes))


def curves_chart(frame: pd.DataFrame, names: Sequence[str], y_title: str, log_value: bool, log_time: bool) -> Any:
    """A line for each result, with the range of its seeds where they are few."""
    columns = 2 if max(map(len, names)) <= SHORT else 1
    style = Style(y_title, dict(zip(names, RESULT_COLOURS, strict=False)), log_value=log_value, columns=columns)
    return bands(frame, style, log_time)


def log_valued(curves: Curves) -> bool:
    """Whether the values are positive and span more than a factor `WIDE`."""
    values = np.concatenate([seed.value for seeds in curves.values() for seed in seeds])
    return _wide(values[np.isfinite(values)], WIDE)


def matched(curves: Curves) -> tuple[float, list[float]]:
    """The last t that every seed of every result has reached, and there the median of each; NaN where there is none."""
    every = [(seed.t[shown := np.isfinite(seed.value)], seed.value[shown]) for s in curves.values() for seed in s]
    grid, values = on_common_times(every, log_value=False)
    if not len(grid) or not all(len(t) for t, _ in every):
        return float("nan"), [float("nan")] * len(curves)
    ends = iter(values[:, -1])
    return float(grid[-1]), [float(np.median([next(ends) for _ in seeds])) for seeds in curves.values()]


# A metric against a setting.


def scatter_table(points: pd.DataFrame) -> Table:
    """The points that have both numbers; `x` and `y` as given, `x` a text where any is."""
    shown = points[points["y"].notna() & points["x"].notna()]
    missing = len(points) - len(shown)
    notes = (f"{missing:,} of {len(points):,} have no such number or no such setting, and are not drawn.",)
    return Table(shown.reset_index(drop=True), notes if missing else ())


def scatter_chart(frame: pd.DataFrame, x: str, y_title: str) -> alt.LayerChart:
    """A point for each result.

    Args:
        frame: `x`, `y`, `series` (its kind) and `name`, of `scatter_table`.
        x: the name of the setting.
    """
    values = frame["y"].to_numpy(float)
    log_value = _wide(values, WIDE)
    domain = theme.log_domain(values) if log_value else theme.linear_domain(values)
    y = (log_y if log_value else linear_y)("y", domain, y_title)
    kinds = list(dict.fromkeys(frame["series"]))
    colours = dict(zip(kinds, RESULT_COLOURS * (1 + len(kinds) // len(RESULT_COLOURS)), strict=False))
    colour = by_series(colours, columns=4 if len(kinds) > 1 else 0, symbol="circle")
    said = tooltip(("name:N", "result"), ("x", x), ("y:Q", y_title, ".4~g"))
    points = alt.Chart(frame).mark_point(size=60, filled=True, opacity=0.75)
    return layered(points.encode(x=_setting_x(frame["x"], x), y=y, color=colour, tooltip=said), height=theme.HEIGHT)


def _setting_x(values: pd.Series, name: str) -> alt.X:
    if not pd.api.types.is_numeric_dtype(values):
        return alt.X("x:N", axis=alt.Axis(title=name, labelAngle=0, labelLimit=160, **theme.AXIS))
    numbers = values.to_numpy(float)
    if name in SCALED and _wide(numbers, SPREAD):
        return log_x("x", theme.log_domain(numbers), name)
    return linear_x("x", theme.linear_domain(numbers), name)


def _wide(values: np.ndarray, factor: float) -> bool:
    return bool(len(values) and values.min() > 0 and values.max() > factor * values.min())


# Two maps apart: the ratio of a metric in the cells that both have.


def difference_table(one: pd.DataFrame, other: pd.DataFrame, metric: str) -> Table:
    """The cells of both, with `ratio` = the other's value over the one's, and its base-2 logarithm `doublings`.

    Args:
        one, other: of `pages.charts.map_plane.plane_table`.
    """
    both = one.merge(other[["x", "y", metric]], on=["x", "y"], suffixes=("", " of the other"))
    first, second = both[metric].to_numpy(float), both[f"{metric} of the other"].to_numpy(float)
    fine = np.isfinite(first) & np.isfinite(second) & (first > 0) & (second > 0)
    ratio = np.where(fine, second, 1.0) / np.where(fine, first, 1.0)
    frame = both.assign(first=first, second=second, ratio=ratio, doublings=np.log2(ratio))[fine]
    lost, total = len(one) + len(other) - 2 * len(both), len(both) - len(frame)
    notes = [f"On one map only: {several(lost, 'cell')}."] if lost else []
    notes += [f"Without a positive number on both: {several(total, 'cell')}."] if total else []
    return Table(frame.reset_index(drop=True), tuple(notes))


def difference_chart(frame: pd.DataFrame, plane: Plane, names: tuple[str, str]) -> alt.LayerChart:
    """By what factor the second map's numbers are above the first's: orange above, blue below, grey the same."""
    most = max(1.0, float(np.abs(frame["doublings"]).max())) if len(frame) else 1.0
    scale = alt.Scale(domain=[-most, 0, most], range=[theme.BLUE, "#b8b8b8", theme.ORANGE])
    labels = "format(pow(2, datum.value), '.2~g') + '×'"
    legend = alt.Legend(title="factor, second over first", orient="top", gradientLength=220, labelExpr=labels)
    said = tooltip("depth:Q", ("width:Q", "", ".4~g"), ("first:Q", f"first: {names[0]}", ".3~g"))
    said += tooltip(("second:Q", f"second: {names[1]}", ".3~g"), ("ratio:Q", "second over first", ".3~g"))
    cells = alt.Chart(frame).mark_rect(cornerRadius=2)
    place = {"x": plane.across("x0"), "x2": alt.X2("x1"), "y": plane.up("y0"), "y2": alt.Y2("y1")}
    drawn = cells.encode(**place, color=alt.Color("doublings:Q", scale=scale, legend=legend), tooltip=said)
    words = frame.assign(text=[f"{number(ratio, 2)}×" for ratio in frame["ratio"]])
    text = alt.Chart(words).mark_text(fontSize=11, fontWeight="bold", color="#1a1a1a", tooltip=None)
    labelled = text.encode(x=plane.across(), y=plane.up(), text=alt.Text("text:N"))
    return layered(drawn, labelled, height=MAP_HEIGHT, title=theme.title())
