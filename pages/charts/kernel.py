"""The kernel as it moves: its spectrum, the residual along its modes, its values on the data and on probes."""

import json
from functools import partial

import altair as alt
import numpy as np
import pandas as pd

from engine.data import Dataset, spread
from engine.numerics import noise_floor
from engine.training.diagnostics import SHOWN
from engine.training.result import RunResult
from pages.charts import theme
from pages.charts.animated import (
    CELL,
    QUIET,
    by_rank,
    current,
    frames_of,
    legend_layer,
    line,
    not_drawn,
    points,
    positive,
    tooltips,
    wide,
)
from pages.charts.encodings import angle_x, index_x, layered, linear_y, log_y, wrapped
from pages.charts.function import NETWORK, Y_TITLE
from pages.charts.theme import Table
from pages.charts.words import are

# The residual along the eigenvectors of K_0, as it falls.

NOW, START = "at t", "at t = 0"
MODE_NAMES = {NOW: "mode_residual", START: "kernel_0"}

SMALLEST_SHOWN = 1e-8
"""Where the axis ends, in either precision: below it float32 outputs hold no residual."""


def modes_table(result: RunResult, index: int = 0) -> Table:
    """|u_i^T r_t| / ||r_0|| of one seed: a row per i = 1 .. M, a column f0 .. per checkpoint; `start` is t = 0."""
    values = result.seeds[index]["mode_residual"]
    shown, masked = positive(values)
    which = f"{masked:,} of {values.size:,} values {are(masked)} not positive or not finite and {are(masked)} not drawn"
    note = f"Residual per mode: {which}."
    return Table(by_rank(shown), (note,) if masked else ())


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
SPECTRUM_NAMES = {KERNEL: "kernel", KERNEL_0: "kernel_0", INFINITE: "infinite", NOISE: "noise_floor"}


