"""When the kernel has stopped: the rest of a run with the kernel of any checkpoint held fixed, how far every two
checkpoints are apart, and what stopping would have saved."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from engine.numerics import NOTHING
from engine.rkhs.result import RkhsResult, SeedSpaces, SetName
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
    positive,
    wide,
)
from pages.charts.encodings import layered, linear_y, log_y, placed, side_by_side, sized, stacked, time_x
from pages.charts.matched import recorded_in
from pages.charts.over_time import Curve, Style, sampled_table
from pages.charts.space import error_panel, error_timeline
from pages.charts.space_curves import followed_curves
from pages.charts.theme import Table
from pages.charts.words import listing, number

NETWORK, FIXED = "network", "kernel held fixed"
NAMES = {NETWORK: "network", FIXED: "kernel"}
DISTANCES = {"motion_drift": "drift", "motion_spectrum": "kernel", "motion_rotation": "cka"}
"""Quantity -> what colours it."""
LABELS = {"motion_drift": "distance", "motion_spectrum": "of the spectrum", "motion_rotation": "by rotation"}
PAIRS = {
    "motion_drift": "distance",
    "motion_rotation": "rotation",
    "motion_spectrum": "spectrum's change",
    "motion_cka": "CKA",
    "motion_overlap": "eigenspace overlap",
}
"""What a map of pairs can show, in words."""
PANEL_HEIGHT, MAP_HEIGHT = 230, 360
LARGEST_DEPARTURE = 10.0
"""Where axis and colours of what a kernel held fixed is off end, in ways of the network from its start."""
LARGEST_ERROR = 100.0
"""Where the axis of its error ends, in the network's largest."""

# In motion: from the checkpoint shown, the rest of the run with its kernel, and the way to every other kernel.


@dataclass(frozen=True)
class StopTables(Moving):
    """What `stop_chart` draws of one seed.

    Attributes:
        errors: a row per followed checkpoint: `x`, `network`, and wide the error with the kernel held fixed; None where
            a fixed kernel has no law.
        distances: a row per followed checkpoint and `series`: `x`, and wide the distance from the frame's checkpoint.
        t: of the rows.
    """

    errors: pd.DataFrame | None
    distances: pd.DataFrame
    t: np.ndarray


def stop_tables(result: RkhsResult, index: int, where: SetName) -> StopTables:
    """The tables of the seed at this position; distances are on these points, errors on held-out ones."""
    seed = result.seeds[index]
    t, x, timeline = seed.t_followed, placed(seed.t_followed, True), error_timeline(seed, seed["followed"])
    network = timeline["error"].to_numpy(float)
    errors, notes = None, (_without_law(result),)
    if "frozen_error" in seed:
        errors = wide(positive(seed["frozen_error"])[0]).assign(x=x, network=network)
        end = f"{LARGEST_ERROR:g} times the network's largest"
        notes = _beyond(np.asarray(seed["frozen_error"]), _largest_error(network), end)
    parts = [wide(seed[f"{where}/{name}"]).assign(x=x, series=label) for name, label in LABELS.items()]
    return StopTables(timeline, notes, errors, pd.concat(parts, ignore_index=True), t)


NOT_FOLLOWED = "A kernel held fixed is not followed {}: its error is not drawn."


def _without_law(result: RkhsResult) -> str:
    """Why nothing is known of the kernel held fixed."""
    if result.followed.kernel != "ntk":
        return "The network moves by its neural tangent kernel: what this one makes of it, held fixed, is not drawn."
    training = getattr(getattr(result.config, "run", None), "training", None)
    if training is None:
        return NOT_FOLLOWED.format("of a recorded loop")
    beyond = {"momentum": training.momentum, "minibatches": training.batch_size, "weight decay": training.weight_decay}
    if found := [name for name, given in beyond.items() if given]:
        return NOT_FOLLOWED.format(f"with {listing(found)}")
    return "This result is older than what follows a kernel held fixed by such a loss: its error is not drawn."


def _largest_error(network: np.ndarray) -> float:
    """Where the axis of errors ends."""
    return LARGEST_ERROR * float(np.nanmax(network)) if np.any(np.isfinite(network)) else np.inf


