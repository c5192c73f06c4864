"""A run on the circle by Fourier frequency: strength, leakage and angles in motion, pairs that the loss goes by, decay
against infinite width, and the spectrum against the operator's."""

from dataclasses import dataclass
from functools import partial
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from engine.rkhs.result import RkhsResult, SeedSpaces
from pages.charts import theme
from pages.charts.animated import (
    CELL,
    Moving,
    animated,
    current,
    half,
    legend_layer,
    line,
    points,
    positive,
    tooltips,
    wide,
)
from pages.charts.encodings import grid, index_x, layered, linear_y, log_y, sized, stacked
from pages.charts.expansion import LEGEND, diverging
from pages.charts.over_time import Curve, Sampled, Style, bands, sampled_table
from pages.charts.space import error_panel, error_timeline
from pages.charts.space_curves import followed_curves
from pages.charts.theme import Table

KERNEL, KERNEL_0, OPERATOR, LIMIT = "K_t", "K_0", "M λ_k, closed form", "K_∞ on these points"
PANEL_HEIGHT = 230
REST = "more"
"""The block of all frequencies above those listed."""

# In motion.


@dataclass(frozen=True)
class FrequencyTables(Moving):
    """What `frequency_chart` draws of one seed.

    Attributes:
        strength: a row per frequency `k`: wide, with `start` (K_0), `operator` and `limit`.
        leakage: the same, without the last two.
        angles: in degrees, a row per frequency and angle `j`.
        power: a row per pair of blocks `k`, `l` in words: share of r^T K_t r; none where the loss goes by another
            kernel.
    """

    strength: pd.DataFrame
    leakage: pd.DataFrame
    angles: pd.DataFrame
    power: pd.DataFrame


def frequency_tables(result: RkhsResult, index: int) -> FrequencyTables:
    """The tables of the seed at this position."""
    seed, k = result.seeds[index], result["frequencies"]
    strength, missing = positive(seed["frequency_strength"])
    angles = np.degrees(seed["frequency_angles"])
    note = f"{missing:,} of {strength.size:,} strengths are not positive and are not drawn."
    return FrequencyTables(
        error_timeline(seed, seed["followed"]),
        (note,) if missing else (),
        _by_frequency(strength, k).assign(operator=_positive(result, "frequency_operator"), limit=_limit(result, k)),
        _by_frequency(seed["frequency_leakage"], k),
        pd.concat([_by_frequency(angles[:, :, j], k).assign(j=j) for j in range(2)], ignore_index=True),
        _pairs(seed["frequency_power"], k) if "frequency_power" in seed else pd.DataFrame(),
    )


def _by_frequency(values: np.ndarray, k: np.ndarray) -> pd.DataFrame:
    frame = wide(values)
    return frame.assign(k=k, start=frame["f0"])


def _positive(result: RkhsResult, name: str) -> np.ndarray:
    return positive(np.asarray(result[name], float))[0]


def _limit(result: RkhsResult, k: np.ndarray) -> np.ndarray:
    return _positive(result, "frequency_limit") if "frequency_limit" in result else np.full(len(k), np.nan)


def _pairs(power: np.ndarray, k: np.ndarray) -> pd.DataFrame:
    """Shares of (S, blocks, blocks), a row per pair; the rest only where it has any points."""
    whole = np.sum(power, axis=(1, 2), keepdims=True)
    share = np.where(whole > 0, power / np.where(whole > 0, whole, 1.0), np.nan)
    names = np.array([*map(str, k), REST])
    if not np.any(share[:, -1]):
        share, names = share[:, :-1, :-1], names[:-1]
    rows, columns = np.indices(share.shape[1:])
    frame = wide(share.reshape(len(share), -1), digits=3)
    return frame.assign(k=names[rows.ravel()], l=names[columns.ravel()])


def frequency_chart(tables: FrequencyTables, width: int = theme.PAGE_WIDTH, start: int = 0) -> alt.VConcatChart:
    """A time line over four panels, or three where the loss goes by another kernel."""
    parts = [_strength(tables.strength), _leakage(tables.leakage), _angles(tables.angles)]
    parts += [_power(tables.power)] if len(tables.power) else []
    panels = grid(sized(parts, half(width, LEGEND), PANEL_HEIGHT), columns=2, spacing=20)
    chart = stacked([error_panel(tables.timeline, width), panels], spacing=14)
    return animated(chart, len(tables.timeline), start)


def _frequency_x(frame: pd.DataFrame) -> alt.X:
    last = max(int(frame["k"].max()), 1)
    scale = alt.Scale(domain=[-0.5, last + 0.5], nice=False)
    axis = alt.Axis(title="frequency k", values=[*range(0, last + 1, 2 if last > 8 else 1)], format="d", **theme.AXIS)
    return alt.X("k:Q", scale=scale, axis=axis)


