"""What the network has learned: the function on a line or circle, or predictions against targets."""

from functools import partial
from itertools import product

import altair as alt
import numpy as np
import pandas as pd

from engine.data import Dataset
from engine.losses import in_units
from engine.training.result import RunResult
from pages.charts import theme
from pages.charts.animated import QUIET, current, frames_of, legend_layer, line, not_drawn, points, wide
from pages.charts.encodings import input_x, layered, linear_x, linear_y, wrapped
from pages.charts.theme import Table

TARGET, NETWORK, TRAIN, TEST = "target", "network f_t", "training points", "held-out points"
FUNCTION_NAMES = {TARGET: "target", NETWORK: "network", TRAIN: "train"}
POINT_NAMES = {TRAIN: "train", TEST: "test"}

Y_TITLE = "output, f_t(x)"
GUESSES = {
    "logistic": "probability p, scaled as y",
    **dict.fromkeys(("squared_hinge", "hinge"), "f cut off at ±1, scaled as y"),
}
"""What is drawn of a loss of classes (`engine.losses.in_units`)."""

MOST_POINTS = 400
"""Outputs drawn against their targets, of training and held-out points each, evenly spread."""

FEW_VALUES = 12
"""Targets of at most so many distinct values are classes: their points are spread sideways."""
SIDES = {TRAIN: -1, TEST: 1}
NEAREST, FURTHEST = 0.02, 1 / 6
"""Of the points of a class from its target, in gaps between classes."""

ROOM = 1.5
"""The value axis reaches at most this many target ranges beyond the targets: a diverging network leaves it."""


def function_table(result: RunResult, data: Dataset, index: int = 0) -> Table:
    """Outputs of one seed, a column f0 .. per checkpoint; of a loss of classes in the units of the targets.

    Returns:
        On the circle, a row per held-out and per training point, with `angle`, `target` and `set`; for one input and
        one output the same with `x`; otherwise a row per output with `target`, `set` and `place` (the target; where it
        is a class spread sideways, training points to its left and held-out points to its right).
    """
    seed, loss = result.seeds[index], result.config.training.loss
    f_test, f_train = (
        np.stack([in_units(loss, f, data.y_train) for f in seed[name]]) for name in ("f_test", "f_train")
    )
    sets = {TEST: (f_test, data.y_test), TRAIN: (f_train, data.y_train)}
    if data.angle_test is not None and data.angle_train is not None:
        where = {TEST: wrapped(data.angle_test), TRAIN: wrapped(data.angle_train)}
        frame = _along("angle", where, sets)
    elif data.x_train.shape[1] == 1 and data.y_train.shape[1] == 1:
        frame = _along("x", {TEST: data.x_test[:, 0], TRAIN: data.x_train[:, 0]}, sets)
    else:
        frame = _against_target(sets)
    return Table(frame, not_drawn("Function", "outputs", frame, _value_domain(frame)))


def _along(axis: str, where: dict[str, np.ndarray], sets: dict[str, tuple[np.ndarray, np.ndarray]]) -> pd.DataFrame:
    parts = []
    for name, (f, y) in sets.items():
        order = np.argsort(where[name], kind="stable")
        parts.append(wide(f[:, order, 0]).assign(**{axis: where[name][order], "target": y[order, 0], "set": name}))
    return pd.concat(parts, ignore_index=True)


def _against_target(sets: dict[str, tuple[np.ndarray, np.ndarray]]) -> pd.DataFrame:
    parts = []
    for name, (f, y) in sets.items():
        flat, target = f.reshape(len(f), -1), y.ravel()
        kept = np.unique(np.linspace(0, len(target) - 1, MOST_POINTS).round().astype(int))
        parts.append(wide(flat[:, kept]).assign(target=target[kept], set=name))
    frame = pd.concat(parts, ignore_index=True)
    return frame.assign(place=_spread_classes(frame))


def _spread_classes(frame: pd.DataFrame) -> np.ndarray:
    """Targets; those of a class spread evenly, so that neither set hides the other where their outputs are equal."""
    target = frame["target"].to_numpy(float)
    levels = np.unique(target)
    if len(levels) > FEW_VALUES:
        return target
    gap = float(np.min(np.diff(levels))) if len(levels) > 1 else 1.0
    place = target.copy()
    for level, name in product(levels, SIDES):
        rows = np.flatnonzero((target == level) & (frame["set"] == name))
        # Steps of the golden ratio: even, and unlike the order of the points.
        spread = NEAREST + (FURTHEST - NEAREST) * ((np.arange(len(rows)) * 0.618034) % 1)
        place[rows] += SIDES[name] * gap * spread
    return place


def _value_domain(frame: pd.DataFrame) -> tuple[float, float]:
    return theme.domain_near(frames_of(frame).ravel(), frame["target"].to_numpy(float), ROOM)


def function_panel(frame: pd.DataFrame, loss: str = "") -> alt.LayerChart:
    """The chart of a frame of `function_table`. Needs the `frame` parameter."""
    y_title = GUESSES.get(loss, Y_TITLE)
    return _predictions(frame, y_title) if "place" in frame else _function(frame, y_title)


def _function(frame: pd.DataFrame, y_title: str) -> alt.LayerChart:
    axis = "angle" if "angle" in frame else "x"
    x, y = input_x(axis), partial(linear_y, domain=_value_domain(frame), title=y_title)
    held_out, train = frame[frame["set"] == TEST], frame[frame["set"] == TRAIN]
    target = alt.Chart(held_out[[axis, "target"]])
    target = target.mark_line(color=theme.COLOURS["target"], opacity=0.6, strokeWidth=3, **QUIET)
    given = points(alt.Chart(train[[axis, "target"]]), "train", len(train), 18)
    return layered(
        legend_layer(FUNCTION_NAMES),
        target.encode(x=x, y=y("target")),
        given.encode(x=x, y=y("target")),
        line(current(held_out), "network").encode(x=x, y=y("value")),
        title=theme.panel_title("What has the network learned?"),
    )


def _predictions(frame: pd.DataFrame, y_title: str) -> alt.LayerChart:
    domain, across = _value_domain(frame), theme.linear_domain(frame["place"].to_numpy(float))
    y = linear_y("value", domain, y_title)
    if np.any(frame["place"] != frame["target"]):
        levels = sorted({float(f"{level:.4g}") for level in frame["target"]})
        x = linear_x(
            "place", across, "target, y (of a class training points left, held-out points right)", values=levels
        )
    else:
        x = linear_x("place", across, "target, y")
    ends = [max(across[0], domain[0]), min(across[1], domain[1])]
    perfect = alt.Chart(pd.DataFrame({"place": ends, "value": ends}))
    layers = [
        legend_layer(POINT_NAMES, "circle"),
        perfect.mark_line(color=theme.COLOURS["target"], strokeDash=[5, 3], **QUIET).encode(x=x, y=y),
    ]
    for label, name in reversed(POINT_NAMES.items()):  # the few on top
        rows = frame[frame["set"] == label]
        layers.append(points(current(rows), name, len(rows), 16, opacity=0.7).encode(x=x, y=y))
    return layered(*layers, title=theme.panel_title("How close are predictions to targets?"))