def _beyond(values: np.ndarray, most: float, where: str) -> tuple[str, ...]:
    """What is said of values beyond the end of an axis."""
    out, known = int(np.sum(values > most)), int(np.sum(np.isfinite(values)))
    said = (
        f"{out:,} of {known:,} values lie beyond the end, {where}: a kernel that is held fixed diverges where its "
        "largest eigenvalue is above the stability limit."
    )
    return (said,) if out else ()


def stop_chart(tables: StopTables, width: int = theme.PAGE_WIDTH, start: int = 0) -> alt.VConcatChart:
    """A time line over the two panels; the player chooses the checkpoint from which on the kernel is held fixed."""
    panels = [_distances(tables)] if tables.errors is None else [_errors(tables, tables.errors), _distances(tables)]
    panels = side_by_side(sized(panels, half(width), PANEL_HEIGHT), spacing=20)
    return animated(stacked([error_panel(tables.timeline, width), panels], spacing=14), len(tables.timeline), start)


def _errors(tables: StopTables, frame: pd.DataFrame) -> alt.LayerChart:
    values = np.minimum(np.append(frames_of(frame), frame["network"]), _largest_error(frame["network"].to_numpy(float)))
    y_title = theme.axis_title("test_error")
    x, y = time_x(tables.t, True), partial(log_y, domain=theme.log_domain(values), title=y_title)
    going = alt.Chart(frame[["x", "network"]].dropna())
    fixed = current(frame.drop(columns="network"))
    dot = fixed.transform_window(place="row_number()").transform_filter("datum.place == 1")
    dot = dot.mark_point(color=theme.COLOURS["now"], filled=True, size=60, **QUIET)
    return layered(
        legend_layer(NAMES),
        line(going, "network").encode(x=x, y=y("network")),
        line(fixed, "kernel", strokeDash=[6, 3]).encode(x=x, y=y("value")),
        dot.encode(x=x, y=y("value")),
        title=theme.panel_title("What if the kernel were held fixed from here?"),
    )


def _distances(tables: StopTables) -> alt.LayerChart:
    frame = tables.distances
    domain = theme.linear_domain(frames_of(frame).ravel(), include=(0.0,))
    x, y = time_x(tables.t, True), linear_y("value", domain, theme.symbol("motion_drift"))
    layers = [legend_layer({LABELS[name]: colour for name, colour in DISTANCES.items()}, columns=3)]
    for name, colour in DISTANCES.items():
        dash = [1, 0] if name == "motion_drift" else [5, 3]
        rows = current(frame[frame["series"] == LABELS[name]])
        layers.append(line(rows, colour, strokeDash=dash).encode(x=x, y=y))
    return layered(*layers, title=theme.panel_title("How far from here are the other kernels?"))


# Every pair of checkpoints at once.


def pairs_table(seed: SeedSpaces, name: str) -> Table:
    """A row per pair of checkpoints of "held_out/motion_drift" or "frozen_departure": `s` and `t` as written on the
    axes, `value`."""
    values = seed[name]
    labels = _labels(seed.t_followed)
    rows, columns = np.indices(values.shape)
    frame = {"row": rows.ravel(), "column": columns.ravel(), "value": values.ravel()}
    table = pd.DataFrame(frame).assign(s=np.array(labels)[rows.ravel()], t=np.array(labels)[columns.ravel()])
    pairs = table[table["column"] >= table["row"]] if name.startswith("frozen") else table
    known = np.isfinite(pairs["value"])
    note = f"{int(np.sum(~known)):,} of {len(pairs):,} pairs have no finite value and are not drawn."
    notes = () if known.all() else (note,)
    if name == "frozen_departure":
        notes += _beyond(pairs["value"].to_numpy(float), LARGEST_DEPARTURE, f"{LARGEST_DEPARTURE:g}")
    return Table(pairs[known], notes)


def _labels(t: np.ndarray) -> list[str]:
    """Times in words, each once."""
    found: list[str] = []
    for time in t:
        digits = next((d for d in range(2, 8) if number(float(time), d) not in found), 8)
        found.append(number(float(time), digits))
    return found


