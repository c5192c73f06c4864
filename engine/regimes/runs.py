"""The runs of a sweep as one table: a row per cell and seed. Imports no JAX."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from engine.progress import Arrays
from engine.regimes.requests import Cell, SweepConfig

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
t_stop = eta_eff steps; rounding = what rounding leaves undetermined of elt (`engine.precision`), which is never given
below it; bits = 32 or 64, of the precision of the training. NaN where not finite; so are the drifts of a run that
diverged.
"""

FAILURES = ("diverged", "dead", "cap")
"""Ends of a run that did not reach its residual: ||r|| beyond 1e4 times its start or not finite; K_T = 0; cap of steps
reached."""


def runs_frame(sweep: SweepConfig, results: Mapping[str, Arrays]) -> pd.DataFrame:
    """One row per run: cell (its place in `sweep.cells`), depth, width (harmonic mean over layers), beta, alpha, the
    settings of the grid by dotted names, seed, end, failed, `METRICS`, cv2, cv2_low, cv2_high.

    Args:
        results: "result" entries by the hash of their part (`Cell.parts`); parts that are missing are left out.
    """
    frames = [
        _part(index, cell, results[part.hash])
        for index, cell in enumerate(sweep.cells)
        for part in cell.parts
        if part.hash in results
    ]
    columns = ["cell", "depth", "width", "beta", "alpha", "seed", "end", "failed", *METRICS]
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=pd.Index(columns))


def _part(index: int, cell: Cell, arrays: Arrays) -> pd.DataFrame:
    network = cell.run.network
    place = {"cell": index, "depth": network.depth, "width": network.depth / network.beta, "beta": network.beta}
    place |= {"alpha": network.alpha} | {name: _scalar(value) for name, value in cell.settings.items()}
    measured = {name: np.asarray(arrays[name]) for name in ("seed", "end", *METRICS)}
    frame = pd.DataFrame(measured).assign(**place, **{name: float(arrays[name]) for name in SPREAD})
    frame["failed"] = frame["end"].isin(FAILURES)
    # The last kernel of a run that diverged says nothing.
    frame.loc[frame["end"] == FAILURES[0], list(MOVED)] = np.nan
    first = [*place, "seed", "end", "failed"]
    return frame[first + [name for name in frame.columns if name not in first]]


MOVED = ("drift", "shape_drift")
SPREAD = ("cv2", "cv2_low", "cv2_high")


def _scalar(value: object) -> object:
    """A value that fits a column of a table."""
    return value if isinstance(value, int | float | str | bool) or value is None else str(value)
