"""The expansion of a run: residuals, errors with bounds and drift over t, and what each order adds to a mode."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import altair as alt
import numpy as np
import pandas as pd
from jaxtyping import Float

from engine.perturbation.result import APPROXIMATIONS, PerturbationResult, SeedPerturbation
from engine.perturbation.result import CURVES as NAMES
from engine.problems import several
from pages.charts import theme
from pages.charts.animated import CELL, QUIET, significant
from pages.charts.encodings import is_log, placed, side_by_side, time_x
from pages.charts.over_time import Curve, Sampled, Style, bands, sampled_table
from pages.charts.theme import Table
from pages.charts.words import are

# What curves of a perturbation are called, and their colours, the same in every chart.

CURVES = {
    "network": "network",
    "order_0": "order 0 (lazy)",
    "order_1": "orders 0–1",
    "order_2": "orders 0–2",
    "full": "whole propagator",
}
"""By the names of `engine.perturbation.result.CURVES`."""
BOUNDS = {
    "P2": "bound P2",
    "P3": "estimate P3",
    "P4": "estimate P4",
    "groenwall": "Grönwall",
    "remainder_0": "after order 0",
    "remainder_1": "after order 1",
    "remainder_2": "after order 2",
}
"""By the names of `engine.perturbation.result.BOUNDS`."""
MEASURED, FORETOLD, TAYLOR_1, TAYLOR_2 = "measured", "leading order", "Taylor, t", "Taylor, t²"
FLOOR = "floor of the steps"

SERIES_COLOURS = {
    CURVES["network"]: theme.COLOURS["network"],
    CURVES["order_0"]: theme.COLOURS["kernel_0"],
    CURVES["order_1"]: theme.SKY,
    CURVES["order_2"]: theme.VIOLET,
    CURVES["full"]: theme.GREEN,
    FLOOR: theme.COLOURS["noise_floor"],
    BOUNDS["P2"]: theme.CRIMSON,
    BOUNDS["P3"]: theme.ORANGE,
    BOUNDS["P4"]: theme.PINK,
    BOUNDS["groenwall"]: theme.BLUE,
    BOUNDS["remainder_0"]: theme.COLOURS["kernel_0"],
    BOUNDS["remainder_1"]: theme.SKY,
    BOUNDS["remainder_2"]: theme.VIOLET,
    MEASURED: theme.COLOURS["drift"],
    FORETOLD: theme.ORANGE,
    TAYLOR_1: theme.PINK,
    TAYLOR_2: theme.SKY,
}
"""Label -> colour. A remainder has the colour of its order."""
DASHED = (*BOUNDS.values(), FLOOR, TAYLOR_1, TAYLOR_2)


# Charts over t: residuals, distances from the network with their bounds, and Delta K with its prediction.

PREDICTED = {FORETOLD: "predicted_leading", TAYLOR_1: "predicted_taylor_1", TAYLOR_2: "predicted_taylor_2"}
MOST = 1e3
"""Where the axis of residuals and errors ends: an order or a bound beyond it has blown up."""
MOST_MISSED = 10.0
"""Relative distances of a prediction beyond it are not drawn: it is of no use."""
Values = Float[np.ndarray, " T"]


def residual_table(result: PerturbationResult, held_out: bool = False) -> Table:
    """||r||/||r(0)|| of the network and of every order, on training or held-out points."""

    def read(seed: SeedPerturbation, name: str) -> Values:
        return seed.residual_held_out(name) if held_out else seed.residual(name)

    return _table(
        result, [{"t": seed["t"]} | {CURVES[name]: read(seed, name) for name in NAMES} for seed in result.seeds]
    )


def error_table(result: PerturbationResult, bounds: Sequence[str] = ("P2",)) -> Table:
    """||r - r_network||/||r(0)|| of every order on training points, with bounds by the names of `BOUNDS`.

    Orders that come closer to the network than the whole propagator are not drawn: that is chance at the floor.
    """
    errors = [_above_whole({name: seed.error(name) for name in APPROXIMATIONS}, seed.noise) for seed in result.seeds]
    limits = [
        {FLOOR: _above_rounding(seed.floor, seed.noise)} | {BOUNDS[name]: seed.bound(name) for name in bounds}
        for seed in result.seeds
    ]
    curves = [{"t": seed["t"], **own, **limit} for seed, own, limit in zip(result.seeds, errors, limits, strict=True)]
    return _with_hidden(_table(result, curves, log_value=True), errors)


def error_held_out_table(result: PerturbationResult) -> Table:
    """Root mean square distance of held-out outputs from the network's, of every order."""
    errors = [
        _above_whole({name: seed.error_held_out(name) for name in APPROXIMATIONS}, seed.noise * seed.rms)
        for seed in result.seeds
    ]
    curves = [{"t": seed["t"], **own} for seed, own in zip(result.seeds, errors, strict=True)]
    return _with_hidden(_table(result, curves, log_value=True), errors)


