"""The space in motion: interpolants, the frontier of its balls, eigenfunctions matched with those of K_0."""

import json
from dataclasses import dataclass
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from engine.rkhs.result import RkhsResult, SeedSpaces
from pages.charts import theme
from pages.charts.animated import (
    LINE,
    QUIET,
    animated,
    current,
    frames_of,
    legend_layer,
    linear_y,
    log_y,
    positive,
    wide,
)
from pages.charts.axes import Panel, angle_x, beside, is_log, layered, placed, stacked, time_x, wrapped
from pages.charts.evolution import STRIP
from pages.charts.space_curves import KERNEL, KERNEL_0, KERNEL_LIMIT, LIMIT, NETWORK, SPACE, START, TARGET
from pages.charts.words import number, percent

# The time line of the animated charts: held-out error over t, and a mark at the checkpoint shown.


def timeline_table(seed: SeedSpaces) -> pd.DataFrame:
    """One row per checkpoint: `frame`, `t`, `step`, `error` (of the network, held out; NaN if not positive)."""
    error = positive(np.asarray(seed["network_error"], float))[0]
    return pd.DataFrame({"frame": np.arange(len(error)), "t": seed["t"], "step": seed["step"], "error": error})


def timeline_labels(frame: pd.DataFrame) -> list[str]:
    """One line per checkpoint: t, step and held-out error."""
    rows = zip(frame["t"], frame["step"], frame["error"], strict=True)
    return [f"t = {number(t)} · step {int(step):,} · held-out error {number(error)}" for t, step, error in rows]


def timeline_panel(frame: pd.DataFrame, width: int) -> alt.LayerChart:
    """Its title says which checkpoint is shown. Needs the `frame` parameter."""
    t, words = frame["t"].to_numpy(float), timeline_labels(frame)
    drawn = frame[["frame", "t", "error"]].assign(x=placed(t, True))
    x, domain = time_x(t, True), theme.log_domain(drawn["error"].to_numpy(float))
    y = log_y("error", domain, "error")
    colour = theme.COLOURS["test_error"]
    line = alt.Chart(drawn[drawn["t"] > 0] if is_log(t, True) else drawn).mark_line(
        color=colour, strokeWidth=theme.LINE
    )
    now = alt.Chart(drawn).transform_filter("datum.frame == frame").mark_rule(color=theme.COLOURS["now"], strokeWidth=2)
    points = alt.Chart(drawn).mark_point(color=colour, filled=True, size=12, opacity=1)
    title = theme.title(alt.ExprRef(f"{json.dumps(words)}[frame]"), size=theme.PANEL_TITLE_SIZE)
    layers = line.encode(x=x, y=y), points.encode(x=x, y=y), now.encode(x=x)
    return layered(*layers, width=width, height=STRIP, title=title)


# The space in motion: interpolants, the frontier of its balls, and its eigenfunctions matched with those of K_0.

PANEL_HEIGHT, MODE_HEIGHT = 230, 150
Y_AXIS = 56
MODES = 4
"""Eigenfunctions drawn of those that are matched."""
ROOM = 1.0
"""The value axis reaches at most this many target ranges beyond the target."""
SMALLEST_ERROR = 1e-4
"""Errors of a ball below it are not drawn."""
FUNCTIONS = {NETWORK: "network", KERNEL: "kernel", KERNEL_0: "kernel_0", KERNEL_LIMIT: "infinite", TARGET: "target"}
BALLS = {SPACE: "kernel", START: "kernel_0", LIMIT: "infinite"}


@dataclass(frozen=True)
class SpaceTables:
    """What `space_chart` draws of one seed; wide frames with a column f0 .. per checkpoint.

    Attributes:
        functions: a row per `series` and `angle` along the curve; None where the domain has no curve.
        frontier: a row per multiplier: the error, and as g0 .. the radius R.
        balls: the same of references: `series`, `R`, `error`.
        modes: a row per `mode` and `angle`, with `start` (K_0); None where there is no curve.
        overlaps: (T, modes), squared, and the matched positions in K_t from 1.
    """

    timeline: pd.DataFrame
    functions: pd.DataFrame | None
    frontier: pd.DataFrame
    balls: pd.DataFrame
    modes: pd.DataFrame | None
    overlaps: np.ndarray
    positions: np.ndarray
    notes: tuple[str, ...]

    @property
    def labels(self) -> list[str]:
        return timeline_labels(self.timeline)