def spectrum_table(result: RunResult, index: int = 0) -> Table:
    """Eigenvalues of one seed: a row per i = 1 .. M, a column f0 .. per checkpoint.

    Further columns: `start` (K_0), `limit` (infinite width; NaN where it does not exist), `floor` (the noise floor
    relative to the largest eigenvalue, the same in every row).
    """
    eigenvalues = result.seeds[index]["eigenvalues"]
    shown, masked = positive(eigenvalues)
    size = eigenvalues.shape[1]
    limit = np.full(size, np.nan) if result.limit_eigenvalues is None else positive(result.limit_eigenvalues)[0][:size]
    frame = by_rank(shown).assign(
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
        legend_layer({name: key for name, key in SPECTRUM_NAMES.items() if there[name]}),
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


# The kernel itself, as it moves: its profile on the circle, or the matrix as a heatmap.

PROFILE_NAMES = {KERNEL: "kernel", KERNEL_0: "kernel_0", INFINITE: "infinite"}

MOST_GROWTH = 20.0
"""The value axis reaches at most this many times K_0: a diverging kernel leaves it."""
BEYOND = f", {MOST_GROWTH:g} times the largest of K_0"


def kernel_table(result: RunResult, data: Dataset, index: int = 0) -> Table:
    """The kernel of one seed, a column f0 .. per checkpoint.

    Returns:
        On the circle, a row per angle of the profile K_t(x_0, x), with `angle`, `start` (K_0) and `limit` (infinite
        width); elsewhere a row per pair i <= j of the points of `kernel_shown`, from 1.
    """
    seed = result.seeds[index]
    if "profile" in seed and data.angle_test is not None:
        frame = _profile(result, seed["profile"], data.angle_test)
    else:
        frame = pairs(seed["kernel_shown"])
    return Table(frame, not_drawn("Kernel", "values", frame, _domain(frame), BEYOND))


def pairs(kernel: np.ndarray) -> pd.DataFrame:
    """Kernels (T, n, n) as a row per pair i <= j of points, from 1, with columns f0 .. f{T-1}."""
    i, j = np.triu_indices(kernel.shape[1])
    return wide(kernel[:, i, j]).assign(i=i + 1, j=j + 1)


def _profile(result: RunResult, profile: np.ndarray, angle_test: np.ndarray) -> pd.DataFrame:
    """The profile is measured at evenly spread held-out angles, as `engine.training.measure.points` picks them."""
    count = profile.shape[1]
    angle = wrapped(angle_test[spread(len(angle_test), count)])
    order = np.argsort(angle, kind="stable")
    limit = np.full(count, np.nan) if result.limit_profile is None else result.limit_profile
    table = wide(profile[:, order])
    return table.assign(angle=angle[order], start=table["f0"], limit=wide(limit[None, order])["f0"])


def _domain(frame: pd.DataFrame) -> tuple[float, float]:
    values = frames_of(frame)
    first = values[0][np.isfinite(values[0])]
    most = MOST_GROWTH * float(np.max(np.abs(first), initial=0.0))
    inside = values[np.abs(values) <= most] if most > 0 else values
    limit = frame["limit"].to_numpy(float) if "limit" in frame else np.zeros(0)
    return theme.linear_domain(np.concatenate([inside.ravel(), limit]), include=(0.0,))


def kernel_panel(frame: pd.DataFrame) -> alt.LayerChart | alt.Chart:
    """The chart of a frame of `kernel_table`. Needs the `frame` parameter."""
    question = "How does the kernel see the points?"
    if "angle" not in frame:
        return heatmap_panel(frame, question, "training points, by label and top eigenvector of K_0")
    return _profile_chart(frame, question)


def _profile_chart(frame: pd.DataFrame, question: str) -> alt.LayerChart:
    x, y = angle_x(), partial(linear_y, domain=_domain(frame), title=theme.axis_title("profile"))
    limit = frame[["angle", "limit"]].dropna()
    layers = [
        legend_layer(
            PROFILE_NAMES if len(limit) else {name: key for name, key in PROFILE_NAMES.items() if name != INFINITE}
        ),
        line(alt.Chart(frame[["angle", "start"]]), "kernel_0").encode(x=x, y=y("start")),
    ]
    if len(limit):
        layers.append(line(alt.Chart(limit), "infinite", strokeDash=[5, 3]).encode(x=x, y=y("limit")))
    now = line(current(frame), "kernel").encode(x=x, y=y("value"))
    return layered(*layers, now, title=theme.panel_title(question))


def heatmap_panel(frame: pd.DataFrame, question: str, across: str) -> alt.Chart:
    """A frame of `pairs`; `across` says of what. Each is drawn twice, for K is symmetric: half the numbers travel."""
    low, high = _domain(frame)
    count = int(frame["j"].max())
    if low < 0:
        edge = max(-low, high)
        scale = alt.Scale(scheme="purpleorange", domain=[-edge, edge], clamp=True)
    else:
        scale = alt.Scale(scheme="viridis", domain=[low, high], clamp=True)
    legend = alt.Legend(title=theme.symbol("kernel_shown"), gradientLength=140, labelExpr=theme.NUMBER, tickCount=4)
    shown = [1, *range(8, count + 1, 8)]
    values = alt.Axis(values=shown, labelAngle=0, grid=False, ticks=False, **theme.AXIS)
    return (
        alt.Chart(frame, title=theme.panel_title(question))
        .transform_fold(["i", "j"], as_=["side", "row"])
        .transform_calculate(column="datum.side == 'i' ? datum.j : datum.i", value="datum['f' + frame]")
        .mark_rect(**CELL)
        .encode(
            x=alt.X("column:O", axis=values, title=across),
            y=alt.Y("row:O", axis=values, title=None),
            color=alt.Color("value:Q", scale=scale, legend=legend),
        )
    )


# Function and kernel on the probes of a run: points other than the data.

TITLE = "probe points, in their order"


def probe_function_table(result: RunResult, probes: Dataset, index: int) -> Table:
    """The first output of one seed, a row per probe, a column f0 .. per checkpoint.

    Returns:
        On the circle with `angle`, in its order; elsewhere with `number`, from 1.
    """
    outputs = result.seeds[index]["probe_f"].shape[2]
    f = result.seeds[index]["probe_f"][:, :, 0]
    if probes.angle_train is None:
        frame = wide(f).assign(number=np.arange(f.shape[1]) + 1)
    else:
        angle = wrapped(probes.angle_train)
        order = np.argsort(angle, kind="stable")
        frame = wide(f[:, order]).assign(angle=angle[order])
    missing = int(np.sum(~np.isfinite(f)))
    notes = [f"Function on the probes: the first of {outputs} outputs."] if outputs > 1 else []
    if missing:
        which = f"{missing:,} of {f.size:,} values {are(missing)} not finite and {are(missing)} not drawn"
        notes.append(f"Function on the probes: {which}.")
    return Table(frame, tuple(notes))


def probe_kernel_table(result: RunResult, index: int) -> Table:
    """The kernel of one seed by pairs i <= j of at most 32 probes, from 1; a column f0 .. per checkpoint."""
    kernel = result.seeds[index]["probe_kernel"]
    size = kernel.shape[1]
    shown = spread(size, SHOWN)
    few = f"The heatmap holds {SHOWN} of the {size} probes, evenly spread."
    return Table(pairs(kernel[:, shown[:, None], shown]), (few,) if size > SHOWN else ())


def probe_function_panel(frame: pd.DataFrame) -> alt.LayerChart:
    """The chart of a frame of `probe_function_table`. Needs the `frame` parameter."""
    y = linear_y("value", theme.linear_domain(frames_of(frame).ravel()), Y_TITLE)
    if "angle" in frame:
        now = line(current(frame), "network").encode(x=angle_x(), y=y)
    else:
        x = alt.X("number:Q", axis=theme.linear_axis(TITLE))
        now = points(current(frame), "network", len(frame), 18).encode(x=x, y=y)
    title = theme.panel_title("What is the function at the probes?")
    return layered(legend_layer({NETWORK: "network"}), now, title=title)


def probe_kernel_panel(frame: pd.DataFrame) -> alt.Chart:
    """The chart of a frame of `probe_kernel_table`. Needs the `frame` parameter."""
    return heatmap_panel(frame, "How does the kernel see the probes?", TITLE)
