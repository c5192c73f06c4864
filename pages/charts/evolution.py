"""One run as it trains: curves over t, those that grow meanwhile, and spectrum, function and kernel in motion."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from operator import itemgetter

import altair as alt
import numpy as np
import pandas as pd

from engine.data import Dataset
from engine.losses import LOSSES
from engine.quantities import QUANTITIES
from engine.training.diagnostics import OVERLAP_SIZES, SCALARS, SHOWN
from engine.training.result import RunResult, SeedResult
from pages.charts import theme
from pages.charts.animated import Moving, animated, half, positive, residual_panel, timeline_frame
from pages.charts.encodings import side_by_side, sized, stacked
from pages.charts.function import function_panel, function_table
from pages.charts.kernel import (
    kernel_panel,
    kernel_table,
    modes_panel,
    modes_table,
    probe_function_panel,
    probe_function_table,
    probe_kernel_panel,
    probe_kernel_table,
    spectrum_panel,
    spectrum_table,
)
from pages.charts.over_time import COLUMNS, Curve, Style, bands, over_time_table
from pages.charts.theme import Table

STABILITY = "stability limit / η_eff"


def available(result: RunResult) -> dict[str, Curve]:
    """The rows of `CURVES` that this result was measured for, then one for every other scalar diagnostic of it.

    Of a run on one point those that have no number there are left out, such as alignments.
    """
    measured = result.seeds[0]
    found = {name: curve for name, curve in CURVES.items() if all(key in measured for key in curve.quantities)}
    if not np.isfinite(result.config.training.stability_limit):
        del found["lambda_max"]  # below by itself: there is no limit to compare it with
    if LOSSES[result.config.training.loss].classes:
        found["error"] = _errors("error of the guess, relative to f = 0")
    drawn = {name for curve in found.values() for name in curve.quantities}
    others = [name for name in SCALARS if name in measured and name not in drawn]
    found |= {name: _plain(f"How does the {QUANTITIES[name].label} change?", (name,)) for name in others}
    if measured["eigenvalues"].shape[1] > 1:
        return found
    return {
        name: curve
        for name, curve in found.items()
        if any(np.isfinite(seed[key]).any() for seed in result.seeds for key in curve.quantities)
    }


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
    """lambda_max(K_t), and the largest that eta_eff allows: 2/eta_eff for plain descent on a squared loss."""
    config = result.config

    def largest_stable(seed: SeedResult) -> np.ndarray:
        rate = seed.effective_rate
        return np.full(len(seed["t"]), config.largest_stable(rate) if rate > 0 else np.nan)

    series = {QUANTITIES["lambda_max"].label: itemgetter("lambda_max")}
    limit = {STABILITY: largest_stable} if np.isfinite(config.training.stability_limit) else {}
    return over_time_table(result, series | limit, log_value=True)


def stability_chart(frame: pd.DataFrame, log_time: bool = True) -> alt.LayerChart:
    """Log value axis where lambda_max and the limit together span more than a factor 30, else linear from 0."""
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


LAYERS_DRAWN = len(theme.ORDERED)
"""At most so many layers, evenly spread from the first to the readout."""
LONGEST_PATH = 20
"""Characters of one in a legend."""


def layer_table(result: RunResult, name: str) -> Table:
    """A quantity of each layer that is drawn, of those that train; the readout is the last. In a network of one's own
    they are the parts that hold parameters, by their paths."""

    def column(seed: SeedResult, index: int) -> np.ndarray:
        return seed[name][:, index]

    d, train = result.seeds[0][name].shape[1], result.config.network.trained_part
    first, last = d - 1 if train == "readout" else 0, d - 2 if train == "hidden" else d - 1
    drawn = np.unique(np.linspace(first, last, min(last - first + 1, LAYERS_DRAWN)).round().astype(int))
    names = [*(f"layer {i + 1}" for i in range(d - 1)), "readout"]
    note = f"{len(drawn)} of {last - first + 1} layers are drawn, evenly spread."
    if result.layers:
        drawn, names = _largest(result), shortened(result.layers)
        note = f"{len(drawn)} of {d} parts are drawn, which carry most at the start."
    table = over_time_table(result, {names[i]: partial(column, index=int(i)) for i in drawn})
    return table if last - first < LAYERS_DRAWN else Table(table.frame, (note, *table.notes))


def _largest(result: RunResult) -> np.ndarray:
    """Places of the parts with the largest share of the kernel at the start, the mean over seeds, in their order."""
    shares = np.mean([seed["layer_share"][0] for seed in result.seeds], axis=0)
    return np.sort(np.argsort(-np.nan_to_num(shares), kind="stable")[:LAYERS_DRAWN])


def shortened(paths: Sequence[str]) -> list[str]:
    """Paths as a legend has room for them: of a long one its end, where that tells it from the others."""
    short = [path if len(path) <= LONGEST_PATH else f"…{path[1 - LONGEST_PATH :]}" for path in paths]
    return [one if short.count(one) == 1 else path for one, path in zip(short, paths, strict=True)]


def layer_chart(frame: pd.DataFrame, name: str, log_time: bool = True) -> alt.LayerChart:
    """Layers from the first to the readout in the colours of an ordered series."""
    colours = theme.ordered(list(dict.fromkeys(frame["series"])))
    log_beyond = 30.0 if name == "layer_drift" else float("inf")
    return bands(frame, Style(theme.axis_title(name), colours, include=(0.0,), log_beyond=log_beyond), log_time)


def _of_layers(question: str, name: str) -> Curve:
    return Curve(question, (name,), partial(layer_table, name=name), partial(layer_chart, name=name))


def _errors(y_title: str) -> Curve:
    return _plain("Does it generalise, or only fit?", ("train_error", "test_error"), y_title, log_value=True)


_OVERLAP = Style(
    f"overlap, {theme.symbol('overlap')}",
    {f"k = {k}": colour for k, colour in zip(OVERLAP_SIZES, theme.ORDERED, strict=True)},
    include=(0.0, 1.0),
)
_ALIGNMENT = f"centred alignment, {theme.symbol('alignment_test')}"

CURVES = {
    "loss": _plain("How fast does the training loss fall?", ("loss",), log_value=True),
    "residual": _plain("How much of the residual is left?", ("residual",), log_value=True),
    "error": _errors(f"error, {theme.symbol('test_error')}"),
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
    "layer_share": _of_layers("Which layer carries the kernel?", "layer_share"),
    "layer_drift": _of_layers("Which layer's part of the kernel has moved?", "layer_drift"),
}
"""Name -> chart, in the order of a page."""


# Curves that grow while a run trains.

LOG_VALUES = ("loss", "test_loss", "residual", "train_error", "test_error")


def live_curve(rows: pd.DataFrame, name: str, log_time: bool = True) -> alt.LayerChart:
    """One quantity so far, a line with points per seed.

    Args:
        rows: one per seed and checkpoint, in any order: `seed`, `t` and the quantity (`engine.progress.Progress.rows`).
            No rows, or rows without the quantity, give empty axes.
        name: of `engine.quantities`.
    """
    log_value = name in LOG_VALUES
    seeds = set(rows["seed"].astype(int)) if len(rows) and name in rows else set()
    palette = {f"seed {seed}": colour for seed, colour in theme.seed_colours(seeds).items()}
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


# Time line, spectrum, residual per mode, function and kernel, moving together.


def timeline_table(result: RunResult, index: int = 0) -> Table:
    """The time line of a seed: the residual over t, and the loss in words; of what a recording has not, the drift."""
    seed = result.seeds[index]
    name, told = (first if first in seed else "drift" for first in ("residual", "loss"))
    shown, masked = positive(np.asarray(seed[name], float))
    noun = "loss" if told == "loss" else QUANTITIES[told].label
    frame = timeline_frame(seed["t"], seed["step"], noun, seed[told], {name: shown})
    what = "residuals" if name == "residual" else "drifts"
    note = f"Time line: {masked:,} of {len(frame):,} {what} are not positive or not finite and are not drawn."
    return Table(frame, (note,) if masked > (name == "drift") else ())


PANEL_HEIGHT = 200
SQUARE = 7 * SHOWN
"""Side of a heatmap in pixels: seven for each of its points."""

SPECTRUM = "How does the spectrum of the kernel move?"


@dataclass(frozen=True)
class EvolutionTables(Moving):
    """What `evolution_chart` draws of one seed.

    Attributes:
        modes, function: None of a recording whose outputs are not compared with targets.
        on_probes: whether function and kernel are those of the probes.
        loss: of the run.
    """

    spectrum: pd.DataFrame
    modes: pd.DataFrame | None
    function: pd.DataFrame | None
    kernel: pd.DataFrame
    on_probes: bool = False
    loss: str = ""


def evolution_tables(
    result: RunResult, data: Dataset, index: int = 0, probes: Dataset | None = None
) -> EvolutionTables:
    """The tables of the seed at this position. `data` are `result.data`.

    Args:
        probes: the dataset of the run's probes, where function and kernel are to be shown on these.
    """
    function: Table | None = None
    if probes is not None:
        function, kernel = probe_function_table(result, probes, index), probe_kernel_table(result, index)
    else:
        function = function_table(result, data, index) if _compared(result, index) else None
        kernel = kernel_table(result, data, index)
    timeline, spectrum = timeline_table(result, index), spectrum_table(result, index)
    modes = modes_table(result, index) if _compared(result, index) else None
    tables = [table for table in (timeline, spectrum, modes, function, kernel) if table is not None]
    notes = tuple(note for table in tables for note in table.notes)
    panels = spectrum.frame, modes and modes.frame, function and function.frame, kernel.frame
    return EvolutionTables(timeline.frame, notes, *panels, probes is not None, result.config.training.loss)


def _compared(result: RunResult, index: int) -> bool:
    """Whether outputs are compared with targets."""
    return "mode_residual" in result.seeds[index]


def evolution_chart(tables: EvolutionTables, width: int = theme.PAGE_WIDTH, start: int = 0) -> alt.VConcatChart:
    """A time line over four panels: by mode on the left (spectrum, residual), by input on the right (function, kernel).

    Args:
        width: of the whole, in pixels.
        start: checkpoint shown first.
    """
    function = tables.function
    square = "angle" not in tables.kernel and (tables.on_probes or function is None or "place" in function)
    height, plot = SQUARE if square else PANEL_HEIGHT, half(width)
    spectrum = theme.ask(SPECTRUM, spectrum_panel(tables.spectrum))
    by_mode = [spectrum] if tables.modes is None else [spectrum, modes_panel(tables.modes)]
    kernel = probe_kernel_panel(tables.kernel) if tables.on_probes else kernel_panel(tables.kernel)
    by_input = [kernel]
    if function is not None:
        by_input.insert(
            0, probe_function_panel(function) if tables.on_probes else function_panel(function, tables.loss)
        )
    left = stacked(sized(by_mode, plot, height), spacing=14)
    right = stacked(sized(by_input, SQUARE if square else plot, height), spacing=14)
    timeline = residual_panel(tables.timeline, width)
    chart = stacked([timeline, side_by_side([left, right], spacing=20)], spacing=14)
    return animated(chart, len(tables.timeline), start)
