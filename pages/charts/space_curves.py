"""Norms, inclusion, regression errors and what describes a spectrum, over t."""

from collections.abc import Callable, Mapping
from functools import partial
from operator import itemgetter
from typing import Any

import altair as alt
import numpy as np
import pandas as pd
from jaxtyping import Float

from engine.rkhs.gram import FLAGS, RIDGES
from engine.rkhs.regression import NOTHING
from engine.rkhs.result import RkhsResult, SeedSpaces, SetName
from engine.training.diagnostics import OVERLAP_SIZES
from pages.charts import theme
from pages.charts.over_time import Sampled, Style, bands, sampled_table
from pages.charts.theme import Table
from pages.charts.words import several

# What curves of the path of RKHSs are called, and their colours, the same in every chart.
#
# Grey is of H_0, blue of H_t, orange of infinite width; vermilion is of the network itself.

SPACE, START, LIMIT = "H_t", "H_0", "infinite width"
TARGET_IN_SPACE, FUNCTION, FUNCTION_AT_START = "target in H_t", "f_t − f_0 in H_t", "f_t − f_0 in H_0"
OUTWARD, INWARD = "ball of H_t in H_0", "ball of H_0 in H_t"
ACROSS = {
    "across_t_in_t": "K_t's in H_t",
    "across_t_in_0": "K_t's in H_0",
    "across_0_in_t": "K_0's in H_t",
    "across_0_in_0": "K_0's in H_0",
}
"""Interpolants and the space whose norm they are given, by entry."""
NETWORK, KERNEL, KERNEL_0, KERNEL_LIMIT, TARGET = "network f_t", "K_t", "K_0", "K_∞", "target"
HELD_OUT, TRAIN = "held-out points", "training points"

COLOURS = {
    SPACE: theme.COLOURS["kernel"],
    START: theme.COLOURS["kernel_0"],
    LIMIT: theme.COLOURS["infinite"],
    TARGET_IN_SPACE: theme.COLOURS["kernel"],
    FUNCTION: theme.COLOURS["network"],
    FUNCTION_AT_START: theme.VIOLET,
    OUTWARD: theme.COLOURS["kernel"],
    INWARD: theme.COLOURS["kernel_0"],
    ACROSS["across_t_in_t"]: theme.COLOURS["kernel"],
    ACROSS["across_t_in_0"]: theme.VIOLET,
    ACROSS["across_0_in_t"]: theme.GREEN,
    ACROSS["across_0_in_0"]: theme.COLOURS["kernel_0"],
    NETWORK: theme.COLOURS["network"],
    KERNEL: theme.COLOURS["kernel"],
    KERNEL_0: theme.COLOURS["kernel_0"],
    KERNEL_LIMIT: theme.COLOURS["infinite"],
    TARGET: theme.COLOURS["target"],
    HELD_OUT: theme.COLOURS["test"],
    TRAIN: theme.COLOURS["train"],
}
"""Label -> colour."""
DASHED = (START, LIMIT, KERNEL_0, KERNEL_LIMIT)
"""References, which do not move."""


# Charts over t: norms, inclusion, regression errors, and what describes a spectrum; seeds as bands.

LEAVE_ONE_OUT = "leave-one-out"
SIZES = {"stable_rank": "stable rank", "participation_ratio": "participation ratio", "entropy": "exp(entropy)"}

Read = Callable[[SeedSpaces], Float[np.ndarray, " T"]]


def target_table(result: RkhsResult, where: SetName) -> Table:
    """S of the target in H_t, with H_0 and infinite width as levels."""
    return _table(
        result,
        {
            SPACE: itemgetter(f"{where}/target_S"),
            START: lambda seed: _level(seed, seed[f"{where}/target_S"][0]),
            **_limit(result, f"limit/{where}/target_S"),
        },
        log_value=True,
    )


def target_chart(frame: pd.DataFrame, log_time: bool = True) -> alt.LayerChart:
    """The frame of `target_table`."""
    style = _style(
        "Does the target get cheaper along the path?", theme.QUANTITIES["norm_target"].symbol, log_value=True
    )
    return bands(frame, style, log_time)


def function_table(result: RkhsResult, where: SetName) -> Table:
    """S of the target and of the trained function f_t - f_0 in H_t, and of the latter in H_0."""
    series = {
        TARGET_IN_SPACE: itemgetter(f"{where}/target_S"),
        FUNCTION: itemgetter(f"{where}/function_S"),
        FUNCTION_AT_START: itemgetter(f"{where}/function_in_H_0_S"),
    }
    # At t = 0 there is no trained function yet.
    return _table(result, series, log_value=True, from_start=(TARGET_IN_SPACE,))


def function_chart(frame: pd.DataFrame, log_time: bool = True) -> alt.LayerChart:
    """The frame of `function_table`."""
    question = "What does the trained function cost, here and in H_0?"
    return bands(frame, _style(question, theme.QUANTITIES["norm_function"].symbol, log_value=True), log_time)


