"""Delta K_t in motion: the function under each order, the spectrum of Delta K_t, its block between modes of K_0, and
what the first order carries from mode to mode; one scrubber moves all."""

from dataclasses import dataclass
from functools import partial
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from engine.data import Dataset
from engine.perturbation.result import CURVES as NAMES
from engine.perturbation.result import PerturbationResult
from pages.charts import theme
from pages.charts.animated import (
    CELL,
    QUIET,
    Moving,
    animated,
    current,
    frames_of,
    half,
    legend_layer,
    line,
    points,
    positive,
    residual_panel,
    timeline_frame,
    wide,
)
from pages.charts.encodings import grid, index_x, input_x, layered, linear_x, linear_y, log_y, sized, stacked, wrapped
from pages.charts.expansion import CURVES, LEGEND, SERIES_COLOURS, diverging

PANEL_HEIGHT = 230
SHOWN = ("order_0", "order_1", "order_2", "network")
"""Curves of the function, the network on top."""
SPECTRUM = {"positive": theme.ORANGE, "negative": theme.VIOLET, "K_0": theme.COLOURS["kernel_0"]}
ROOM = 1.5
SMALLEST_SHOWN = 1e-9
"""Eigenvalues relative to the largest of K_0."""


@dataclass(frozen=True)
class ScrubbedTables(Moving):
    """What `scrubbed_chart` draws of one seed.

    Attributes:
        function: a row per held-out point and curve (`series`), with `angle`, `x` or `target`.
        spectrum: a row per sign (`series`) and rank `i` of Delta K_t; `start` holds K_0's.
        block, coupling: a row per pair of modes `i`, `j` from 1.
    """

    function: pd.DataFrame
    spectrum: pd.DataFrame
    block: pd.DataFrame
    coupling: pd.DataFrame


def scrubbed_tables(result: PerturbationResult, data: Dataset, index: int = 0) -> ScrubbedTables:
    """The tables of the seed at this position. `data` are `engine.data.generate` of the run's."""
    seed = result.seeds[index]
    squares = np.sum(seed["residuals"][0] ** 2, axis=1)
    loss = result.per_square * squares
    residual = positive(seed.residual("network"))[0]
    top, scale = float(seed["eigenvalues"][0]) or 1.0, seed.scale or 1.0
    block = _pairs(seed["change_block"] / top)
    coupling = _pairs(seed["coupling"] / scale)
    flow_only = "First order from mode to mode: by the flow's integral, of the linearly interpolated kernel."
    notes = (flow_only,) if result.dynamics == "gradient descent" else ()
    return ScrubbedTables(
        timeline_frame(seed["t"], seed["step"], "loss", loss, {"residual": residual}),
        notes,
        _function(seed["outputs_held_out"], seed["held_out"], data),
        _spectrum(seed.arrays),
        block,
        coupling,
    )


def scrubbed_chart(tables: ScrubbedTables, width: int = theme.PAGE_WIDTH, start: int = 0) -> alt.VConcatChart:
    """A time line over four panels.

    Args:
        width: of the whole, in pixels.
        start: frame shown first.
    """
    block = _heatmap(tables.block, "How does ΔK_t mix the modes of K_0?", "mode j", "change_block")
    coupling = _heatmap(tables.coupling, "Which mode feeds which, at first order?", "from mode j", "coupling")
    function, spectrum = _function_panel(tables.function), _spectrum_panel(tables.spectrum)
    panels = sized((function, spectrum, block, coupling), half(width, LEGEND), PANEL_HEIGHT)
    panels = grid(panels, columns=2, spacing=20)
    chart = stacked([residual_panel(tables.timeline, width), panels], spacing=14)
    return animated(chart, len(tables.timeline), start)


def _function(outputs: np.ndarray, held_out: np.ndarray, data: Dataset) -> pd.DataFrame:
    """On a circle or line the outputs; elsewhere each order's distance from the network, against the target."""
    target = np.asarray(data.y_test[held_out], float).ravel()
    if data.angle_test is not None and data.y_test.shape[1] == 1:
        place, axis = wrapped(data.angle_test[held_out]), "angle"
    elif data.x_test.shape[1] == 1 and data.y_test.shape[1] == 1:
        place, axis = data.x_test[held_out, 0], "x"
    else:
        place, axis = target, "target"
    order = np.argsort(place, kind="stable")
    parts = []
    for name in SHOWN:
        values = outputs[NAMES.index(name)]
        if axis == "target":
            if name == "network":
                continue
            values = values - outputs[0]
        parts.append(wide(values[:, order]).assign(**{axis: place[order], "y": target[order], "series": CURVES[name]}))
    return pd.concat(parts, ignore_index=True)


