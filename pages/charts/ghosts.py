"""Held results beneath a chart: the same chart of each, thinner and dashed in its own way, on common axes. Maps, which
would cover each other, stand under one another in the same colours."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt
import numpy as np
import pandas as pd
from altair import utils

from pages.charts import theme
from pages.charts.common_axes import around, one_scale, zero_of
from pages.charts.encodings import layered, sized, stacked
from pages.charts.panels import ROOM, partners
from pages.charts.specification import WIDTH, parts_of

DASHES = ([2, 2], [9, 3], [9, 3, 2, 3], [2, 5], [14, 3, 2, 3, 2, 3])
SHAPES = ("square", "triangle-up", "diamond", "cross", "triangle-down")
"""Of lines and of points, by the place of a held result."""
CHANNELS = ("strokeDash", "shape")
MOST = len(DASHES)
"""Results that are held."""
HELD, PRESENT, RECORDED = "held: {}", "this run", "this recording"
"""What a legend calls a held result, and the present one, a run or a recording."""
STYLE = "held"
"""Of the marks of held results, by which a specification tells them."""
STROKE: dict[str, Any] = {"strokeWidth": 1.5, "opacity": 0.85, "clip": True, "aria": False, "style": STYLE}
LEGEND, SHORT = 20, 18
"""Pixels of a row of the legend beneath, and letters of names that stand two in one."""
SMALL = 100
"""Pixels of a panel that has room for few ticks only."""
LONE = 2
"""Points up to which they are points and no line."""


@dataclass(frozen=True)
class Ghost:
    """The chart of a held result.

    Attributes:
        name: what it is called.
        place: among those that are held, from 0: its dashes.
    """

    name: str
    place: int
    chart: Any

    def of(self, chart: Any) -> "Ghost":
        """A part of it."""
        return Ghost(self.name, self.place, chart)


def over(chart: Any, ghosts: Sequence[Ghost], top: bool = True, present: str = PRESENT) -> Any:
    """The chart over those of held results, panel by panel; all of them are used up.

    Args:
        top: whether it is the whole.
        present: what stands over a map above others.
    """
    name, parts = parts_of(chart)
    if name in ("", "layer"):
        return _panel(chart, ghosts, top, present)
    alike = [(ghost, partners(name, parts, ghost.chart)) for ghost in ghosts]
    chart[name] = [
        over(part, [ghost.of(found[place]) for ghost, found in alike if found[place] is not None], False, present)
        for place, part in enumerate(parts)
    ]
    return chart


def _panel(chart: Any, ghosts: Sequence[Ghost], top: bool, present: str) -> Any:
    apart = [ghost for ghost in ghosts if _is_map(chart) or not _same_axes(chart, ghost.chart)]
    beneath = [ghost for ghost in ghosts if ghost not in apart]
    chart = _layered(chart, beneath) if beneath else chart
    return _apart(chart, apart, top, present) if apart else chart


def _layers(chart: Any) -> list[Any]:
    name, parts = parts_of(chart)
    return parts if name == "layer" else [chart]


def _is_map(chart: Any) -> bool:
    """Whether cells with a colour of their own cover the plane."""
    cells = [layer for layer in _layers(chart) if _kind(layer) == "rect" and not _stands(layer)]
    return any(_field(layer, "y") and _field(layer, "color") for layer in cells)


def _stands(layer: Any) -> bool:
    """Whether its bars stand on the axis."""
    foot = _channel(layer, "y2")
    return foot is not None and "value" in foot._kwds


def _kind(layer: Any) -> str:
    return layer.mark if isinstance(layer.mark, str) else str(layer.mark["type"])


def _style(layer: Any, name: str) -> Any:
    value = alt.Undefined if isinstance(layer.mark, str) else layer.mark[name]
    return None if utils.is_undefined(value) else value


def _channel(layer: Any, name: str) -> Any:
    value = alt.Undefined if utils.is_undefined(layer.encoding) else layer.encoding[name]
    return None if utils.is_undefined(value) else value


def _field(layer: Any, name: str) -> str:
    """The column that a channel shows; empty where there is none."""
    channel = _channel(layer, name)
    shorthand = channel["shorthand"] if channel is not None and "shorthand" in channel._kwds else alt.Undefined
    return "" if utils.is_undefined(shorthand) else str(shorthand).rpartition(":")[0]


def _first(chart: Any, name: str) -> Any:
    """The first layer's channel that has a scale."""
    found = (_channel(layer, name) for layer in _layers(chart))
    return next((one for one in found if one is not None and "shorthand" in one._kwds), None)


def _same_axes(chart: Any, other: Any) -> bool:
    """Whether both have the same thing along x."""
    return _fields(other, "x") <= _fields(chart, "x")


def _fields(chart: Any, name: str) -> set[str]:
    """The columns that a channel of its layers shows."""
    return {_field(layer, name) for layer in _layers(chart)} - {""}


# Beneath.


