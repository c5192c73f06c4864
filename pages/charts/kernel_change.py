"""Delta K_t in motion: the function under each order, the spectrum of Delta K_t, its block between modes of K_0, and
what the first order carries from mode to mode; one scrubber moves all."""

from dataclasses import dataclass
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from engine.data import Dataset
from engine.perturbation.result import CURVES as NAMES
from engine.perturbation.result import PerturbationResult
from pages.charts import theme
from pages.charts.animated import (
    LINE,
    QUIET,
    animated,
    current,
    dots,
    frames_of,
    index_x,
    legend_layer,
    linear_y,
    log_y,
    positive,
    wide,
)
from pages.charts.axes import angle_x, layered, sized, stacked, wrapped
from pages.charts.evolution import labels, timeline_panel
from pages.charts.expansion import COLOURS, CURVES, diverging

PANEL_HEIGHT = 230
Y_AXIS = 56
OWN_SCALES = alt.Resolve(scale=alt.ScaleResolveMap(color="independent"))
LEGEND = 64
"""Pixels that a heatmap's legend takes beside it."""
SHOWN = ("order_0", "order_1", "order_2", "network")
"""Curves of the function, the network on top."""
TARGET = "target"
SPECTRUM = {"positive": theme.ORANGE, "negative": theme.VIOLET, "K_0": theme.COLOURS["kernel_0"]}
ROOM = 1.5
SMALLEST_SHOWN = 1e-9
"""Eigenvalues relative to the largest of K_0."""


@dataclass(frozen=True)
class ScrubbedTables:
    """What `scrubbed_chart` draws of one seed; wide frames with a column f0 .. per time.

    Attributes:
        timeline: as `pages.charts.evolution` takes it.
        function: a row per held-out point and curve (`series`), with `angle`, `x` or `target`.
        spectrum: a row per sign (`series`) and rank `i` of Delta K_t; `start` holds K_0's.
        block, coupling: a row per pair of modes `i`, `j` from 1.
    """

    timeline: pd.DataFrame
    function: pd.DataFrame
    spectrum: pd.DataFrame
    block: pd.DataFrame
    coupling: pd.DataFrame
    notes: tuple[str, ...] = ()

    @property
    def labels(self) -> list[str]:
        """One line per time: t, step and loss."""
        return labels(self.timeline)


def scrubbed_tables(result: PerturbationResult, data: Dataset, index: int = 0) -> ScrubbedTables:
    """The tables of the seed at this position. `data` are `engine.data.generate` of the run's."""
    seed, run = result.seeds[index], result.config.run
    squares = np.sum(seed["residuals"][0] ** 2, axis=1)
    timeline = pd.DataFrame(
        {
            "frame": np.arange(len(seed["t"])),
            "t": seed["t"],
            "step": seed["step"],
            "loss": run.training.effective_rate(run.data.size) / 2 * squares,
            "residual": positive(seed.residual("network"))[0],
        }
    )
    top, scale = float(seed["eigenvalues"][0]) or 1.0, seed.scale or 1.0
    block = _pairs(seed["change_block"] / top)
    coupling = _pairs(seed["coupling"] / scale)
    flow_only = "First order from mode to mode: by the flow's integral, of the linearly interpolated kernel."
    notes = (flow_only,) if run.training.integrator == "gd" else ()
    outputs = seed["outputs_held_out"]
    return ScrubbedTables(
        timeline, _function(outputs, seed["held_out"], data), _spectrum(seed.arrays), block, coupling, notes
    )


