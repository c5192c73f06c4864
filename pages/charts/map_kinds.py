"""Kinds of network beside each other: a metric against L/n, and n CV^2 at initialisation against depth."""

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from engine.quantities import Quantity
from engine.regimes.boundaries import Boundary
from pages.charts import theme
from pages.charts.encodings import by_series, layered, listed_x, log_y, tooltip
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
from pages.charts.words import number

X_TITLE = "L/n: depth over width, which is β of fully connected networks"
FAINT = 0.45
OPEN_ROOM = 1.25
"""The value axis ends this factor above the arrows of bars that are open above."""
DASHES = ([1, 0], [7, 4], [2, 3], [9, 3, 2, 3], [14, 4], [2, 6], [9, 3, 2, 3, 2, 3])
"""Of the lines of a width, from the narrowest."""
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
    called: str,
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
    low, top = theme.log_domain(np.append(values, ends[ends > 0]))
    domain = low, top * OPEN_ROOM if frame["open"].any() else top
    x = listed_x("depth", theme.log_domain(depths), "depth L, hidden layers", np.unique(depths).tolist())
    drawn = frame.assign(low=np.clip(frame["low"], low, top), high=np.clip(frame["high"], low, top))
    drawn["line"] = [f"n = {number(width)}" for width in frame["width"]]
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
    up = alt.Chart(drawn[drawn["open"]]).mark_point(shape="arrow", size=200, filled=True, opacity=1, tooltip=None)
    points = rows.mark_point(size=60, filled=True, opacity=1, clip=True)
    which, widths = _by_width(sorted(set(frame["width"])))
    subtitle = (
        f"at initialisation; {widths}; bars: 95% where sampled{', arrow: open above' * bool(frame['open'].any())}"
    )
    return layered(
        line.encode(x=x, y=y(), color=colour, detail=alt.Detail("width:N"), **which),
        bars.encode(x=x, y=y("low"), y2=alt.Y2("high"), color=colour),
        up.encode(x=x, y=y("high"), color=colour),
        points.encode(x=x, y=y(), color=colour, shape=shape, tooltip=said),
        height=HEIGHT,
        title=theme.title(subtitle=subtitle),
    )


def _by_width(widths: Sequence[float]) -> tuple[dict[str, Any], str]:
    """The dashes of the lines of each width with their legend, below the chart as the kinds' stands above, and what
    lines are in words."""
    names = [f"n = {number(width)}" for width in widths]
    if len(names) == 1:
        return {}, f"lines: width {names[0]}"
    scale = alt.Scale(domain=names, range=[DASHES[at % len(DASHES)] for at in range(len(names))])
    more: dict[str, Any] = {
        "symbolType": "stroke",
        "symbolSize": 500,
        "symbolStrokeWidth": theme.LINE,
        "rowPadding": -8,
    }
    legend = theme.legend(6, symbolStrokeColor=theme.QUIET_INK, orient="bottom", offset=2, **more)
    return {"strokeDash": alt.StrokeDash("line:N", scale=scale, legend=legend)}, "dashes: the width n"
