"""Which modes of K_0 feel Delta K: what the network and each order add to a mode over time, as heatmaps."""

from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from engine.perturbation.result import SeedPerturbation
from pages import theme
from pages.charts.assemble import beside
from pages.charts.panel import QUIET
from pages.charts.table import Table
from pages.charts.time_axis import placed, time_x
from pages.charts.wide import significant

MOST_MODES = 24
PANELS = ("network − order 0", "order 1", "order 2")
STEP = 12
"""Pixels of a mode: whole ones, or seams show."""


def modes_table(seed: SeedPerturbation) -> Table:
    """A row per mode i (from 1) and time: `x` to `x2` on a log axis of t, and a column per panel of `PANELS`.

    Values are s_i u_i^T r/||r(0)||, with s_i the sign of u_i^T r(0): positive is slower than under K_0.
    """
    contributions = seed.contributions
    sign = np.where(contributions[0, 0] < 0, -1.0, 1.0)
    n, t = contributions.shape[2], np.asarray(seed["t"], float)
    shown = min(n, MOST_MODES)
    left, right = _edges(t)
    i, k = np.meshgrid(np.arange(shown), np.arange(len(t)))
    frame = pd.DataFrame({"i": i.ravel() + 1, "t": t[k.ravel()], "x": left[k.ravel()], "x2": right[k.ravel()]})
    for name, term in zip(PANELS, (3, 1, 2), strict=True):
        frame[name] = significant((sign * contributions[term])[:, :shown].ravel())
    note = f"Modes: the leading {shown} of {n} are shown."
    return Table(frame, (note,) if shown < n else ())


def modes_chart(frame: pd.DataFrame, width: int = theme.PAGE_WIDTH) -> alt.HConcatChart:
    """Three panels; the network and order 1 share their colours, so that they can be compared."""
    shared = float(np.nanmax(np.abs(frame[list(PANELS[:2])].to_numpy(float)), initial=1e-12))
    own = float(np.nanmax(np.abs(frame[PANELS[2]].to_numpy(float)), initial=1e-12))
    plot = (width - 3 * 70 - 40) // 3
    panels = [
        _panel(frame, name, most, plot, first=index == 0)
        for index, (name, most) in enumerate(zip(PANELS, (shared, shared, own), strict=True))
    ]
    chart = beside(panels, spacing=10)
    chart.title = theme.title(
        "Which modes of K_0 feel ΔK?", "orange: learned slower than under K_0, purple: faster; per ‖r(0)‖"
    )
    chart.usermeta = {"embedOptions": {"renderer": "canvas"}}
    return chart


def diverging(most: float, height: int) -> dict[str, Any]:
    """Scale and legend from -most to most: purple below zero, orange above; logarithmic beyond a thirtieth of the
    largest, so that small ones show."""
    scale = alt.Scale(type="symlog", constant=most / 30, scheme="purpleorange", domain=[-most, most], clamp=True)
    shown = [-most, -most / 10, 0, most / 10, most]
    small: dict[str, Any] = {"offset": 8, "labelFontSize": 11, "gradientThickness": 12}
    legend = alt.Legend(title=None, gradientLength=height, values=shown, format=".2~g", **small)
    return {"scale": scale, "legend": legend}


def _panel(frame: pd.DataFrame, name: str, most: float, width: int, first: bool) -> alt.Chart:
    count = int(frame["i"].max())
    rows = alt.Axis(values=[1, *range(4, count + 1, 4)], title="mode i of K_0" if first else None, **theme.AXIS)
    t = frame["t"].to_numpy(float)
    return (
        alt.Chart(frame[["i", "x", "x2", name]].rename(columns={name: "value"}))
        .mark_rect(**QUIET)
        .encode(
            x=time_x(t, True, "t"),
            x2=alt.X2("x2"),
            y=alt.Y("i:O", axis=rows),
            color=alt.Color("value:Q", **diverging(most, STEP * count - 20)),
        )
        .properties(width=width, height=STEP * count, title=theme.title(name, size=theme.PANEL_TITLE_SIZE))
    )


def _edges(t: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Ends of the cells around times on a log axis: midpoints in log t; one cell where there is one time."""
    if len(t) < 2:
        return np.full(1, 1.0), np.full(1, 10.0)
    place = np.log(placed(t, True))
    middle = (place[1:] + place[:-1]) / 2
    ends = np.concatenate([[place[0]], middle, [place[-1]]])
    # Each reaches under the next one, or seams show between them.
    return np.exp(ends[:-1]), np.exp(np.append(ends[2:], ends[-1]))
