"""The spectrum of K_t, and the residual along the eigenvectors of K_0."""

import json
from functools import partial

import altair as alt
import numpy as np
import pandas as pd

from engine.numerics import noise_floor
from engine.training.result import RunResult
from pages.charts import theme
from pages.charts.animated import QUIET, current, frames_of, legend_layer, line, points, positive, tooltips, wide
from pages.charts.encodings import index_x, layered, log_y
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


def modes_panel(frame: pd.DataFrame) -> alt.LayerChart:
    """Points now, grey ones at the start. Needs the `frame` parameter."""
    count = len(frame)
    domain = theme.log_domain(frames_of(frame), lowest=SMALLEST_SHOWN)
    x, y = index_x(count, "mode i of K_0"), partial(log_y, domain=domain, title=theme.axis_title("mode_residual"))
    start = points(alt.Chart(frame[["i", "start"]].dropna()), "kernel_0", count, 20, opacity=0.6)
    now = points(current(frame), "mode_residual", count, 26)
    return layered(
        legend_layer(MODE_NAMES, "circle"),
        start.encode(x=x, y=y("start")),
        now.encode(x=x, y=y("value"), tooltip=tooltips(count, "i", "value")),
        title=theme.panel_title("Which modes are learned?"),
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


def spectrum_panel(frame: pd.DataFrame) -> alt.LayerChart:
    """K_t as points, K_0 and infinite width as lines, noise floor in grey. Needs a question and the `frame`
    parameter."""
    values, limit = frames_of(frame), frame[["i", "limit"]].dropna()
    floors = float(frame["floor"].iloc[0]) * np.max(np.nan_to_num(values), axis=1)
    everything = np.append(values.ravel(), limit["limit"])
    domain = theme.log_domain(everything, lowest=floors.max() / 30)
    noisy, count = bool(floors.max() > domain[0]), len(frame)
    there = {KERNEL: True, KERNEL_0: True, INFINITE: len(limit) > 0, NOISE: noisy}
    x, y = index_x(count, "index i"), partial(log_y, domain=domain, title=theme.axis_title("eigenvalues"))
    layers = [
        legend_layer({name: key for name, key in NAMES.items() if there[name]}),
        line(alt.Chart(frame[["i", "start"]].dropna()), "kernel_0").encode(x=x, y=y("start")),
    ]
    if there[INFINITE]:
        layers.append(line(alt.Chart(limit), "infinite", strokeDash=[5, 3]).encode(x=x, y=y("limit")))
    now = current(frame)
    if noisy:
        layers.append(_noise(floors, domain[0], y("value")))
        now = _greyed(now, floors).encode(opacity=alt.Opacity("opacity:Q", scale=None))
    now = points(now, "kernel", count, 18).encode(x=x, y=y("value"), tooltip=tooltips(count, "i", "value"))
    return layered(*layers, now, title=theme.panel_title())


def _noise(floors: np.ndarray, bottom: float, y: alt.Y) -> alt.Chart:
    """The region under the noise floor of the frame shown."""
    table = wide(np.maximum(floors, bottom)[:, None]).assign(bottom=bottom)
    area = current(table).mark_rect(color=theme.COLOURS["noise_floor"], opacity=0.22, **QUIET)
    return area.encode(y=y, y2=alt.Y2("bottom"))


def _greyed(rows: alt.Chart, floors: np.ndarray) -> alt.Chart:
    """Fades the points under the noise floor of the frame shown."""
    listed = json.dumps([float(f"{floor:.4g}") for floor in floors])
    return rows.transform_calculate(opacity=f"datum.value < {listed}[frame] ? 0.25 : 1")
