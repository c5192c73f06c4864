"""The curves over t of a run, one row per chart, and those that grow while it trains."""

from functools import partial
from operator import itemgetter

import altair as alt
import numpy as np
import pandas as pd

from engine.quantities import QUANTITIES
from engine.training.diagnostics import OVERLAP_SIZES, SCALARS
from engine.training.result import RunResult, SeedResult
from pages.charts import theme
from pages.charts.over_time import COLUMNS, Curve, Style, bands, over_time_table
from pages.charts.theme import Table

STABILITY = "stability limit / η_eff"


def available(result: RunResult) -> dict[str, Curve]:
    """The rows of `CURVES` that this result was measured for, then one for every other scalar diagnostic of it."""
    measured = result.seeds[0]
    found = {name: curve for name, curve in CURVES.items() if all(key in measured for key in curve.quantities)}
    drawn = {name for curve in CURVES.values() for name in curve.quantities}
    others = [name for name in SCALARS if name in measured and name not in drawn]
    return found | {name: _plain(f"How does the {QUANTITIES[name].label} change?", (name,)) for name in others}


def _plain(
    question: str,
    names: tuple[str, ...],
    y_title: str = "",
    log_value: bool = False,
    include: tuple[float, ...] = (),
    log_beyond: float = float("inf"),
) -> Curve:
    """A chart of scalars, each with its own colour."""
    label = {name: QUANTITIES[name].label for name in names}
    colours = {label[name]: theme.COLOURS.get(name, theme.ORDERED[0]) for name in names}
    y_title = y_title or theme.axis_title(names[0])
    series = {label[name]: itemgetter(name) for name in names}
    table = partial(over_time_table, series=series, log_value=log_value)
    style = Style(y_title, colours, log_value=log_value, include=include, log_beyond=log_beyond)
    return Curve.of(question, names, table, style)


def stability_table(result: RunResult) -> Table:
    """lambda_max(K_t), and the largest that eta_eff allows: 2/eta_eff for plain descent."""
    limit = result.config.training.stability_limit

    def largest_stable(seed: SeedResult) -> np.ndarray:
        rate = seed.effective_rate
        return np.full(len(seed["t"]), limit / rate if rate > 0 else np.nan)

    series = {QUANTITIES["lambda_max"].label: itemgetter("lambda_max"), STABILITY: largest_stable}
    return over_time_table(result, series, log_value=True)


def stability_chart(frame: pd.DataFrame, log_time: bool = True) -> alt.LayerChart:
    """Log value axis where lambda_max spans more than a factor 30, else linear from 0."""
    values = frame["value"].to_numpy(float)
    wide = len(values) > 0 and values.max() > 30 * values.min()
    colours = {QUANTITIES["lambda_max"].label: theme.COLOURS["lambda_max"], STABILITY: theme.COLOURS["stability"]}
    include = () if wide else (0.0,)
    style = Style(theme.axis_title("lambda_max"), colours, (STABILITY,), log_value=wide, include=include)
    return bands(frame, style, log_time)


def overlap_table(result: RunResult) -> Table:
    """The overlap of each k that was measured."""

    def column(seed: SeedResult, index: int) -> np.ndarray:
        return seed["overlap"][:, index]

    count = result.seeds[0]["overlap"].shape[1]
    return over_time_table(result, {f"k = {k}": partial(column, index=i) for i, k in enumerate(OVERLAP_SIZES[:count])})


_OVERLAP = Style(
    f"overlap, {theme.symbol('overlap')}",
    {f"k = {k}": colour for k, colour in zip(OVERLAP_SIZES, theme.ORDERED, strict=True)},
    include=(0.0, 1.0),
)
_ERROR = f"error, {theme.symbol('test_error')}"
_ALIGNMENT = f"centred alignment, {theme.symbol('alignment_test')}"

CURVES = {
    "loss": _plain("How fast does the training loss fall?", ("loss",), log_value=True),
    "residual": _plain("How much of the residual is left?", ("residual",), log_value=True),
    "error": _plain("Does it generalise, or only fit?", ("train_error", "test_error"), _ERROR, log_value=True),
    "accuracy": _plain("How many held-out points are classified right?", ("test_accuracy",), include=(0.0, 1.0)),
    "drift": _plain(
        "How far has the kernel moved from K_0?",
        ("drift", "shape_drift"),
        f"distance from K_0, {theme.symbol('drift')}",
        include=(0.0,),
        log_beyond=30.0,
    ),
    "alignment": _plain(
        "Does the kernel turn towards the target?", ("alignment_train", "alignment_test"), _ALIGNMENT, include=(0.0,)
    ),
    "cka": _plain("How much of K_0 is left in the kernel?", ("cka",), include=(1.0,)),
    "lambda_max": Curve(
        "How close is training to the edge of stability?", ("lambda_max",), stability_table, stability_chart
    ),
    "overlap": Curve.of("Do the leading eigenspaces of K_0 survive?", ("overlap",), overlap_table, _OVERLAP),
}
"""Name -> chart, in the order of a page."""


# Curves that grow while a run trains.

LOG_VALUES = ("loss", "residual", "train_error", "test_error")


def live_curve(rows: pd.DataFrame, name: str, log_time: bool = True) -> alt.LayerChart:
    """One quantity so far, a line with points per seed.

    Args:
        rows: one per seed and checkpoint, in any order: `seed`, `t` and the quantity (`engine.progress.Progress.rows`).
            No rows, or rows without the quantity, give empty axes.
        name: of `engine.quantities`.
    """
    log_value = name in LOG_VALUES
    seeds = sorted(set(rows["seed"])) if len(rows) and name in rows else []
    palette = dict(zip([f"seed {seed}" for seed in seeds], _colours(name, len(seeds)), strict=True))
    include = () if log_value else (0.0,)
    style = Style(theme.axis_title(name), palette, log_value=log_value, include=include, points=True)
    return bands(_frame(rows if seeds else _NOTHING.assign(**{name: []}), name, log_value), style, log_time)


_NOTHING = pd.DataFrame({"seed": [], "t": []}, dtype=float)


def _frame(rows: pd.DataFrame, name: str, log_value: bool) -> pd.DataFrame:
    rows = rows[["seed", "t", name]].astype({"t": float, name: float}).rename(columns={name: "value"})
    rows = rows[rows["value"].abs() < float("inf")]
    rows = (rows[rows["value"] > 0] if log_value else rows).sort_values(["seed", "t"])
    series = "seed " + rows["seed"].astype(int).astype(str)
    return rows.assign(series=series, part="all", low=rows["value"], high=rows["value"]).reindex(columns=COLUMNS)


def _colours(name: str, count: int) -> list[str]:
    """The quantity's own colour for the first seed; further seeds cycle through the ordered ones."""
    others = [colour for colour in theme.ORDERED if colour != theme.COLOURS[name]]
    return [theme.COLOURS[name], *(others[index % len(others)] for index in range(count))][:count]
