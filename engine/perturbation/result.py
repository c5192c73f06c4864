"""The perturbation of a run and a study of many, read back as frozen arrays, data frames and words. Imports no JAX."""

import json
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float

from engine.data import overview
from engine.entry import opened
from engine.perturbation.config import PerturbationConfig, StudyConfig
from engine.perturbation.law import Crossing, PowerLaw, crossing, fit
from engine.progress import Arrays
from engine.roundoff import NOTHING, without_rounding
from engine.training.diagnostics import ratio

# The perturbation of a run read back, as frozen arrays, data frames and words.

CURVES = ("network", "order_0", "order_1", "order_2", "full")
"""The first axis of residuals and held-out outputs: the network, orders summed up to 0, 1, 2, the whole path."""
APPROXIMATIONS = CURVES[1:]
FACTS = ("stop_reason", "checkpoints", "dropped_checkpoints", "precision", "noise")
"""What a summary holds of the facts of every seed."""
BOUNDS = ("P2", "P3", "P4", "groenwall", "remainder_0", "remainder_1", "remainder_2")
"""P2 is the bound; P3, P4 and the remainders are estimates (exact but for the path); Groenwall for comparison."""


@dataclass(frozen=True, eq=False)
class SeedPerturbation:
    """One seed: n training rows, m held-out rows, T times of which some are checkpoints.

    Attributes:
        facts: seed, stop_reason, effective_rate, checkpoints (kept), measured_checkpoints, dropped_checkpoints (not
            finite), lazy_error (sup over every step of `error("order_0")`; results before version 6 have it at
            checkpoints only), interpolation_error (of K, relative to ||K_0||), lambda_max, precision (of the
            training), noise (`engine.training.result.SeedResult`).
        arrays: t, step, at_checkpoint (T,); residuals (5, T, n), outputs_held_out (5, T, m) by `CURVES`; modes
            (3, T, n) = U^T r_m term by term; eigenvalues (n,), eigenvectors (n, n); floor, floor_held_out (T,) in the
            unit of f; drift, change_norm (T,), change_eigenvalues (T, n) descending, change_block and coupling
            (T, s, s) between the leading modes of K_0; bound_* (T,) in the unit of r; quadrature_error (4,);
            predicted_*, measured_drift (P,) over predicted_t; held_out (m points,), y, y_held_out.
    """

    facts: dict[str, Any]
    arrays: Arrays

    def __getitem__(self, name: str) -> np.ndarray:
        return self.arrays[name]

    def __contains__(self, name: str) -> bool:
        return name in self.arrays

    @property
    def scale(self) -> float:
        """||r(0)||."""
        return float(np.linalg.norm(self["residuals"][0, 0]))

    def network_held_out(self, outputs: int) -> tuple[float, float]:
        """Of the network with so many outputs, on held-out points at the stop: sum |f - y|^2/sum |y|^2, and R^2.

        R^2 = 1 - sum |f - y|^2/sum |y - mean of y|^2. NaN where the denominator is 0.
        """
        y = self["y_held_out"].reshape(-1, outputs)
        missed = np.sum((self["outputs_held_out"][0, -1].reshape(y.shape) - y) ** 2)
        return ratio(missed, np.sum(y**2)), 1 - ratio(missed, np.sum((y - y.mean(axis=0)) ** 2))

    @property
    def rms(self) -> float:
        """Root mean square of r(0) over the training points."""
        return self.scale / np.sqrt(self["residuals"].shape[2])

    @property
    def noise(self) -> float:
        """What rounding leaves undetermined of r, relative to ||r(0)||."""
        return float(self.facts.get("noise") or 1e-8)

    @property
    def at_checkpoint(self) -> Bool[np.ndarray, " T"]:
        """Where the network was measured; elsewhere its curve is interpolated."""
        return self["at_checkpoint"]

    def residual(self, curve: str) -> Float[np.ndarray, " T"]:
        """||r||/||r(0)|| on training points."""
        return self._relative(np.linalg.norm(self["residuals"][CURVES.index(curve)], axis=1))

    def residual_held_out(self, curve: str) -> Float[np.ndarray, " T"]:
        """||f* - y*|| over its start, on held-out points."""
        missed = self["outputs_held_out"] - self["y_held_out"]
        start = np.linalg.norm(without_rounding(missed[0, 0], self["residuals"][0, 0]))
        return np.linalg.norm(missed[CURVES.index(curve)], axis=1) / (start or np.nan)

    def error(self, curve: str) -> Float[np.ndarray, " T"]:
        """||r - r_network||/||r(0)|| on training points."""
        apart = self["residuals"][CURVES.index(curve)] - self["residuals"][0]
        return self._relative(np.linalg.norm(apart, axis=1))

    def error_held_out(self, curve: str) -> Float[np.ndarray, " T"]:
        """Root mean square distance of held-out outputs from the network's, in the unit of f."""
        apart = self["outputs_held_out"][CURVES.index(curve)] - self["outputs_held_out"][0]
        return np.sqrt(np.mean(apart**2, axis=1))

    def bound(self, name: str) -> Float[np.ndarray, " T"]:
        """A bound of `BOUNDS`, relative to ||r(0)||."""
        return self._relative(self[f"bound_{name}"])

    @property
    def floor(self) -> Float[np.ndarray, " T"]:
        """Predicted part of every order's error that is the curvature within descent steps, relative to ||r(0)||."""
        return self._relative(self["floor"])

    def at_checkpoints(self, curve: str) -> float:
        """Sup of `error` over checkpoints."""
        return float(np.max(self.error(curve)[self.at_checkpoint]))

    def worst(self, curve: str) -> float:
        """Sup of `error`: of order 0 over every step of the run, of the others over checkpoints."""
        found = self.at_checkpoints(curve)
        return max(found, self.facts.get("lazy_error", found)) if curve == "order_0" else found

    @property
    def contributions(self) -> Float[np.ndarray, "4 T n"]:
        """Per mode of K_0, relative to ||r(0)||: U^T r0, U^T r1, U^T r2 and U^T (r - r0) of the network."""
        modes, U = self["modes"], self["eigenvectors"]
        deviation = self["residuals"][0] @ U - modes[0]
        return self._relative(np.concatenate([modes, deviation[None]]))

    def explained(self, order: Literal[1, 2]) -> float:
        """Share of the deviation from lazy training that this order explains where the deviation is largest.

        1 - error_order/error_0 at the checkpoint of the largest error_0: 1 is all of it, negative makes it worse.
        """
        lazy, error = self.error("order_0"), self.error(f"order_{order}")
        at = int(np.argmax(np.where(self.at_checkpoint, lazy, -1.0)))
        return float(1 - error[at] / lazy[at]) if lazy[at] > NOTHING else float("nan")

    @property
    def seen(self) -> float:
        """Share of order 0's largest error that the checkpoints see: well below 1 they miss what the run is about."""
        largest = self.worst("order_0")
        return self.at_checkpoints("order_0") / largest if largest > 0 else 1.0

    def _relative(self, values: np.ndarray) -> np.ndarray:
        return values / self.scale if self.scale > 0 else np.zeros_like(values)


