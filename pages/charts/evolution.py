"""One run as it trains: spectrum, residual per mode, function and kernel, moved together by one scrubber."""

from dataclasses import dataclass

import altair as alt
import pandas as pd

from engine.data import Dataset
from engine.training.result import RunResult
from pages import theme
from pages.charts.assemble import beside, stacked
from pages.charts.function import function_panel, function_table
from pages.charts.kernel import kernel_panel, kernel_table
from pages.charts.modes import modes_panel, modes_table
from pages.charts.probes import (
    probe_function_panel,
    probe_function_table,
    probe_kernel_panel,
    probe_kernel_table,
)
from pages.charts.spectrum import spectrum_panel, spectrum_table
from pages.charts.timeline import labels, timeline_panel, timeline_table
from pages.charts.wide import animated

PANEL_HEIGHT = 200
SQUARE = 224
"""Side of a heatmap in pixels: seven for each of its 32 points."""

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

    def sized(panel: alt.LayerChart | alt.Chart, right: bool = False) -> alt.LayerChart | alt.Chart:
        panel.width, panel.height = SQUARE if right and square else half, SQUARE if square else PANEL_HEIGHT
        return panel

    by_mode = stacked([sized(spectrum_panel(tables.spectrum)), sized(modes_panel(tables.modes))], spacing=14)
    if tables.on_probes:
        function, kernel = probe_function_panel(tables.function), probe_kernel_panel(tables.kernel)
    else:
        function, kernel = function_panel(tables.function), kernel_panel(tables.kernel)
    by_input = stacked([sized(function, True), sized(kernel, True)], spacing=14)
    timeline = timeline_panel(tables.timeline)
    timeline.width = width - Y_AXIS - 10
    chart = stacked([timeline, beside([by_mode, by_input], spacing=20)], spacing=14)
    return animated(chart, len(tables.timeline), start)
