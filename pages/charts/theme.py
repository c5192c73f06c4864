"""One look for all charts, and what a chart draws and leaves out."""

import textwrap
from collections.abc import Iterable, Sequence
from math import ceil, floor, log10
from typing import Any, NamedTuple

import altair as alt
import numpy as np
import pandas as pd
from altair import utils

from engine.quantities import QUANTITIES
from pages.charts.words import number, superscript


class Table(NamedTuple):
    """What a chart is made from.

    Attributes:
        frame: what the chart draws.
        notes: sentences about what is not drawn (values that a log axis cannot show, seeds that stopped early), for
            the page to say beneath the chart. Empty where everything is drawn.
    """

    frame: pd.DataFrame
    notes: tuple[str, ...] = ()


# One look for all charts: a colour per quantity, sizes, and axes made from `engine.quantities`.
#
# Colours derive from Okabe and Ito's colour-blind safe set, moved to a luminance that stands out by at least 3:1
# (WCAG) from both grounds. Text needs 4.5:1, which no one colour has on both: its colours look at the ground.


def _on_ground(on_light: str, on_dark: str) -> alt.ExprRef:
    """The colour that stands out, as a Vega expression."""
    return alt.ExprRef(f"luminance(background) > 0.4 ? '{on_light}' : '{on_dark}'")


INK, QUIET_INK = _on_ground("#2f2d2b", "#edebe8"), _on_ground("#5a5a62", "#bdbcc2")
"""Of text within a chart, and of text around it: axes, legends, subtitles."""

TEXT: dict[str, Any] = {
    "axis": {"labelColor": QUIET_INK, "titleColor": QUIET_INK},
    "legend": {"labelColor": QUIET_INK, "titleColor": QUIET_INK},
    "title": {"color": INK, "subtitleColor": QUIET_INK},
}
"""The same as Vega-Lite's config, without which text has the colours of whoever draws the chart."""

BLUE, VERMILION, GREEN, PINK = "#2380c2", "#d55e00", "#009e73", "#bb5fb4"
ORANGE, SKY, VIOLET, CRIMSON, GREY = "#c07f00", "#3f93c9", "#8468d0", "#cf4058", "#808080"

COLOURS = {
    "kernel": BLUE,
    "kernel_0": GREY,
    "infinite": ORANGE,
    "network": VERMILION,
    "target": GREY,
    "train": PINK,
    "test": VERMILION,
    "loss": PINK,
    "residual": PINK,
    "train_error": PINK,
    "test_error": VERMILION,
    "test_accuracy": VERMILION,
    "drift": GREEN,
    "shape_drift": SKY,
    "cka": VIOLET,
    "alignment_train": PINK,
    "alignment_test": VERMILION,
    "lambda_max": BLUE,
    "stability": CRIMSON,
    "noise_floor": "#96856b",
    "mode_residual": PINK,
    "now": CRIMSON,
}
"""What is drawn -> its colour, on every page."""

ORDERED = ("#764bc4", "#b138a7", "#d22d83", "#df3b5f", "#dd573e", "#ce7223", "#b68b14")
"""For an ordered series such as depths or k = 1, 2, 4, ...: from violet to amber, each lighter than the one before."""


def ordered(labels: Sequence[str]) -> dict[str, str]:
    """The colours of `ORDERED`, evenly spread over an ordered series."""
    places = np.linspace(0, len(ORDERED) - 1, len(labels)).round().astype(int)
    return {label: ORDERED[place] for label, place in zip(labels, places, strict=True)}


SEEDS = ("#5b56cb", "#71a00e", "#466e5a", "#a38aa9", "#755e7b", "#8e81fe")
"""Of one network each."""


def seed_colours(seeds: Iterable[int]) -> dict[int, str]:
    """The colour of each seed, the same wherever it is drawn beside the same others: by its number, or the next one
    that no smaller seed has."""
    found: dict[int, str] = {}
    for seed in sorted(set(seeds)):
        candidates = [SEEDS[(seed + step) % len(SEEDS)] for step in range(len(SEEDS))]
        found[seed] = next((colour for colour in candidates if colour not in found.values()), candidates[0])
    return found


PAGE_WIDTH = 820
"""Pixels of a chart of several panels in a file. On a page each takes the width that it finds (`panels`)."""

HEIGHT = 330
"""Of a single chart in pixels, title and axes included."""

AXIS: dict[str, Any] = {"titlePadding": 7, "labelPadding": 5, "titleFontSize": 12, "labelFontSize": 11}

LINE, THIN = 2.2, 1.1
TITLE_SIZE, PANEL_TITLE_SIZE = 15, 13
SUBTITLE = 58
"""Letters in a line of a subtitle: so many fit on a telephone."""
NARROW = 360
"""Pixels of a plot, below which names of a legend stand two in a row."""

NUMBER = (
    "datum.value != 0 && (abs(datum.value) < 1e-3 || abs(datum.value) >= 1e5)"
    " ? format(datum.value, '.3~e') : format(datum.value, ',.4~r')"
)
"""How a linear axis writes its numbers, as a Vega expression."""


def axis_title(name: str) -> str:
    """Label and symbol of a quantity: "drift, ‖K_t − K_0‖ / ‖K_0‖"."""
    return f"{QUANTITIES[name].label}, {symbol(name)}"


def symbol(name: str) -> str:
    """That of a quantity: "‖K_t − K_0‖ / ‖K_0‖"."""
    return QUANTITIES[name].symbol