def drift_table(result: PerturbationResult) -> Table:
    """||Delta K_t||_F/||K_0||_F measured, and predicted from initialisation where that was asked for."""

    def curves(seed: SeedPerturbation) -> dict[str, Values]:
        if "predicted_t" not in seed:
            return {"t": seed["t"], MEASURED: seed["drift"]}
        predicted = {label: seed[name] for label, name in PREDICTED.items()}
        return {"t": seed["predicted_t"], MEASURED: seed["measured_drift"]} | predicted

    return _table(result, [curves(seed) for seed in result.seeds], log_value=True)


def drift_chart(frame: pd.DataFrame, ranges: Sequence[float], log_time: bool = True) -> alt.LayerChart:
    """The frame of `drift_table`; `ranges` are 1/lambda_max of every seed, where Taylor's reach ends."""
    shown = frame[frame["series"].isin([MEASURED, FORETOLD])]["value"]
    # Taylor leaves the axis soon after it leaves its range.
    frame = frame[frame["value"] <= 3 * shown.max()] if len(shown) else frame
    return _with_reach(bands(frame, _log(theme.axis_title("drift")), log_time), frame, ranges, log_time)


def prediction_table(result: PerturbationResult) -> Table:
    """How far predictions from initialisation are from Delta K_t, relative to it; seeds with a prediction only."""
    curves = [
        {"t": seed["predicted_t"], **{label: seed[f"{name}_error"] for label, name in PREDICTED.items()}}
        for seed in result.seeds
    ]
    return _table(result, curves, log_value=True)


def prediction_chart(frame: pd.DataFrame, ranges: Sequence[float], log_time: bool = True) -> alt.LayerChart:
    """The frame of `prediction_table`."""
    frame = frame[frame["value"] <= MOST_MISSED]
    style = _log(theme.symbol("drift_predicted_error"))
    return _with_reach(bands(frame, style, log_time), frame, ranges, log_time)


def _with_reach(chart: alt.LayerChart, frame: pd.DataFrame, ranges: Sequence[float], log_time: bool) -> alt.LayerChart:
    """Marks where Taylor's reach ends."""
    t, reach = frame["t"].to_numpy(float), float(np.median(ranges)) if len(ranges) else 0.0
    if len(t) and t.min() <= reach <= t.max():
        mark = pd.DataFrame({"x": placed(np.array([reach]), is_log(t, log_time)), "text": "1/λ_max: Taylor ends"})
        x = time_x(t, log_time)
        rule = alt.Chart(mark).mark_rule(color=theme.GREY, strokeDash=[2, 3]).encode(x=x)
        text = alt.Chart(mark).mark_text(align="left", dx=5, dy=8, color=theme.INK, fontSize=11)
        chart.layer = [*chart.layer, rule, text.encode(x=x, y=alt.YValue(0), text=alt.Text("text:N"))]
    return chart


