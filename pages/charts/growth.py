"""Norms on nested grids, and learning curves of K_0 and K_T."""

from functools import partial

import altair as alt
import numpy as np
import pandas as pd
from jaxtyping import Bool

from engine.rkhs.comparison import FUNCTIONS, SPACES
from engine.rkhs.gram import FLAGS
from engine.rkhs.result import SeedSpaces
from pages.charts import theme
from pages.charts.encodings import by_series, layered, listed_x, log_y, side_by_side, tooltip
from pages.charts.space_curves import KERNEL_0, SPACE_COLOURS, START
from pages.charts.theme import Table
from pages.charts.words import are, number

# Norms on nested grids: what stays bounded in which space.

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
    which = f"{missing} of {len(frame)} norms {are(missing)} not determined, as conditioning forbids"
    note = f"{which}, and {are(missing)} not drawn."
    return Table(frame, (note,) if missing else ())


def growth_chart(frame: pd.DataFrame, width: int = theme.PAGE_WIDTH) -> alt.HConcatChart:
    """A panel per function; slopes are what counts."""
    plot = (width - 3 * 62) // 3
    panels = [_panel(frame[frame["function"] == name], label, plot, name == "target") for name, label in PANELS.items()]
    chart = side_by_side(panels, spacing=14)
    chart.title = theme.title(subtitle="raw squared norms: read the slopes")
    return chart


def _panel(frame: pd.DataFrame, label: str, width: int, first: bool) -> alt.LayerChart:
    sizes = sorted({float(p) for p in frame["p"]})
    frame = frame[frame["value"] > 0]
    x = listed_x("p", theme.log_domain(np.array(sizes)), "grid points p", sizes)
    y_title = theme.symbol("grid_norm") if first else ""
    y = log_y("value", theme.log_domain(frame["value"].to_numpy(float)), y_title)
    colour = by_series({START: SPACE_COLOURS[START], END: theme.COLOURS["kernel"]})
    said = tooltip("series:N", ("value:Q", "", ".4~g"), "flag:N")
    lines = alt.Chart(frame).mark_line(strokeWidth=theme.LINE, clip=True)
    points = alt.Chart(frame).mark_point(size=46, filled=True, opacity=1)
    return layered(
        lines.encode(x=x, y=y, color=colour),
        points.encode(x=x, y=y, color=colour, tooltip=said),
        width=width,
        height=HEIGHT,
        title=theme.panel_title(label),
    )


# Learning curves of K_0 and K_T: predicted from their spectra, and measured on training sets drawn from a sample.

KERNEL_T = "K_T"
ROUNDING = 1e-6
"""Errors of ridgeless regression below it may be those of the jitter."""
WITHIN = 2.0
"""Standard errors that an interval reaches to either side."""


def determined(seed: SeedSpaces, with_ridge: bool) -> Bool[np.ndarray, "2 s"]:
    """Which errors of K_0 and K_T are determined, and clear of rounding."""
    predicted, measured = (seed[f"learning_{name}"][:, int(with_ridge)] for name in ("predicted", "measured"))
    return np.minimum(predicted, measured) > ROUNDING


def learning_table(seed: SeedSpaces, with_ridge: bool) -> Table:
    """A row per kernel and training size: `n`, `series`, `predicted`, `measured`, `low`, `high`, `error` (standard)."""
    at, parts, known = int(with_ridge), [], determined(seed, with_ridge)
    for kernel, label in enumerate((KERNEL_0, KERNEL_T)):
        measured, error = seed["learning_measured"][kernel, at], seed["learning_error"][kernel, at]
        columns = {"n": seed["learning_sizes"], "series": label, "predicted": seed["learning_predicted"][kernel, at]}
        columns |= {"measured": measured, "error": error}
        columns |= {"low": np.maximum(measured - WITHIN * error, measured / 10), "high": measured + WITHIN * error}
        parts.append(pd.DataFrame(columns)[known[kernel]])
    frame, missing = pd.concat(parts, ignore_index=True), int(np.sum(~known))
    notes = []
    if missing:
        notes.append(f"{missing} of {known.size} errors are not determined: the jitter decides them, or rounding.")
    if not with_ridge and len(frame):
        off = (frame["predicted"] / frame["measured"]).to_numpy()
        least, most = (f"{number(ratio, 2)}" for ratio in (off.min(), off.max()))
        notes.append(f"Without ridge the prediction is approximate: here {least} to {most} times what was measured.")
    return Table(frame, tuple(notes))


def learning_chart(frame: pd.DataFrame, ridge: str) -> alt.LayerChart:
    """Lines: predicted. Points with their intervals: measured. `ridge` says in words whether there is one."""
    colour = by_series({KERNEL_0: SPACE_COLOURS[KERNEL_0], KERNEL_T: theme.COLOURS["kernel"]})
    sizes = sorted({float(n) for n in frame["n"]})
    x = listed_x("n", theme.log_domain(np.array(sizes)), "training points n", sizes)
    domain = theme.log_domain(frame[["predicted", "measured", "low", "high"]].to_numpy(float).ravel())
    y = partial(log_y, domain=domain, title=f"error, {theme.symbol('learning_curve')}")
    lines = alt.Chart(frame).mark_line(strokeWidth=theme.LINE, clip=True)
    bars = alt.Chart(frame).mark_rule(strokeWidth=1.6, clip=True)
    points = alt.Chart(frame).mark_point(size=60, filled=True, opacity=1, clip=True)
    said = tooltip("series:N", *((f"{name}:Q", "", ".3~g") for name in ("n", "measured", "predicted")))
    return layered(
        lines.encode(x=x, y=y("predicted"), color=colour),
        bars.encode(x=x, y=y("low"), y2=alt.Y2("high"), color=colour),
        points.encode(x=x, y=y("measured"), color=colour, tooltip=said),
        height=theme.HEIGHT,
        title=theme.title(subtitle=f"{ridge}; line: predicted; points: measured, ±2 s.e."),
    )
