"""The map: cells on a plane of two log axes, coloured by regime or by a metric."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import altair as alt
import numpy as np
import pandas as pd

from engine.quantities import Quantity
from pages.charts import theme
from pages.charts.encodings import layered, listed_x, listed_y, tooltip, with_pick
from pages.charts.map_names import CELL_STYLES, LARGEST, below_rounding, hatched, in_words, of_cells, regime, symbol
from pages.charts.words import number

PICKED = "cells"
"""Name of the layer that can be clicked."""
HEIGHT = 470
INSET = 0.03
"""Share of a cell, in the logarithm, that is left free on each side."""
STOCHASTIC = theme.VERMILION
"""Of the curve beyond which the kernel at initialisation is stochastic."""
BEYOND = 2.2
"""The axes go on beyond the cells by this factor."""
SILENT: dict[str, Any] = {"tooltip": None, "aria": False}
"""For marks that repeat what a cell says."""
MOST_TEXTS = 80
"""More cells than these carry no number."""


@dataclass(frozen=True)
class Plane:
    """The two axes around the cells.

    Attributes:
        x_title, y_title: of the axes.
        x, y: domains.
        x_ticks, y_ticks: where the cells are.
    """

    x_title: str
    y_title: str
    x: tuple[float, float]
    y: tuple[float, float]
    x_ticks: tuple[float, ...]
    y_ticks: tuple[float, ...]

    @classmethod
    def around(cls, table: pd.DataFrame, x_title: str, y_title: str) -> "Plane":
        """The plane of a frame of `plane_table`."""
        domains = [
            (float(table[low].min()) / BEYOND, float(table[high].max()) * BEYOND)
            for low, high in (("x0", "x1"), ("y0", "y1"))
        ]
        ticks = [tuple(sorted(map(float, table[name].unique()))) for name in ("x", "y")]
        return cls(x_title, y_title, domains[0], domains[1], ticks[0], ticks[1])

    def across(self, field: str = "x") -> alt.X:
        return listed_x(field, self.x, self.x_title, self.x_ticks, grid=False, labelOverlap="greedy")

    def up(self, field: str = "y") -> alt.Y:
        return listed_y(field, self.y, self.y_title, self.y_ticks, grid=False, labelOverlap="greedy")


def plane_table(places: pd.DataFrame, cells: pd.DataFrame) -> pd.DataFrame:
    """Every planned cell with its rectangle `x0`, `x1`, `y0`, `y1`; `regime`, `text` and the ensemble's numbers where
    it is known.

    Args:
        places: of `pages.views.map_controls.Map.places`.
        cells: of `engine.regimes.result.cells_frame`.
    """
    known = cells.drop(columns=[name for name in cells.columns if name in places.columns and name != "cell"])
    table = (
        places.merge(known, on="cell", how="left") if len(cells) else places.assign(label=None, reason=None, elt=np.nan)
    )
    for name in ("x", "y"):
        table[f"{name}0"], table[f"{name}1"] = _edges(table[name].to_numpy(float))
    labels = zip(table["label"], table["reason"], strict=True)
    regimes = [regime(label, reason) if isinstance(label, str) else None for label, reason in labels]
    return table.assign(
        regime=pd.Series(regimes, index=table.index, dtype=object),
        text=[_text(elt, below) for elt, below in zip(table["elt"], below_rounding(table), strict=True)],
        **in_words(table),
    )


def _text(elt: float, below: bool) -> str:
    """In a cell."""
    if np.isnan(elt):
        return ""
    return "rounding" if below else number(elt, 2) if elt < 1000 else "> 999"


def _edges(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """From half-way to the neighbour below to half-way to the one above, in the logarithm."""
    own = np.unique(np.log(values))
    step = np.diff(own) if len(own) > 1 else np.array([np.log(2)])
    middle = (own[1:] + own[:-1]) / 2
    ends = np.concatenate([[own[0] - step[0] / 2], middle, [own[-1] + step[-1] / 2]])
    place = np.searchsorted(own, np.log(values))
    room = INSET * (ends[place + 1] - ends[place])
    return np.exp(ends[place] + room), np.exp(ends[place + 1] - room)


def plane_chart(
    table: pd.DataFrame,
    plane: Plane,
    subtitle: str,
    metric: tuple[str, Quantity] | None,
    curve: pd.DataFrame | None = None,
    threshold: float = 1.0,
    betas: Sequence[float] = (),
    edge: float | None = None,
    spans: np.ndarray | None = None,
) -> alt.LayerChart:
    """The map. A click chooses a `cell`.

    Args:
        metric: column and quantity that colours the cells; None for the regimes.
        curve: `x` and `y` of the edge of the stochastic kernel, at CV^2 = `threshold`.
        betas: whose lines depth = beta width are drawn.
        edge: the value of y at the edge of stability.
        spans: values that the colours of a metric have to span, where several maps share them.
    """
    known = table[table["regime"].notna()]
    if metric is not None:
        value = known[metric[0]].to_numpy(float)
        blank = below_rounding(known) if metric[0] == "elt" else ~np.isfinite(value)
        # Vega leaves out marks whose colour is no number, grey ones too.
        shown = np.where(blank, 1.0, np.minimum(value, LARGEST.get(metric[0], np.inf)))
        known = known.assign(shown=shown, blank=blank)
    else:
        known = _with_colours(known)
    layers = _region(curve, plane) if curve is not None else []
    layers += [_pending(table[table["regime"].isna()], plane), _cells(known, plane, metric, spans)]
    layers += _hatching(known, plane) if metric is None else []
    layers += _beta_lines(betas, plane)
    if curve is not None:
        layers += _curve(curve, plane, f"CV² = {number(threshold)}")
    if edge is not None:
        layers.append(_edge(edge, plane))
    if metric is None and len(known) <= MOST_TEXTS:
        layers += _numbers(known, plane)
    chart = layered(*layers, height=HEIGHT, title=theme.title(subtitle=subtitle))
    # Else browsers draw a legend for each of the three.
    chart = chart.resolve_scale(fill="independent", stroke="independent", shape="independent")
    return with_pick(chart, PICKED, "cell")


def _rectangles(plane: Plane, mark: alt.Chart) -> alt.Chart:
    return mark.encode(x=plane.across("x0"), x2=alt.X2("x1"), y=plane.up("y0"), y2=alt.Y2("y1"))


def _pending(frame: pd.DataFrame, plane: Plane) -> alt.Chart:
    """Cells that are not known, as outlines."""
    mark = alt.Chart(frame).mark_rect(
        fillOpacity=0, stroke=theme.GREY, strokeDash=[3, 3], strokeWidth=1, strokeOpacity=0.7, cornerRadius=2
    )
    said = tooltip("depth:Q", ("width:Q", "", ".4~g"), ("beta:Q", "L/n", ".3~g"))
    return _rectangles(plane, mark).encode(tooltip=said)


def _cells(
    known: pd.DataFrame, plane: Plane, metric: tuple[str, Quantity] | None, spans: np.ndarray | None
) -> alt.Chart:
    if metric is None:
        mark = alt.Chart(known, name=PICKED).mark_rect(cursor="pointer", cornerRadius=2, strokeWidth=1)
        return _rectangles(plane, mark).encode(**_own_colours(), tooltip=of_cells(known))
    mark = alt.Chart(known, name=PICKED).mark_rect(cursor="pointer", cornerRadius=2)
    values = known.loc[~known["blank"], "shown"].to_numpy(float) if spans is None else spans
    scaled = _metric_colour(values, metric[1].symbol)
    colour = alt.condition(alt.datum.blank, alt.value(theme.GREY), scaled)
    return _rectangles(plane, mark).encode(color=colour, tooltip=of_cells(known))


LEGEND = theme.legend(2, symbolStrokeWidth=1)


def _regime_colour(known: pd.DataFrame, part: Literal["fill", "ink"]) -> Any:
    """A part of the looks of the regimes that there are."""
    present = [name for name in CELL_STYLES if name in set(known["regime"])]
    scale = alt.Scale(domain=present, range=[getattr(CELL_STYLES[name], part) for name in present])
    return (alt.Fill if part == "fill" else alt.Stroke)("regime:N", scale=scale, legend=LEGEND)


def _hatching(known: pd.DataFrame, plane: Plane) -> list[alt.Chart]:
    """The lines across the cells that have them, and squares with such lines for the legend."""
    present = [name for name in CELL_STYLES if name in set(known["regime"])]
    squares = alt.Scale(domain=present, range=[symbol(CELL_STYLES[name].hatch) for name in present])
    keys = alt.Chart(known.drop_duplicates("regime")).mark_point(opacity=0, **SILENT)
    keys = keys.encode(
        fill=_regime_colour(known, "fill"),
        stroke=_regime_colour(known, "ink"),
        shape=alt.Shape("regime:N", scale=squares, legend=LEGEND),
    )
    lines = hatched(known, [CELL_STYLES[name].hatch for name in known["regime"]])
    if not len(lines):
        return [keys]
    mark = alt.Chart(_with_colours(lines)).mark_line(strokeWidth=1.2, **SILENT)
    drawn = mark.encode(x=plane.across(), y=plane.up(), detail=alt.Detail("stripe:N"), stroke=_own_colours()["stroke"])
    return [drawn, keys]


def _with_colours(frame: pd.DataFrame) -> pd.DataFrame:
    """Each row with its regime's `face` and `ink`, which need no scale: only the key of the map has a legend."""
    styles = [CELL_STYLES[name] for name in frame["regime"]]
    return frame.assign(face=[style.fill for style in styles], ink=[style.ink for style in styles])