def _table(result: PerturbationResult, curves: Sequence[Mapping[str, Values]], log_value: bool = False) -> Table:
    """The curves of every seed over its "t". What is missing on purpose (NaN) is left out without a note."""

    def sampled(seed: SeedPerturbation, own: Mapping[str, Values], label: str) -> Sampled:
        # Errors begin at zero, which a log axis does not have.
        known = ~np.isnan(own[label]) & ((own[label] != 0) | (not log_value))
        return Sampled.of(seed, own["t"], own[label], known)

    seeds = list(zip(result.seeds, curves, strict=True))
    labels = [label for label in curves[0] if label != "t"]
    return sampled_table({label: [sampled(*seed, label) for seed in seeds] for label in labels}, log_value)


def _above_whole(errors: Mapping[str, Values], rounding: float) -> dict[str, Values]:
    """Errors by label, NaN where an order is closer to the network than the whole."""
    whole = _above_rounding(errors["full"], rounding)
    found = {CURVES["full"]: whole}
    for name, values in errors.items():
        if name != "full":
            values = _above_rounding(values, rounding)
            found[CURVES[name]] = np.where((values > 0) & (values < whole), np.nan, values)
    return found


def _above_rounding(values: Values, rounding: float) -> Values:
    """Zero where there is nothing but rounding."""
    return np.where(values > rounding, values, 0.0)


def _with_hidden(table: Table, errors: Sequence[Mapping[str, Values]]) -> Table:
    labels = [CURVES[name] for name in APPROXIMATIONS if name != "full"]
    count = sum(int(np.sum(np.isnan(own[label]))) for own in errors for label in labels)
    if not count:
        return table
    hidden = f"{several(count, 'point')} of orders, closer to the network than the whole propagator"
    note = f"{hidden}, {are(count)} not drawn."
    return Table(table.frame, (*table.notes, note))


# The rows.


def _log(y_title: str) -> Style:
    return Style(y_title, SERIES_COLOURS, DASHED, log_value=True, most=MOST)


def _residual(name: str) -> Style:
    # The whole propagator lies on the network: dashes let both be seen.
    return Style(theme.symbol(name), SERIES_COLOURS, (CURVES["full"],), include=(0.0, 1.0), most=MOST, log_beyond=5.0)


OVER_TIME = {
    "order_residual": Curve.of("How far does the frozen kernel carry?", ("order_residual", "orders", "t"),
        residual_table, _residual("order_residual")),
    "order_residual_test": Curve.of("How far does it carry on held-out points?", ("order_residual_test", "orders", "t"),
        partial(residual_table, held_out=True), _residual("order_residual_test")),
    "order_error": Curve.of("What does each order leave, and which bound holds?",
        ("order_error", "floor", "bound_P2", "estimates", "groenwall", "remainder", "orders"), error_table,
        _log(theme.symbol("order_error"))),
    "order_error_test": Curve.of("How far from the network on held-out points?", ("order_error_test", "orders"),
        error_held_out_table, _log(theme.symbol("order_error_test"))),
    "drift": Curve("Can the drift be foretold from initialisation?", ("drift", "drift_predicted", "t"),
        drift_table, drift_chart),
    "drift_predicted_error": Curve("How far off is that prediction of ΔK?",
        ("drift_predicted_error", "drift_predicted"), prediction_table, prediction_chart),
}  # fmt: skip
"""Name -> chart over t. The last two also take the `ranges` where Taylor ends."""


# Which modes of K_0 feel Delta K: what the network and each order add to a mode over time, as heatmaps.

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
    chart = side_by_side(panels, spacing=10)
    chart.title = theme.title(subtitle="orange: learned slower than under K_0, purple: faster; per ‖r(0)‖")
    chart.usermeta = {"embedOptions": {"renderer": "canvas"}}
    return chart


LEGEND = 64
"""Pixels that a heatmap's legend takes beside it."""


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
        .mark_rect(**QUIET, height=CELL["height"])
        .encode(
            x=time_x(t, True, "t"),
            x2=alt.X2("x2"),
            y=alt.Y("i:O", axis=rows),
            color=alt.Color("value:Q", **diverging(most, STEP * count - 20)),
        )
        .properties(width=width, height=STEP * count, title=theme.panel_title(name))
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
