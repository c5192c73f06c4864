"""The perturbation of a run and a study of many, read back as frozen arrays, data frames and words. Imports no JAX."""

from collections.abc import Iterator
from functools import cached_property
from typing import Any, ClassVar, Literal

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float

from engine.data import Dataset, generate
from engine.numerics import NOTHING, without_rounding
from engine.perturbation.config import PerturbationConfig, StudyConfig
from engine.perturbation.law import Crossing, PowerLaw, crossing, fit
from engine.result import Field, Result, Seed, finite
from engine.training.diagnostics import ratio

# The perturbation of a run read back, as frozen arrays, data frames and words.

CURVES = ("network", "order_0", "order_1", "order_2", "full")
"""The first axis of residuals and held-out outputs: the network, orders summed up to 0, 1, 2, the whole path."""
APPROXIMATIONS = CURVES[1:]
PREDICTED = ("leading", "taylor_1", "taylor_2")
FACTS = ("stop_reason", "checkpoints", "dropped_checkpoints", "precision", "noise")
"""What a summary holds of the facts of every seed."""
BOUNDS = {"P2": "bound_P2", "P3": "estimates", "P4": "estimates", "groenwall": "groenwall"} | {
    f"remainder_{order}": "remainder" for order in range(3)
}
"""By name the quantity. P2 is the bound; P3, P4 and the remainders are estimates (exact but for the path); Groenwall
for comparison."""


class SeedPerturbation(Seed):
    """One seed: n training rows, m held-out rows, T times of which some are checkpoints.

    Its facts: seed, stop_reason, effective_rate, checkpoints (kept), measured_checkpoints, dropped_checkpoints (not
    finite), lazy_error (sup over every step of `error("order_0")`; results before version 6 have it at checkpoints
    only), interpolation_error (of K, relative to ||K_0||), lambda_max, precision (of the training), noise
    (`engine.training.result.SeedResult`).
    """

    FIELDS: ClassVar = {
        **dict.fromkeys(("t", "step", "at_checkpoint", "drift"), Field("T")),
        "residuals": Field("curves T n", "order_residual", "f"),  # by `CURVES`
        "outputs_held_out": Field("curves T m", "", "f"),
        "modes": Field("orders T n", "contributions", "f"),  # U^T r_m, term by term
        "eigenvalues": Field("n", unit="K"),
        "eigenvectors": Field("n n"),
        **dict.fromkeys(("floor", "floor_held_out"), Field("T", "floor", "f")),
        "change_norm": Field("T", "change_eigenvalues", "K"),
        "change_eigenvalues": Field("T n", unit="K"),  # descending
        "change_block": Field("T s s", unit="K"),  # between the leading modes of K_0
        "coupling": Field("T s s"),  # the same modes
        **{f"bound_{name}": Field("T", quantity, "f") for name, quantity in BOUNDS.items()},
        "quadrature_error": Field("approximations"),  # relative to ||r(0)||
        "held_out": Field("points"),
        "y": Field("n", unit="f"),
        "y_held_out": Field("m", unit="f"),
        "predicted_t": Field("P", "t", optional=True),
        "measured_drift": Field("P", "drift", optional=True),
        **{f"predicted_{name}": Field("P", "drift_predicted", optional=True) for name in PREDICTED},
        **{f"predicted_{name}_error": Field("P", "drift_predicted_error", optional=True) for name in PREDICTED},
        "taylor_range": Field("", "t", optional=True),
    }

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

    def last(self, name: str) -> float:
        """The array of this name at its end; NaN where there is none."""
        return float(self[name][-1]) if name in self and len(self[name]) else float("nan")

    def tables(self) -> Iterator[dict[str, Any]]:
        """A row per time: residuals and errors of every curve, train and held out, bounds, floor, drift."""
        columns = {"seed": self.facts["seed"], "t": self["t"], "step": self["step"]}
        columns |= {"at_checkpoint": self.at_checkpoint}
        columns |= {f"residual_{name}": self.residual(name) for name in CURVES}
        columns |= {f"test_residual_{name}": self.residual_held_out(name) for name in CURVES}
        columns |= {f"error_{name}": self.error(name) for name in APPROXIMATIONS}
        columns |= {f"test_error_{name}": self.error_held_out(name) for name in APPROXIMATIONS}
        columns |= {f"bound_{name}": self.bound(name) for name in BOUNDS}
        yield columns | {"floor": self.floor, "drift": self["drift"], "change_norm": self["change_norm"]}

    def _relative(self, values: np.ndarray) -> np.ndarray:
        return values / self.scale if self.scale > 0 else np.zeros_like(values)


