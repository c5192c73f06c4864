"""Charts over t: residuals, distances from the network with their bounds, and Delta K with its prediction."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import altair as alt
import numpy as np
import pandas as pd
from jaxtyping import Float

from engine.perturbation.result import APPROXIMATIONS, PerturbationResult, SeedPerturbation
from engine.perturbation.result import CURVES as NAMES
from pages import theme
from pages.charts.band import bands
from pages.charts.look import Look
from pages.charts.over_time import Sampled, sampled_table
from pages.charts.perturbation.names import (
    BOUNDS,
    COLOURS,
    CURVES,
    DASHED,
    FLOOR,
    FORETOLD,
    MEASURED,
    TAYLOR_1,
    TAYLOR_2,
)
from pages.charts.table import Table
from pages.charts.time_axis import is_log, placed, time_x

PREDICTED = {FORETOLD: "predicted_leading", TAYLOR_1: "predicted_taylor_1", TAYLOR_2: "predicted_taylor_2"}
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


def residual_chart(frame: pd.DataFrame, log_time: bool = True, *, held_out: bool = False) -> alt.LayerChart:
    """The frame of `residual_table`."""
    name = "order_residual_test" if held_out else "order_residual"
    question = "How far does it carry on held-out points?" if held_out else "How far does the frozen kernel carry?"
    look = _look(question, theme.QUANTITIES[name].symbol)
    # The whole propagator lies on the network: dashes let both be seen.
    return bands(frame, replace(look, dashed=(CURVES["full"],)), log_time)


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


def error_chart(frame: pd.DataFrame, log_time: bool = True) -> alt.LayerChart:
    """The frame of `error_table`."""
    question = "What does each order leave, and which bound holds?"
    return bands(frame, _look(question, theme.QUANTITIES["order_error"].symbol, log_value=True), log_time)


def error_held_out_table(result: PerturbationResult) -> Table:
    """Root mean square distance of held-out outputs from the network's, of every order."""
    errors = [
        _above_whole({name: seed.error_held_out(name) for name in APPROXIMATIONS}, seed.noise * seed.rms)
        for seed in result.seeds
    ]
    curves = [{"t": seed["t"], **own} for seed, own in zip(result.seeds, errors, strict=True)]
    return _with_hidden(_table(result, curves, log_value=True), errors)


def error_held_out_chart(frame: pd.DataFrame, log_time: bool = True) -> alt.LayerChart:
    """The frame of `error_held_out_table`."""
    question = "How far from the network on held-out points?"
    return bands(frame, _look(question, theme.QUANTITIES["order_error_test"].symbol, log_value=True), log_time)


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
    question = "Can the drift be foretold from initialisation?"
    look = _look(question, theme.axis_title("drift"), log_value=True)
    return _with_reach(bands(frame, look, log_time), frame, ranges, log_time)


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
    look = _look(
        "How far off is that prediction of ΔK?", theme.QUANTITIES["drift_predicted_error"].symbol, log_value=True
    )
    return _with_reach(bands(frame, look, log_time), frame, ranges, log_time)


def _with_reach(chart: alt.LayerChart, frame: pd.DataFrame, ranges: Sequence[float], log_time: bool) -> alt.LayerChart:
    """Marks where Taylor's reach ends."""
    t, reach = frame["t"].to_numpy(float), float(np.median(ranges)) if len(ranges) else 0.0
    if len(t) and t.min() <= reach <= t.max():
        mark = pd.DataFrame({"x": placed(np.array([reach]), is_log(t, log_time)), "text": "1/λ_max: Taylor ends"})
        x = time_x(t, log_time)
        rule = alt.Chart(mark).mark_rule(color=theme.GREY, strokeDash=[2, 3]).encode(x=x)
        text = alt.Chart(mark).mark_text(align="left", dx=5, dy=8, color=theme.GREY, fontSize=11)
        chart.layer = [*chart.layer, rule, text.encode(x=x, y=alt.value(0), text="text:N")]
    return chart


def _table(result: PerturbationResult, curves: Sequence[Mapping[str, Values]], log_value: bool = False) -> Table:
    """The curves of every seed over its "t". What is missing on purpose (NaN) is left out without a note."""

    def sampled(label: str) -> list[Sampled]:
        seeds = []
        for seed, own in zip(result.seeds, curves, strict=True):
            # Errors begin at zero, which a log axis does not have.
            known = ~np.isnan(own[label]) & ((own[label] != 0) | (not log_value))
            kept = {"t": own["t"][known], "value": own[label][known]}
            seeds.append(Sampled(seed.facts["seed"], seed.facts["stop_reason"], float(own["t"][-1]), kept))
        return seeds

    return sampled_table({label: sampled(label) for label in curves[0] if label != "t"}, log_value)


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
    note = f"{count:,} points of orders, closer to the network than the whole propagator, are not drawn."
    return Table(table.frame, (*table.notes, note))


def _look(question: str, y_title: str, log_value: bool = False) -> Look:
    include = () if log_value else (0.0, 1.0)
    return Look(question, y_title, COLOURS, DASHED, log_value=log_value, include=include, log_beyond=5.0)
