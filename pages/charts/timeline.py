"""Where in training the shown checkpoint is: a strip with a curve over t, a mark at now, the checkpoint in words."""

import json
from dataclasses import dataclass

import altair as alt
import numpy as np
import pandas as pd

from pages.charts import theme
from pages.charts.encodings import is_log, layered, log_y, placed, time_x
from pages.charts.words import number

STRIP = 64
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
        height=STRIP,
        title=theme.panel_title(alt.ExprRef(f"{json.dumps(frame['said'].tolist())}[frame]")),
    )


def residual_panel(frame: pd.DataFrame, width: int) -> alt.LayerChart:
    """The strip of the residual of training, with a dot on the curve."""
    title, colour = theme.symbol("residual"), theme.COLOURS["residual"]
    strip = timeline_panel(frame, "residual", title, colour, width, most=3)
    _, points, rule = strip.layer
    dot = alt.Chart(rule.data).transform_filter("datum.frame == frame").transform_filter("isValid(datum.residual)")
    dot = dot.mark_point(color=theme.COLOURS["now"], filled=True, size=60, opacity=1)
    strip.layer.append(dot.encode(x=points.encoding.x, y=points.encoding.y))
    return strip


def half(width: int, beside: int = 0) -> int:
    """Width in pixels of one of two panels side by side, each with a value axis and so much more `beside` it."""
    return (width - 2 * Y_AXIS - 20 - 2 * beside) // 2
