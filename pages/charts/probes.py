"""A run at its probe points, which are no data: the function and a row of the kernel around a circle, in motion."""

from dataclasses import dataclass

import altair as alt
import numpy as np
import pandas as pd

from engine.probes import probe_angles
from engine.result import RunResult
from pages import theme
from pages.charts.angle import angle_x, wrapped
from pages.charts.assemble import beside, layered, stacked
from pages.charts.evolution import PANEL_HEIGHT, Y_AXIS
from pages.charts.kernel import kernel_panel, profile_frame, profile_notes
from pages.charts.panel import LINE, legend_layer, linear_y
from pages.charts.timeline import labels, timeline_panel, timeline_table
from pages.charts.wide import animated, current, frames_of, wide

MOST_GROWTH = 20.0
"""The value axis reaches at most this many times the size of the function at the median checkpoint."""

NAMES = {"f_t": "network", "f_0": "network_0"}


@dataclass(frozen=True)
class ProbeTables:
    """What `probe_chart` draws, for one seed; `notes` say what is not drawn."""

    timeline: pd.DataFrame
    function: pd.DataFrame
    kernel: pd.DataFrame
    notes: tuple[str, ...]

    @property
    def labels(self) -> list[str]:
        """One line per checkpoint: t, step and loss."""
        return labels(self.timeline)


def probe_tables(result: RunResult, index: int = 0) -> ProbeTables:
    """The tables of the seed at this position: a row for each probe point, a column f0 .. per checkpoint."""
    seed, angle = result.seeds[index], probe_angles(result.config.probes)
    order = wrapped(angle).argsort(kind="stable")
    function = wide(seed["f_probe"][:, order, 0])
    function = function.assign(angle=wrapped(angle)[order], start=function["f0"])
    kernel = profile_frame(seed["probe_kernel"][:, 0], angle, result.limit_probe_profile)
    timeline = timeline_table(result, index)
    return ProbeTables(timeline.frame, function, kernel, (*timeline.notes, *_notes(function), *profile_notes(kernel)))


def probe_chart(tables: ProbeTables, width: int = theme.PAGE_WIDTH, start: int = 0) -> alt.VConcatChart:
    """A time line over the function and the row of the kernel. Sizes in pixels; `start` is shown first."""
    half = (width - 2 * Y_AXIS - 20) // 2
    panels = [_function_panel(tables.function), kernel_panel(tables.kernel, "probe_kernel")]
    for panel in panels:
        panel.width, panel.height = half, PANEL_HEIGHT
    timeline = timeline_panel(tables.timeline)
    timeline.width = width - Y_AXIS - 10
    return animated(stacked([timeline, beside(panels, spacing=20)], spacing=14), len(tables.timeline), start)


def _domain(frame: pd.DataFrame) -> tuple[float, float]:
    values = frames_of(frame)
    largest = np.max(np.abs(values), axis=1)
    most = MOST_GROWTH * float(np.median(largest[np.isfinite(largest)])) if np.any(np.isfinite(largest)) else 0.0
    return theme.linear_domain(values[np.abs(values) <= most], include=(0.0,))


def _notes(frame: pd.DataFrame) -> tuple[str, ...]:
    values, (low, high) = frames_of(frame), _domain(frame)
    outside = int(np.sum(~((values >= low) & (values <= high))))
    said = f"Function: {outside:,} of {values.size:,} values are not finite or lie beyond the axis."
    return (said,) if outside else ()


def _function_panel(frame: pd.DataFrame) -> alt.LayerChart:
    x, domain = angle_x(), _domain(frame)
    title = theme.axis_title("f_probe")
    start = alt.Chart(frame[["angle", "start"]]).mark_line(color=theme.COLOURS["network_0"], **LINE)
    now = current(frame).mark_line(color=theme.COLOURS["network"], **LINE)
    return layered(
        legend_layer(NAMES),
        start.encode(x=x, y=linear_y("start", domain, title)),
        now.encode(x=x, y=linear_y("value", domain, title)),
        title=theme.title("What is the function away from the data?", size=theme.PANEL_TITLE_SIZE),
    )