def title(question: str | alt.ExprRef = "", subtitle: str = "", size: int = TITLE_SIZE) -> alt.TitleParams:
    """The question that a chart answers, at its left edge. Left open where its row asks it (`ask`)."""
    lines = textwrap.wrap(subtitle, SUBTITLE)
    extra: dict[str, Any] = {"subtitle": lines if len(lines) > 1 else subtitle} if subtitle else {}
    return alt.TitleParams(text=question, anchor="start", frame="group", fontSize=size, offset=8, **extra)


def panel_title(question: str | alt.ExprRef = "", subtitle: str = "") -> alt.TitleParams:
    """The question of a panel, which is one of several."""
    return title(question, subtitle, PANEL_TITLE_SIZE)


def ask(question: str, chart: Any) -> Any:
    """The chart under its question; size and subtitle stay its own. Without a question it stays as it is."""
    if question and utils.is_undefined(chart.title):
        chart.title = title(question)
    elif question:
        chart.title.text = question
    return chart


def log_domain(values: np.ndarray, lowest: float = 0.0) -> tuple[float, float]:
    """Ends of a log axis around the positive finite values, with a little room; (0.1, 1) where there are none.

    Args:
        lowest: values below it may fall off the axis.
    """
    values = np.clip(values[np.isfinite(values) & (values > 0)], 1e-280, 1e280)
    if not len(values):
        return 0.1, 1.0
    low, high = max(float(values.min()), min(float(lowest), float(values.max()))), float(values.max())
    room = max(10.0 ** (0.04 * (log10(high) - log10(low))), 1.12)
    return float(low / room), float(high * room)


def linear_domain(values: np.ndarray, include: tuple[float, ...] = ()) -> tuple[float, float]:
    """Ends of a linear axis around the finite values and `include`, with room, but none beyond an included 0."""
    values = np.append(values[np.isfinite(values)], include)
    if not len(values):
        return 0.0, 1.0
    low, high = float(values.min()), float(values.max())
    room = 0.04 * (high - low) or 0.5 * max(abs(high), 1e-9)
    return (0.0 if low == 0 and 0 in include else low - room), (0.0 if high == 0 and 0 in include else high + room)


def domain_near(values: np.ndarray, target: np.ndarray, most: float) -> tuple[float, float]:
    """Ends of a linear axis around the target, and around values at most so many target ranges beyond it."""
    low, high = float(target.min()), float(target.max())
    room = most * ((high - low) or 1.0)
    return linear_domain(np.concatenate([values[(values >= low - room) & (values <= high + room)], target]))


def ticks(low: float, high: float, most: int = 7) -> list[float]:
    """Decades in a domain, thinned to `most`; where those are fewer than three, also 2 and 5 times decades."""
    decades = range(ceil(log10(low) - 1e-9), floor(log10(high) + 1e-9) + 1)
    if len(decades) >= 3:
        return [10.0**k for k in decades if k % ceil(len(decades) / most) == 0]
    fine = [m * 10.0**k for k in range(floor(log10(low)), ceil(log10(high)) + 1) for m in (1, 2, 5)]
    found = [value for value in fine if low <= value <= high]
    return found if len(found) > 1 else _even_ticks(low, high)


def _even_ticks(low: float, high: float) -> list[float]:
    """Two to five multiples of 1, 2 or 5 times a decade."""
    decade = 10.0 ** floor(log10(high - low))
    for step in (decade, decade / 2, decade / 5):
        found = [float(f"{k * step:.6g}") for k in range(ceil(low / step), floor(high / step) + 1)]
        if len(found) > 1:
            return found[:: ceil(len(found) / 5)]
    return [low, high]


def log_axis(low: float, high: float, title: str | None, most: int = 7, **more: Any) -> alt.Axis:
    """Ticks at powers of ten, written as such."""
    shown = ticks(low, high, most)
    labels = label_expression({value: power(value) for value in shown})
    return alt.Axis(title=title, values=shown, labelExpr=labels, **AXIS, **more)


def linear_axis(title: str | None, count: int = 5, **more: Any) -> alt.Axis:
    return alt.Axis(title=title, tickCount=count, labelExpr=NUMBER, **AXIS, **more)


def power(value: float) -> str:
    """A tick's number: 10⁻³ and 2·10⁻³ outside 0.01 .. 100, else plain."""
    exponent = floor(log10(value) + 1e-9)
    if -2 <= exponent <= 2:
        return number(value)
    mantissa = f"{value / 10.0**exponent:.3g}"
    return ("" if mantissa == "1" else f"{mantissa}·") + f"10{superscript(exponent)}"


def label_expression(labels: dict[float, str]) -> str:
    """A Vega expression that writes each tick as its label."""
    expression = "''"
    for value, label in labels.items():
        expression = f"abs(datum.value / {value!r} - 1) < 1e-6 ? '{label}' : {expression}"
    return expression


def legend(columns: int = 4, **more: Any) -> alt.Legend:
    """Above the plot, without a title, left to right; in two columns where the plot is narrow."""
    fitting = columns if columns <= 2 else alt.ExprRef(f"width < {NARROW} ? 2 : {columns}")
    room: dict[str, Any] = {"offset": 4, "padding": 0, "columnPadding": 10, "rowPadding": 2, "labelOffset": 4}
    small: dict[str, Any] = {"labelFontSize": 12, "labelLimit": 320, "symbolOpacity": 1, "symbolSize": 70}
    return alt.Legend(title=None, columns=fitting, **{"orient": "top", **room, **small, **more})
