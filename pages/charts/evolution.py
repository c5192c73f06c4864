"""One run as it trains: time line, spectrum, residual per mode, function and kernel, moving together."""

from dataclasses import dataclass

import altair as alt
import numpy as np
import pandas as pd

from engine.data import Dataset
from engine.training.diagnostics import SHOWN
from engine.training.result import RunResult
from pages.charts import theme
from pages.charts.animated import Moving, animated, half, positive, residual_panel, timeline_frame
from pages.charts.encodings import beside, sized, stacked
from pages.charts.function import function_panel, function_table
from pages.charts.kernel import (
    kernel_panel,
    kernel_table,
    modes_panel,
    modes_table,
    probe_function_panel,
    probe_function_table,
    probe_kernel_panel,
    probe_kernel_table,
    spectrum_panel,
    spectrum_table,
)
from pages.charts.theme import Table


def timeline_table(result: RunResult, index: int = 0) -> Table:
    """The time line of a seed: the residual over t, and the loss in words."""
    seed = result.seeds[index]
    residual, masked = positive(np.asarray(seed["residual"], float))
    frame = timeline_frame(seed["t"], seed["step"], "loss", seed["loss"], {"residual": residual})
    note = f"Time line: {masked:,} of {len(frame):,} residuals are not positive or not finite and are not drawn."
    return Table(frame, (note,) if masked else ())


PANEL_HEIGHT = 200
SQUARE = 7 * SHOWN
"""Side of a heatmap in pixels: seven for each of its points."""

SPECTRUM = "How does the spectrum of the kernel move?"


@dataclass(frozen=True)
class EvolutionTables(Moving):
    """What `evolution_chart` draws of one seed.

    Attributes:
        on_probes: whether function and kernel are those of the probes.
    """

    spectrum: pd.DataFrame
    modes: pd.DataFrame
    function: pd.DataFrame
    kernel: pd.DataFrame
    on_probes: bool = False


def evolution_tables(
    result: RunResult, data: Dataset, index: int = 0, probes: Dataset | None = None
) -> EvolutionTables:
    """The tables of the seed at this position. `data` are `engine.data.generate(result.config.data)`.

    Args:
        probes: the dataset of the run's probes, where function and kernel are to be shown on these.
    """
    timeline, *panels = tables = (
        timeline_table(result, index),
        spectrum_table(result, index),
        modes_table(result, index),
        function_table(result, data, index) if probes is None else probe_function_table(result, probes, index),
        kernel_table(result, data, index) if probes is None else probe_kernel_table(result, index),
    )
    notes = tuple(note for table in tables for note in table.notes)
    return EvolutionTables(timeline.frame, notes, *(table.frame for table in panels), on_probes=probes is not None)


def evolution_chart(tables: EvolutionTables, width: int = theme.PAGE_WIDTH, start: int = 0) -> alt.VConcatChart:
    """A time line over four panels: by mode on the left (spectrum, residual), by input on the right (function, kernel).

    Args:
        width: of the whole, in pixels.
        start: checkpoint shown first.
    """
    square = "angle" not in tables.kernel and (tables.on_probes or "place" in tables.function)
    height, plot = SQUARE if square else PANEL_HEIGHT, half(width)
    spectrum = theme.ask(SPECTRUM, spectrum_panel(tables.spectrum))
    by_mode = stacked(sized((spectrum, modes_panel(tables.modes)), plot, height), spacing=14)
    if tables.on_probes:
        function, kernel = probe_function_panel(tables.function), probe_kernel_panel(tables.kernel)
    else:
        function, kernel = function_panel(tables.function), kernel_panel(tables.kernel)
    by_input = stacked(sized((function, kernel), SQUARE if square else plot, height), spacing=14)
    timeline = residual_panel(tables.timeline, width)
    chart = stacked([timeline, beside([by_mode, by_input], spacing=20)], spacing=14)
    return animated(chart, len(tables.timeline), start)
