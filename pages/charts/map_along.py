"""A metric of every cell against beta, or against depth^q beta: bands of seeds, thresholds, fitted boundaries."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from engine.quantities import Quantity
from engine.regimes.boundaries import Boundary
from engine.regimes.collapse import Scaling
from pages.charts import theme
from pages.charts.encodings import by_series, layered, linear_y, log_x, log_y, tooltip
from pages.charts.map_names import (
    BETA,
    BOUNDARIES,
    BOUNDARY_COLOURS,
    DASHED,
    LARGEST,
    SHARES,
    Order,
    below_rounding,
)
from pages.charts.theme import Table
from pages.charts.words import number, signed

HEIGHT = 470
SMALL = 380
SHAPES = ("circle", "square", "triangle-up", "diamond", "triangle-down", "cross")
"""Of the points of a series, in its order."""
HEADROOM = 2.2
"""The value axis ends this factor above the cells where the names of boundaries need room."""
SHARE = (0.0, 1.15)
"""The value axis of a share: with room above for the names of boundaries."""


def along_table(cells: pd.DataFrame, metric: str, series: str, symbol: str) -> Table:
    """Rows (x = beta, value, low, high, series, order) of cells whose median can be drawn and has not blown up.

    Args:
        cells: of `pages.charts.map_plane.plane_table`, those that are known.
        series: the column that tells the lines apart, called by its `symbol`.
    """
    frame = pd.DataFrame(
        {
            "cell": cells["cell"],
            "x": cells["beta"],
            "value": cells[metric],
            "low": cells.get(f"{metric}_low", cells[metric]),
            "high": cells.get(f"{metric}_high", cells[metric]),
            "order": cells[series].astype(float),
            "depth": cells["depth"],
            "width": cells["width"],
            "regime": cells["regime"],
            "share": metric in SHARES,
        }
    )
    frame["series"] = [f"{symbol} = {number(value)}" for value in frame["order"]]
    shown = np.isfinite(frame["value"].to_numpy(float)) & ((frame["value"].to_numpy(float) > 0) | (metric in SHARES))
    below = below_rounding(cells) & shown & (metric == "elt")
    shown &= ~below
    beyond = shown & (frame["value"].to_numpy(float) > LARGEST.get(metric, np.inf))
    notes = (
        *note_of(below, "below rounding"),
        *note_of(~shown & ~below, "0 or not finite"),
        *note_of(beyond, f"beyond the axis, above {number(LARGEST.get(metric))}: their networks blew up"),
    )
    frame = frame[shown & ~beyond].sort_values(["order", "x"])
    return Table(frame.reset_index(drop=True), notes)


def note_of(left_out: np.ndarray, why: str) -> tuple[str, ...]:
    count = int(np.sum(left_out))
    return (f"Not drawn: {count} cell{'s' if count > 1 else ''}, {why}.",) if count else ()


def along_chart(
    frame: pd.DataFrame,
    metric: Quantity,
    subtitle: str,
    thresholds: Mapping[str, float],
    boundaries: Mapping[str, Boundary],
    law: Scaling | None = None,
    order: Order = BETA,
) -> alt.LayerChart:
    """The metric against beta, or what orders the cells instead.

    Args:
        thresholds: values of the metric to draw as lines, by name.
        boundaries: by the names of `BOUNDARIES`.
        law: drawn as a dashed line over the betas it was fitted to.
    """
    drawn = [
        Edge(found, BOUNDARIES[name], BOUNDARY_COLOURS[name], name in DASHED) for name, found in boundaries.items()
    ]
    x, across = across_of(np.append(frame["x"].to_numpy(float), _places(drawn)), order.title)
    y, up = up_of(frame, metric, tuple(thresholds.values()), HEADROOM if _places(drawn) else 1.0)
    layers = [
        *edges_on(drawn, x, across),
        *levels(thresholds, x, y, across),
        *medians(frame, x, y, up, metric, joined=True),
        *([] if law is None else [_law(law, x, y)]),
    ]
    return layered(*layers, height=HEIGHT, title=theme.title(subtitle=subtitle))


@dataclass(frozen=True)
class Edge:
    """A boundary as it is drawn."""

    found: Boundary
    text: str
    colour: str
    dashed: bool = False


def _places(edges: Sequence[Edge]) -> list[float]:
    """Where those lie that exist."""
    return [edge.found.beta for edge in edges if edge.found.beta is not None]


def _law(law: Scaling, x, y) -> alt.Chart:
    beta = np.array([law.low, law.high])
    frame = pd.DataFrame({"x": beta, "value": law.at(beta)})
    mark = alt.Chart(frame).mark_line(
        color=theme.GREY, strokeWidth=theme.LINE, strokeDash=[7, 4], clip=True, tooltip=None
    )
    return mark.encode(x=x(), y=y())


def collapse_chart(
    frame: pd.DataFrame, metric: Quantity, q: float, subtitle: str, order: Order = BETA
) -> alt.LayerChart:
    """The metric against depth^q beta: on one curve where that alone decides."""
    frame = frame.assign(x=frame["depth"] ** q * frame["x"])
    name = order.name if q == 0 else f"L^{signed(q)} {order.base}"
    x, _ = across_of(frame["x"].to_numpy(float), name)
    y, up = up_of(frame, metric)
    layers = medians(frame, x, y, up, metric, joined=False)
    return layered(*layers, height=SMALL, title=theme.title(subtitle=subtitle))


def shades(count: int) -> list[str]:
    """Colours of an ordered series, from violet to amber."""
    stops = np.array([[int(colour[k : k + 2], 16) for k in (1, 3, 5)] for colour in theme.ORDERED])
    at = np.linspace(0, len(stops) - 1, max(count, 1))
    mixed = [np.interp(at, np.arange(len(stops)), stops[:, k]) for k in range(3)]
    return [f"#{round(r):02x}{round(g):02x}{round(b):02x}" for r, g, b in zip(*mixed, strict=True)]


def across_of(values: np.ndarray, title: str) -> tuple[Callable[..., alt.X], tuple[float, float]]:
    """Any column, `x` if none is named, on a log axis around the values, and its domain."""
    domain = theme.log_domain(values)
    return lambda field="x": log_x(field, domain, title), domain


def up_of(
    frame: pd.DataFrame, metric: Quantity, include: tuple[float, ...] = (), above: float = 1.0
) -> tuple[Callable[..., alt.Y], tuple[float, float]]:
    """Any column, `value` if none is named: shares from 0 to 1 with room for the names of boundaries, else a log axis
    around the values, and its domain."""
    if frame["share"].any():
        shown = [0, 0.25, 0.5, 0.75, 1]
        return lambda field="value": linear_y(field, SHARE, metric.symbol, values=shown), SHARE
    low, high = theme.log_domain(np.append(frame["value"].to_numpy(float), include))
    domain = low / 1.15, high * 1.15 * above
    return lambda field="value": log_y(field, domain, metric.symbol), domain


def medians(
    frame: pd.DataFrame,
    x,
    y,
    up: tuple[float, float],
    metric: Quantity,
    joined: bool,
    colours: Mapping[str, str] | None = None,
) -> list[alt.Chart]:
    """Medians with the quartiles of seeds, a colour and a shape per series; the colours in their order if not given."""
    names = frame.drop_duplicates("series").sort_values("order")["series"].tolist()
    own = dict(zip(names, shades(len(names)), strict=True)) if colours is None else colours
    colour = by_series({name: own[name] for name in names}, columns=6, symbol="")
    shapes = alt.Scale(domain=names, range=[SHAPES[at % len(SHAPES)] for at in range(len(names))])
    shape = alt.Shape("series:N", scale=shapes, legend=theme.legend(6))
    frame = frame.assign(low=np.clip(frame["low"], *up), high=np.clip(frame["high"], *up))
    layers = []
    if joined:
        band = alt.Chart(frame).mark_area(opacity=0.16, clip=True, tooltip=None)
        layers.append(band.encode(x=x(), y=y("low"), y2=alt.Y2("high"), color=colour))
        line = alt.Chart(frame).mark_line(strokeWidth=theme.LINE, clip=True, tooltip=None)
        layers.append(line.encode(x=x(), y=y(), color=colour))
    else:
        rule = alt.Chart(frame).mark_rule(strokeWidth=1.6, opacity=0.6, clip=True, tooltip=None)
        layers.append(rule.encode(x=x(), y=y("low"), y2=alt.Y2("high"), color=colour))
    said = tooltip(
        ("depth:Q", "depth L"),
        ("width:Q", "width n", ".4~g"),
        ("series:N", "series"),
        ("value:Q", metric.label, ".3~g"),
        ("low:Q", "lower quartile", ".3~g"),
        ("high:Q", "upper quartile", ".3~g"),
        "regime:N",
    )
    points = alt.Chart(frame).mark_point(size=60, filled=True, opacity=1, clip=True)
    return [*layers, points.encode(x=x(), y=y(), color=colour, shape=shape, tooltip=said)]


def levels(thresholds: Mapping[str, float], x, y, across: tuple[float, float]) -> list[alt.Chart]:
    """Horizontal lines with their names at the left, where curves are low."""
    if not thresholds:
        return []
    frame = pd.DataFrame({"value": list(thresholds.values()), "text": list(thresholds), "x": across[0]})
    rule = alt.Chart(frame).mark_rule(color=theme.GREY, strokeDash=[6, 4], strokeWidth=1.2)
    words = alt.Chart(frame).mark_text(align="left", baseline="bottom", dx=4, dy=-2, color=theme.INK, fontSize=11)
    return [rule.encode(y=y()), words.encode(x=x(), y=y(), text=alt.Text("text:N"))]


def edges_on(edges: Sequence[Edge], x, across: tuple[float, float]) -> list[alt.Chart]:
    """Each fitted boundary with its band; open bands go to the end of the axis."""
    layers = []
    for place, edge in enumerate(edges):
        found = edge.found
        if found.beta is None:
            continue
        low, high = (across[side] if end is None else end for side, end in ((0, found.low), (1, found.high)))
        row = {"x": found.beta, "low": max(low, across[0]), "high": min(high, across[1]), "text": edge.text}
        frame = pd.DataFrame([row])
        band = alt.Chart(frame).mark_rect(color=edge.colour, opacity=0.13, tooltip=None)
        layers.append(band.encode(x=x("low"), x2=alt.X2("high")))
        dashes = [5, 3] if edge.dashed else alt.Undefined
        layers.append(alt.Chart(frame).mark_rule(color=edge.colour, strokeWidth=1.8, strokeDash=dashes).encode(x=x()))
        right = np.log(found.beta / across[0]) > 0.75 * np.log(across[1] / across[0])
        side: dict[str, Any] = {"align": "right", "dx": -4} if right else {"align": "left", "dx": 4}
        words = alt.Chart(frame).mark_text(
            baseline="top", dy=4 + 14 * place, color=theme.INK, fontSize=11, fontWeight="bold", **side
        )
        layers.append(words.encode(x=x(), y=alt.YValue(0), text=alt.Text("text:N")))
    return layers
