"""Quantities over t: thin lines for seeds, a line and a band for all of them, and how such a chart looks."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from engine.result import Seed
from engine.training.result import RunResult, SeedResult
from pages.charts import theme
from pages.charts.encodings import by_series, is_log, layered, linear_y, log_y, placed, time_x, tooltip
from pages.charts.theme import Table
from pages.charts.words import are, listing, number


@dataclass(frozen=True)
class Style:
    """How a chart over t looks, and the encodings that follow.

    Attributes:
        y_title: label and symbol of the value.
        colours: series label -> colour, in the order of the legend.
        dashed: series drawn dashed.
        log_value: a log value axis.
        include: values that a linear value axis must show.
        most: where the value axis ends at the latest; lines leave it there.
        log_beyond: a larger value turns a linear value axis logarithmic, without the values that are not positive.
        points: shows every point.
        columns: of the legend.
    """

    y_title: str
    colours: Mapping[str, str]
    dashed: tuple[str, ...] = ()
    log_value: bool = False
    include: tuple[float, ...] = ()
    most: float = float("inf")
    log_beyond: float = float("inf")
    points: bool = False
    columns: int = 4

    def y(self, frame: pd.DataFrame, field: str = "value") -> alt.Y:
        """The value axis around everything in the frame of `over_time_table`."""
        values = np.minimum(frame[["value", "low", "high"]].to_numpy(float).ravel(), self.most)
        if self.log_value:
            return log_y(field, theme.log_domain(np.append(values, self.include)), self.y_title)
        return linear_y(field, theme.linear_domain(values, self.include), self.y_title)

    def colour(self, frame: pd.DataFrame) -> alt.Color:
        """Colour by series, with a legend where there are several."""
        present = {name: colour for name, colour in self.colours.items() if name in set(frame["series"])}
        return by_series(present, columns=self.columns if len(present) > 1 else 0)


FEW = 2
"""Lines of at most so many points show the points."""

MOST_BANDS = 3
"""More series than these are drawn without bands, which would cover each other."""


def bands(frame: pd.DataFrame, style: Style, log_time: bool = True) -> alt.LayerChart:
    """The frame of `over_time_table` as a chart that stretches. At t = 0 of a log axis a point, with no line to it."""
    said = _of_seeds(frame)
    if not style.log_value and frame["value"].max() > style.log_beyond:
        style = replace(style, log_value=True, include=())
        frame = frame[(frame["value"] > 0) & ~(frame["low"] <= 0)]
        said.append("log axis: zeros are not drawn")
    if frame["value"].max() > style.most:
        said.append(f"values above {style.most:,.0f} leave the axis")
    t = frame["t"].to_numpy(float)
    line = frame["series"].astype(str) + frame["part"].astype(str) + frame["seed"].astype(str)
    frame = frame.assign(x=placed(t, log_time), line=line)
    layers = _layers(frame, style, time_x(t, log_time), is_log(t, log_time))
    return layered(*layers, height=theme.HEIGHT, title=theme.title(subtitle="; ".join(said)))


@dataclass(frozen=True)
class Curve:
    """One chart over t, as a row.

    Attributes:
        question: its title.
        quantities: names of `engine.quantities` that explain it.
        table: (result, what the reader chose) -> what to draw.
        chart: (frame, log_time=True) -> a chart that stretches to its container.
    """

    question: str
    quantities: tuple[str, ...]
    table: Callable[..., Table]
    chart: Callable[..., alt.LayerChart]

    @classmethod
    def of(cls, question: str, quantities: tuple[str, ...], table: Callable[..., Table], style: Style) -> "Curve":
        """The row of a chart that looks the same for every result."""
        return cls(question, quantities, table, partial(bands, style=style))


def _of_seeds(frame: pd.DataFrame) -> list[str]:
    """What the lines are of, where a run has several seeds; of some of them nothing may be known."""
    seeds = frame.loc[frame["part"] == "seed", "seed"].unique()
    if len(seeds) == 1:
        return [f"of seed {seeds[0]} alone"]
    return [f"median {'and range ' * _banded(frame)}of {len(seeds)} seeds, thin: each seed"] if len(seeds) else []


def _banded(frame: pd.DataFrame) -> bool:
    return frame["series"].nunique() <= MOST_BANDS


def _layers(frame: pd.DataFrame, style: Style, x: alt.X, log_time: bool) -> list[alt.Chart]:
    """Band, thin lines, median lines, points where no line shows, and what the pointer finds."""
    y, colour = style.y(frame), style.colour(frame)
    on_axis = frame[frame["t"] > 0] if log_time else frame
    middle, own = on_axis[on_axis["part"] == "all"], on_axis[on_axis["part"] == "seed"]
    layers = []
    if len(own) and _banded(frame):
        area = alt.Chart(middle).mark_area(opacity=0.2, clip=True)
        layers.append(area.encode(x=x, y=style.y(frame, "low"), y2=alt.Y2("high"), color=colour))
    strokes: tuple[dict[str, Any], ...] = {"strokeWidth": theme.THIN, "opacity": 0.45}, {"strokeWidth": theme.LINE}
    for rows, stroke in zip((own, middle), strokes, strict=True):
        dashed = rows["series"].isin(style.dashed)
        for drawn, dash in ((rows[~dashed], [1, 0]), (rows[dashed], [6, 4])):
            if len(drawn):
                mark = alt.Chart(drawn).mark_line(clip=True, strokeDash=dash, **stroke)
                layers.append(mark.encode(x=x, y=y, color=colour, detail=alt.Detail("line:N")))
    points = alt.Chart(_points(frame, on_axis, style)).mark_point(size=34, filled=not len(own), opacity=1)
    layers.append(points.encode(x=x, y=y, color=colour))
    names = ("t", "value", *(("low", "high") if len(own) else ()))
    said = tooltip("series:N", *((f"{name}:Q", "", ".4~g") for name in names))
    pointed = alt.Chart(middle).mark_point(size=90, opacity=0, clip=True, aria=False)
    return [*layers, pointed.encode(x=x, y=y, color=colour, tooltip=said)]


def _points(frame: pd.DataFrame, on_axis: pd.DataFrame, style: Style) -> pd.DataFrame:
    """What no line shows: t = 0 on a log axis, and lines of hardly a point. Of seeds only where there is no median."""
    lengths = frame["line"].map(on_axis.groupby("line")["t"].size()).fillna(0)
    off_axis = ~frame.index.isin(on_axis.index)
    lone = frame[off_axis | (lengths <= FEW) | style.points]
    return lone[((lone["part"] == "all") | (lone["t"] > 0)) & ~(lone["value"] > style.most)]


# Quantities over t: every seed as a thin line, their median and range as a line and a band.


@dataclass(frozen=True, eq=False)
class Sampled:
    """A curve of one seed: values at times of its own, ascending.

    Attributes:
        stop_reason, t_stop: why and where its training stopped.
    """

    seed: int
    stop_reason: str
    t_stop: float
    t: np.ndarray
    value: np.ndarray

    @classmethod
    def of(cls, seed: Seed, t: np.ndarray, value: np.ndarray, known: np.ndarray) -> "Sampled":
        """The values that are `known`, over all times t of the seed."""
        return cls(seed.facts["seed"], seed.facts["stop_reason"], float(t[-1]), t[known], value[known])


Series = Mapping[str, Callable[[SeedResult], np.ndarray]]
"""Series label -> its values at the checkpoints of a seed, (T,)."""

GRID = 240
"""Most points of a median line."""

COLUMNS = ["series", "part", "seed", "t", "value", "low", "high"]


def over_time_table(result: RunResult, series: Series, log_value: bool = False) -> Table:
    """As `sampled_table`, of a run at its checkpoints."""

    def sampled(seed: SeedResult, read: Callable[[SeedResult], np.ndarray]) -> Sampled:
        t, value = np.asarray(seed["t"], float), np.asarray(read(seed), float)
        return Sampled(seed.seed, seed.stop_reason, seed.t_stop, t, value)

    curves = {label: [sampled(seed, read) for seed in result.seeds] for label, read in series.items()}
    return sampled_table(curves, log_value)


def sampled_table(curves: Mapping[str, Sequence[Sampled]], log_value: bool = False) -> Table:
    """Values of every seed at its own times, and their median and range on a common grid of t, by series.

    The grid holds the times of all seeds (thinned to `GRID`), as far as every seed has trained; there each seed
    is interpolated linearly in log t (and log value, where `log_value`). Seeds that diverged or never trained do not
    enter median and range.

    Returns:
        Rows of part "seed" (value at a time of its own) and of part "all" (median `value`, `low`, `high` over seeds).
        Values that are not finite (or not positive, where `log_value`) are left out, and a note says how many.
    """
    parts, masked, total, left_out = [], 0, 0, {}
    for label, seeds in curves.items():
        steady = [seed for seed in seeds if seed.stop_reason not in ("diverged", "dead")] or seeds
        left_out |= dict.fromkeys(_left_out(seeds, steady))
        kept = {}
        for seed in seeds:
            shown = np.isfinite(seed.value) & ((seed.value > 0) | (not log_value))
            masked, total = masked + int(np.sum(~shown)), total + len(shown)
            kept[seed.seed] = seed.t[shown], seed.value[shown]
            if len(seeds) > 1:
                own = {"part": "seed", "seed": seed.seed, "t": seed.t[shown], "value": seed.value[shown]}
                parts.append(pd.DataFrame(own).assign(series=label))
        t, stacked = on_common_times([kept[seed.seed] for seed in steady], log_value)
        summary = {"value": np.median(stacked, axis=0), "low": stacked.min(axis=0), "high": stacked.max(axis=0)}
        parts.append(pd.DataFrame({"series": label, "part": "all", "seed": -1, "t": t, **summary}))
    parts = [part for part in parts if len(part)]
    frame = pd.concat(parts, ignore_index=True).reindex(columns=COLUMNS) if parts else _empty()
    return Table(frame, (*_masked(masked, total, log_value), *left_out))


def _empty() -> pd.DataFrame:
    numbers = ("t", "value", "low", "high")
    return pd.DataFrame({name: pd.Series(dtype=float if name in numbers else object) for name in COLUMNS})


def on_common_times(curves: list[tuple[np.ndarray, np.ndarray]], log_value: bool) -> tuple[np.ndarray, np.ndarray]:
    """Curves (t ascending, value) at common times: t (n,) and values (curves, n). Empty where they share no time."""
    curves = [curve for curve in curves if len(curve[0])]
    if not curves:
        return np.zeros(0), np.zeros((1, 0))
    start, end = max(t[0] for t, _ in curves), min(t[-1] for t, _ in curves)
    grid = np.unique(np.concatenate([t for t, _ in curves]))
    grid = grid[(grid >= start) & (grid <= end)]
    if len(grid) > GRID:
        grid = grid[np.unique(np.linspace(0, len(grid) - 1, GRID).round().astype(int))]
    return grid, np.stack([_interpolated(grid, *curve, log_value) for curve in curves])


def _interpolated(grid: np.ndarray, t: np.ndarray, value: np.ndarray, log_value: bool) -> np.ndarray:
    """Linear in log t; exact at t = 0 and at the curve's own times."""
    value = np.log(value) if log_value else value
    found, later = np.full(len(grid), value[0]), t > 0
    if np.any(later):
        found[grid > 0] = np.interp(np.log(grid[grid > 0]), np.log(t[later]), value[later])
    return np.exp(found) if log_value else found


def medians(table: Table) -> Table:
    """Of `sampled_table` the medians alone, without the range over seeds."""
    rows = table.frame[table.frame["part"] == "all"].reset_index(drop=True)
    return Table(rows.assign(low=rows["value"], high=rows["value"]), table.notes)


def _masked(masked: int, total: int, log_value: bool) -> tuple[str, ...]:
    if not masked:
        return ()
    what = "not positive or not finite" if log_value else "not finite"
    return (f"{masked:,} of {total:,} values {are(masked)} {what} and {are(masked)} not drawn.",)


def _left_out(seeds: Sequence[Sampled], steady: Sequence[Sampled]) -> tuple[str, ...]:
    """Which seeds the median and range do not hold."""
    out = [seed for seed in seeds if seed not in steady]
    if not out:
        return ()
    ends = listing([f"seed {seed.seed} ({seed.stop_reason} at t = {number(seed.t_stop)})" for seed in out])
    return (f"Median and range leave out {ends}.",)
