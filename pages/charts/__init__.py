"""Charts: functions from a data frame to an Altair chart, and from a result to that frame.

Every `..._table(result, ...)` gives a `Table` (frame, notes): draw the frame, say the notes beneath.

Curves over t (`CURVES`, one row per chart; single charts that stretch: `st.altair_chart(chart, width="stretch")`):

    for name in available(result):           # "loss", "residual", "error", "accuracy", "drift", "alignment", "cka",
        curve = CURVES[name]                 # "lambda_max", "overlap"
        table = curve.table(result)
        st.altair_chart(curve.chart(table.frame, log_time=True), width="stretch")
        for note in table.notes: st.caption(note)

    live_curve(rows_frame, "residual")       # while it trains; rows as in `engine.progress.Progress.rows`

Animated (fixed width; shown with `pages.shell.player.show`, which brings play, pause, speed and slider):

    tables = evolution_tables(result, data, index=0)          # data = engine.data.generate(result.config.data)
    player.show(evolution_chart(tables), tables.labels, key="evolution")
    for note in tables.notes: st.caption(note)

    # one panel alone:
    table = spectrum_table(result, index=0)
    said = labels(timeline_table(result, index=0).frame)
    player.show(animated(spectrum_panel(table.frame), len(said), labels=said), said, key="spectrum")

Files:

    figure(chart, "svg" | "png") -> bytes
    figure(evolution_chart(tables, start=k), "svg") -> bytes: frame k
"""

from pages.charts.animated import animated
from pages.charts.curves import CURVES, Curve, available, live_curve
from pages.charts.evolution import (
    EvolutionTables,
    evolution_chart,
    evolution_tables,
    labels,
    timeline_panel,
    timeline_table,
)
from pages.charts.function import function_panel, function_table
from pages.charts.kernel import kernel_panel, kernel_table
from pages.charts.spectrum import modes_panel, modes_table, spectrum_panel, spectrum_table
from pages.charts.theme import Table, figure

__all__ = [
    "CURVES",
    "Curve",
    "EvolutionTables",
    "Table",
    "animated",
    "available",
    "evolution_chart",
    "evolution_tables",
    "figure",
    "function_panel",
    "function_table",
    "kernel_panel",
    "kernel_table",
    "labels",
    "live_curve",
    "modes_panel",
    "modes_table",
    "spectrum_panel",
    "spectrum_table",
    "timeline_panel",
    "timeline_table",
]