def _layered(chart: Any, ghosts: Sequence[Ghost]) -> Any:
    """The panel on axes around everything, ghosts first."""
    few = not utils.is_undefined(chart.height) and chart.height < SMALL
    axes = {}
    for name in ("x", "y"):
        own, theirs = _first(chart, name), [_first(ghost.chart, name) for ghost in ghosts]
        if own is not None:
            axes[name] = around(own, [one for one in theirs if one is not None], few)
    before, start = zero_of(_first(chart, "x")), zero_of(axes.get("x"))
    layers = [_placed(layer, axes, before, start) for layer in _layers(chart)]
    colour = _first(chart, "color")
    found, shown = [], []
    for ghost in ghosts:
        before = zero_of(_first(ghost.chart, "x"))
        if not _fields(ghost.chart, "y") & _fields(chart, "y"):
            continue
        own = [layer for layer in _ghostly(ghost, colour) if len(_above_zero(layer, axes.get("y")))]
        found += [_placed(layer, axes, before, start) for layer in own]
        shown += [ghost] if own else []
    if not found:
        return chart
    if parts_of(chart)[0] != "layer":
        chart = layered(chart, height=chart.height, width=chart.width, title=chart.title)
    legend = _legend(shown, found)
    if any(_channel(layer, name) is not None for layer in layers for name in CHANNELS if _channel(legend, name)):
        apart: dict[str, Any] = dict.fromkeys(CHANNELS, "independent")
        chart.resolve = alt.Resolve(scale=alt.ScaleResolveMap(**apart), legend=alt.LegendResolveMap(**apart))
    chart.layer = [*found, legend, *layers]
    if not utils.is_undefined(chart.height):
        chart.height += LEGEND * -(-len(shown) // _in_a_row(shown))
    return chart


def _placed(layer: Any, axes: dict[str, Any], before: float | None, start: float | None) -> Any:
    """The layer on these axes; what stood at t = 0 `before` now stands at the common `start`."""
    encoding = layer.encoding.copy(deep=False)
    for name, axis in axes.items():
        channel = _channel(layer, name)
        if channel is None or "shorthand" not in channel._kwds or utils.is_undefined(channel["scale"]):
            continue
        moved = channel.copy(deep=False)
        moved["scale"], moved["axis"] = axis["scale"], axis["axis"]
        encoding[name] = moved
    layer.encoding = encoding
    if before and start and before != start and isinstance(layer.data, pd.DataFrame) and "x" in layer.data:
        layer.data = layer.data.assign(x=layer.data["x"].where(layer.data["x"] != before, start))
    return layer


def _above_zero(layer: Any, axis: Any) -> pd.DataFrame:
    """Its rows; leaves out what a log axis, which that of a held result need not be, does not have."""
    name = _field(layer, "y")
    if axis is not None and axis["scale"]["type"] == "log" and name in layer.data:
        layer.data = layer.data[layer.data[name] > 0]
    return layer.data


def _ghostly(ghost: Ghost, colour: Any) -> Iterator[Any]:
    """The layers of a held result that show a result; not bands, legends, and what marks the present frame.

    Args:
        colour: of the series on the chart that it is put beneath.
    """
    layers = _layers(ghost.chart)
    lines = [layer for layer in layers if _kind(layer) == "line"]
    for layer in layers:
        kind, told = _kind(layer), _channel(layer, "tooltip") is not None
        if _style(layer, "color") == theme.COLOURS["now"] or kind not in ("line", "point", "bar"):
            continue
        unseen = _style(layer, "opacity") == 0
        if unseen and not told:
            continue
        if kind == "line":
            yield from _drawn(layer, ghost, colour, _line(ghost))
            continue
        if told and kind == "point" and not _is_moving(layer):
            yield from _drawn(
                layer, ghost, colour, {"type": "point", "size": 90, "opacity": 0, "clip": True, "aria": False}
            )
        if unseen:
            continue
        rest = _off_lines(layer, lines) if kind == "point" else layer.data
        if len(rest):
            layer = _on(layer, rest)
            yield from _drawn(
                layer, ghost, colour, _line(ghost) if kind == "point" and _falls(layer) else _point(ghost)
            )


def _line(ghost: Ghost) -> dict[str, Any]:
    return {"type": "line", "strokeDash": DASHES[ghost.place], **STROKE}


def _point(ghost: Ghost) -> dict[str, Any]:
    return {"type": "point", "shape": SHAPES[ghost.place], "filled": False, "size": 40, **STROKE}


def _on(layer: Any, rows: pd.DataFrame) -> Any:
    found = layer.copy(deep=False)
    found.data = rows
    return found


def _is_moving(layer: Any) -> bool:
    return isinstance(layer.data, pd.DataFrame) and "f0" in layer.data


def _falls(layer: Any) -> bool:
    """Whether the points make one falling curve, as those of a spectrum do."""
    x, y = _field(layer, "x"), "f0" if _is_moving(layer) else _field(layer, "y")
    rows = layer.data
    if not {x, y} <= set(rows.columns) or len(rows := rows[[x, y]].dropna().to_numpy(float)) <= LONE:
        return False
    return bool(np.all(np.diff(rows[:, 0]) > 0) and np.all(np.diff(rows[:, 1]) <= 0))


def _off_lines(layer: Any, lines: Sequence[Any]) -> pd.DataFrame:
    """The points that no line of the panel goes through."""
    rows, fields = layer.data, [_field(layer, "x"), _field(layer, "y")]
    fields += [name for name in ("series",) if name in rows]
    if not set(fields) <= set(rows.columns):
        return rows
    known = [line.data[fields] for line in lines if set(fields) <= set(line.data.columns)]
    if not known:
        return rows
    on = {*map(tuple, pd.concat(known).to_numpy())}
    return rows[[tuple(row) not in on for row in rows[fields].to_numpy()]]


def _drawn(layer: Any, ghost: Ghost, colour: Any, mark: dict[str, Any]) -> Iterator[Any]:
    """A layer as a ghost; series in the colours that the chart above has for them, those that it has not in grey."""
    name = _field(layer, "color")
    if not name:
        yield _as_ghost(layer, ghost, {**mark, "color": _style(layer, "color") or theme.GREY}, alt.Undefined)
        return
    domain = [] if colour is None else colour["scale"]["domain"]
    known = layer.data[name].isin(domain)
    if known.any():
        yield _as_ghost(_on(layer, layer.data[known]), ghost, mark, colour)
    if not known.all():
        yield _as_ghost(_on(layer, layer.data[~known]), ghost, {**mark, "color": theme.GREY}, alt.Undefined)


def _as_ghost(layer: Any, ghost: Ghost, mark: dict[str, Any], colour: Any) -> Any:
    """A layer with its data, places and tooltips, and a mark of its own."""
    found, encoding, name = alt.Chart(layer.data), layer.encoding.copy(deep=False), _field(layer, "color")
    transforms = [] if utils.is_undefined(layer.transform) else [*layer.transform]
    transforms = [one for one in transforms if one.to_dict().get("as") != "opacity"]
    for other in ("opacity", "strokeDash", "shape", "size", "y2"):
        encoding[other] = alt.Undefined
    if name and utils.is_undefined(colour) and _channel(layer, "detail") is None:
        encoding["detail"] = alt.Detail(f"{name}:N")
    encoding["color"] = colour
    if mark["opacity"] == 0:
        rows = encoding["tooltip"]
        encoding["tooltip"] = [alt.Tooltip("held:N", title="held"), *(rows if isinstance(rows, list) else [rows])]
        transforms.append(alt.CalculateTransform(**{"calculate": json.dumps(ghost.name), "as": "held"}))
    else:
        encoding["tooltip"], mark = alt.Undefined, {**mark, "tooltip": None}
    found.mark, found.encoding = alt.MarkDef(**mark), encoding
    found.transform = transforms or alt.Undefined
    return found


def _in_a_row(ghosts: Sequence[Ghost]) -> int:
    return 2 if max(len(ghost.name) for ghost in ghosts) <= SHORT else 1


def _legend(ghosts: Sequence[Ghost], found: Sequence[Any]) -> alt.Chart:
    """Which dashes, or where there are no lines which shapes, are whose."""
    names, places = [HELD.format(ghost.name) for ghost in ghosts], [ghost.place for ghost in ghosts]
    by_shape = not any(_kind(layer) == "line" for layer in found)
    marks = [SHAPES[place] if by_shape else DASHES[place] for place in places]
    more: dict[str, Any] = {"symbolStrokeColor": theme.QUIET_INK, "symbolStrokeWidth": 1.6}
    more |= {} if by_shape else {"symbolType": "stroke", "symbolSize": 500}
    legend = theme.legend(_in_a_row(ghosts), orient="bottom", offset=2, **more)
    scale = alt.Scale(domain=names, range=marks)
    mark = alt.Chart(pd.DataFrame({"held": names})).mark_point(
        opacity=0, filled=False, aria=False, tooltip=None, style=STYLE
    )
    if by_shape:
        return mark.encode(shape=alt.Shape("held:N", scale=scale, legend=legend))
    return mark.encode(strokeDash=alt.StrokeDash("held:N", scale=scale, legend=legend))


# Under one another.


def _apart(chart: Any, ghosts: Sequence[Ghost], top: bool, present: str) -> alt.VConcatChart:
    """Panels that would cover each other, each under its name, in the same colours."""
    title, parts = chart.title, [chart, *(ghost.chart for ghost in ghosts)]
    maps = [layer for part in parts for layer in _layers(part) if _kind(layer) == "rect" and _field(layer, "color")]
    if maps:
        colour = one_scale([_channel(layer, "color") for layer in maps])
        for layer in maps:
            layer.encoding = layer.encoding.copy(deep=False)
            layer.encoding["color"] = colour
    for part, name in zip(parts, (present, *(ghost.name for ghost in ghosts)), strict=True):
        part.title = theme.panel_title(name)
    width = WIDTH if utils.is_undefined(chart.width) else chart.width
    whole = stacked(sized(parts, width, chart.height - ROOM if top else chart.height), spacing=14)
    if not utils.is_undefined(title):
        whole.title = title
    return whole