def _own_colours() -> dict[str, Any]:
    """Of the columns that `_with_colours` adds."""
    return {"fill": alt.Fill("face:N", scale=None), "stroke": alt.Stroke("ink:N", scale=None)}


def _numbers(known: pd.DataFrame, plane: Plane) -> list[alt.Chart]:
    """In each cell, on a strip of its face where lines would cross them."""
    place: dict[str, Any] = {"x": plane.across(), "y": plane.up(), "text": alt.Text("text:N")}
    style: dict[str, Any] = {"fontSize": 12, "fontWeight": "bold", **SILENT}
    styles = [CELL_STYLES[name] for name in known["regime"]]
    rows = alt.Chart(known.assign(face=[style.fill for style in styles], ink=[style.text for style in styles]))
    strip = rows.mark_text(strokeWidth=5, strokeJoin="round", **style)
    return [
        strip.encode(**place, stroke=alt.Stroke("face:N", scale=None), fill=alt.Fill("face:N", scale=None)),
        rows.mark_text(**style).encode(**place, color=alt.Color("ink:N", scale=None)),
    ]


def _metric_colour(values: np.ndarray, title: str) -> alt.Color:
    """A log scale where all values are positive and more than a factor 10 apart."""
    values = values[np.isfinite(values)]
    low, high = (float(values.min()), float(values.max())) if len(values) else (0.0, 1.0)
    if low > 0 and high > 10 * low:
        scale = alt.Scale(type="log", scheme="viridis", domain=[low, high])
        shown = theme.ticks(low, high)
    else:
        scale = alt.Scale(scheme="viridis", domain=[0.0, high or 1.0])
        shown = alt.Undefined
    legend = alt.Legend(
        title=title, orient="top", gradientLength=260, values=shown, tickCount=4, labelExpr=theme.NUMBER, titleLimit=320
    )
    return alt.Color("shown:Q", scale=scale, legend=legend)


