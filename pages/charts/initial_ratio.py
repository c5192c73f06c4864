"""E[K^2]/E[K]^2 over beta: the ratio, prefactor, slope and parts; curves with points, as the first step has them."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from pages.charts import theme
from pages.charts.encodings import by_series, layered, linear_x, linear_y, log_y, tooltip, with_pick

# Curves over beta with points on them: what the charts of second moment and first step share.

HEIGHT, SMALL = 480, 216
ROOM = 1.02
"""The beta axis ends this factor beyond the curves, so that their last points are whole."""
BETA = "β = Σ 1/n_l over hidden layers"
LIMIT = "scaling limit"
PLACE = ("series:N", "width"), ("depth:Q", "hidden layers"), ("beta:Q", "β", ".3~g")
"""Rows of a tooltip: where a point lies."""
PICKED = "curve_points"
"""Name of the layer that can be clicked."""
SHAPES = {"exact sampler": "circle", "brute force": "square", "finite step": "diamond"}
PALETTE = (theme.BLUE, theme.VERMILION, theme.GREEN, theme.VIOLET, theme.PINK, theme.SKY)


def label(width: int) -> str:
    return f"n = {width:,}"


def colours(widths: Sequence[int]) -> dict[str, str]:
    """A colour per width."""
    return {label(width): PALETTE[i % len(PALETTE)] for i, width in enumerate(widths)}


def named(frame: pd.DataFrame) -> pd.DataFrame:
    """With the column `series`."""
    return frame.assign(series=[label(int(width)) for width in frame["width"]])


def beta_x(largest: float) -> alt.X:
    """The beta axis from 0."""
    return linear_x("beta", (0, largest * ROOM), BETA, 6)


def log_scale(
    values: np.ndarray, title: str, least: tuple[float, ...] = ()
) -> tuple[Callable[[str], alt.Y], tuple[float, float]]:
    """Any column on a log axis around the values, and its domain."""
    low, high = theme.log_domain(np.append(np.asarray(values, float), least))
    if high / low < 1.5:
        low, high = low / 1.2, high * 1.2
    return partial(log_y, domain=(low, high), title=title), (low, high)


def below(columns: int, **more: Any) -> alt.Legend:
    """A second legend, under the plot."""
    legend = theme.legend(columns, **more)
    legend.orient = "bottom"
    return legend


def lines(frame: pd.DataFrame, x: alt.X, y: alt.Y, hue: alt.Color, **style: Any) -> alt.Chart:
    """A line per series."""
    mark: dict[str, Any] = {"strokeWidth": theme.LINE, "clip": True} | style
    return alt.Chart(frame).mark_line(**mark).encode(x=x, y=y, color=hue)


def straight(x: alt.X, y: alt.Y, frame: pd.DataFrame, **style: Any) -> alt.Chart:
    """A grey dashed line."""
    mark = alt.Chart(frame).mark_line(color=theme.GREY, strokeDash=[7, 4], strokeWidth=1.6, clip=True, **style)
    return mark.encode(x=x, y=y)


def point_layers(
    points: pd.DataFrame,
    x: alt.X,
    y: Callable[[str], alt.Y],
    domain: tuple[float, float],
    hue: alt.Color,
    value_title: str,
) -> list[alt.Chart]:
    """Points with bars of 1.96 standard errors: hollow and pale where the error bar is known not to be one."""
    if not len(points):
        return []
    low, high = domain
    points = named(points[points["value"] > 0])
    points = points.assign(
        from_=np.clip(points["low"], low, high), to=np.clip(points["high"], low, high), value=points["value"]
    )
    present = [source for source in SHAPES if source in set(points["source"])]
    shape = alt.Shape(
        "source:N",
        scale=alt.Scale(domain=present, range=[SHAPES[source] for source in present]),
        legend=below(3, symbolFillColor=theme.GREY, symbolStrokeColor=theme.GREY),
    )
    said = tooltip(
        "source:N",
        *PLACE,
        ("value:Q", value_title, ".4~g"),
        ("low:Q", "±1.96 s.e., from", ".4~g"),
        ("high:Q", "to", ".4~g"),
        ("draws:Q", "", ","),
        ("trusted:N", "error bar to be trusted"),
    )
    layers = []
    for sound in (False, True):
        some = points[(points["trusted"] != "no") == sound]
        if not len(some):
            continue
        faint = 1.0 if sound else 0.55
        rule = alt.Chart(some).mark_rule(strokeWidth=1.6, opacity=faint, clip=True)
        layers.append(rule.encode(x=x, y=y("from_"), y2=alt.Y2("to"), color=hue))
        mark = alt.Chart(some).mark_point(size=72, filled=sound, opacity=faint, strokeWidth=1.8, clip=True)
        layers.append(mark.encode(x=x, y=y("value"), color=hue, shape=shape, tooltip=said))
    return layers


def pickable(frame: pd.DataFrame, x: alt.X, y: alt.Y, hue: alt.Color, tooltip: Sequence[alt.Tooltip]) -> alt.Chart:
    """Small points on the curves, which can be clicked."""
    mark = alt.Chart(frame, name=PICKED).mark_point(size=46, filled=True, opacity=0.35, cursor="pointer", clip=True)
    return mark.encode(x=x, y=y, color=hue, tooltip=list(tooltip))


def region(start: float, end: float, text: str, domain: tuple[float, float]) -> list[alt.Chart]:
    """A shaded part of the beta axis with its reason."""
    table = pd.DataFrame({"beta": [start], "end": [end * ROOM], "text": [text], "top": [domain[1]]})
    x = beta_x(end)
    area = alt.Chart(table).mark_rect(color=theme.COLOURS["noise_floor"], opacity=0.13).encode(x=x, x2=alt.X2("end"))
    edge = alt.Chart(table).mark_rule(color=theme.COLOURS["noise_floor"], strokeWidth=1.2).encode(x=x)
    words = alt.Chart(table).mark_text(
        align="left", baseline="top", dx=5, dy=5, color=theme.INK, fontSize=11, lineBreak="|"
    )
    return [area, edge, words.encode(x=x, y=alt.YValue(0), text=alt.Text("text:N"))]


def small_panel(*layers: alt.Chart) -> alt.LayerChart:
    """A chart of half height."""
    return layered(*layers, height=SMALL, title=theme.panel_title())


# E[K^2]/E[K]^2 over beta: the ratio, its prefactor, its slope, its parts.

RATIO = "E[K²] / E[K]²"
SLOPE = "slope of exp(5β)"
PARTS = {"ratio": "whole kernel", "weights": "weights", "bias": "biases", "mixed": "mixed"}
PART_COLOURS = {"ratio": theme.GREY, "weights": theme.BLUE, "bias": theme.VERMILION, "mixed": theme.VIOLET}


def ratio_chart(
    curves: pd.DataFrame | None,
    limit: pd.DataFrame | None,
    points: pd.DataFrame,
    widths: tuple[int, ...],
    largest: float,
    start: float = 1.0,
    breakdown: tuple[float, str] | None = None,
    subtitle: str = "",
) -> alt.LayerChart:
    """The first chart.

    Args:
        curves, limit: of `pages.views.initial_curves`; None where there is no law.
        points: of `ratio_points`.
        largest: end of the beta axis.
        start: the ratio at beta = 0, from where the slope is drawn.
        breakdown: beta from which Monte Carlo fails, and how that is said.
    """
    exact = [frame["ratio"].to_numpy(float) for frame in (curves, limit) if frame is not None]
    shown = np.concatenate([*exact, points["value"].to_numpy(float), [1.0]])
    y, domain = log_scale(shown, RATIO, () if exact else (np.exp(5 * min(largest, 40.0)),))
    x = beta_x(largest)
    names = colours(widths) | ({LIMIT: theme.ORANGE} if limit is not None else {}) | {SLOPE: theme.GREY}
    hue = by_series(names, columns=5)
    layers = region(breakdown[0], largest, breakdown[1], domain) if breakdown else []
    slope = pd.DataFrame({"beta": np.linspace(0, largest, 81)})
    slope["ratio"] = start * np.exp(np.minimum(5 * slope["beta"], 640))
    layers.append(straight(x, y("ratio"), slope[slope["ratio"] <= domain[1] * 1.5]))
    if limit is not None:
        layers.append(lines(limit.assign(series=LIMIT), x, y("ratio"), hue, strokeDash=[2, 3], strokeWidth=2.6))
    if curves is not None:
        frame = named(curves[curves["ratio"].notna()])
        said = tooltip(*PLACE, ("ratio:Q", RATIO, ".4~g"), ("prefactor:Q", "over exp(5β)", ".3~g"))
        layers += [lines(frame, x, y("ratio"), hue), pickable(frame, x, y("ratio"), hue, said)]
    else:
        layers.append(lines(pd.DataFrame({"series": [*names], "beta": 0.0, "ratio": 1.0}), x, y("ratio"), hue))
    layers += point_layers(points, x, y, domain, hue, RATIO)
    chart = layered(*layers, height=HEIGHT, title=theme.title(subtitle=subtitle))
    return with_pick(chart, PICKED, "width", "depth") if curves is not None else chart


def prefactor_chart(
    curves: pd.DataFrame, limit: pd.DataFrame | None, widths: tuple[int, ...], largest: float
) -> alt.LayerChart:
    """ratio/exp(5 beta)."""
    values = [frame["prefactor"].to_numpy(float) for frame in (curves, limit) if frame is not None]
    y, _ = log_scale(np.concatenate([*values, [1.0]]), f"{RATIO} / exp(5β)")
    return _panel(curves, limit, widths, largest, "prefactor", y, 1.0)


def slope_chart(
    curves: pd.DataFrame, limit: pd.DataFrame | None, widths: tuple[int, ...], largest: float
) -> alt.LayerChart:
    """d log ratio/d beta, against 5."""
    values = [frame["slope"].to_numpy(float) for frame in (curves, limit) if frame is not None]
    domain = theme.linear_domain(np.concatenate(values), (0.0, 5.0))
    y = partial(linear_y, domain=domain, title="d log ratio / dβ")
    return _panel(curves, limit, widths, largest, "slope", y, 5.0)


def _panel(
    curves: pd.DataFrame,
    limit: pd.DataFrame | None,
    widths: tuple[int, ...],
    largest: float,
    field: str,
    y: Callable[[str], alt.Y],
    level: float,
) -> alt.LayerChart:
    """A column of the curves and of their limit, beside the level that it tends to."""
    x, hue = beta_x(largest), by_series(colours(widths) | {LIMIT: theme.ORANGE}, columns=0)
    flat = pd.DataFrame({"beta": [0.0, largest], field: level})
    layers = [straight(x, y(field), flat)]
    if limit is not None:
        layers.append(lines(limit.assign(series=LIMIT), x, y(field), hue, strokeDash=[2, 3], strokeWidth=2.6))
    frame = named(curves[curves[field].notna()])
    return small_panel(*layers, lines(frame, x, y(field), hue))


def parts_table(curves: pd.DataFrame, width: int) -> pd.DataFrame:
    """Rows (beta, series, value) of one width."""
    own, count = curves[curves["width"] == width], len(PARTS)
    place = {name: np.tile(own[name].to_numpy(), count) for name in ("beta", "depth")}
    series = np.repeat(np.array([*PARTS.values()], object), len(own))
    parts = pd.DataFrame(place | {"series": series, "value": own[[*PARTS]].to_numpy().T.ravel()})
    return parts[parts["value"].notna()]


def parts_chart(parts: pd.DataFrame, largest: float) -> alt.LayerChart:
    """Weight part, bias part, mixed and whole."""
    y, _ = log_scale(np.append(parts["value"].to_numpy(float), 1.0), "second moment over squared mean")
    present = set(parts["series"])
    hue = by_series({label: PART_COLOURS[name] for name, label in PARTS.items() if label in present}, columns=5)
    return layered(lines(parts, beta_x(largest), y("value"), hue), height=SMALL + 60, title=theme.panel_title())
