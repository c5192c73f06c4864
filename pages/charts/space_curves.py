"""Norms, inclusion, regression errors and what describes a spectrum, over t; one row per chart."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from operator import itemgetter
from typing import Any

import numpy as np
from jaxtyping import Float

from engine.problems import several
from engine.rkhs.gram import FLAGS, RIDGES
from engine.rkhs.regression import NOTHING
from engine.rkhs.result import SETS, RkhsResult, SeedSpaces, SetName
from engine.training.diagnostics import OVERLAP_SIZES
from pages.charts import theme
from pages.charts.over_time import Curve, Sampled, Style, sampled_table
from pages.charts.theme import Table
from pages.charts.words import are

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
HELD_OUT, TRAIN, LEAVE_ONE_OUT = "held-out points", "training points", "leave-one-out"

SPACE_COLOURS = {
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
    LEAVE_ONE_OUT: theme.COLOURS["train"],
}
"""Label -> colour."""
DASHED = (START, LIMIT, KERNEL_0, KERNEL_LIMIT)
"""References, which do not move."""


SIZES = ("stable rank", "participation ratio", "exp(entropy)")
"""Three ways to count the modes of a spectrum."""

Read = Callable[[SeedSpaces], Float[np.ndarray, " T"]]


def target_table(result: RkhsResult, where: SetName) -> Table:
    """S of the target in H_t, with H_0 and infinite width as levels."""
    name = f"{where}/target_S"
    series = {SPACE: itemgetter(name), START: lambda seed: _level(seed, seed[name][0])}
    if f"limit/{name}" in result:
        series[LIMIT] = lambda seed: _level(seed, result[f"limit/{name}"])
    return _table(result, series, log_value=True)


def function_table(result: RkhsResult, where: SetName) -> Table:
    """S of the target and of the trained function f_t - f_0 in H_t, and of the latter in H_0."""
    series = {
        TARGET_IN_SPACE: itemgetter(f"{where}/target_S"),
        FUNCTION: itemgetter(f"{where}/function_S"),
        FUNCTION_AT_START: itemgetter(f"{where}/function_in_H_0_S"),
    }
    # At t = 0 there is no trained function yet.
    return _table(result, series, log_value=True, from_start=(TARGET_IN_SPACE,))


def inclusion_table(result: RkhsResult, where: SetName, ridge: float) -> Table:
    """The two inclusion constants at one of `RIDGES`."""
    names = {OUTWARD: f"{where}/H_t_in_H_0", INWARD: f"{where}/H_0_in_H_t"}
    return _table(result, _columns(names, RIDGES.index(ridge)), log_value=True)


def across_table(result: RkhsResult, ridge: float) -> Table:
    """Softened norms of K_t's and K_0's interpolant of the training targets, in both spaces, at a ridge above 0."""
    names = {label: name for name, label in ACROSS.items()}
    return _table(result, _columns(names, RIDGES.index(ridge)), log_value=True)


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


def leave_one_out_table(result: RkhsResult, tuned: bool) -> Table:
    """Regression with K_t: its leave-one-out error on training points beside its held-out error."""
    name = "K_t_tuned" if tuned else "K_t"
    series = {
        HELD_OUT: lambda seed: determined_error(seed, name),
        LEAVE_ONE_OUT: lambda seed: determined_error(seed, name, "loo"),
    }
    return _table(result, series, log_value=True)


def on_both_table(result: RkhsResult, name: str) -> Table:
    """A scalar such as "alignment", on held-out and training points."""
    return _table(result, {HELD_OUT: itemgetter(f"held_out/{name}"), TRAIN: itemgetter(f"train/{name}")})


def size_table(result: RkhsResult, where: SetName) -> Table:
    """How many modes the spectrum has, by each of `SIZES`."""
    reads = (
        itemgetter(f"{where}/stable_rank"),
        itemgetter(f"{where}/participation_ratio"),
        lambda seed: np.exp(seed[f"{where}/spectral_entropy"]),
    )
    return _table(result, dict(zip(SIZES, reads, strict=True)), log_value=True)


def dimension_table(result: RkhsResult, where: SetName) -> Table:
    """Effective dimension at every ridge above 0."""
    name = f"{where}/effective_dimension"
    series = {label: partial(_column, name=name, at=at) for at, label in enumerate(_RIDGES)}
    return _table(result, series, log_value=True)


def decay_table(result: RkhsResult) -> Table:
    """The decay exponent where the spectrum is a power law, on held-out and training points."""
    table = on_both_table(result, "decay_exponent")
    exponents = np.concatenate([seed[f"{where}/decay_exponent"] for seed in result.seeds for where in SETS])
    missing = int(np.sum(np.isnan(exponents)))
    note = f"{missing:,} of {exponents.size:,} spectra are no power law."
    return Table(table.frame, (note,) if missing else ())


def overlap_table(result: RkhsResult, where: SetName) -> Table:
    """Top-k overlap of eigenspaces of K_0 and K_t, as far as all k modes of both stand above the noise."""
    count = result.seeds[0][f"{where}/overlap"].shape[1]
    series = {label: partial(_overlap, where=where, at=at) for at, label in enumerate(_RANKS[:count])}
    return _table(result, series)


def _overlap(seed: SeedSpaces, where: SetName, at: int) -> Float[np.ndarray, " T"]:
    rank = seed[f"{where}/rank"]
    return np.where(np.minimum(rank, rank[0]) >= OVERLAP_SIZES[at], seed[f"{where}/overlap"][:, at], np.nan)


def followed_curves(result: RkhsResult, read: Read) -> list[Sampled]:
    """What is finite of the values at the followed checkpoints, of every seed."""
    values = [(seed, np.asarray(read(seed), float)) for seed in result.seeds]
    return [Sampled.of(seed, seed.t_followed, value, np.isfinite(value)) for seed, value in values]


def _columns(names: Mapping[str, str], at: int) -> dict[str, Read]:
    """By label, one column of each entry."""
    return {label: partial(_column, name=name, at=at) for label, name in names.items()}


def _column(seed: SeedSpaces, name: str, at: int) -> Float[np.ndarray, " T"]:
    return seed[name][:, at]


def _level(seed: SeedSpaces, value: Any) -> Float[np.ndarray, " T"]:
    """A reference that does not move."""
    return np.full(len(seed["t"]), float(value))


def _table(
    result: RkhsResult, series: Mapping[str, Read], log_value: bool = False, from_start: tuple[str, ...] | None = None
) -> Table:
    """Each series at the checkpoints where it is determined; a note counts the others.

    Args:
        from_start: the series that exist at t = 0, if not all do.
    """
    curves, missing = {}, 0
    for label, read in series.items():
        curves[label] = []
        for seed in result.seeds:
            t, values = seed["t"], np.asarray(read(seed), float)
            relevant = (np.arange(len(t)) > 0) | (from_start is None or label in from_start)
            known = relevant & np.isfinite(values)
            missing += int(np.sum(relevant & ~known))
            curves[label].append(Sampled.of(seed, t, values, known))
    table = sampled_table(curves, log_value)
    which = f"{several(missing, 'value')} {are(missing)} not determined, as conditioning forbids"
    note = f"{which}, and {are(missing)} not drawn."
    return Table(table.frame, (*table.notes, note)) if missing else table


# The rows.

_RIDGES = [f"ε = {theme.power(ridge)}" for ridge in RIDGES[:-1]]
_RANKS = [f"k = {k}" for k in OVERLAP_SIZES]


def _log(y_title: str) -> Style:
    return Style(y_title, SPACE_COLOURS, DASHED, log_value=True)


def _ordered(y_title: str, labels: Sequence[str], log_value: bool = True, **more: Any) -> Style:
    """An ordered series, from violet to amber."""
    return Style(y_title, theme.ordered(labels), log_value=log_value, **more)


def _alignment(kind: str) -> Style:
    return Style(f"{kind}alignment, {theme.symbol('alignment_test')}", SPACE_COLOURS, DASHED, include=(0.0,))


CURVES = {
    "norm_target": Curve.of("Does the target get cheaper along the path?", ("norm_target", "conditioning"),
        target_table, _log(theme.symbol("norm_target"))),
    "norm_function": Curve.of("What does the trained function cost, here and in H_0?",
        ("norm_function", "norm_target", "conditioning"), function_table, _log(theme.symbol("norm_function"))),
    "inclusion": Curve.of("How far does each unit ball stick out?", ("inclusion", "conditioning"),
        inclusion_table, _log(theme.axis_title("inclusion"))),
    "norm_across": Curve.of("What does each interpolant cost across?", ("norm_across", "conditioning"),
        across_table, _log(f"S with ridge, {theme.symbol('norm_across')}")),
    "kernel_error": Curve.of("Does the kernel that was learned generalise better?", ("test_error", "regression", "t"),
        error_table, _log(theme.axis_title("test_error"))),
    "leave_one_out": Curve.of("Do the training points foretell that error?", ("leave_one_out", "test_error"),
        leave_one_out_table, _log(f"error of K_t, {theme.symbol('leave_one_out')}")),
    "alignment": Curve.of("Does the kernel turn towards the target?", ("alignment_test", "alignment_train"),
        partial(on_both_table, name="alignment_centred"), _alignment("centred ")),
    "alignment_raw": Curve.of("And if the constant function counts?", ("alignment_uncentred",),
        partial(on_both_table, name="alignment"), _alignment("")),
    "dimension": Curve.of("How many degrees of freedom has regression?", ("effective_dimension",),
        dimension_table, _ordered(theme.axis_title("effective_dimension"), _RIDGES)),
    "mode_counts": Curve.of("How many modes carry the kernel?", ("mode_counts",),
        size_table, _ordered("number of modes", SIZES)),
    "space_overlap": Curve.of("Do the leading eigenspaces of K_0 survive?", ("overlap",),
        overlap_table, _ordered(f"overlap, {theme.symbol('overlap')}", _RANKS, log_value=False, include=(0.0, 1.0))),
    "decay": Curve.of("How fast does the spectrum decay?", ("decay_exponent",),
        decay_table, Style(theme.axis_title("decay_exponent"), SPACE_COLOURS, DASHED)),
}  # fmt: skip
"""Name -> chart over t of the pages on function spaces."""