@dataclass(frozen=True, eq=False)
class PerturbationResult:
    """A perturbation read back from its entry.

    Attributes:
        config: what was asked.
        seeds: one per seed, in the order of the config.
        meta: config hash, versions, device.
    """

    config: PerturbationConfig
    seeds: tuple[SeedPerturbation, ...]
    meta: dict[str, Any]

    @classmethod
    def from_arrays(cls, arrays: Arrays) -> "PerturbationResult":
        """Reads the "result" entry. The arrays are made read-only."""
        meta, found = opened(arrays)
        seeds = tuple(SeedPerturbation(*one) for one in found)
        return cls(PerturbationConfig.from_dict(meta.pop("config")), seeds, meta)

    @property
    def dynamics(self) -> str:
        """ "gradient descent" (discrete analogues) or "gradient flow" (continuous ones)."""
        return "gradient descent" if self.config.run.training.integrator == "gd" else "gradient flow"

    def to_frame(self) -> pd.DataFrame:
        """One row per seed and time: residuals and errors of every curve, train and held out, bounds, floor, drift."""
        frames = []
        for seed in self.seeds:
            columns = {"t": seed["t"], "step": seed["step"], "at_checkpoint": seed.at_checkpoint}
            columns |= {f"residual_{name}": seed.residual(name) for name in CURVES}
            columns |= {f"test_residual_{name}": seed.residual_held_out(name) for name in CURVES}
            columns |= {f"error_{name}": seed.error(name) for name in APPROXIMATIONS}
            columns |= {f"test_error_{name}": seed.error_held_out(name) for name in APPROXIMATIONS}
            columns |= {f"bound_{name}": seed.bound(name) for name in BOUNDS}
            columns |= {"floor": seed.floor, "drift": seed["drift"], "change_norm": seed["change_norm"]}
            frames.append(pd.DataFrame({"seed": seed.facts["seed"], **columns}))
        return pd.concat(frames, ignore_index=True)

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader should know of the data."""
        return overview(self.config.run.data).notes

    @cached_property
    def summary(self) -> dict[str, Any]:
        """What `summary.json` holds; lists are over seeds, None where not finite. Errors are sup of ||r - r_network||
        on the training points, relative to ||r(0)||, at equal t: of order 0 over every step, of the others over
        checkpoints."""

        def over(value) -> list[float | None]:
            return [_finite(value(seed)) for seed in self.seeds]

        def last(name: str) -> list[float | None]:
            return over(lambda seed: seed[name][-1] if name in seed and len(seed[name]) else np.nan)

        run = self.config.run
        return {
            "config": self.config.to_dict(),
            **{name: self.meta[name] for name in ("config_hash", "versions", "device")},
            "dynamics": self.dynamics,
            "beta": run.beta,
            "seeds": [seed.facts["seed"] for seed in self.seeds],
            **{f"error_{name}": over(lambda seed, name=name: seed.worst(name)) for name in APPROXIMATIONS},
            "bound_P2": over(lambda seed: seed.bound("P2").max()),
            "floor": over(lambda seed: seed.floor.max()),
            **{f"explained_order_{order}": over(lambda seed, order=order: seed.explained(order)) for order in (1, 2)},
            "drift": last("drift"),
            "drift_predicted": last("predicted_leading"),
            "drift_predicted_error": last("predicted_leading_error"),
            "quadrature_error_full": over(lambda seed: seed["quadrature_error"][3]),
            "interpolation_error": over(lambda seed: seed.facts["interpolation_error"]),
            "t_stop": last("t"),
            **{name: [seed.facts.get(name) for seed in self.seeds] for name in FACTS},
            "notes": list(self.notes),
        }


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


# A study read back: errors and drift over the grid, their laws, and the beta where they cross a value.

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