def _strength(frame: pd.DataFrame) -> alt.LayerChart:
    values = frame.drop(columns="k").to_numpy(float).ravel()
    x, y_title = _frequency_x(frame), theme.axis_title("frequency_strength")
    y = partial(log_y, domain=theme.log_domain(values), title=y_title)
    still = {"start": (KERNEL_0, "kernel_0", [1, 0]), "operator": (OPERATOR, "cka", [1, 0])}
    still |= {"limit": (LIMIT, "infinite", [3, 3])}
    drawn = {column: style for column, style in still.items() if frame[column].notna().any()}
    layers = [legend_layer({KERNEL: "kernel"} | {label: colour for label, colour, _ in drawn.values()}, columns=2)]
    for column, (_, colour, dash) in drawn.items():
        rows = alt.Chart(frame[["k", column]].dropna())
        layers.append(line(rows, colour, strokeDash=dash).encode(x=x, y=y(column)))
    now = points(current(frame[[name for name in frame if name not in drawn]]), "kernel", len(frame), 30)
    layers.append(now.encode(x=x, y=y("value"), tooltip=tooltips(len(frame), "k", "value")))
    return layered(*layers, title=theme.panel_title("How strong is each frequency?"))


def _leakage(frame: pd.DataFrame) -> alt.LayerChart:
    x, y = _frequency_x(frame), partial(linear_y, domain=(0.0, 1.0), title=theme.symbol("frequency_leakage"))
    now = points(current(frame.drop(columns="start")), "kernel", len(frame), 30)
    return layered(
        legend_layer({KERNEL: "kernel", KERNEL_0: "kernel_0"}),
        line(alt.Chart(frame[["k", "start"]].dropna()), "kernel_0").encode(x=x, y=y("start")),
        now.encode(x=x, y=y("value"), tooltip=tooltips(len(frame), "k", "value")),
        title=theme.panel_title("How much of it leaks into others?"),
    )


def _angles(frame: pd.DataFrame) -> alt.LayerChart:
    x, y = _frequency_x(frame), partial(linear_y, domain=(0.0, 90.0), title="principal angles in degrees")
    names = {"smaller": "kernel", "larger": "network"}
    layers = [legend_layer(names, "circle")]
    for j, colour in enumerate(names.values()):
        rows = frame[frame["j"] == j]
        start = line(alt.Chart(rows[["k", "start"]].dropna()), colour, opacity=0.4)
        layers.append(start.encode(x=x, y=y("start")))
        now = points(current(rows.drop(columns=["start", "j"])), colour, len(rows), 30)
        layers.append(now.encode(x=x, y=y("value"), tooltip=tooltips(len(rows), "k", "value")))
    title = theme.panel_title("How far is it from eigenvectors?", "faint lines: K_0")
    return layered(*layers, title=title)


def _power(frame: pd.DataFrame) -> alt.Chart:
    order = list(dict.fromkeys(frame["k"]))
    axis: dict[str, Any] = {"labelAngle": 0, "grid": False, "ticks": False, **theme.AXIS}
    axis["values"] = [*order[:-3:5], order[-1]]
    return (
        current(frame)
        .mark_rect(**CELL)
        .encode(
            x=alt.X("l:O", sort=order, axis=alt.Axis(title="frequency l", **axis)),
            y=alt.Y("k:O", sort=order, axis=alt.Axis(title="frequency k", **axis)),
            color=alt.Color("value:Q", **diverging(1.0, PANEL_HEIGHT - 10)),
        )
        .properties(title=theme.panel_title("Which pairs does the loss go by?", "share of rᵀK_t r"))
    )


# Over t: residuals of single frequencies beside what infinite width foretells, and what pairs exchange.

MOST = 4
"""Frequencies whose decay is drawn: those with the most residual at the start."""
EXCHANGED = "exchanged between frequencies"


def leading(result: RkhsResult, most: int = MOST) -> list[int]:
    """Positions of the frequencies with the largest residual at the start, by the median over seeds, ascending."""
    start = np.median([seed["frequency_residual"][0, :-1] for seed in result.seeds], axis=0)
    return sorted(np.argsort(-np.nan_to_num(start), kind="stable")[:most].tolist())


def decay_table(result: RkhsResult) -> Table:
    """||P_k r||/||r(0)|| of the leading frequencies, and foretold where it is known."""
    curves: dict[str, list[Sampled]] = {}
    for position in leading(result):
        k = int(result["frequencies"][position])
        curves[f"k = {k}"] = followed_curves(result, lambda seed, at=position: seed["frequency_residual"][:, at])
        if all("frequency_foretold" in seed for seed in result.seeds):
            foretold = followed_curves(result, lambda seed, at=position: _drawable(seed["frequency_foretold"][:, at]))
            curves[f"k = {k}, foretold"] = foretold
    return sampled_table(curves, log_value=True)