class PerturbationResult(Result[PerturbationConfig, SeedPerturbation]):
    """A perturbation read back from its entry."""

    CONFIG, SEED = PerturbationConfig, SeedPerturbation

    @property
    def dynamics(self) -> str:
        """ "gradient descent" (discrete analogues) or "gradient flow" (continuous ones)."""
        return "gradient descent" if self.config.run.training.integrator == "gd" else "gradient flow"

    @property
    def per_square(self) -> float:
        """The loss, over |r|^2 on the training points."""
        training = self.config.run.training
        return training.effective_rate(self.config.run.data.size) / 2

    @property
    def beta(self) -> float | None:
        return self.config.run.beta

    @property
    def data(self) -> Dataset:
        """Of the run."""
        return generate(self.config.run.data)

    def numbers(self) -> dict[str, Any]:
        """Lists are over seeds, None where not finite. Errors are sup of ||r - r_network|| on the training points,
        relative to ||r(0)||, at equal t: of order 0 over every step, of the others over checkpoints."""
        over = self.per_seed
        return {
            "dynamics": self.dynamics,
            "beta": self.beta,
            "seeds": [seed.facts["seed"] for seed in self.seeds],
            **{f"error_{name}": over(lambda seed, name=name: seed.worst(name)) for name in APPROXIMATIONS},
            "bound_P2": over(lambda seed: seed.bound("P2").max()),
            "floor": over(lambda seed: seed.floor.max()),
            **{f"explained_order_{order}": over(lambda seed, order=order: seed.explained(order)) for order in (1, 2)},
            "drift": over(lambda seed: seed.last("drift")),
            "drift_predicted": over(lambda seed: seed.last("predicted_leading")),
            "drift_predicted_error": over(lambda seed: seed.last("predicted_leading_error")),
            "quadrature_error_full": over(lambda seed: seed["quadrature_error"][3]),
            "interpolation_error": over(lambda seed: seed.facts["interpolation_error"]),
            "t_stop": over(lambda seed: seed.last("t")),
            **{name: [seed.facts.get(name) for seed in self.seeds] for name in FACTS},
            "notes": list(self.notes),
        }


# A study read back: errors and drift over the grid, their laws, and the beta where they cross a value.

QUANTITIES = ("error_order_0", "error_order_1", "error_order_2", "bound_P2", "drift", "drift_predicted")
"""What laws are fitted to."""
CROSSED = ("error_order_0", "bound_P2", "drift")
ERROR = 0.1
"""The error whose beta the summary gives."""
RESOLVED = 2.0
"""An order's error counts in a law when it is this many times the mismatch of the whole propagator: below that it
is the floor of path and integrator (for ReLU, of chattering gates) that one would fit."""


class StudyResult(Result[StudyConfig, Seed]):
    """One row per run, N of them: its place in the grid; its errors of each order, `bound_P2` and `floor`, sup over
    checkpoints, of order 0 over every step, relative to ||r(0)||; its drift, at the stop.
    """

    CONFIG = StudyConfig
    FIELDS: ClassVar = {
        **dict.fromkeys(("cell", "width", "depth", "alpha", "beta", "seed"), Field("N")),  # width: harmonic mean
        **{f"error_{name}": Field("N", "order_error") for name in APPROXIMATIONS},
        **dict.fromkeys(("bound_P2", "floor", "drift", "drift_predicted", "drift_predicted_error"), Field("N")),
        "change_norm": Field("N", "change_eigenvalues", "K"),
        "t_stop": Field("N", "t"),
        "converged": Field("N"),  # 0 or 1
    }

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
            for name, array in self.arrays.items()
        }
        return pd.DataFrame(whole)

    def numbers(self) -> dict[str, Any]:
        """Laws with intervals, and crossings."""
        return {
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
    interval = found.interval and [finite(value) for value in found.interval]
    return {"beta": found.beta, "interval": interval, "extrapolated": found.extrapolated}
