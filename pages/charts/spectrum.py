"""The spectrum of K_t, and the residual along the eigenvectors of K_0."""

import json

import altair as alt
import numpy as np
import pandas as pd

from engine.numerics import noise_floor
from engine.training.result import RunResult
from pages.charts import theme
from pages.charts.animated import (
    LINE,
    QUIET,
    current,
    dots,
    frames_of,
    index_x,
    legend_layer,
    log_y,
    positive,
    tooltips,
    wide,
)
from pages.charts.axes import layered
from pages.charts.theme import Table

# The residual along the eigenvectors of K_0, as it falls.

NOW, START = "at t", "at t = 0"
MODE_NAMES = {NOW: "mode_residual", START: "kernel_0"}

SMALLEST_SHOWN = 1e-8
"""Below it the float32 outputs hold no residual."""


def modes_table(result: RunResult, index: int = 0) -> Table:
    """|u_i^T r_t| / ||r_0|| of one seed: a row per i = 1 .. M, a column f0 .. per checkpoint; `start` is t = 0."""
    values = result.seeds[index]["mode_residual"]
    shown, masked = positive(values)
    frame = wide(shown).assign(i=np.arange(1, values.shape[1] + 1), start=wide(shown[:1])["f0"])
    note = f"Residual per mode: {masked:,} of {values.size:,} values are not positive or not finite and are not drawn."
    return Table(frame, (note,) if masked else ())


def modes_panel(frame: pd.DataFrame, size: int = theme.PANEL_TITLE_SIZE) -> alt.LayerChart:
    """Points now, grey ones at the start. Needs the `frame` parameter."""
    count = len(frame)
    domain = theme.log_domain(frames_of(frame), lowest=SMALLEST_SHOWN)
    x, title = index_x(count, "mode i of K_0"), theme.axis_title("mode_residual")
    start, now = alt.Chart(frame[["i", "start"]].dropna()), current(frame)
    start = start.mark_point(color=theme.COLOURS["kernel_0"], opacity=0.6, **dots(count, 20))
    now = now.mark_point(color=theme.COLOURS["mode_residual"], opacity=1, **dots(count, 26))
    return layered(
        legend_layer(MODE_NAMES, "circle"),
        start.encode(x=x, y=log_y("start", domain, title)),
        now.encode(x=x, y=log_y("value", domain, title), tooltip=tooltips(count, "i", "value")),
        title=theme.title("Which modes are learned?", size=size),
    )


# The spectrum of K_t, log-log, as it moves.

KERNEL, KERNEL_0, INFINITE, NOISE = "K_t", "K_0", "infinite width", "noise floor"
NAMES = {KERNEL: "kernel", KERNEL_0: "kernel_0", INFINITE: "infinite", NOISE: "noise_floor"}


def spectrum_table(result: RunResult, index: int = 0) -> Table:
    """Eigenvalues of one seed: a row per i = 1 .. M, a column f0 .. per checkpoint.

    Further columns: `start` (K_0), `limit` (infinite width; NaN where it does not exist), `floor` (the noise floor
    relative to the largest eigenvalue, the same in every row).
    """
    eigenvalues = result.seeds[index]["eigenvalues"]
    shown, masked = positive(eigenvalues)
    size = eigenvalues.shape[1]
    limit = np.full(size, np.nan) if result.limit_eigenvalues is None else positive(result.limit_eigenvalues)[0][:size]
    frame = wide(shown).assign(
        i=np.arange(1, size + 1),
        start=wide(shown[:1])["f0"],
        limit=wide(limit[None])["f0"],
        floor=float(noise_floor(np.ones(size), result.config.kernel_precision, result.seeds[index].kernel_rounding)),
    )
    what = "not positive, which is rounding," if np.all(np.isfinite(eigenvalues)) else "not positive or not finite"
    note = f"Spectrum: {masked:,} of {eigenvalues.size:,} eigenvalues are {what} and are not drawn."
    return Table(frame, (note,) if masked else ())


def spectrum_panel(frame: pd.DataFrame, size: int = theme.PANEL_TITLE_SIZE) -> alt.LayerChart:
    """K_t as points, K_0 and infinite width as lines, noise floor in grey. Needs the `frame` parameter."""
    values, limit = frames_of(frame), frame[["i", "limit"]].dropna()
    floors = float(frame["floor"].iloc[0]) * np.max(np.nan_to_num(values), axis=1)
    everything = np.append(values.ravel(), limit["limit"])
    domain = theme.log_domain(everything, lowest=floors.max() / 30)
    noisy, count = bool(floors.max() > domain[0]), len(frame)
    there = {KERNEL: True, KERNEL_0: True, INFINITE: len(limit) > 0, NOISE: noisy}
    x, title = index_x(count, "index i"), theme.axis_title("eigenvalues")

    start = alt.Chart(frame[["i", "start"]].dropna()).mark_line(color=theme.COLOURS["kernel_0"], **LINE)
    layers = [
        legend_layer({name: key for name, key in NAMES.items() if there[name]}),
        start.encode(x=x, y=log_y("start", domain, title)),
    ]
    if there[INFINITE]:
        line = alt.Chart(limit).mark_line(color=theme.COLOURS["infinite"], strokeDash=[5, 3], **LINE)
        layers.append(line.encode(x=x, y=log_y("limit", domain, title)))
    points = current(frame)
    if noisy:
        layers.append(_noise(floors, domain, title))
        points = _greyed(points, floors)
    points = points.mark_point(color=theme.COLOURS["kernel"], opacity=1, **dots(count, 18))
    points = points.encode(x=x, y=log_y("value", domain, title), tooltip=tooltips(count, "i", "value"))
    if noisy:
        points = points.encode(opacity=alt.Opacity("opacity:Q", scale=None))
    return layered(*layers, points, title=theme.title("How does the spectrum of the kernel move?", size=size))


def _noise(floors: np.ndarray, domain: tuple[float, float], title: str) -> alt.Chart:
    """The region under the noise floor of the frame shown."""
    table = wide(np.maximum(floors, domain[0])[:, None]).assign(bottom=domain[0])
    area = current(table).mark_rect(color=theme.COLOURS["noise_floor"], opacity=0.22, **QUIET)
    return area.encode(y=log_y("value", domain, title), y2=alt.Y2("bottom"))


def _greyed(points: alt.Chart, floors: np.ndarray) -> alt.Chart:
    """Fades the points under the noise floor of the frame shown."""
    listed = json.dumps([float(f"{floor:.4g}") for floor in floors])
    return points.transform_calculate(opacity=f"datum.value < {listed}[frame] ? 0.25 : 1")