SMALLEST = 1e-6
"""Foretold residuals below it are not drawn."""


def _drawable(values: np.ndarray) -> np.ndarray:
    return np.where(values > SMALLEST, values, np.nan)


def decay_chart(frame: pd.DataFrame, log_time: bool = True) -> alt.LayerChart:
    """Solid: measured; dashed, in the same colour: foretold."""
    colours = theme.ordered(list(dict.fromkeys(name.split(",")[0] for name in frame["series"])))
    colours |= {f"{label}, foretold": colour for label, colour in colours.items()}
    dashed = tuple(name for name in colours if name.endswith("foretold"))
    style = Style(theme.symbol("frequency_residual"), colours, dashed, log_value=True)
    return bands(frame, style, log_time)


def exchanged(seed: SeedSpaces) -> np.ndarray:
    """Share of r^T K_t r that is between different frequencies, the rest being one; NaN where there is no decay."""
    power = seed["frequency_power"]
    whole, own = power.sum(axis=(1, 2)), np.trace(power, axis1=1, axis2=2)
    return np.divide(whole - own, whole, out=np.full(len(whole), np.nan), where=whole > 0)


def exchange_table(result: RkhsResult) -> Table:
    """`exchanged` over t."""
    return sampled_table({EXCHANGED: followed_curves(result, exchanged)})


def available(result: RkhsResult) -> dict[str, Curve]:
    """The rows of `CURVES` that this result has the quantities of, by which the loss goes and those foretold aside."""
    drives = all("frequency_power" in seed for seed in result.seeds)
    return {name: curve for name, curve in CURVES.items() if drives or "frequency_power" not in curve.quantities}


CURVES = {
    "frequency_decay": Curve(
        "Does each frequency decay as foretold?",
        ("frequency_residual", "frequency_foretold", "t"),
        decay_table,
        decay_chart,
    ),
    "frequency_exchange": Curve.of(
        "How much of the decay is exchange?",
        ("frequency_power", "t"),
        exchange_table,
        Style("share of rᵀK_t r between frequencies", {EXCHANGED: theme.COLOURS["cka"]}, include=(0.0,)),
    ),
}
"""Name -> chart over t."""

# The spectrum against the operator's.


def spectrum_table(result: RkhsResult, index: int) -> Table:
    """Eigenvalues on the training points by rank: a row per `series` and `i`."""
    seed = result.seeds[index]
    values = {KERNEL_0: seed["train/eigenvalues"][0], K_T: seed["train/eigenvalues"][-1]}
    values[OPERATOR_SPECTRUM] = result["operator_eigenvalues"]
    if "limit/train/eigenvalues" in result:
        values[LIMIT] = result["limit/train/eigenvalues"]
    parts = [pd.DataFrame({"i": np.arange(1, len(v) + 1), "series": name, "value": v}) for name, v in values.items()]
    frame = pd.concat(parts, ignore_index=True)
    shown = frame["value"] > 0
    note = f"{int(np.sum(~shown)):,} of {len(frame):,} eigenvalues lie under the noise floor and are not drawn."
    return Table(frame[shown], () if shown.all() else (note,))


K_T, OPERATOR_SPECTRUM = "K_T", "M λ of the operator"
SERIES_COLOURS = {KERNEL_0: "kernel_0", K_T: "kernel", OPERATOR_SPECTRUM: "cka", LIMIT: "infinite"}


def spectrum_chart(frame: pd.DataFrame) -> alt.LayerChart:
    """Points: the network's kernels; lines: the operator's, and dashed that of infinite width on these points."""
    there = {name: colour for name, colour in SERIES_COLOURS.items() if name in set(frame["series"])}
    x = index_x(int(frame["i"].max()), "rank i")
    y = log_y("value", theme.log_domain(frame["value"].to_numpy(float)), theme.axis_title("eigenvalues"))
    layers = [legend_layer(there, columns=2)]
    for name, colour in there.items():
        rows = alt.Chart(frame[frame["series"] == name][["i", "value"]])
        if name in (OPERATOR_SPECTRUM, LIMIT):
            drawn = line(rows, colour, strokeDash=[3, 3] if name == LIMIT else [1, 0])
        else:
            drawn = points(rows, colour, int((frame["series"] == name).sum()), 26)
        layers.append(drawn.encode(x=x, y=y))
    return layered(*layers, height=theme.HEIGHT)
