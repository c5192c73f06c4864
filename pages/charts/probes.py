"""Function and kernel on the probes of a run: points other than the data."""

import altair as alt
import numpy as np
import pandas as pd

from engine.data import Dataset, spread
from engine.training.result import RunResult
from pages import theme
from pages.charts.angle import angle_x, wrapped
from pages.charts.assemble import layered
from pages.charts.function import NETWORK, Y_TITLE
from pages.charts.kernel import heatmap_panel, pairs
from pages.charts.panel import LINE, dots, legend_layer, linear_y
from pages.charts.table import Table
from pages.charts.wide import current, frames_of, wide

MOST_SHOWN = 32
"""Probes of the heatmap, evenly spread."""

TITLE = "probe points, in their order"


def probe_function_table(result: RunResult, probes: Dataset, index: int = 0) -> Table:
    """The first output of one seed, a row per probe, a column f0 .. per checkpoint.

    Returns:
        On the circle with `angle`, in its order; elsewhere with `number`, from 1.
    """
    outputs = result.seeds[index]["probe_f"].shape[2]
    f = result.seeds[index]["probe_f"][:, :, 0]
    if probes.angle_train is None:
        frame = wide(f).assign(number=np.arange(f.shape[1]) + 1)
    else:
        angle = wrapped(probes.angle_train)
        order = np.argsort(angle, kind="stable")
        frame = wide(f[:, order]).assign(angle=angle[order])
    missing = int(np.sum(~np.isfinite(f)))
    notes = [f"Function on the probes: the first of {outputs} outputs."] if outputs > 1 else []
    if missing:
        notes.append(f"Function on the probes: {missing:,} of {f.size:,} values are not finite and are not drawn.")
    return Table(frame, tuple(notes))


def probe_kernel_table(result: RunResult, index: int = 0) -> Table:
    """The kernel of one seed by pairs i <= j of at most 32 probes, from 1; a column f0 .. per checkpoint."""
    kernel = result.seeds[index]["probe_kernel"]
    size = kernel.shape[1]
    shown = spread(size, MOST_SHOWN)
    few = f"The heatmap holds {MOST_SHOWN} of the {size} probes, evenly spread."
    return Table(pairs(kernel[:, shown[:, None], shown]), (few,) if size > MOST_SHOWN else ())


def probe_function_panel(frame: pd.DataFrame) -> alt.LayerChart:
    """The chart of a frame of `probe_function_table`. Needs the `frame` parameter."""
    y = linear_y("value", theme.linear_domain(frames_of(frame).ravel()), Y_TITLE)
    if "angle" in frame:
        now = current(frame).mark_line(color=theme.COLOURS["network"], **LINE).encode(x=angle_x(), y=y)
    else:
        x = alt.X("number:Q", axis=theme.linear_axis(TITLE))
        look = dots(len(frame), 18)
        now = current(frame).mark_point(color=theme.COLOURS["network"], opacity=1, **look).encode(x=x, y=y)
    title = theme.title("What is the function at the probes?", size=theme.PANEL_TITLE_SIZE)
    return layered(legend_layer({NETWORK: "network"}), now, title=title)


def probe_kernel_panel(frame: pd.DataFrame) -> alt.Chart:
    """The chart of a frame of `probe_kernel_table`. Needs the `frame` parameter."""
    return heatmap_panel(frame, "How does the kernel see the probes?", TITLE)
