"""Norms on nested grids: what stays bounded in which space."""

import altair as alt
import numpy as np
import pandas as pd

from engine.rkhs.gram import FLAGS
from engine.rkhs.growth import FUNCTIONS, SPACES
from engine.rkhs.result import SeedSpaces
from pages import theme
from pages.charts.assemble import beside, layered
from pages.charts.panel import log_y
from pages.charts.rkhs.names import COLOURS, START
from pages.charts.table import Table
from pages.words import number

END = "H_T"
LABELS = {"H_0": START, "H_T": END}
PANELS = {"target": "the target", "function": "the trained function f_T", "noise": "white noise"}
HEIGHT = 240


def growth_table(seed: SeedSpaces) -> Table:
    """A row per space (`series`), function and grid of `p` points: `value` = f^T K_p^-1 f and its `flag`.

    The value is NaN where it is not determined.
    """
    parts = []
    for row, space in enumerate(SPACES):
        for column, function in enumerate(FUNCTIONS):
            flags = np.array(FLAGS)[seed["grid_norm_flag"][row, column].astype(int)]
            values = {"p": seed["grid_sizes"], "value": seed["grid_norm"][row, column], "flag": flags}
            parts.append(pd.DataFrame({**values, "series": LABELS[space], "function": function}))
    frame = pd.concat(parts, ignore_index=True)
    missing = int(np.sum(~(frame["value"] > 0)))
    note = f"{missing} of {len(frame)} norms are not determined: conditioning forbids them. They are not drawn."
    return Table(frame, (note,) if missing else ())


def growth_chart(frame: pd.DataFrame, width: int = theme.PAGE_WIDTH) -> alt.HConcatChart:
    """A panel per function; slopes are what counts."""
    plot = (width - 3 * 62) // 3
    panels = [_panel(frame[frame["function"] == name], label, plot, name == "target") for name, label in PANELS.items()]
    chart = beside(panels, spacing=14)
    chart.title = theme.title("Whose norm stays bounded as the grid grows?", "raw squared norms: read the slopes")
    return chart


def _panel(frame: pd.DataFrame, label: str, width: int, first: bool) -> alt.LayerChart:
    sizes = sorted({float(p) for p in frame["p"]})
    frame = frame[frame["value"] > 0]
    labels = theme.label_expression({p: number(p) for p in sizes})
    axis = alt.Axis(title="grid points p", values=sizes, labelExpr=labels, **theme.AXIS)
    scale = alt.Scale(type="log", domain=list(theme.log_domain(np.array(sizes))), nice=False)
    x = alt.X("p:Q", scale=scale, axis=axis)
    y_title = theme.QUANTITIES["grid_norm"].symbol if first else ""
    y = log_y("value", theme.log_domain(frame["value"].to_numpy(float)), y_title)
    colours = {START: COLOURS[START], END: theme.COLOURS["kernel"]}
    by_space = alt.Scale(domain=list(colours), range=list(colours.values()))
    colour = alt.Color("series:N", scale=by_space, legend=theme.legend(symbolType="stroke"))
    tooltip = [alt.Tooltip("series:N"), alt.Tooltip("value:Q", format=".4~g"), alt.Tooltip("flag:N")]
    lines = alt.Chart(frame).mark_line(strokeWidth=theme.LINE, clip=True)
    points = alt.Chart(frame).mark_point(size=46, filled=True, opacity=1)
    return layered(
        lines.encode(x=x, y=y, color=colour),
        points.encode(x=x, y=y, color=colour, tooltip=tooltip),
        width=width,
        height=HEIGHT,
        title=theme.title(label, size=theme.PANEL_TITLE_SIZE),
    )
