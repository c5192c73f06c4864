"""Quantities over t: every seed as a thin line, their median and range as a line and a band."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, Protocol

import numpy as np
import pandas as pd

from pages.charts.table import Table
from pages.words import listing, number


class Seed(Protocol):
    """A seed over its checkpoints: "t" and whatever the series read."""

    @property
    def seed(self) -> int: ...
    @property
    def stop_reason(self) -> str: ...
    @property
    def t_stop(self) -> float: ...
    def __getitem__(self, name: str, /) -> np.ndarray: ...


class Seeds(Protocol):
    """What holds the seeds of a run."""

    @property
    def seeds(self) -> Sequence[Seed]: ...


Series = Mapping[str, Callable[[Any], np.ndarray]]
"""Series label -> its values at the checkpoints of a seed, (T,)."""

GRID = 240
"""Most points of a median line."""

COLUMNS = ["series", "part", "seed", "t", "value", "low", "high"]


def over_time_table(result: Seeds, series: Series, log_value: bool = False) -> Table:
    """Values of every seed at its own checkpoints, and their median and range on a common grid of t.

    The grid holds the checkpoints of all seeds (thinned to `GRID`), as far as every seed has trained; there each seed
    is interpolated linearly in log t (and log value, where `log_value`). Seeds that diverged or never trained do not
    enter median and range.

    Returns:
        Rows of part "seed" (value at a checkpoint) and of part "all" (median `value`, `low`, `high` over seeds).
        Values that are not finite (or not positive, where `log_value`) are left out, and a note says how many.
    """
    steady = [seed for seed in result.seeds if seed.stop_reason not in ("diverged", "dead")] or list(result.seeds)
    parts, masked, total = [], 0, 0
    for label, values in series.items():
        kept = {}
        for seed in result.seeds:
            t, value = np.asarray(seed["t"], float), np.asarray(values(seed), float)
            shown = np.isfinite(value) & ((value > 0) | (not log_value))
            masked, total = masked + int(np.sum(~shown)), total + len(value)
            kept[seed.seed] = t[shown], value[shown]
            if len(result.seeds) > 1:
                parts.append(pd.DataFrame({"part": "seed", "seed": seed.seed, "t": t[shown], "value": value[shown]}))
                parts[-1]["series"] = label
        t, stacked = on_common_times([kept[seed.seed] for seed in steady], log_value)
        summary = {"value": np.median(stacked, axis=0), "low": stacked.min(axis=0), "high": stacked.max(axis=0)}
        parts.append(pd.DataFrame({"series": label, "part": "all", "seed": -1, "t": t, **summary}))
    parts = [part for part in parts if len(part)]
    frame = pd.concat(parts, ignore_index=True).reindex(columns=COLUMNS) if parts else _empty()
    return Table(frame, (*_masked(masked, total, log_value), *_left_out(result, steady)))


@dataclass(frozen=True)
class Sampled:
    """One seed that has its own times for every curve."""

    seed: int
    stop_reason: str
    t_stop: float
    curves: Mapping[str, np.ndarray]

    def __getitem__(self, name: str) -> np.ndarray:
        return self.curves[name]


@dataclass(frozen=True)
class _Sample:
    seeds: Sequence[Sampled]


def sampled_table(curves: Mapping[str, Sequence[Sampled]], log_value: bool = False) -> Table:
    """As `over_time_table`, of the seeds' "value" by series: each series with seeds and times of its own."""
    tables = [
        over_time_table(_Sample(seeds), {label: itemgetter("value")}, log_value) for label, seeds in curves.items()
    ]
    frames = [table.frame for table in tables if len(table.frame)] or [table.frame for table in tables[:1]]
    notes = dict.fromkeys(note for table in tables for note in table.notes)
    return Table(pd.concat(frames, ignore_index=True), tuple(notes))


def _empty() -> pd.DataFrame:
    numbers = ("t", "value", "low", "high")
    return pd.DataFrame({name: pd.Series(dtype=float if name in numbers else object) for name in COLUMNS})


def on_common_times(curves: list[tuple[np.ndarray, np.ndarray]], log_value: bool) -> tuple[np.ndarray, np.ndarray]:
    """Curves (t ascending, value) at common times: t (n,) and values (curves, n). Empty where they share no time."""
    curves = [curve for curve in curves if len(curve[0])]
    if not curves:
        return np.zeros(0), np.zeros((1, 0))
    start, end = max(t[0] for t, _ in curves), min(t[-1] for t, _ in curves)
    grid = np.unique(np.concatenate([t for t, _ in curves]))
    grid = grid[(grid >= start) & (grid <= end)]
    if len(grid) > GRID:
        grid = grid[np.unique(np.linspace(0, len(grid) - 1, GRID).round().astype(int))]
    return grid, np.stack([_interpolated(grid, *curve, log_value) for curve in curves])


def _interpolated(grid: np.ndarray, t: np.ndarray, value: np.ndarray, log_value: bool) -> np.ndarray:
    """Linear in log t; exact at t = 0 and at the curve's own times."""
    value = np.log(value) if log_value else value
    found, later = np.full(len(grid), value[0]), t > 0
    if np.any(later):
        found[grid > 0] = np.interp(np.log(grid[grid > 0]), np.log(t[later]), value[later])
    return np.exp(found) if log_value else found


def _masked(masked: int, total: int, log_value: bool) -> tuple[str, ...]:
    if not masked:
        return ()
    what = "not positive or not finite" if log_value else "not finite"
    return (f"{masked:,} of {total:,} values are {what} and are not drawn.",)


def _left_out(result: Seeds, steady: list[Seed]) -> tuple[str, ...]:
    """Which seeds the median and range do not hold."""
    out = [seed for seed in result.seeds if seed not in steady]
    if not out:
        return ()
    ends = listing([f"seed {seed.seed} ({seed.stop_reason} at t = {number(seed.t_stop)})" for seed in out])
    return (f"Median and range leave out {ends}.",)