def _beta_lines(betas: Sequence[float], plane: Plane) -> list[alt.Chart]:
    """depth = beta width, each labelled where it leaves the plane."""
    rows, ends = [], []
    for beta in betas:
        low = max(plane.x[0], plane.y[0] / beta)
        high = min(plane.x[1], plane.y[1] / beta)
        if low >= high:
            continue
        rows += [{"x": low, "y": beta * low, "line": beta}, {"x": high, "y": beta * high, "line": beta}]
        top = high < plane.x[1] * 0.999
        ends.append({"x": high, "y": beta * high, "text": f"β = {_fraction(beta)}", "top": top})
    if not rows:
        return []
    dashed = alt.Chart(pd.DataFrame(rows)).mark_line(strokeDash=[2, 4], strokeWidth=1.3, color=theme.GREY, tooltip=None)
    layers = [dashed.encode(x=plane.across(), y=plane.up(), detail=alt.Detail("line:N"))]
    frame = pd.DataFrame(ends)
    for top, where in (
        (True, {"align": "right", "baseline": "top", "dx": -7, "dy": 3}),
        (False, {"align": "right", "dy": -9, "dx": -3}),
    ):
        some = frame[frame["top"] == top]
        if len(some):
            words = alt.Chart(some).mark_text(fontSize=11, color=theme.INK, **where)
            layers.append(words.encode(x=plane.across(), y=plane.up(), text=alt.Text("text:N")))
    return layers


def _fraction(beta: float) -> str:
    return number(beta) if beta >= 1 else f"1/{number(1 / beta)}"


def _region(curve: pd.DataFrame, plane: Plane) -> list[alt.Chart]:
    """Where the kernel at initialisation is stochastic: on the narrow side of the curve."""
    narrow = plane.x[0] if curve["narrow"].iloc[0] else plane.x[1]
    frame = curve.assign(end=narrow)
    area = alt.Chart(frame).mark_area(orient="horizontal", color=STOCHASTIC, opacity=0.12, clip=True, tooltip=None)
    return [area.encode(x=plane.across(), x2=alt.X2("end"), y=plane.up())]


def _curve(curve: pd.DataFrame, plane: Plane, text: str) -> list[alt.Chart]:
    line = alt.Chart(curve).mark_line(color=STOCHASTIC, strokeWidth=2.6, clip=True, tooltip=None, orient="horizontal")
    inside = curve[(curve["x"] > plane.x[0]) & (curve["x"] < plane.x[1])]
    words = alt.Chart(inside.tail(1)).mark_text(
        align="left", baseline="top", dx=6, dy=4, color=theme.INK, fontSize=12, fontWeight="bold"
    )
    shape = alt.Order("y:Q")
    return [
        line.encode(x=plane.across(), y=plane.up(), order=shape),
        words.encode(x=plane.across(), y=plane.up(), text=alt.TextValue(text)),
    ]


def _edge(edge: float, plane: Plane) -> alt.Chart:
    """The edge of stability."""
    rule = alt.Chart(pd.DataFrame({"y": [edge]})).mark_rule(
        color=theme.COLOURS["stability"], strokeWidth=2, strokeDash=[7, 4], tooltip=None
    )
    return rule.encode(y=plane.up())