def scrubbed_chart(tables: ScrubbedTables, width: int = theme.PAGE_WIDTH, start: int = 0) -> alt.VConcatChart:
    """A time line over four panels.

    Args:
        width: of the whole, in pixels.
        start: frame shown first.
    """
    half = (width - 2 * Y_AXIS - 20 - 2 * LEGEND) // 2
    block = _heatmap(tables.block, "How does ΔK_t mix the modes of K_0?", "mode j", "change_block")
    coupling = _heatmap(tables.coupling, "Which mode feeds which, at first order?", "from mode j", "coupling")
    function, spectrum = _function_panel(tables.function), _spectrum_panel(tables.spectrum)
    # A grid, whose columns stand in line whatever their axes and legends take.
    panels: Any = alt.ConcatChart(columns=2, spacing=20, resolve=OWN_SCALES)
    panels.concat = sized((function, spectrum, block, coupling), half, PANEL_HEIGHT)
    timeline = timeline_panel(tables.timeline)
    timeline.width = width - Y_AXIS - 10
    return animated(stacked([timeline, panels], spacing=14), len(tables.timeline), start)


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
    x = angle_x() if axis == "angle" else alt.X("x:Q", scale=alt.Scale(zero=False), axis=theme.linear_axis("input x"))
    values, y = frames_of(frame).ravel(), frame["y"].to_numpy(float)
    room = ROOM * (float(np.ptp(y)) or 1.0)
    inside = values[(values >= y.min() - room) & (values <= y.max() + room)]
    domain = theme.linear_domain(np.concatenate([inside, y]))
    target = alt.Chart(frame[frame["series"] == CURVES["network"]][[axis, "y"]])
    target = target.mark_line(color=theme.COLOURS["target"], opacity=0.35, strokeWidth=5, **QUIET)
    layers = [target.encode(x=x, y=linear_y("y", domain, "output, f(x)"))]
    for name in SHOWN:
        line = current(frame[frame["series"] == CURVES[name]])
        dash = [1, 0] if name == "network" else [5, 3]
        line = line.mark_line(color=COLOURS[CURVES[name]], strokeDash=dash, **LINE)
        layers.append(line.encode(x=x, y=linear_y("value", domain, "output, f(x)")))
    legend = legend_layer({CURVES[name]: COLOURS[CURVES[name]] for name in SHOWN}, columns=2)
    title = theme.title("What function does each order learn?", size=theme.PANEL_TITLE_SIZE)
    return layered(legend, *layers, title=title)


def _distances(frame: pd.DataFrame) -> alt.LayerChart:
    domain = theme.linear_domain(frames_of(frame).ravel(), include=(0.0,))
    across = theme.linear_domain(frame["target"].to_numpy(float))
    x = alt.X("target:Q", scale=alt.Scale(domain=list(across), nice=False), axis=theme.linear_axis("target, y"))
    layers = [legend_layer({label: COLOURS[label] for label in frame["series"].unique()}, "circle", 2)]
    for label in frame["series"].unique():
        points = current(frame[frame["series"] == label])
        points = points.mark_point(color=COLOURS[label], opacity=0.8, **dots(len(points.data), 20))
        layers.append(points.encode(x=x, y=linear_y("value", domain, "f_order − f_network, held out")))
    title = theme.title("Where does each order miss the network?", size=theme.PANEL_TITLE_SIZE)
    return layered(*layers, title=title)


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
        frame = wide(shown[:, kept]).assign(i=np.arange(1, n + 1)[kept], series=name)
        parts.append(frame)
    first = np.where(start / top > SMALLEST_SHOWN, start / top, np.nan)
    parts.append(pd.DataFrame({"i": np.arange(1, n + 1), "series": "K_0", "start": first}))
    return pd.concat(parts, ignore_index=True)


def _spectrum_panel(frame: pd.DataFrame) -> alt.LayerChart:
    start = frame[frame["series"] == "K_0"][["i", "start"]].dropna()
    moving = frame[frame["series"] != "K_0"]
    values = np.append(frames_of(moving).ravel(), start["start"])
    domain = theme.log_domain(values, lowest=SMALLEST_SHOWN)
    x, title = index_x(len(frame[frame["series"] == "K_0"]), "rank i"), "eigenvalue / λ_1(K_0)"
    line = alt.Chart(start).mark_line(color=SPECTRUM["K_0"], **LINE)
    layers = [legend_layer(SPECTRUM, "circle", 2), line.encode(x=x, y=log_y("start", domain, title))]
    for name in ("positive", "negative"):
        points = current(moving[moving["series"] == name].drop(columns="start"))
        points = points.mark_point(color=SPECTRUM[name], opacity=1, **dots(len(points.data), 22))
        layers.append(points.encode(x=x, y=log_y("value", domain, title)))
    return layered(*layers, title=theme.title("How large is ΔK_t beside K_0?", size=theme.PANEL_TITLE_SIZE))


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
        .mark_rect(**QUIET)
        .encode(
            x=alt.X("j:O", axis=alt.Axis(title=f"{across} of K_0", **ticks, **theme.AXIS)),
            y=alt.Y("i:O", axis=alt.Axis(title="mode i", **ticks, **theme.AXIS)),
            color=alt.Color("value:Q", **diverging(edge, PANEL_HEIGHT - 10)),
        )
        .properties(title=theme.title(question, theme.QUANTITIES[name].symbol, size=theme.PANEL_TITLE_SIZE))
    )
