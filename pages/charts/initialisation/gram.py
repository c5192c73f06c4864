"""Spectra of the whole kernel at initialisation: mean, band and infinite width, and each eigenvalue over its limit."""

import altair as alt
import numpy as np
import pandas as pd

from engine.progress import Arrays
from pages import theme
from pages.charts.assemble import layered
from pages.charts.panel import index_x, log_y
from pages.charts.table import Table

MEAN, BAND, LIMIT = "mean over draws", "90% of draws", "infinite width"
NAMES = {MEAN: theme.BLUE, LIMIT: theme.ORANGE}
ROUNDING = 1e-13
"""Relative to the largest eigenvalue: smaller ones are rounding."""


def spectrum_table(arrays: Arrays) -> Table:
    """A row per rank i = 1 .. p: `mean`, `low`, `high` (5% and 95%), `limit`, and `ratio`, `ratio_low`, `ratio_high`
    over the limit. NaN where an eigenvalue is rounding."""
    spectra = np.asarray(arrays["spectra"], float)
    p = spectra.shape[1]
    mean = spectra.mean(axis=0)
    low, high = np.quantile(spectra, [0.05, 0.95], axis=0)
    limit = np.asarray(arrays["infinite_width"], float) if "infinite_width" in arrays else np.full(p, np.nan)
    floor = ROUNDING * p * max(float(mean.max()), float(np.nanmax(limit, initial=0.0)))
    values = {"mean": mean, "low": low, "high": high, "limit": limit}
    shown = {name: np.where(column > floor, column, np.nan) for name, column in values.items()}
    masked = int(np.isnan(shown["mean"]).sum())
    frame = pd.DataFrame({"i": np.arange(1, p + 1), **shown})
    for name, column in (("ratio", "mean"), ("ratio_low", "low"), ("ratio_high", "high")):
        frame[name] = frame[column] / frame["limit"]
    note = f"{masked} of {p} mean eigenvalues are at rounding level and are not drawn."
    return Table(frame, (note,) if masked else ())


def spectrum_chart(frame: pd.DataFrame, subtitle: str = "") -> alt.LayerChart:
    """Eigenvalues over rank, log-log."""
    domain = theme.log_domain(frame[["mean", "high", "limit"]].to_numpy(float).ravel(), frame["mean"].min() / 5)
    frame = frame.assign(low=frame["low"].fillna(domain[0]))
    x = index_x(len(frame), "rank i")
    title = "eigenvalue λ_i of K_0"
    layers = _drawn(frame, x, lambda field: log_y(field, domain, title), ("mean", "low", "high"))
    limit = frame.dropna(subset="limit")
    if len(limit):
        line = alt.Chart(limit.assign(series=LIMIT)).mark_line(strokeDash=[5, 3], strokeWidth=theme.LINE, clip=True)
        layers.append(line.encode(x=x, y=log_y("limit", domain, title), color=_hue()))
    question = "What spectrum does the kernel start with?"
    return layered(*layers, height=420, title=theme.title(question, subtitle))


def relative_chart(frame: pd.DataFrame) -> alt.LayerChart:
    """Eigenvalues over those of the limit."""
    drawn = frame.dropna(subset="ratio")
    domain = theme.log_domain(np.append(drawn[["ratio", "ratio_low", "ratio_high"]].to_numpy(float).ravel(), 1.0))
    x = index_x(len(frame), "rank i")
    title = "λ_i / λ_i at infinite width"
    flat = pd.DataFrame({"i": [1, max(len(frame), 2)], "ratio": 1.0})
    line = alt.Chart(flat).mark_line(color=theme.ORANGE, strokeDash=[5, 3], strokeWidth=theme.LINE, clip=True)
    layers = _drawn(drawn, x, lambda field: log_y(field, domain, title), ("ratio", "ratio_low", "ratio_high"))
    layers.append(line.encode(x=x, y=log_y("ratio", domain, title)))
    return layered(*layers, height=420, title=theme.title("How far from infinite width?"))


def _drawn(frame: pd.DataFrame, x: alt.X, y, names: tuple[str, str, str]) -> list[alt.Chart]:
    """Band, line and points."""
    mean, low, high = names
    frame = frame.dropna(subset=mean).assign(series=MEAN)
    band = alt.Chart(frame.dropna(subset=[low, high])).mark_area(opacity=0.22, color=theme.BLUE, clip=True)
    tooltip = [
        alt.Tooltip("i:Q", title="rank"),
        *(alt.Tooltip(f"{name}:Q", format=".4~g") for name in (*names, "limit") if name in frame),
    ]
    line = alt.Chart(frame).mark_line(strokeWidth=theme.LINE, clip=True)
    points = alt.Chart(frame).mark_point(filled=True, size=26, opacity=1, clip=True)
    return [
        band.encode(x=x, y=y(low), y2=alt.Y2(high)),
        line.encode(x=x, y=y(mean), color=_hue()),
        points.encode(x=x, y=y(mean), color=_hue(), tooltip=tooltip),
    ]


def _hue() -> alt.Color:
    scale = alt.Scale(domain=list(NAMES), range=list(NAMES.values()))
    return alt.Color("series:N", scale=scale, legend=theme.legend(2, symbolType="stroke"))