def space_tables(result: RkhsResult, index: int) -> SpaceTables:
    """The tables of the seed at this position; the frontier is that on held-out points."""
    seed, angle = result.seeds[index], result["curve_angle"]
    functions, modes, notes = None, None, ("No closed curve runs through this domain: functions are not drawn.",)
    if len(angle):
        functions, modes, notes = _functions(result, seed, angle), _modes(seed, angle), ()
    radius, error = np.sqrt(seed["held_out/frontier_radius_squared"]), seed["held_out/frontier_error"]
    shown = error > SMALLEST_ERROR
    radii = wide(np.where(shown, radius, np.nan))
    frontier = wide(np.where(shown, error, np.nan)).join(radii.rename(columns=lambda name: f"g{name[1:]}"))
    balls = [_ball(START, radius[0], error[0])]
    if "limit/held_out/frontier_error" in result:
        limit = np.sqrt(result["limit/held_out/frontier_radius_squared"])
        balls.append(_ball(LIMIT, limit, result["limit/held_out/frontier_error"]))
    return SpaceTables(
        timeline_table(seed),
        functions,
        frontier,
        pd.concat(balls, ignore_index=True),
        modes,
        seed["mode_overlap"][:, :MODES],
        seed["mode_position"][:, :MODES] + 1,
        notes,
    )


def _ball(series: str, radius: np.ndarray, error: np.ndarray) -> pd.DataFrame:
    frame = pd.DataFrame({"series": series, "R": radius, "error": error})
    return frame[frame["error"] > SMALLEST_ERROR]


def _functions(result: RkhsResult, seed: SeedSpaces, angle: np.ndarray) -> pd.DataFrame:
    T = len(seed["t"])
    curves = {
        TARGET: np.tile(result["curve_target"], (T, 1)),
        KERNEL_0: np.tile(seed["curve_K_t"][0], (T, 1)),
        KERNEL: seed["curve_K_t"],
        NETWORK: seed["curve_network"],
    }
    if "curve_K_inf" in seed:
        curves[KERNEL_LIMIT] = np.tile(seed["curve_K_inf"], (T, 1))
    place = wrapped(angle)
    order = np.argsort(place, kind="stable")
    parts = []
    for label, values in curves.items():
        kept = values[:, order] if label in (KERNEL, NETWORK) else values[:1, order]
        parts.append(wide(kept).assign(angle=place[order], series=label))
    return pd.concat(parts, ignore_index=True)


def _modes(seed: SeedSpaces, angle: np.ndarray) -> pd.DataFrame:
    place = wrapped(angle)
    order = np.argsort(place, kind="stable")
    drawn = seed["curve_modes"][:, :MODES][:, :, order]
    return pd.concat(
        [
            wide(drawn[:, mode]).assign(angle=place[order], start=wide(drawn[:1, mode])["f0"], mode=mode)
            for mode in range(drawn.shape[1])
        ],
        ignore_index=True,
    )


