"""Learning curves of K_0 and K_T: predicted from their spectra, and measured on training sets drawn from a sample."""

import altair as alt
import numpy as np
import pandas as pd
from jaxtyping import Bool

from engine.rkhs.result import SeedSpaces
from pages import theme
from pages.charts.assemble import layered
from pages.charts.panel import log_y
from pages.charts.rkhs.names import COLOURS, KERNEL_0
from pages.charts.table import Table
from pages.words import number

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
    colours = {KERNEL_0: COLOURS[KERNEL_0], KERNEL_T: theme.COLOURS["kernel"]}
    scale = alt.Scale(domain=list(colours), range=list(colours.values()))
    colour = alt.Color("series:N", scale=scale, legend=theme.legend(symbolType="stroke"))
    sizes = sorted({float(n) for n in frame["n"]})
    across = theme.log_domain(np.array(sizes))
    labels = theme.label_expression({n: number(n) for n in sizes})
    axis = alt.Axis(title="training points n", values=sizes, labelExpr=labels, **theme.AXIS)
    x = alt.X("n:Q", scale=alt.Scale(type="log", domain=list(across), nice=False), axis=axis)
    domain = theme.log_domain(frame[["predicted", "measured", "low", "high"]].to_numpy(float).ravel())
    title = f"error, {theme.QUANTITIES['learning_curve'].symbol}"
    lines = alt.Chart(frame).mark_line(strokeWidth=theme.LINE, clip=True)
    bars = alt.Chart(frame).mark_rule(strokeWidth=1.6, clip=True)
    points = alt.Chart(frame).mark_point(size=60, filled=True, opacity=1, clip=True)
    tooltip = [
        alt.Tooltip("series:N"),
        *(alt.Tooltip(f"{name}:Q", format=".3~g") for name in ("n", "measured", "predicted")),
    ]
    return layered(
        lines.encode(x=x, y=log_y("predicted", domain, title), color=colour),
        bars.encode(x=x, y=log_y("low", domain, title), y2=alt.Y2("high"), color=colour),
        points.encode(x=x, y=log_y("measured", domain, title), color=colour, tooltip=tooltip),
        height=theme.HEIGHT,
        title=theme.title(
            "Does the spectrum foretell the learning curve?", f"{ridge}; line: predicted; points: measured, ±2 s.e."
        ),
    )
