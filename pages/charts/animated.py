"""Animated charts: a column per frame, one parameter that picks it, what the panels share, and their time line."""

import json
from dataclasses import dataclass
from typing import Any, TypeVar

import altair as alt
import numpy as np
import pandas as pd
from altair import utils

from pages.charts import theme
from pages.charts.encodings import is_log, layered, log_y, placed, time_x, tooltip
from pages.charts.words import number

# Animation in the browser: a column per frame, and one parameter that picks the column.
#
# Measured in Chromium without a GPU: 200 frames of 512 eigenvalues play at 30 frames a second this way, and no faster
# way that Vega-Lite offers comes near. Numbers travel as float32, which holds seven digits.

WIDTH, HEIGHT = 640, 380
"""Of a panel alone, in pixels."""

LARGEST, SMALLEST = 3e38, 1e-37
"""Sizes that float32 holds with full precision."""

AnyChart = TypeVar("AnyChart", alt.Chart, alt.LayerChart, alt.VConcatChart, alt.HConcatChart)


def wide(values: np.ndarray, digits: int = 4) -> pd.DataFrame:
    """Values (T, n) as n rows with columns f0 .. f{T-1}, rounded to significant digits; what is not finite is NaN."""
    values = np.where(np.abs(values) < LARGEST, np.asarray(values, float), np.nan)
    table = significant(values, digits).astype(np.float32)
    return pd.DataFrame(table.T, columns=[f"f{index}" for index in range(len(table))])


def by_rank(values: np.ndarray) -> pd.DataFrame:
    """As `wide`, with the rank `i` from 1 and, as `start`, the first frame."""
    frame = wide(values)
    return frame.assign(i=np.arange(1, len(frame) + 1), start=frame["f0"])


def significant(values: np.ndarray, digits: int = 4) -> np.ndarray:
    """Rounded to significant digits, not to decimals. NaN stays."""
    size = np.where((values == 0) | ~np.isfinite(values), 1.0, np.abs(values))
    # In two factors, because 10^-320 is no normal number.
    scale = np.floor(np.log10(size)) - digits + 1
    first = np.trunc(scale / 2)
    return np.round(values / 10.0**first / 10.0 ** (scale - first)) * 10.0**first * 10.0 ** (scale - first)


def positive(values: np.ndarray) -> tuple[np.ndarray, int]:
    """Values with NaN where a log axis cannot show them (not finite, or not above 1e-37), and how many those are."""
    with np.errstate(invalid="ignore"):
        shown = (values > SMALLEST) & (values < LARGEST)
    return np.where(shown, values, np.nan), int(np.sum(~shown))


def frames_of(frame: pd.DataFrame) -> np.ndarray:
    """The values (T, n) of a wide frame."""
    return frame[[name for name in frame.columns if name[0] == "f" and name[1:].isdigit()]].to_numpy(float).T


def current(frame: pd.DataFrame) -> alt.Chart:
    """A chart of the rows with the `value` of the frame shown; rows that have none are dropped."""
    chart = alt.Chart(frame).transform_calculate(value="datum['f' + frame]")
    return chart.transform_filter("isValid(datum.value)") if np.any(np.isnan(frames_of(frame))) else chart


def animated(panel: AnyChart, frames: int, start: int = 0) -> AnyChart:
    """Gives a panel, or several, their `frame` parameter: a range input over 0 .. frames - 1, drawn on canvas, which is
    at `start` at first."""
    last = max(frames - 1, 0)
    bind = alt.binding_range(min=0, max=last, step=1, name="checkpoint ")
    panel.params = [alt.VariableParameter(name="frame", value=min(max(start, 0), last), bind=bind)]
    panel.usermeta = {"embedOptions": {"renderer": "canvas"}}
    if isinstance(panel, alt.Chart | alt.LayerChart) and utils.is_undefined(panel.width):
        panel.width, panel.height = WIDTH, HEIGHT
    return panel


def not_drawn(
    what: str, noun: str, frame: pd.DataFrame, domain: tuple[float, float], beyond: str = ""
) -> tuple[str, ...]:
    """How many values of a wide frame are not finite, and how many lie outside of the axis; nothing where none are."""
    values, (low, high) = frames_of(frame), domain
    missing, outside = int(np.sum(np.isnan(values))), int(np.sum((values < low) | (values > high)))
    found = ()
    if missing:
        found += (f"{what}: {missing:,} of {values.size:,} {noun} are not finite and are not drawn.",)
    if outside:
        found += (f"{what}: {outside:,} of {values.size:,} {noun} lie beyond the axis{beyond}.",)
    return found


# What the animated panels share.
#
# Streamlit interprets Vega's expressions instead of compiling them, so each expression that runs per mark and frame
# counts. Moving marks therefore carry a constant colour, no text for screen readers (the player has one) and, where
# there are many, no tooltip; a layer of its own brings the legend.

FEW = 128
"""Moving points of which there are at most so many are large, and have a tooltip."""

QUIET: dict[str, Any] = {"aria": False, "tooltip": None, "clip": True}
"""For marks that move."""

CELL: dict[str, Any] = QUIET | {"width": {"band": 1.1}, "height": {"band": 1.1}}
"""A cell reaches a pixel over the next ones: where cells only touch, a dark page shines through."""

LINE: dict[str, Any] = QUIET | {"strokeWidth": theme.LINE}


