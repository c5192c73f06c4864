"""A study read back: errors and drift over the grid, their laws, and the beta where they cross a value. No JAX."""

import json
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float

from engine.perturbation.law import Crossing, PowerLaw, crossing, fit
from engine.perturbation.requests import StudyConfig
from engine.progress import Arrays

QUANTITIES = ("error_order_0", "error_order_1", "error_order_2", "bound_P2", "drift", "drift_predicted")
"""What laws are fitted to."""
CROSSED = ("error_order_0", "bound_P2", "drift")
ERROR = 0.1
"""The error whose beta the summary gives."""
RESOLVED = 2.0
"""An order's error counts in a law when it is this many times the mismatch of the whole propagator: below that it
is the floor of path and integrator (for ReLU, of chattering gates) that one would fit."""


@dataclass(frozen=True, eq=False)
class StudyResult:
    """One row per run.

    Attributes:
        config: what was asked.
        columns: (N,) each: cell, width (harmonic mean over layers), depth, alpha, beta, seed; error_order_0,
            error_order_1, error_order_2, error_full, bound_P2, floor: sup over checkpoints, of error_order_0 over every
            step, relative to ||r(0)||;
            drift = ||K_T - K_0||_F/||K_0||_F, change_norm = ||K_T - K_0||; drift_predicted from initialisation alone
            and drift_predicted_error = ||predicted - Delta K_T||_F/||Delta K_T||_F; t_stop; converged (0 or 1).
        meta: config hash, versions, device.
    """

    config: StudyConfig
    columns: Arrays
    meta: dict[str, Any]

    @classmethod
    def from_arrays(cls, arrays: Arrays) -> "StudyResult":
        """Reads the "result" entry. The arrays are made read-only."""
        for array in arrays.values():
            array.setflags(write=False)
        meta = json.loads(str(arrays["meta"]))
        columns = {name: array for name, array in arrays.items() if name != "meta"}
        return cls(StudyConfig.from_dict(meta.pop("config")), columns, meta)

    def __getitem__(self, name: str) -> Float[np.ndarray, " N"]:
        return self.columns[name]

    @property
    def axes(self) -> tuple[str, ...]:
        """Which of width, depth and alpha vary."""
        return tuple(name for name in ("width", "depth", "alpha") if len(np.unique(self[name])) > 1)

    def resolved(self, quantity: str) -> np.ndarray:
        """Runs whose value stands clear of the floor; all for what is no error of an order."""
        if not quantity.startswith("error_order"):
            return np.ones(len(self["cell"]), bool)
        return self[quantity] > RESOLVED * self["error_full"]

    @cached_property
    def laws(self) -> dict[str, PowerLaw | None]:
        """Each of `QUANTITIES` as a power law in the axes that vary, e.g. error = c width^p."""
        return {name: self._law(name, {axis: self[axis] for axis in self.axes}) for name in QUANTITIES}

    @cached_property
    def beta_laws(self) -> dict[str, PowerLaw | None]:
        """The same in beta alone: drift = c beta^p."""
        return {name: self._law(name, {"beta": self["beta"]}) for name in QUANTITIES}

    def _law(self, quantity: str, variables: dict[str, np.ndarray]) -> PowerLaw | None:
        if not variables:
            return None
        return fit(self[quantity], variables, self["cell"], self.resolved(quantity))

    def crossings(self, error: float = ERROR) -> dict[str, Crossing | None]:
        """The beta where each of `CROSSED` reaches `error`, by its law in beta."""
        laws = {name: self.beta_laws[name] for name in CROSSED}
        return {name: law and crossing(law, error, self["beta"]) for name, law in laws.items()}

    def to_frame(self) -> pd.DataFrame:
        """One row per run, with the columns as they are."""
        whole = {
            name: array.astype(int) if name in ("cell", "depth", "seed") else array
            for name, array in self.columns.items()
        }
        return pd.DataFrame(whole)

    @cached_property
    def summary(self) -> dict[str, Any]:
        """What `summary.json` of a study holds: laws with intervals, and crossings."""
        return {
            "config": self.config.to_dict(),
            **{name: self.meta[name] for name in ("config_hash", "versions", "device")},
            "axes": list(self.axes),
            "laws": {name: _law_summary(law) for name, law in self.laws.items()},
            "beta_laws": {name: _law_summary(law) for name, law in self.beta_laws.items()},
            "error": ERROR,
            "crossings": {name: _crossing_summary(found) for name, found in self.crossings().items()},
        }


def _law_summary(law: PowerLaw | None) -> dict[str, Any] | None:
    if law is None:
        return None
    intervals = {name: list(interval) for name, interval in law.intervals.items()}
    fields = ("prefactor", "exponents", "r_squared", "used", "left_out")
    return {name: getattr(law, name) for name in fields} | {"intervals": intervals}


def _crossing_summary(found: Crossing | None) -> dict[str, Any] | None:
    if found is None:
        return None
    interval = found.interval and [value if np.isfinite(value) else None for value in found.interval]
    return {"beta": found.beta, "interval": interval, "extrapolated": found.extrapolated}
