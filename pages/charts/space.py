"""The space in motion: interpolants, the frontier of its balls, eigenfunctions matched with those of K_0."""

import json
from dataclasses import dataclass
from functools import partial
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from engine.rkhs.result import RkhsResult, SeedSpaces
from pages.charts import theme
from pages.charts.animated import (
    QUIET,
    Y_AXIS,
    Moving,
    animated,
    current,
    frames_of,
    half,
    legend_layer,
    line,
    positive,
    timeline_frame,
    timeline_panel,
    wide,
)
from pages.charts.encodings import Panel, angle_x, layered, linear_y, log_x, side_by_side, sized, stacked, wrapped
from pages.charts.space_curves import KERNEL, KERNEL_0, KERNEL_LIMIT, LIMIT, NETWORK, SPACE, START, TARGET
from pages.charts.words import percent


def error_timeline(seed: SeedSpaces, at: Any = slice(None)) -> pd.DataFrame:
    """The time line of the pages on function spaces, of all checkpoints or `at` some: the network's held-out error."""
    error = positive(np.asarray(seed["network_error"][at], float))[0]
    return timeline_frame(seed["t"][at], seed["step"][at], "held-out error", error, {"error": error})


def error_panel(frame: pd.DataFrame, width: int) -> alt.LayerChart:
    """The strip of that error."""
    return timeline_panel(frame, "error", "error", theme.COLOURS["test_error"], width)


# The space in motion: interpolants, the frontier of its balls, and its eigenfunctions matched with those of K_0.

PANEL_HEIGHT, MODE_HEIGHT = 230, 150
MODES = 4
"""Eigenfunctions drawn of those that are matched."""
ROOM = 1.0
"""The value axis reaches at most this many target ranges beyond the target."""
SMALLEST_ERROR = 1e-4
"""Errors of a ball below it are not drawn."""
FUNCTIONS = {NETWORK: "network", KERNEL: "kernel", KERNEL_0: "kernel_0", KERNEL_LIMIT: "infinite", TARGET: "target"}
BALLS = {SPACE: "kernel", START: "kernel_0", LIMIT: "infinite"}


@dataclass(frozen=True)
class SpaceTables(Moving):
    """What `space_chart` draws of one seed.

    Attributes:
        functions: a row per `series` and `angle` along the curve; None where the domain has no curve.
        frontier: a row per multiplier: the error, and as g0 .. the radius R.
        balls: the same of references: `series`, `R`, `error`.
        modes: a row per `mode` and `angle`, with `start` (K_0); None where there is no curve.
        overlaps: (T, modes), squared, and the matched positions in K_t from 1.
    """

    functions: pd.DataFrame | None
    frontier: pd.DataFrame
    balls: pd.DataFrame
    modes: pd.DataFrame | None
    overlaps: np.ndarray
    positions: np.ndarray


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
        error_timeline(seed),
        notes,
        functions,
        frontier,
        pd.concat(balls, ignore_index=True),
        modes,
        seed["mode_overlap"][:, :MODES],
        seed["mode_position"][:, :MODES] + 1,
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
    upper = [_frontier_panel(tables)]
    if tables.functions is not None:
        upper.insert(0, _function_panel(tables.functions))
    upper = side_by_side(sized(upper, half(width), PANEL_HEIGHT), spacing=20)
    rows: list[Panel] = [error_panel(tables.timeline, width), upper]
    if tables.modes is not None:
        count = int(tables.modes["mode"].max()) + 1
        panels = [_mode_panel(tables, tables.modes, mode) for mode in range(count)]
        rows.append(side_by_side(sized(panels, (width - Y_AXIS - 14 * count) // count, MODE_HEIGHT), spacing=14))
    return animated(stacked(rows, spacing=14), len(tables.timeline), start)


def _function_panel(frame: pd.DataFrame) -> alt.LayerChart:
    there = [label for label in FUNCTIONS if label in set(frame["series"])]
    still = {label: frame[frame["series"] == label][["angle", "f0"]] for label in (TARGET, KERNEL_0, KERNEL_LIMIT)}
    domain = theme.domain_near(frames_of(frame).ravel(), still[TARGET]["f0"].to_numpy(float), ROOM)
    x, y = angle_x(), partial(linear_y, domain=domain, title="output, f(x)")
    layers = [legend_layer({label: FUNCTIONS[label] for label in there})]
    styles: dict[str, dict[str, Any]] = {
        TARGET: {"strokeWidth": 5, "opacity": 0.35},
        KERNEL_0: {"strokeWidth": theme.LINE, "strokeDash": [5, 3]},
        KERNEL_LIMIT: {"strokeWidth": theme.LINE, "strokeDash": [2, 3]},
    }
    for label, style in styles.items():
        if label in there:
            drawn = alt.Chart(still[label]).mark_line(color=theme.COLOURS[FUNCTIONS[label]], **QUIET, **style)
            layers.append(drawn.encode(x=x, y=y("f0")))
    for label in (NETWORK, KERNEL):
        now = line(current(frame[frame["series"] == label]), FUNCTIONS[label])
        layers.append(now.encode(x=x, y=y("value")))
    return layered(*layers, title=theme.panel_title("What do the interpolants look like?"))


def _frontier_panel(tables: SpaceTables) -> alt.LayerChart:
    errors, balls = frames_of(tables.frontier), tables.balls
    radii = tables.frontier[[name for name in tables.frontier.columns if name[0] == "g"]].to_numpy(float)
    across = theme.log_domain(np.append(radii.ravel(), balls["R"]), lowest=1e-2)
    up = theme.linear_domain(np.append(errors.ravel(), balls["error"]), include=(0.0, 1.0))

    x = partial(log_x, domain=across, title="radius R of the ball, in ‖y‖")
    y = partial(linear_y, domain=up, title=theme.symbol("frontier"))
    layers = [legend_layer({SPACE: "kernel"} | {label: BALLS[label] for label in balls["series"].unique()})]
    for label, rows in balls.groupby("series", sort=False):
        still = line(alt.Chart(rows), BALLS[str(label)], strokeDash=[5, 3])
        layers.append(still.encode(x=x("R"), y=y("error"), order=alt.Order("R:Q")))
    now = line(current(tables.frontier).transform_calculate(radius="datum['g' + frame]"), "kernel")
    now = now.encode(x=x("radius"), y=y("value"), order=alt.Order("radius:Q"))
    return layered(*layers, now, title=theme.panel_title("What error does a ball reach?"))


def _mode_panel(tables: SpaceTables, modes: pd.DataFrame, mode: int) -> alt.LayerChart:
    """An eigenfunction of K_0 and its match; the title says which of K_t's it is and how much they overlap."""
    frame = modes[modes["mode"] == mode].drop(columns="mode")
    values = np.append(frames_of(frame).ravel(), frame["start"])
    domain = theme.linear_domain(np.clip(np.nan_to_num(values), -4, 4), include=(0.0,))
    x, y = angle_x(), partial(linear_y, domain=domain, title="eigenfunction φ_i" if mode == 0 else "")
    words = [
        f"{mode + 1} of K_0, {position} of K_t: {percent(float(overlap))}"
        for position, overlap in zip(tables.positions[:, mode], tables.overlaps[:, mode], strict=True)
    ]
    return layered(
        line(alt.Chart(frame[["angle", "start"]].dropna()), "kernel_0").encode(x=x, y=y("start")),
        line(current(frame), "kernel").encode(x=x, y=y("value")),
        title=theme.panel_title(alt.ExprRef(f"{json.dumps(words)}[frame]")),
    )
