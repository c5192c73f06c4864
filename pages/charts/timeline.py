"""Where in training the shown checkpoint is: residual over t, a mark at now, and its t, step and loss in words."""

import json

import altair as alt
import numpy as np
import pandas as pd

from engine.training.result import RunResult
from pages import theme
from pages.charts.assemble import layered
from pages.charts.table import Table
from pages.charts.time_axis import is_log, placed, time_x
from pages.charts.wide import positive
from pages.words import number

STRIP = 64
"""Height in pixels."""


def timeline_table(result: RunResult, index: int = 0) -> Table:
    """One row per checkpoint of a seed: `frame`, `t`, `step`, `loss` and `residual` (NaN if not positive)."""
    seed = result.seeds[index]
    residual, masked = positive(np.asarray(seed["residual"], float))
    frame = pd.DataFrame(
        {
            "frame": np.arange(len(seed["t"])),
            "t": seed["t"],
            "step": seed["step"],
            "loss": seed["loss"],
            "residual": residual,
        }
    )
    note = f"Time line: {masked:,} of {len(frame):,} residuals are not positive or not finite and are not drawn."
    return Table(frame, (note,) if masked else ())


def labels(frame: pd.DataFrame) -> list[str]:
    """One line per checkpoint: t, step and loss."""
    rows = zip(frame["t"], frame["step"], frame["loss"], strict=True)
    return [f"t = {number(t)} · step {int(step):,} · loss {number(loss)}" for t, step, loss in rows]


def timeline_panel(frame: pd.DataFrame, log_time: bool = True, size: int = theme.PANEL_TITLE_SIZE) -> alt.LayerChart:
    """A strip with the residual over t. Its title says which checkpoint is shown. Needs the `frame` parameter."""
    t, words = frame["t"].to_numpy(float), labels(frame)
    frame = frame[["frame", "t", "residual"]].assign(x=placed(t, log_time))
    low, high = theme.log_domain(frame["residual"].to_numpy(float))
    x = time_x(t, log_time)
    y = alt.Y(
        "residual:Q",
        scale=alt.Scale(type="log", domain=[low, high], nice=False),
        axis=theme.log_axis(low, high, theme.QUANTITIES["residual"].symbol, most=3),
    )
    drawn = frame.dropna(subset="residual")
    line = alt.Chart(drawn[drawn["t"] > 0] if is_log(t, log_time) else drawn).mark_line(
        color=theme.COLOURS["residual"], strokeWidth=theme.LINE
    )
    points = alt.Chart(drawn).mark_point(color=theme.COLOURS["residual"], filled=True, size=12, opacity=1)
    now = alt.Chart(frame).transform_filter("datum.frame == frame")
    rule = now.mark_rule(color=theme.COLOURS["now"], strokeWidth=2).encode(x=x)
    dot = now.transform_filter("isValid(datum.residual)").mark_point(
        color=theme.COLOURS["now"], filled=True, size=60, opacity=1
    )
    return layered(
        line.encode(x=x, y=y),
        points.encode(x=x, y=y),
        rule,
        dot.encode(x=x, y=y),
        height=STRIP,
        title=theme.title(alt.ExprRef(f"{json.dumps(words)}[frame]"), size=size),
    )