def dots(count: int, size: float) -> dict[str, Any]:
    """Filled points of this area; where there are many, squares of half the area, which a canvas fills much faster."""
    style = {"size": size, "shape": "circle"} if count <= FEW else {"size": size / 2, "shape": "square"}
    return QUIET | style | {"filled": True}


def line(rows: alt.Chart, colour: str, **style: Any) -> alt.Chart:
    """The rows as a line; the colour or its name in `theme.COLOURS`."""
    return rows.mark_line(color=theme.COLOURS.get(colour, colour), **LINE, **style)


def points(rows: alt.Chart, colour: str, count: int, size: float, opacity: float = 1) -> alt.Chart:
    """The rows as `dots` of which there are `count`; the colour or its name in `theme.COLOURS`."""
    return rows.mark_point(color=theme.COLOURS.get(colour, colour), opacity=opacity, **dots(count, size))


def legend_layer(names: dict[str, str], symbol: str = "stroke", columns: int = 4) -> alt.Chart:
    """Draws nothing but the legend: label -> colour, or its name in `theme.COLOURS`."""
    scale = alt.Scale(domain=list(names), range=[theme.COLOURS.get(name, name) for name in names.values()])
    legend = theme.legend(columns, symbolType=symbol, symbolStrokeWidth=3)
    mark = alt.Chart(pd.DataFrame({"series": list(names)})).mark_point(opacity=0, filled=symbol != "stroke", **QUIET)
    return mark.encode(color=alt.Color("series:N", scale=scale, legend=legend))


def tooltips(count: int, *fields: str) -> list[alt.Tooltip]:
    """For moving points: none where there are many."""
    return tooltip(*((f"{field}:Q", "", ".4~g") for field in fields)) if count <= FEW else []


# Where in training the shown checkpoint is: a strip with a curve over t, a mark at now, the checkpoint in words.


TIMELINE_HEIGHT = 64
"""Height in pixels."""
Y_AXIS = 56
"""Pixels that a value axis takes beside its plot."""


@dataclass(frozen=True)
class Moving:
    """What an animated chart draws of one seed; further frames are wide, with a column f0 .. per checkpoint.

    Attributes:
        timeline: of `timeline_frame`.
        notes: what is not drawn, in sentences.
    """

    timeline: pd.DataFrame
    notes: tuple[str, ...]

    @property
    def labels(self) -> list[str]:
        """One line per checkpoint: t, step and a number."""
        return self.timeline["said"].tolist()


def timeline_frame(
    t: np.ndarray, step: np.ndarray, noun: str, values: np.ndarray, curve: dict[str, np.ndarray]
) -> pd.DataFrame:
    """One row per checkpoint: `frame`, `t`, the `curve` by its name, and `said`, its t, step and value.

    Args:
        noun: what the values are called.
    """
    rows = zip(t, step, values, strict=True)
    said = [f"t = {number(t)} · step {int(step):,} · {noun} {number(value)}" for t, step, value in rows]
    return pd.DataFrame({"frame": np.arange(len(t)), "t": t, **curve, "said": said})


def timeline_panel(
    frame: pd.DataFrame, curve: str, title: str, colour: str, width: int, most: int = 7
) -> alt.LayerChart:
    """The strip of a frame of `timeline_frame`; its title says which checkpoint is shown. Needs the `frame` parameter.

    Args:
        title: of the value axis, which has `most` ticks at most.
        width: of the whole chart in pixels.
    """
    t = frame["t"].to_numpy(float)
    rows = frame[["frame", "t", curve]].assign(x=placed(t, True))
    x, y = time_x(t, True), log_y(curve, theme.log_domain(frame[curve].to_numpy(float)), title, most)
    drawn = rows.dropna(subset=curve)
    line = alt.Chart(drawn[drawn["t"] > 0] if is_log(t, True) else drawn)
    line = line.mark_line(color=colour, strokeWidth=theme.LINE)
    points = alt.Chart(drawn).mark_point(color=colour, filled=True, size=12, opacity=1)
    now = alt.Chart(rows).transform_filter("datum.frame == frame")
    rule = now.mark_rule(color=theme.COLOURS["now"], strokeWidth=2)
    return layered(
        line.encode(x=x, y=y),
        points.encode(x=x, y=y),
        rule.encode(x=x),
        width=width - Y_AXIS - 10,
        height=TIMELINE_HEIGHT,
        title=theme.panel_title(alt.ExprRef(f"{json.dumps(frame['said'].tolist())}[frame]")),
    )


def residual_panel(frame: pd.DataFrame, width: int) -> alt.LayerChart:
    """The strip of the residual of training, else of the drift, with a dot on the curve."""
    name = "residual" if "residual" in frame else "drift"
    strip = timeline_panel(frame, name, theme.symbol(name), theme.COLOURS[name], width, most=3)
    _, points, rule = strip.layer
    dot = alt.Chart(rule.data).transform_filter("datum.frame == frame").transform_filter(f"isValid(datum.{name})")
    dot = dot.mark_point(color=theme.COLOURS["now"], filled=True, size=60, opacity=1)
    strip.layer.append(dot.encode(x=points.encoding.x, y=points.encoding.y))
    return strip


def half(width: int, beside: int = 0) -> int:
    """Width in pixels of one of two panels side by side, each with a value axis and so much more `beside` it."""
    return (width - 2 * Y_AXIS - 20 - 2 * beside) // 2