def inclusion_table(result: RkhsResult, where: SetName, ridge: float) -> Table:
    """The two inclusion constants at one of `RIDGES`."""
    at = RIDGES.index(ridge)
    series = {
        OUTWARD: lambda seed: seed[f"{where}/H_t_in_H_0"][:, at],
        INWARD: lambda seed: seed[f"{where}/H_0_in_H_t"][:, at],
    }
    return _table(result, series, log_value=True)


def inclusion_chart(frame: pd.DataFrame, log_time: bool = True) -> alt.LayerChart:
    """The frame of `inclusion_table`."""
    style = _style("How far does each unit ball stick out?", theme.axis_title("inclusion"), log_value=True)
    return bands(frame, style, log_time)


def across_table(result: RkhsResult, ridge: float) -> Table:
    """Softened norms of K_t's and K_0's interpolant of the training targets, in both spaces, at a ridge above 0."""
    at = RIDGES.index(ridge)
    return _table(result, {label: partial(_column, name=name, at=at) for name, label in ACROSS.items()}, log_value=True)


def across_chart(frame: pd.DataFrame, log_time: bool = True) -> alt.LayerChart:
    """The frame of `across_table`."""
    style = _style(
        "What does each interpolant cost across?",
        f"S with ridge, {theme.QUANTITIES['norm_across'].symbol}",
        log_value=True,
    )
    return bands(frame, style, log_time)


def error_table(result: RkhsResult, tuned: bool) -> Table:
    """Held-out errors of the network and of regression with K_t, K_0 and K_infinity."""
    name, limit = ("K_t_tuned", "K_inf_tuned") if tuned else ("K_t", "K_inf")
    series: dict[str, Read] = {
        NETWORK: itemgetter("network_error"),
        KERNEL: lambda seed: determined_error(seed, name),
        KERNEL_0: lambda seed: _level(seed, determined_error(seed, name)[0]),
    }
    if f"{limit}_error" in result.seeds[0]:
        series[KERNEL_LIMIT] = lambda seed: _level(seed, determined_error(seed, limit)[0])
    table = _table(result, series, log_value=True)
    flagged = sum(int(np.sum(seed[f"{name}_flag"] != FLAGS.index("ok"))) for seed in result.seeds)
    note = f"{several(flagged, 'kernel')} cannot be inverted: what is drawn there is the error with the jitter."
    return Table(table.frame, (*table.notes, note) if flagged else table.notes)


def determined_error(seed: SeedSpaces, name: str, kind: str = "error") -> Float[np.ndarray, " T"]:
    """Errors of a regression ("K_t", "K_inf" or tuned), held out or "loo", NaN where the jitter decides them.

    Those below `NOTHING` are rounding and count as it.
    """
    return np.maximum(np.atleast_1d(seed[f"{name}_{kind}"]), NOTHING)


def error_chart(frame: pd.DataFrame, log_time: bool = True) -> alt.LayerChart:
    """The frame of `error_table`."""
    style = _style(
        "Does the kernel that was learned generalise better?", theme.axis_title("test_error"), log_value=True
    )
    return bands(frame, style, log_time)


def leave_one_out_table(result: RkhsResult, tuned: bool) -> Table:
    """Regression with K_t: its leave-one-out error on training points beside its held-out error."""
    name = "K_t_tuned" if tuned else "K_t"
    series = {
        HELD_OUT: lambda seed: determined_error(seed, name),
        LEAVE_ONE_OUT: lambda seed: determined_error(seed, name, "loo"),
    }
    return _table(result, series, log_value=True)


def leave_one_out_chart(frame: pd.DataFrame, log_time: bool = True) -> alt.LayerChart:
    """The frame of `leave_one_out_table`."""
    style = Style(
        "Do the training points foretell that error?",
        f"error of K_t, {theme.QUANTITIES['leave_one_out'].symbol}",
        {HELD_OUT: COLOURS[HELD_OUT], LEAVE_ONE_OUT: COLOURS[TRAIN]},
        log_value=True,
    )
    return bands(frame, style, log_time)


def alignment_table(result: RkhsResult, name: str = "alignment_centred") -> Table:
    """Kernel-target alignment, centred or not ("alignment"), on held-out and training points."""
    return _table(result, {HELD_OUT: itemgetter(f"held_out/{name}"), TRAIN: itemgetter(f"train/{name}")})


def alignment_chart(frame: pd.DataFrame, log_time: bool = True, *, centred: bool = True) -> alt.LayerChart:
    """The frame of `alignment_table`."""
    question = "Does the kernel turn towards the target?" if centred else "And if the constant function counts?"
    title = f"{'centred ' * centred}alignment, {theme.QUANTITIES['alignment_test'].symbol}"
    style = _style(question, title, include=(0.0,))
    return bands(frame, style, log_time)


def size_table(result: RkhsResult, where: SetName) -> Table:
    """How many modes the spectrum has, in three ways."""
    series = {
        SIZES["stable_rank"]: itemgetter(f"{where}/stable_rank"),
        SIZES["participation_ratio"]: itemgetter(f"{where}/participation_ratio"),
        SIZES["entropy"]: lambda seed: np.exp(seed[f"{where}/spectral_entropy"]),
    }
    return _table(result, series, log_value=True)