def _function_panel(frame: pd.DataFrame) -> alt.LayerChart:
    if "target" in frame:
        return _distances(frame)
    axis = "angle" if "angle" in frame else "x"
    target = frame["y"].to_numpy(float)
    domain = theme.domain_near(frames_of(frame).ravel(), target, ROOM)
    x, y = input_x(axis), partial(linear_y, domain=domain, title="output, f(x)")
    target = alt.Chart(frame[frame["series"] == CURVES["network"]][[axis, "y"]])
    target = target.mark_line(color=theme.COLOURS["target"], opacity=0.35, strokeWidth=5, **QUIET)
    layers = [target.encode(x=x, y=y("y"))]
    for name in SHOWN:
        dash = [1, 0] if name == "network" else [5, 3]
        now = line(current(frame[frame["series"] == CURVES[name]]), SERIES_COLOURS[CURVES[name]], strokeDash=dash)
        layers.append(now.encode(x=x, y=y("value")))
    legend = legend_layer({CURVES[name]: SERIES_COLOURS[CURVES[name]] for name in SHOWN}, columns=2)
    return layered(legend, *layers, title=theme.panel_title("What function does each order learn?"))


def _distances(frame: pd.DataFrame) -> alt.LayerChart:
    domain = theme.linear_domain(frames_of(frame).ravel(), include=(0.0,))
    x = linear_x("target", theme.linear_domain(frame["target"].to_numpy(float)), "target, y")
    y = linear_y("value", domain, "f_order − f_network, held out")
    layers = [legend_layer({label: SERIES_COLOURS[label] for label in frame["series"].unique()}, "circle", 2)]
    for label, rows in frame.groupby("series", sort=False):
        now = points(current(rows), SERIES_COLOURS[str(label)], len(rows), 20, opacity=0.8)
        layers.append(now.encode(x=x, y=y))
    return layered(*layers, title=theme.panel_title("Where does each order miss the network?"))


def _spectrum(arrays: Any) -> pd.DataFrame:
    """Eigenvalues of Delta K_t of either sign by size, relative to lambda_1(K_0)."""
    start = np.asarray(arrays["eigenvalues"], float)
    top, n = float(start[0]) or 1.0, len(start)
    values = np.asarray(arrays["change_eigenvalues"], float) / top
    up, down = np.sort(values, axis=1)[:, ::-1], np.sort(-values, axis=1)[:, ::-1]
    parts = []
    for name, values in (("positive", up), ("negative", down)):
        shown = np.where(values > SMALLEST_SHOWN, values, np.nan)
        kept = ~np.all(np.isnan(shown), axis=0)
        parts.append(wide(shown[:, kept]).assign(i=np.arange(1, n + 1)[kept], series=name))
    first = np.where(start / top > SMALLEST_SHOWN, start / top, np.nan)
    parts.append(pd.DataFrame({"i": np.arange(1, n + 1), "series": "K_0", "start": first}))
    return pd.concat(parts, ignore_index=True)


def _spectrum_panel(frame: pd.DataFrame) -> alt.LayerChart:
    start = frame[frame["series"] == "K_0"][["i", "start"]].dropna()
    moving = frame[frame["series"] != "K_0"]
    values = np.append(frames_of(moving).ravel(), start["start"])
    domain = theme.log_domain(values, lowest=SMALLEST_SHOWN)
    x = index_x(len(frame[frame["series"] == "K_0"]), "rank i")
    y = partial(log_y, domain=domain, title="eigenvalue / λ_1(K_0)")
    layers = [legend_layer(SPECTRUM, "circle", 2), line(alt.Chart(start), SPECTRUM["K_0"]).encode(x=x, y=y("start"))]
    for name in ("positive", "negative"):
        rows = moving[moving["series"] == name].drop(columns="start")
        layers.append(points(current(rows), SPECTRUM[name], len(rows), 22).encode(x=x, y=y("value")))
    return layered(*layers, title=theme.panel_title("How large is ΔK_t beside K_0?"))


def _pairs(values: np.ndarray) -> pd.DataFrame:
    """(T, s, s) as a row per pair."""
    size = values.shape[1]
    i, j = np.indices((size, size)) + 1
    return wide(values.reshape(len(values), -1), digits=3).assign(i=i.ravel(), j=j.ravel())


def _heatmap(frame: pd.DataFrame, question: str, across: str, name: str) -> alt.Chart:
    edge = float(np.nanmax(np.abs(frames_of(frame)), initial=1e-12))
    count = int(frame["j"].max())
    ticks: dict[str, Any] = {"values": [1, *range(4, count + 1, 4)], "labelAngle": 0, "grid": False, "ticks": False}
    return (
        current(frame)
        .mark_rect(**CELL)
        .encode(
            x=alt.X("j:O", axis=alt.Axis(title=f"{across} of K_0", **ticks, **theme.AXIS)),
            y=alt.Y("i:O", axis=alt.Axis(title="mode i", **ticks, **theme.AXIS)),
            color=alt.Color("value:Q", **diverging(edge, PANEL_HEIGHT - 10)),
        )
        .properties(title=theme.panel_title(question, theme.symbol(name)))
    )
