"""The drawing of quantities over t: thin lines for seeds, a line and a band for all of them."""

from dataclasses import replace
from typing import Any

import altair as alt
import pandas as pd

from pages import theme
from pages.charts.assemble import layered
from pages.charts.look import Look
from pages.charts.time_axis import is_log, placed, time_x

FEW = 2
"""Lines of at most so many points show the points."""

MOST_BANDS = 3
"""More series than these are drawn without bands, which would cover each other."""


def bands(frame: pd.DataFrame, look: Look, log_time: bool = True) -> alt.LayerChart:
    """The frame of `over_time_table` as a chart that stretches. At t = 0 of a log axis a point, with no line to it."""
    seeds = int(frame.loc[frame["part"] == "seed", "seed"].nunique())
    said = [f"median {'and range ' * _banded(frame)}of {seeds} seeds, thin: each seed"] if seeds else []
    if not look.log_value and frame["value"].max() > look.log_beyond:
        look = replace(look, log_value=True, include=())
        frame = frame[(frame["value"] > 0) & ~(frame["low"] <= 0)]
        said.append("log axis: zeros are not drawn")
    t = frame["t"].to_numpy(float)
    line = frame["series"].astype(str) + frame["part"].astype(str) + frame["seed"].astype(str)
    frame = frame.assign(x=placed(t, log_time), line=line)
    layers = _layers(frame, look, time_x(t, log_time), is_log(t, log_time))
    return layered(*layers, height=theme.HEIGHT, title=theme.title(look.question, "; ".join(said)))


def _banded(frame: pd.DataFrame) -> bool:
    return frame["series"].nunique() <= MOST_BANDS


def _layers(frame: pd.DataFrame, look: Look, x: alt.X, log_time: bool) -> list[alt.Chart]:
    """Band, thin lines, median lines, points where no line shows, and what the pointer finds."""
    y, colour = look.y(frame), look.colour(frame)
    on_axis = frame[frame["t"] > 0] if log_time else frame
    middle, own = on_axis[on_axis["part"] == "all"], on_axis[on_axis["part"] == "seed"]
    layers = []
    if len(own) and _banded(frame):
        area = alt.Chart(middle).mark_area(opacity=0.2, clip=True)
        layers.append(area.encode(x=x, y=look.y(frame, "low"), y2=alt.Y2("high"), color=colour))
    styles: tuple[dict[str, Any], ...] = {"strokeWidth": theme.THIN, "opacity": 0.45}, {"strokeWidth": theme.LINE}
    for rows, style in zip((own, middle), styles, strict=True):
        dashed = rows["series"].isin(look.dashed)
        for drawn, dash in ((rows[~dashed], [1, 0]), (rows[dashed], [6, 4])):
            if len(drawn):
                mark = alt.Chart(drawn).mark_line(clip=True, strokeDash=dash, **style)
                layers.append(mark.encode(x=x, y=y, color=colour, detail=alt.Detail("line:N")))
    points = alt.Chart(_points(frame, on_axis, look)).mark_point(size=34, filled=not len(own), opacity=1)
    layers.append(points.encode(x=x, y=y, color=colour))
    names = ("t", "value", *(("low", "high") if len(own) else ()))
    tooltip = [alt.Tooltip("series:N"), *(alt.Tooltip(f"{name}:Q", format=".4~g") for name in names)]
    pointed = alt.Chart(middle).mark_point(size=90, opacity=0, clip=True)
    return [*layers, pointed.encode(x=x, y=y, color=colour, tooltip=tooltip)]


def _points(frame: pd.DataFrame, on_axis: pd.DataFrame, look: Look) -> pd.DataFrame:
    """What no line shows: t = 0 on a log axis, and lines of hardly a point. Of seeds only where there is no median."""
    lengths = frame["line"].map(on_axis.groupby("line")["t"].size()).fillna(0)
    off_axis = ~frame.index.isin(on_axis.index)
    lone = frame[off_axis | (lengths <= FEW) | look.points]
    return lone[(lone["part"] == "all") | (lone["t"] > 0)]