def pairs_chart(frame: pd.DataFrame, name: str) -> alt.Chart:
    """A square of all pairs: what they are apart, or how alike; of a kernel held fixed the later ones.

    Args:
        name: the quantity.
    """
    order = list(dict.fromkeys(frame.sort_values("row")["s"]))
    shown = order[:: max(1, len(order) // 8)]
    axis: dict[str, Any] = {"values": shown, "labelAngle": 0, "grid": False, "ticks": False, **theme.AXIS}
    alike = name in ("motion_cka", "motion_overlap")
    values = frame["value"].to_numpy(float)
    high = 1.0 if alike else float(np.max(values, initial=NOTHING))
    if name == "frozen_departure":
        high = min(high, LARGEST_DEPARTURE)
    low = float(np.min(values, initial=high))
    # Of a kernel that does not move all are one colour: what differs is rounding.
    domain = [low if high - low > NOTHING else high - 1, high]
    scale = alt.Scale(scheme="viridis", domain=domain, clamp=True, reverse=not alike)
    legend = alt.Legend(title=None, gradientLength=MAP_HEIGHT - 120, labelExpr=theme.NUMBER, tickCount=5)
    said = [alt.Tooltip("s:N", title="s"), alt.Tooltip("t:N", title="t"), alt.Tooltip("value:Q", format=".4~g")]
    chart = alt.Chart(frame).mark_rect(width=CELL["width"], height=CELL["height"])
    return chart.encode(
        x=alt.X("t:O", sort=order, axis=alt.Axis(title="checkpoint t", **axis)),
        y=alt.Y("s:O", sort=order[::-1], axis=alt.Axis(title="checkpoint s", **axis)),
        color=alt.Color("value:Q", scale=scale, legend=legend),
        tooltip=said,
    ).properties(height=MAP_HEIGHT, title=theme.title(subtitle=theme.axis_title(name)))


# Over the checkpoint from which on the kernel is held fixed.

STEPS, OPERATIONS = "of the steps", "of the operations"
Read = Callable[[RkhsResult, SeedSpaces], np.ndarray]


def _table(result: RkhsResult, series: Mapping[str, Read]) -> Table:
    return sampled_table({label: followed_curves(result, partial(read, result)) for label, read in series.items()})


def departure_table(result: RkhsResult, tolerance: float) -> Table:
    """The error at the stop of holding each checkpoint's kernel fixed, and the tolerance."""
    return _table(
        result,
        {
            DEPARTURE: lambda _, seed: seed["frozen_departure"][:, -1],
            WITHIN: lambda _, seed: np.full(len(seed["followed"]), tolerance),
        },
    )


def saved_table(result: RkhsResult) -> Table:
    """What is left of the run at each checkpoint, in steps and, where these are known, in operations less the kernel's
    own; those of a recording are not."""
    known = recorded_in(result) is None and result.config.run.parameter_count is not None
    operations = {OPERATIONS: lambda all_, seed: all_.operations_left(seed)} if known else {}
    return _table(result, {STEPS: lambda _, seed: seed.steps_left, **operations})


DEPARTURE, WITHIN = "at the stop, held out", "tolerance"

CURVES = {
    "departure": Curve.of(
        "Where does the kernel of t end, held fixed?",
        ("frozen_departure", "t"),
        departure_table,
        Style(
            theme.symbol("frozen_departure"),
            {DEPARTURE: theme.COLOURS["kernel"], WITHIN: theme.COLOURS["stability"]},
            (WITHIN,),
            include=(0.0,),
            most=LARGEST_DEPARTURE,
        ),
    ),
    "saved": Curve.of(
        "What would stopping there have saved?",
        ("saved", "t"),
        saved_table,
        Style(
            "share saved", {STEPS: theme.COLOURS["kernel"], OPERATIONS: theme.COLOURS["infinite"]}, include=(0.0, 1.0)
        ),
    ),
}
"""Name -> chart over the time of holding the kernel fixed."""
