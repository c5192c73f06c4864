"""The result of a run, as frozen NumPy arrays and as data frames. Imports no JAX."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float

from engine.config import RunConfig
from engine.data import overview
from engine.entry import opened
from engine.progress import Arrays
from engine.roundoff import noise_floor
from engine.schema import ConfigError, Problem

SCALARS = (
    "loss", "residual", "train_error", "test_error", "test_accuracy", "drift", "shape_drift", "cka",
    "alignment_train", "alignment_test", "lambda_max",
    "probe_drift",
)  # fmt: skip
"""The diagnostics that are one number per checkpoint, as in `engine.quantities`."""

FACTS = ("t_stop", "steps", "stop_reason", "precision", "precision_reason", "rounding", "kernel_rounding", "noise")
"""What a summary holds of every seed, as in `SeedResult`."""


@dataclass(frozen=True, eq=False)
class SeedResult:
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
        arrays: step, t (T,); the scalars (T,); eigenvalues and mode_residual (T, M); overlap (T, sizes);
            profile (T, q); kernel_shown (T, s, s); f_train, f_test (T, points, k); of a run with probes probe_f
            (T, probes, k) and probe_kernel (T, probes, probes).
    """

    seed: int
    stop_reason: str
    effective_rate: float
    learning_rate: float
    steps: int
    t_stop: float
    arrays: Arrays
    precision: str = "float32"
    precision_reason: str = ""
    rounding: float | None = 0.0
    kernel_rounding: float = 0.0
    noise: float | None = 1e-7

    def __getitem__(self, name: str) -> np.ndarray:
        return self.arrays[name]

    def __contains__(self, name: str) -> bool:
        return name in self.arrays


@dataclass(frozen=True, eq=False)
class RunResult:
    """A run read back from its entry.

    Attributes:
        config: what was asked.
        seeds: one per seed, in the order of the config.
        limit_eigenvalues, limit_profile: the same of the infinite-width kernel; None where it does not exist.
        meta: config hash, versions, device, seconds.
    """

    config: RunConfig
    seeds: tuple[SeedResult, ...]
    limit_eigenvalues: Float[np.ndarray, " M"] | None
    limit_profile: Float[np.ndarray, " q"] | None
    meta: dict[str, Any]

    @classmethod
    def from_arrays(cls, arrays: Arrays) -> "RunResult":
        """Reads the "result" entry of a run. The arrays are made read-only."""
        meta, found = opened(arrays)
        seeds = tuple(SeedResult(**facts, arrays=own) for facts, own in found)
        config = RunConfig.from_dict(meta.pop("config"))
        return cls(config, seeds, arrays.get("limit/eigenvalues"), arrays.get("limit/profile"), meta)

    def check_started(self) -> None:
        """Raises `ConfigError` where a seed has nothing to compare: its outputs overflow at initialisation."""
        for seed in self.seeds:
            if seed.stop_reason == "diverged" and seed.steps == 0:
                message = f"the outputs of seed {seed.seed} overflow at initialisation: lower sigma_w, alpha or depth"
                raise ConfigError([Problem("network", message)])

    def to_frame(self) -> pd.DataFrame:
        """One row per seed and checkpoint: seed, step, t and the scalars of `SCALARS` that were measured."""
        return pd.concat([_scalars(seed) for seed in self.seeds], ignore_index=True)

    def noise_floor(self, index: int = 0) -> Float[np.ndarray, " T"]:
        """Eigenvalues of the seed at this position below it are rounding."""
        seed = self.seeds[index]
        return noise_floor(seed["eigenvalues"], self.config.kernel_precision, seed.kernel_rounding)

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader should know of the data."""
        return overview(self.config.data).notes

    @cached_property
    def summary(self) -> dict[str, Any]:
        """What `summary.json` holds: facts of the run, and lists over seeds (None where not finite)."""

        def ends(name: str, position: int) -> list[float | None]:
            return [_finite(seed[name][position]) for seed in self.seeds]

        def moved(name: str) -> list[float | None]:
            # Where a run diverged its last kernel says nothing; a change under the kernel's own rounding is none.
            known = [
                seed.stop_reason != "diverged" and not 0 < seed["drift"][-1] < seed.kernel_rounding
                for seed in self.seeds
            ]
            return [value if one else None for value, one in zip(ends(name, -1), known, strict=True)]

        return {
            "config": self.config.to_dict(),
            **{name: self.meta[name] for name in ("config_hash", "versions", "device", "seconds")},
            "beta": self.config.beta,
            "parameters": self.config.parameter_count,
            "seeds": [seed.seed for seed in self.seeds],
            **{name: moved(name) for name in ("drift", "shape_drift", "cka")},
            **({"probe_drift": moved("probe_drift")} if self.config.probes else {}),
            "alignment_start": ends("alignment_test", 0),
            "alignment_end": ends("alignment_test", -1),
            "lambda_max_start": ends("lambda_max", 0),
            "lambda_max_end": ends("lambda_max", -1),
            "residual_end": ends("residual", -1),
            "test_error_end": ends("test_error", -1),
            "test_r_squared_end": [
                _finite(overview(self.config.data).r_squared(seed["test_error"][-1])) for seed in self.seeds
            ],
            **{name: [getattr(seed, name) for seed in self.seeds] for name in FACTS},
            "notes": list(self.notes),
        }


def _scalars(seed: SeedResult) -> pd.DataFrame:
    columns = {name: seed[name] for name in ("step", "t", *SCALARS) if name in seed}
    return pd.DataFrame({"seed": seed.seed, **columns})


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