def size_chart(frame: pd.DataFrame, log_time: bool = True) -> alt.LayerChart:
    """The frame of `size_table`."""
    return bands(frame, _ordered("How many modes carry the kernel?", "number of modes", SIZES.values()), log_time)


def dimension_table(result: RkhsResult, where: SetName) -> Table:
    """Effective dimension at every ridge above 0."""
    series = {
        f"ε = {theme.power(ridge)}": partial(_column, name=f"{where}/effective_dimension", at=at)
        for at, ridge in enumerate(RIDGES[:-1])
    }
    return _table(result, series, log_value=True)


def dimension_chart(frame: pd.DataFrame, log_time: bool = True) -> alt.LayerChart:
    """The frame of `dimension_table`."""
    labels = [f"ε = {theme.power(ridge)}" for ridge in RIDGES[:-1]]
    title = theme.axis_title("effective_dimension")
    return bands(frame, _ordered("How many degrees of freedom has regression?", title, labels), log_time)


def decay_table(result: RkhsResult) -> Table:
    """The decay exponent where the spectrum is a power law, on held-out and training points."""
    series = {HELD_OUT: itemgetter("held_out/decay_exponent"), TRAIN: itemgetter("train/decay_exponent")}
    table = _table(result, series)
    missing = sum(int(np.sum(np.isnan(read(seed)))) for seed in result.seeds for read in series.values())
    note = f"{missing:,} of {sum(2 * len(seed['t']) for seed in result.seeds):,} spectra are no power law."
    return Table(table.frame, (note,) if missing else ())


def decay_chart(frame: pd.DataFrame, log_time: bool = True) -> alt.LayerChart:
    """The frame of `decay_table`."""
    return bands(frame, _style("How fast does the spectrum decay?", theme.axis_title("decay_exponent")), log_time)


def overlap_table(result: RkhsResult, where: SetName) -> Table:
    """Top-k overlap of eigenspaces of K_0 and K_t, as far as all k modes of both stand above the noise."""
    count = result.seeds[0][f"{where}/overlap"].shape[1]
    series = {f"k = {k}": partial(_overlap, where=where, at=at) for at, k in enumerate(OVERLAP_SIZES[:count])}
    return _table(result, series)


def overlap_chart(frame: pd.DataFrame, log_time: bool = True) -> alt.LayerChart:
    """The frame of `overlap_table`."""
    labels = [f"k = {k}" for k in OVERLAP_SIZES]
    title = f"overlap, {theme.QUANTITIES['overlap'].symbol}"
    style = _ordered("Do the leading eigenspaces of K_0 survive?", title, labels, log_value=False, include=(0.0, 1.0))
    return bands(frame, style, log_time)


def _overlap(seed: SeedSpaces, where: SetName, at: int) -> Float[np.ndarray, " T"]:
    rank = seed[f"{where}/rank"]
    return np.where(np.minimum(rank, rank[0]) >= OVERLAP_SIZES[at], seed[f"{where}/overlap"][:, at], np.nan)


def _column(seed: SeedSpaces, name: str, at: int) -> Float[np.ndarray, " T"]:
    return seed[name][:, at]


def _level(seed: SeedSpaces, value: Any) -> Float[np.ndarray, " T"]:
    """A reference that does not move."""
    return np.full(len(seed["t"]), float(value))


def _limit(result: RkhsResult, name: str) -> dict[str, Read]:
    """The level of infinite width, where that kernel exists."""
    if name not in result:
        return {}
    return {LIMIT: lambda seed: _level(seed, result[name])}


def _table(
    result: RkhsResult, series: Mapping[str, Read], log_value: bool = False, from_start: tuple[str, ...] | None = None
) -> Table:
    """Each series at the checkpoints where it is determined; a note counts the others.

    Args:
        from_start: the series that exist at t = 0, if not all do.
    """
    curves, missing = {}, 0
    for label, read in series.items():
        first = 0 if from_start is None or label in from_start else 1
        curves[label] = []
        for seed in result.seeds:
            t, values = seed["t"][first:], np.asarray(read(seed), float)[first:]
            known = np.isfinite(values)
            missing += int(np.sum(~known))
            own = {"t": t[known], "value": values[known]}
            curves[label].append(Sampled(seed.facts["seed"], seed.facts["stop_reason"], float(seed["t"][-1]), own))
    table = sampled_table(curves, log_value)
    note = f"{missing:,} values are not determined: conditioning forbids them. They are not drawn."
    return Table(table.frame, (*table.notes, note)) if missing else table


def _style(question: str, y_title: str, **more: Any) -> Style:
    return Style(question, y_title, COLOURS, DASHED, **more)


def _ordered(question: str, y_title: str, labels: Any, log_value: bool = True, **more: Any) -> Style:
    """An ordered series, from blue to orange."""
    names = list(labels)
    spread = np.linspace(0, len(theme.ORDERED) - 1, len(names)).round().astype(int)
    colours = {name: theme.ORDERED[place] for name, place in zip(names, spread, strict=True)}
    return Style(question, y_title, colours, log_value=log_value, **more)
