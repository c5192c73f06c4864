"""The residual along the eigenvectors of K_0, as it falls."""

import altair as alt
import numpy as np
import pandas as pd

from engine.training.result import RunResult
from pages import theme
from pages.charts.assemble import layered
from pages.charts.panel import dots, index_x, legend_layer, log_y, tooltips
from pages.charts.table import Table
from pages.charts.wide import current, frames_of, positive, wide

NOW, START = "at t", "at t = 0"
NAMES = {NOW: "mode_residual", START: "kernel_0"}

SMALLEST_SHOWN = 1e-8
"""Below it the float32 outputs hold no residual."""


def modes_table(result: RunResult, index: int = 0) -> Table:
    """|u_i^T r_t| / ||r_0|| of one seed: a row per i = 1 .. M, a column f0 .. per checkpoint; `start` is t = 0."""
    values = result.seeds[index]["mode_residual"]
    shown, masked = positive(values)
    frame = wide(shown).assign(i=np.arange(1, values.shape[1] + 1), start=wide(shown[:1])["f0"])
    note = f"Residual per mode: {masked:,} of {values.size:,} values are not positive or not finite and are not drawn."
    return Table(frame, (note,) if masked else ())


def modes_panel(frame: pd.DataFrame, size: int = theme.PANEL_TITLE_SIZE) -> alt.LayerChart:
    """Points now, grey ones at the start. Needs the `frame` parameter."""
    count = len(frame)
    domain = theme.log_domain(frames_of(frame), lowest=SMALLEST_SHOWN)
    x, title = index_x(count, "mode i of K_0"), theme.axis_title("mode_residual")
    start, now = alt.Chart(frame[["i", "start"]].dropna()), current(frame)
    start = start.mark_point(color=theme.COLOURS["kernel_0"], opacity=0.6, **dots(count, 20))
    now = now.mark_point(color=theme.COLOURS["mode_residual"], opacity=1, **dots(count, 26))
    return layered(
        legend_layer(NAMES, "circle"),
        start.encode(x=x, y=log_y("start", domain, title)),
        now.encode(x=x, y=log_y("value", domain, title), tooltip=tooltips(count, "i", "value")),
        title=theme.title("Which modes are learned?", size=size),
    )
