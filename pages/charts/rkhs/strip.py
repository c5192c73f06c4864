"""The time line of the animated charts: held-out error over t, and a mark at the checkpoint shown."""

import json

import altair as alt
import numpy as np
import pandas as pd

from engine.rkhs.result import SeedSpaces
from pages import theme
from pages.charts.assemble import layered
from pages.charts.panel import log_y
from pages.charts.time_axis import is_log, placed, time_x
from pages.charts.timeline import STRIP
from pages.charts.wide import positive
from pages.words import number


def strip_table(seed: SeedSpaces) -> pd.DataFrame:
    """One row per checkpoint: `frame`, `t`, `step`, `error` (of the network, held out; NaN if not positive)."""
    error = positive(np.asarray(seed["network_error"], float))[0]
    return pd.DataFrame({"frame": np.arange(len(error)), "t": seed["t"], "step": seed["step"], "error": error})


def strip_labels(frame: pd.DataFrame) -> list[str]:
    """One line per checkpoint: t, step and held-out error."""
    rows = zip(frame["t"], frame["step"], frame["error"], strict=True)
    return [f"t = {number(t)} · step {int(step):,} · held-out error {number(error)}" for t, step, error in rows]


def strip_panel(frame: pd.DataFrame, width: int) -> alt.LayerChart:
    """Its title says which checkpoint is shown. Needs the `frame` parameter."""
    t, words = frame["t"].to_numpy(float), strip_labels(frame)
    drawn = frame[["frame", "t", "error"]].assign(x=placed(t, True))
    x, domain = time_x(t, True), theme.log_domain(drawn["error"].to_numpy(float))
    y = log_y("error", domain, "error")
    colour = theme.COLOURS["test_error"]
    line = alt.Chart(drawn[drawn["t"] > 0] if is_log(t, True) else drawn).mark_line(
        color=colour, strokeWidth=theme.LINE
    )
    now = alt.Chart(drawn).transform_filter("datum.frame == frame").mark_rule(color=theme.COLOURS["now"], strokeWidth=2)
    points = alt.Chart(drawn).mark_point(color=colour, filled=True, size=12, opacity=1)
    title = theme.title(alt.ExprRef(f"{json.dumps(words)}[frame]"), size=theme.PANEL_TITLE_SIZE)
    layers = line.encode(x=x, y=y), points.encode(x=x, y=y), now.encode(x=x)
    return layered(*layers, width=width, height=STRIP, title=title)
