"""One run as it trains: time line, spectrum, residual per mode, function and kernel, moving together."""

import json
from dataclasses import dataclass

import altair as alt
import numpy as np
import pandas as pd

from engine.data import Dataset
from engine.training.diagnostics import SHOWN
from engine.training.result import RunResult
from pages.charts import theme
from pages.charts.animated import animated, positive
from pages.charts.axes import beside, is_log, layered, placed, sized, stacked, time_x
from pages.charts.function import function_panel, function_table
from pages.charts.kernel import (
    kernel_panel,
    kernel_table,
    probe_function_panel,
    probe_function_table,
    probe_kernel_panel,
    probe_kernel_table,
)
from pages.charts.spectrum import modes_panel, modes_table, spectrum_panel, spectrum_table
from pages.charts.theme import Table
from pages.charts.words import number

# Where in training the shown checkpoint is: residual over t, a mark at now, and its t, step and loss in words.

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


# One run as it trains: spectrum, residual per mode, function and kernel, moved together by one scrubber.

PANEL_HEIGHT = 200
SQUARE = 7 * SHOWN
"""Side of a heatmap in pixels: seven for each of its points."""

Y_AXIS = 56
"""Pixels that a value axis takes beside its plot."""


@dataclass(frozen=True)
class EvolutionTables:
    """What `evolution_chart` draws, for one seed.

    Attributes:
        notes: what is not drawn, in sentences.
        on_probes: whether function and kernel are those of the probes.
    """

    timeline: pd.DataFrame
    spectrum: pd.DataFrame
    modes: pd.DataFrame
    function: pd.DataFrame
    kernel: pd.DataFrame
    notes: tuple[str, ...]
    on_probes: bool = False

    @property
    def labels(self) -> list[str]:
        """One line per checkpoint: t, step and loss."""
        return labels(self.timeline)


def evolution_tables(
    result: RunResult, data: Dataset, index: int = 0, probes: Dataset | None = None
) -> EvolutionTables:
    """The tables of the seed at this position. `data` are `engine.data.generate(result.config.data)`.

    Args:
        probes: the dataset of the run's probes, where function and kernel are to be shown on these.
    """
    tables = (
        timeline_table(result, index),
        spectrum_table(result, index),
        modes_table(result, index),
        function_table(result, data, index) if probes is None else probe_function_table(result, probes, index),
        kernel_table(result, data, index) if probes is None else probe_kernel_table(result, index),
    )
    notes = tuple(note for table in tables for note in table.notes)
    return EvolutionTables(*(table.frame for table in tables), notes=notes, on_probes=probes is not None)


def evolution_chart(tables: EvolutionTables, width: int = theme.PAGE_WIDTH, start: int = 0) -> alt.VConcatChart:
    """A time line over four panels: by mode on the left (spectrum, residual), by input on the right (function, kernel).

    Args:
        width: of the whole, in pixels.
        start: checkpoint shown first.
    """
    half = (width - 2 * Y_AXIS - 20) // 2
    square = "angle" not in tables.kernel and (tables.on_probes or "place" in tables.function)
    height = SQUARE if square else PANEL_HEIGHT
    by_mode = stacked(sized((spectrum_panel(tables.spectrum), modes_panel(tables.modes)), half, height), spacing=14)
    if tables.on_probes:
        function, kernel = probe_function_panel(tables.function), probe_kernel_panel(tables.kernel)
    else:
        function, kernel = function_panel(tables.function), kernel_panel(tables.kernel)
    by_input = stacked(sized((function, kernel), SQUARE if square else half, height), spacing=14)
    timeline = timeline_panel(tables.timeline)
    timeline.width = width - Y_AXIS - 10
    chart = stacked([timeline, beside([by_mode, by_input], spacing=20)], spacing=14)
    return animated(chart, len(tables.timeline), start)
