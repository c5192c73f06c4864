"""The result of a run, as frozen NumPy arrays and as data frames. Imports no JAX."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Self

import numpy as np
from jaxtyping import Float

from engine.config import RunConfig
from engine.data import Dataset, generate, overview
from engine.initialisation.spread import MEASURED_BETA
from engine.losses import LOSSES
from engine.numerics import noise_floor
from engine.progress import Arrays
from engine.result import Field, Named, Result, finite
from engine.schema import ConfigError, Problem
from engine.training.diagnostics import OPTIONAL, SCALARS

FACTS = ("t_stop", "steps", "stop_reason", "precision", "precision_reason", "rounding", "kernel_rounding", "noise")
"""What a summary holds of every seed, as in `SeedResult`."""

ENDS = {
    "alignment_start": ("alignment_test", 0), "alignment_end": ("alignment_test", -1),
    "lambda_max_start": ("lambda_max", 0), "lambda_max_end": ("lambda_max", -1),
    "residual_end": ("residual", -1), "test_error_end": ("test_error", -1),
}  # fmt: skip
"""What a summary calls a quantity at the first or the last checkpoint."""


@dataclass(frozen=True, eq=False)
class SeedResult(Named):
    """One seed. Arrays over its T checkpoints, by the names of `engine.quantities`.

    Attributes:
        seed, stop_reason: "residual", "max_steps", "diverged" or "dead" (K_0 = 0).
        effective_rate, learning_rate: eta_eff and eta.
        steps, t_stop: where it stopped.
        precision, precision_reason: of the training, and why it is float64; empty where that was asked for.
        rounding: relative error of the outputs at t = 0 (`engine.networks.precision.Rounding`); None where they
            overflow.
        kernel_rounding: of K_0, relative to its top eigenvalue.
        noise: what rounding leaves undetermined of f at the stop, relative to ||r(0)||; None where outputs overflow.
    """

    FIELDS: ClassVar = {
        **dict.fromkeys(("step", "t", *SCALARS), Field("T")),
        **dict.fromkeys(OPTIONAL, Field("T", optional=True)),
        **dict.fromkeys(("eigenvalues", "mode_residual"), Field("T M")),
        "overlap": Field("T sizes"),
        **dict.fromkeys(("layer_share", "layer_drift"), Field("T d", optional=True)),
        "profile": Field("T q", optional=True),
        "kernel_shown": Field("T s s"),
        "f_train": Field("T M k"),
        "f_test": Field("T M_test k"),
        "probe_f": Field("T probes k", optional=True),
        "probe_kernel": Field("T probes probes", optional=True),
    }

    seed: int
    stop_reason: str
    effective_rate: float
    learning_rate: float
    steps: int
    t_stop: float
    precision: str = "float32"
    precision_reason: str = ""
    rounding: float | None = 0.0
    kernel_rounding: float = 0.0
    noise: float | None = 1e-7

    @classmethod
    def of(cls, arrays: Arrays, facts: Mapping[str, Any]) -> Self:
        """Arrays and facts as an entry has them."""
        return cls(arrays, **facts)

    @property
    def facts(self) -> dict[str, Any]:
        """All but the arrays."""
        return {one.name: getattr(self, one.name) for one in fields(self) if one.name != "arrays"}

    def tables(self) -> Iterator[dict[str, Any]]:
        """A row per checkpoint: seed, step, t and those of `SCALARS` that were measured."""
        yield {"seed": self.seed, **{name: self[name] for name in ("step", "t", *SCALARS) if name in self}}


class RunResult(Result[RunConfig, SeedResult]):
    """A run read back from its entry: its seeds, and beside them the same of the infinite-width kernel."""

    CONFIG, SEED = RunConfig, SeedResult.of
    FIELDS: ClassVar = {
        "limit/eigenvalues": Field("M", "eigenvalues", optional=True),
        "limit/profile": Field("q", "profile", optional=True),
        "initial_cv2": Field("", "map.cv2", optional=True),
        **dict.fromkeys(MEASURED_BETA, Field("", "measured_beta", optional=True)),
    }

    @property
    def limit_eigenvalues(self) -> Float[np.ndarray, " M"] | None:
        """Of what the kernel tends to at infinite width; None where there is none, or it is of infinite width."""
        return self.arrays.get("limit/eigenvalues")

    @property
    def limit_profile(self) -> Float[np.ndarray, " q"] | None:
        """Of the infinite-width kernel; None where it does not exist, or the data have no angle."""
        return self.arrays.get("limit/profile")

    @property
    def layers(self) -> list[str]:
        """The parts of the network whose kernels are measured, by name; empty where they are its layers, in order."""
        return self.meta.get("layers", [])

    @property
    def data(self) -> Dataset:
        """What it learned."""
        return generate(self.config.data)

    @property
    def measured_beta(self) -> tuple[float, float, float] | None:
        """Of a network that has no beta: that of the MLP as spread at initialisation, and the ends of its interval
        (`engine.initialisation.spread`); None where it has one, or where this is not determined."""
        found = [float(self.arrays[name]) for name in MEASURED_BETA if name in self.arrays]
        return (found[0], found[1], found[2]) if len(found) == 3 and np.all(np.isfinite(found)) else None

    def check_started(self) -> None:
        """Raises `ConfigError` where a seed has nothing to compare: its outputs overflow at initialisation."""
        for seed in self.seeds:
            if seed.stop_reason == "diverged" and seed.steps == 0:
                message = f"the outputs of seed {seed.seed} overflow at initialisation: lower sigma_w, alpha or depth"
                raise ConfigError([Problem("network", message)])

    def noise_floor(self, index: int = 0) -> Float[np.ndarray, " T"]:
        """Eigenvalues of the seed at this position below it are rounding."""
        seed = self.seeds[index]
        return noise_floor(seed["eigenvalues"], self.config.kernel_precision, seed.kernel_rounding)

    def numbers(self) -> dict[str, Any]:
        """Facts of the run, and lists over seeds (None where not finite)."""

        def ends(name: str, position: int) -> list[float | None]:
            return self.per_seed(lambda seed: seed[name][position])

        def moved(name: str) -> list[float | None]:
            # Where a run diverged its last kernel says nothing; a change under the kernel's own rounding is none.
            return [
                None
                if seed.stop_reason == "diverged" or 0 < seed["drift"][-1] < seed.kernel_rounding
                else finite(seed[name][-1])
                for seed in self.seeds
            ]

        data = overview(self.config.data)
        return {
            "beta": self.config.beta,
            **({"measured_beta": list(own) if (own := self.measured_beta) else None} if "initial_cv2" in self else {}),
            "parameters": self.parameter_count,
            "seeds": [seed.seed for seed in self.seeds],
            **{name: moved(name) for name in ("drift", "shape_drift", "cka")},
            **({"probe_drift": moved("probe_drift")} if self.config.probes else {}),
            **{name: ends(*end) for name, end in ENDS.items()},
            # R^2 is of squares of f - y: a loss of classes has none.
            "test_r_squared_end": self.per_seed(
                lambda seed: (
                    np.nan if LOSSES[self.config.training.loss].classes else data.r_squared(seed["test_error"][-1])
                )
            ),
            **{name: [getattr(seed, name) for seed in self.seeds] for name in FACTS},
            "notes": list(self.notes),
        }
