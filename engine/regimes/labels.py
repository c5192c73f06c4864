"""Labels of runs and cells: lazy, weak feature learning, strong, or unstable with its reason. Imports no JAX.

A cell whose spread at initialisation is sampled, with an interval that holds the threshold, is undecided; so is one
whose elt is below its rounding, where that is more than lazy.

Thresholds are applied to what was measured: moving one computes nothing again.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from engine.regimes.runs import FAILURES, METRICS
from engine.regimes.spread import STOCHASTIC

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
    elt, rounding = (group[name].to_numpy(float) for name in ("elt", "rounding"))
    row["unresolved"] = bool(np.mean((elt <= rounding) | (rounding >= 1)) >= 0.5)
    undecided = first["cv2_low"] < bounds.spread <= first["cv2_high"]
    undecided |= row["unresolved"] and not row["elt"] <= bounds.lazy
    row["label"] = UNSTABLE if reasons else UNDECIDED if undecided else run_label(row["elt"], bounds)
    row["reason"] = ", ".join(reasons)
    return row


def quantiles(values: np.ndarray, levels: tuple[float, ...]) -> list[float]:
    """Quantiles, with what is not finite as the largest; inf where a quantile falls among those."""
    largest = 1e300
    finite = np.where(np.isfinite(values), values, largest)
    found = np.quantile(finite, levels, method="averaged_inverted_cdf")
    return [float(value) if value < largest / 4 else float("inf") for value in found]