def space_chart(tables: SpaceTables, width: int = theme.PAGE_WIDTH, start: int = 0) -> alt.VConcatChart:
    """A time line over interpolants and frontier, and eigenfunctions below."""
    half = (width - 2 * Y_AXIS - 20) // 2
    upper = [_frontier_panel(tables)]
    if tables.functions is not None:
        upper.insert(0, _function_panel(tables.functions))
    for panel in upper:
        panel.width, panel.height = half, PANEL_HEIGHT
    rows: list[Panel] = [timeline_panel(tables.timeline, width - Y_AXIS - 10), beside(upper, spacing=20)]
    if tables.modes is not None:
        count = int(tables.modes["mode"].max()) + 1
        panels = [
            _mode_panel(tables, tables.modes, mode, (width - Y_AXIS - 14 * count) // count) for mode in range(count)
        ]
        rows.append(beside(panels, spacing=14))
    return animated(stacked(rows, spacing=14), len(tables.timeline), start)


def _function_panel(frame: pd.DataFrame) -> alt.LayerChart:
    there = [label for label in FUNCTIONS if label in set(frame["series"])]
    still = {label: frame[frame["series"] == label][["angle", "f0"]] for label in (TARGET, KERNEL_0, KERNEL_LIMIT)}
    y = still[TARGET]["f0"].to_numpy(float)
    values, room = np.nan_to_num(frames_of(frame).ravel()), ROOM * (float(np.ptp(y)) or 1.0)
    inside = values[(values >= y.min() - room) & (values <= y.max() + room)]
    x, domain, title = angle_x(), theme.linear_domain(np.concatenate([inside, y])), "output, f(x)"
    layers = [legend_layer({label: FUNCTIONS[label] for label in there})]
    styles: dict[str, dict[str, Any]] = {
        TARGET: {"strokeWidth": 5, "opacity": 0.35},
        KERNEL_0: {"strokeWidth": theme.LINE, "strokeDash": [5, 3]},
        KERNEL_LIMIT: {"strokeWidth": theme.LINE, "strokeDash": [2, 3]},
    }
    for label, style in styles.items():
        if label in there:
            line = alt.Chart(still[label]).mark_line(color=theme.COLOURS[FUNCTIONS[label]], **QUIET, **style)
            layers.append(line.encode(x=x, y=linear_y("f0", domain, title)))
    for label in (NETWORK, KERNEL):
        now = current(frame[frame["series"] == label]).mark_line(color=theme.COLOURS[FUNCTIONS[label]], **LINE)
        layers.append(now.encode(x=x, y=linear_y("value", domain, title)))
    return layered(*layers, title=theme.title("What do the interpolants look like?", size=theme.PANEL_TITLE_SIZE))


def _frontier_panel(tables: SpaceTables) -> alt.LayerChart:
    errors, balls = frames_of(tables.frontier), tables.balls
    radii = tables.frontier[[name for name in tables.frontier.columns if name[0] == "g"]].to_numpy(float)
    across = theme.log_domain(np.append(radii.ravel(), balls["R"]), lowest=1e-2)
    up = theme.linear_domain(np.append(errors.ravel(), balls["error"]), include=(0.0, 1.0))

    def at(radius: str, error: str) -> dict[str, Any]:
        scale = alt.Scale(type="log", domain=list(across), nice=False)
        axis = theme.log_axis(*across, "radius R of the ball, in ‖y‖")
        title = theme.QUANTITIES["frontier"].symbol
        return {"x": alt.X(f"{radius}:Q", scale=scale, axis=axis), "y": linear_y(error, up, title)}

    there = {SPACE: "kernel"} | {label: BALLS[label] for label in balls["series"].unique()}
    layers = [legend_layer(there)]
    for label in balls["series"].unique():
        line = alt.Chart(balls[balls["series"] == label])
        line = line.mark_line(color=theme.COLOURS[BALLS[label]], strokeDash=[5, 3], **LINE)
        layers.append(line.encode(**at("R", "error"), order=alt.Order("R:Q")))
    now = current(tables.frontier).transform_calculate(radius="datum['g' + frame]")
    now = now.mark_line(color=theme.COLOURS["kernel"], **LINE).encode(**at("radius", "value"), order="radius:Q")
    title = theme.title("What error does a ball reach?", size=theme.PANEL_TITLE_SIZE)
    return layered(*layers, now, title=title)


def _mode_panel(tables: SpaceTables, modes: pd.DataFrame, mode: int, width: int) -> alt.LayerChart:
    """An eigenfunction of K_0 and its match; the title says which of K_t's it is and how much they overlap."""
    frame = modes[modes["mode"] == mode].drop(columns="mode")
    values = np.append(frames_of(frame).ravel(), frame["start"])
    domain, x = theme.linear_domain(np.clip(np.nan_to_num(values), -4, 4)), angle_x()
    title = "eigenfunction φ_i" if mode == 0 else ""
    start = alt.Chart(frame[["angle", "start"]].dropna()).mark_line(color=theme.COLOURS["kernel_0"], **LINE)
    now = current(frame).mark_line(color=theme.COLOURS["kernel"], **LINE)
    words = [
        f"{mode + 1} of K_0, {position} of K_t: {percent(float(overlap))}"
        for position, overlap in zip(tables.positions[:, mode], tables.overlaps[:, mode], strict=True)
    ]
    return layered(
        start.encode(x=x, y=linear_y("start", domain, title)),
        now.encode(x=x, y=linear_y("value", domain, title)),
        width=width,
        height=MODE_HEIGHT,
        title=theme.title(alt.ExprRef(f"{json.dumps(words)}[frame]"), size=theme.PANEL_TITLE_SIZE),
    )
