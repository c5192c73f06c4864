"""Kinds of network beside each other: a metric against L/n, and n CV^2 at initialisation against depth."""

from collections.abc import Mapping

import altair as alt
import numpy as np
import pandas as pd

from engine.quantities import Quantity
from engine.regimes.boundaries import Boundary
from pages.charts import theme
from pages.charts.encodings import by_series, layered, log_x, log_y, tooltip
from pages.charts.map_along import (
    HEADROOM,
    HEIGHT,
    SHAPES,
    Edge,
    across_of,
    along_table,
    edges_on,
    levels,
    medians,
    note_of,
    up_of,
)
from pages.charts.map_names import KIND_COLOURS, KIND_NAMES
from pages.charts.theme import Table

X_TITLE = "L/n: depth over width, which is β of fully connected networks"
FAINT = 0.45
SPREADS = {"value": "cv2", "low": "cv2_low", "high": "cv2_high"}
COLOURS = {KIND_NAMES[kind]: colour for kind, colour in KIND_COLOURS.items()}


def kinds_table(cells: Mapping[str, pd.DataFrame], metric: str) -> Table:
    """`pages.charts.map_along.along_table` of every kind, told apart by the kind's name.

    Args:
        cells: by kind, of `pages.charts.map_plane.plane_table`, those that are known.
    """
    tables = {kind: along_table(own, metric, "depth", "L") for kind, own in cells.items() if len(own)}
    frames = [
        table.frame.assign(series=KIND_NAMES[kind], order=place) for place, (kind, table) in enumerate(tables.items())
    ]
    notes = [f"{KIND_NAMES[kind].capitalize()}: {note}" for kind, table in tables.items() for note in table.notes]
    return Table(pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(), tuple(notes))


def kinds_chart(
    frame: pd.DataFrame,
    metric: Quantity,
    subtitle: str,
    thresholds: Mapping[str, float],
    boundaries: Mapping[str, Boundary],
    called: str = "",
) -> alt.LayerChart:
    """The metric against L/n, a colour and a shape per kind; thin lines join cells of one depth.

    Args:
        frame: of `kinds_table`.
        thresholds: values of the metric to draw as lines, by name.
        boundaries: by kind, the one that is drawn of each, and is `called` this.
    """
    drawn = [Edge(found, f"{KIND_NAMES[kind]}: {called}", KIND_COLOURS[kind]) for kind, found in boundaries.items()]
    places = [edge.found.beta for edge in drawn if edge.found.beta is not None]
    x, across = across_of(np.append(frame["x"].to_numpy(float), places), X_TITLE)
    y, up = up_of(frame, metric, tuple(thresholds.values()), HEADROOM if places else 1.0)
    joined = alt.Chart(frame).mark_line(strokeWidth=1, opacity=FAINT, clip=True, tooltip=None)
    colour = by_series({name: COLOURS[name] for name in frame["series"].unique()}, columns=6, symbol="")
    layers = [
        *edges_on(drawn, x, across),
        *levels(thresholds, x, y, across),
        joined.encode(x=x(), y=y(), color=colour, detail=alt.Detail("depth:N")),
        *medians(frame, x, y, up, metric, joined=False, colours=COLOURS),
    ]
    return layered(*layers, height=HEIGHT, title=theme.title(subtitle=subtitle))


def growth_table(cells: Mapping[str, pd.DataFrame]) -> Table:
    """Rows (depth, width, value = n CV^2, low, high, series, open, exact) of every kind that have a positive number.

    Args:
        cells: by kind, with `depth`, `width` and `engine.regimes.result.SPREAD`.
    """
    frames = [
        own[["depth", "width"]].assign(
            series=KIND_NAMES[kind], **{name: own["width"] * own[column] for name, column in SPREADS.items()}
        )
        for kind, own in cells.items()
        if len(own)
    ]
    if not frames:
        return Table(pd.DataFrame())
    frame = pd.concat(frames, ignore_index=True)
    known = np.isfinite(values := frame["value"].to_numpy(float)) & (values > 0)
    notes = note_of(~known, "whose CV² is not known")
    frame = frame[known].reset_index(drop=True)
    return Table(frame.assign(open=~np.isfinite(frame["high"]), exact=frame["low"] == frame["high"]), notes)


def growth_chart(frame: pd.DataFrame) -> alt.LayerChart:
    """n CV^2 of K_0(x, x) against depth: lines join networks of one kind and width."""
    depths, values = frame["depth"].to_numpy(float), frame["value"].to_numpy(float)
    ends = np.append(frame["low"], np.where(frame["open"], values, frame["high"])).astype(float)
    domain = theme.log_domain(np.append(values, ends[ends > 0]))
    x = log_x("depth", theme.log_domain(depths), "depth L, hidden layers")
    drawn = frame.assign(low=np.clip(frame["low"], *domain), high=np.clip(frame["high"], *domain))
    names = [name for name in COLOURS if name in set(frame["series"])]
    colour = by_series({name: COLOURS[name] for name in names}, columns=6, symbol="")
    shapes = alt.Scale(domain=names, range=[*SHAPES[: len(names)]])
    shape = alt.Shape("series:N", scale=shapes, legend=theme.legend(6))

    def y(field: str = "value") -> alt.Y:
        return log_y(field, domain, "n CV²")

    said = tooltip(
        ("series:N", "network"),
        ("depth:Q", "depth L"),
        ("width:Q", "width n", ".4~g"),
        ("value:Q", "n CV²", ".3~g"),
        ("low:Q", "95%, from", ".3~g"),
        ("high:Q", "to", ".3~g"),
        ("open:N", "open above"),
        ("exact:N", "exact"),
    )
    rows = alt.Chart(drawn)
    line = rows.mark_line(strokeWidth=theme.LINE, opacity=FAINT, clip=True, tooltip=None)
    bars = alt.Chart(drawn[~drawn["exact"]]).mark_rule(strokeWidth=1.6, opacity=0.6, clip=True, tooltip=None)
    points = rows.mark_point(size=60, filled=True, opacity=1, clip=True)
    subtitle = "at initialisation; lines: one width; bars: 95% where sampled, to the top where open above"
    return layered(
        line.encode(x=x, y=y(), color=colour, detail=alt.Detail("width:N")),
        bars.encode(x=x, y=y("low"), y2=alt.Y2("high"), color=colour),
        points.encode(x=x, y=y(), color=colour, shape=shape, tooltip=said),
        height=HEIGHT,
        title=theme.title(subtitle=subtitle),
    )
