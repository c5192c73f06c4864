"""A sweep read back: its runs as one table, and the labels of runs and cells. Imports no JAX."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from jaxtyping import Bool

from engine.config import RunConfig
from engine.data import DatasetConfig
from engine.initialisation.spread import MEASURED_BETA, STOCHASTIC, betas, equivalent, has_measured_beta, typical_point
from engine.networks.kinds import built_in, depth_per_width
from engine.networks.mlp_config import MLPConfig
from engine.progress import Arrays
from engine.quantities import QUANTITIES
from engine.regimes.config import Cell, SweepConfig
from engine.result import Field, Result, Seed
from engine.schema import ConfigError

# The runs of a sweep as one table: a row per cell and seed.

METRICS = (
    "elt", "drift", "shape_drift", "first_step", "residual_lazy_error", "p2", "p2_error", "residual", "sharpness",
    "test_error", "steps", "t_stop", "effective_rate", "rounding", "bits",
)  # fmt: skip
"""What a run is measured by, at the stop T unless said otherwise:

elt = ||f_T - f_lazy||/||f_T - f_0|| on held-out points, f_lazy the frozen kernel's function at the same time;
on training points drift = ||K_T - K_0||_F/||K_0||_F, shape_drift = ||K_T/||K_T|| - K_0/||K_0|| ||_F,
first_step = the drift after one step, residual_lazy_error = sup over every step of ||r_t - r_lazy||/||r(0)||, the error
of order 0 of `engine.perturbation` (at the stop it would saturate at the residual there),
p2 = int ||K_s - K_0|| ||r_lazy(s)|| ds/||r(0)||, p2_error = by which share of itself the last looks changed it: an
estimate, not a bound, above `engine.regimes.bound.ESTIMATE`; residual = ||r_T||/||r(0)||;
sharpness = eta_eff lambda_max(K_T), unstable from 2; test_error = sum |f - y|^2/sum |y|^2 on held-out points;
t_stop = eta_eff steps; rounding = what rounding leaves undetermined of elt (`engine.networks.precision`), which is
never given below it; bits = 32 or 64, of the precision of the training. NaN where not finite; so are the drifts of a
run that diverged.
"""

FAILURES = ("diverged", "dead", "cap")
"""Ends of a run that did not reach its residual: ||r|| beyond 1e4 times its start or not finite; K_T = 0; cap of steps
reached."""


MOVED = ("drift", "shape_drift")
SPREAD = ("cv2", "cv2_low", "cv2_high")
"""Of the kernel at initialisation, with a 95% interval where it is sampled."""


class CellResult(Result[RunConfig, Seed]):
    """One cell, its S seeds as rows: `seed`, `end` ("residual", or one of `FAILURES`) and `METRICS`; and `SPREAD`."""

    CONFIG = RunConfig
    FIELDS: ClassVar = {
        **dict.fromkeys(("seed", "end"), Field("S")),
        **{name: Field("S", f"map.{name}" if f"map.{name}" in QUANTITIES else "") for name in METRICS},
        **dict.fromkeys(SPREAD, Field("", "map.cv2")),
    }


def runs_frame(sweep: SweepConfig, results: Mapping[str, Arrays]) -> pd.DataFrame:
    """One row per run: cell (its place in `sweep.cells`), kind, depth, width (harmonic mean over layers), beta, alpha,
    the settings of the grid by dotted names, seed, end, failed, `METRICS`, cv2, cv2_low, cv2_high.

    What orders the cells is called beta: of a kind of network that has none it is depth/width (`as_defined`), and
    `MEASURED_BETA` stands beside it.

    Args:
        results: "result" entries by the hash of their part (`Cell.parts`); parts that are missing are left out.
    """
    frames = [
        _part(index, cell, CellResult(results[part.hash], part, {}).checked())
        for index, cell in enumerate(sweep.cells)
        for part in cell.parts
        if part.hash in results
    ]
    columns = ["cell", "kind", "depth", "width", "beta", "alpha", "seed", "end", "failed", *METRICS]
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=pd.Index(columns))


def _part(index: int, cell: Cell, found: CellResult) -> pd.DataFrame:
    network = built_in(cell.run.network)
    beta = depth_per_width(network)
    place = {"cell": index, "kind": network.kind, "depth": network.depth, "width": network.mean_width, "beta": beta}
    place |= {"alpha": network.alpha} | {name: _scalar(value) for name, value in cell.settings.items()}
    measured = {name: np.asarray(found[name]) for name in ("seed", "end", *METRICS)}
    spread = {name: float(found[name]) for name in SPREAD}
    frame = pd.DataFrame(measured).assign(**place, **spread, **_measured_beta(cell.run, spread))
    frame["failed"] = frame["end"].isin(FAILURES)
    # The last kernel of a run that diverged says nothing.
    frame.loc[frame["end"] == FAILURES[0], list(MOVED)] = np.nan
    first = [*place, "seed", "end", "failed"]
    return frame[first + [name for name in frame.columns if name not in first]]


def _measured_beta(run: RunConfig, spread: Mapping[str, float]) -> dict[str, float]:
    """`MEASURED_BETA` of a run that has them, NaN also where the points are not here."""
    if not has_measured_beta(run):
        return {}
    found = (float("nan"),) * len(MEASURED_BETA)
    with suppress(ConfigError):
        network, norm = equivalent(run.network), _norm_squared(run.data)
        values = (spread[name] for name in SPREAD)
        found = _betas(network, run.data.input_dim, norm, *values)
    return dict(zip(MEASURED_BETA, found, strict=True))


@lru_cache(maxsize=2048)
def _betas(network: MLPConfig, input_dim: int, norm_x_squared: float, *spread: float) -> tuple[float, ...]:
    """Once for each cell: a map is read again and again while it is computed."""
    return tuple(betas(dict(zip(SPREAD, spread, strict=True)), network, input_dim, norm_x_squared).values())


@lru_cache(maxsize=32)
def _norm_squared(data: DatasetConfig) -> float:
    x = typical_point(data)
    return float(x @ x)


def as_defined(frame: pd.DataFrame) -> pd.DataFrame:
    """The table as it is given out: `beta` where it is defined and NaN elsewhere, `depth_per_width` of every network.

    Args:
        frame: of runs (`runs_frame`) or cells (`cells_frame`).
    """
    if not len(frame):
        return frame
    ratio = frame["beta"]
    own = frame.assign(beta=ratio.where(frame["kind"] == MLPConfig.UNTAGGED))
    own.insert(own.columns.get_loc("beta") + 1, "depth_per_width", ratio)  # type: ignore[arg-type]
    return own


def _scalar(value: object) -> object:
    """A value that fits a column of a table."""
    return value if isinstance(value, int | float | str | bool) or value is None else str(value)


# Labels of runs and cells: lazy, weak feature learning, strong, or unstable with its reason.
#
# A cell whose spread at initialisation is sampled, with an interval that holds the threshold, is undecided; so is one
# whose elt is below its rounding, where that is more than lazy.
#
# Thresholds are applied to what was measured: moving one computes nothing again.

LAZY, WEAK, STRONG, UNSTABLE, UNDECIDED = LABELS = ("lazy", "weak", "strong", "unstable", "undecided")
STOCHASTIC_KERNEL, UNTRAINABLE = "stochastic kernel", "untrainable"
BAND = (0.25, 0.75)
"""Quantiles over seeds given beside the median."""


@dataclass(frozen=True)
class Thresholds:
    """Where labels begin.

    Attributes:
        lazy: elt up to which the frozen kernel predicts the run.
        strong: elt above which it no longer does.
        spread: CV^2 at initialisation from which a cell is unstable: a stochastic kernel.
        failed: fraction of failed runs from which a cell is unstable: untrainable.
    """

    lazy: float = 0.1
    strong: float = 0.5
    spread: float = STOCHASTIC
    failed: float = 0.5


def run_label(elt: float, thresholds: Thresholds | None = None) -> str:
    """The label of a run by its elt alone. What is not finite is strong, never lazy."""
    bounds = thresholds or Thresholds()
    if elt <= bounds.lazy:
        return LAZY
    return WEAK if elt <= bounds.strong else STRONG


def cells_frame(runs: pd.DataFrame, thresholds: Thresholds | None = None) -> pd.DataFrame:
    """One row per cell: its place, `runs`, the median of every metric (`elt`, ...) with `elt_low` and `elt_high`
    (quantiles `BAND`), `failed` and `diverged`, `dead`, `cap` as fractions of its runs, `cv2`, `label`, `reason`, and
    `unresolved`: whether elt is below its rounding in half of its runs or more: then the median is no measured value.

    Values that are not finite count as infinite in medians and quantiles. `reason` is empty unless unstable; both
    reasons are named where both hold.
    """
    bounds = thresholds or Thresholds()
    rows = [_cell(group, bounds) for _, group in runs.groupby("cell", sort=True)]
    return pd.DataFrame(rows)


def _cell(group: pd.DataFrame, bounds: Thresholds) -> dict[str, Any]:
    first = group.iloc[0]
    place = [name for name in group.columns if name not in (*METRICS, "seed", "end", "failed")]
    row: dict[str, Any] = {name: first[name] for name in place} | {"runs": len(group)}
    for name in METRICS:
        low, median, high = quantiles(group[name].to_numpy(float), (BAND[0], 0.5, BAND[1]))
        row |= {f"{name}_low": low, name: median, f"{name}_high": high}
    row["failed"] = float(group["failed"].mean())
    row |= {end: float((group["end"] == end).mean()) for end in FAILURES}
    reasons = []
    if first["cv2_low"] >= bounds.spread:
        reasons.append(STOCHASTIC_KERNEL)
    if row["failed"] >= bounds.failed:
        reasons.append(UNTRAINABLE)
    row["unresolved"] = bool(np.mean(~above_rounding(group, "elt")) >= 0.5)
    undecided = first["cv2_low"] < bounds.spread <= first["cv2_high"]
    undecided |= row["unresolved"] and not row["elt"] <= bounds.lazy
    row["label"] = UNSTABLE if reasons else UNDECIDED if undecided else run_label(row["elt"], bounds)
    row["reason"] = ", ".join(reasons)
    return row


def above_rounding(runs: pd.DataFrame, metric: str) -> Bool[np.ndarray, " runs"]:
    """Runs whose metric is more than rounding, which is known of elt alone."""
    if metric != "elt":
        return np.full(len(runs), True)
    elt, rounding = (runs[name].to_numpy(float) for name in ("elt", "rounding"))
    return ~((elt <= rounding) | (rounding >= 1))


def quantiles(values: np.ndarray, levels: tuple[float, ...]) -> list[float]:
    """Quantiles, with what is not finite as the largest; inf where a quantile falls among those."""
    largest = 1e300
    finite = np.where(np.isfinite(values), values, largest)
    found = np.quantile(finite, levels, method="averaged_inverted_cdf")
    return [float(value) if value < largest / 4 else float("inf") for value in found]
