"""The path of RKHSs of a run read back, as frozen arrays, data frames and a summary. Imports no JAX."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
import pandas as pd

from engine.data import overview
from engine.entry import opened
from engine.progress import Arrays
from engine.rkhs.config import RkhsConfig
from engine.rkhs.gram import FLAGS, RIDGES, Flag
from engine.rkhs.growth import FUNCTIONS, SPACES, Growth, growth

SetName = Literal["train", "held_out"]
SETS: tuple[SetName, ...] = ("train", "held_out")
NORMS = ("target", "function", "function_in_H_0")
"""Whose norm: the target's and the trained function's f_t - f_0 in H_t, and the latter's in H_0."""
SCALARS = (
    "target_S", "function_S", "function_in_H_0_S", "condition", "rank", "trace_mean", "alignment", "alignment_centred",
    "cka", "stable_rank", "participation_ratio", "spectral_entropy", "decay_exponent", "decay_error", "decay_r_squared",
)  # fmt: skip
"""One number per set and checkpoint."""
ERRORS = ("network", "K_t", "K_t_tuned", "K_inf", "K_inf_tuned")
"""Held-out errors; those of K_infinity do not change."""


@dataclass(frozen=True, eq=False)
class SeedSpaces:
    """One seed over T checkpoints. Sets are "train" (M points) and "held_out" (m points).

    Attributes:
        facts: seed, stop_reason, gap (dimension of the compared eigenspaces, by set), no_decay (by set, why each
            checkpoint has no decay exponent; empty where it has one).
        arrays: step, t (T,). By set, as `train/...` and `held_out/...`:
            {norm}_norm, _S, _ridge, _flag (T,) of `NORMS`: squared norm raw and scale-free, ridge and flag;
            the rest of `SCALARS` (T,); eigenvalues (T, p) descending, 0 under the noise floor `floor` (T,);
            target_power (T, p) and mode_strength (T, p), the latter along the modes of K_0;
            effective_dimension (T, 3) at the ridges 1e-2, 1e-4, 1e-6; H_t_in_H_0, H_0_in_H_t (T, 4) at `RIDGES`;
            gap_angles (T, gap) and angles (T, 8) in radians, overlap (T, sizes), of leading eigenspaces;
            decay_range (T, 2); frontier_radius_squared, frontier_error (T, 49).
            across_t_in_0 and its three siblings (T, 3): softened norms on training and held-out points of K_t's and
            of K_0's interpolant of the training targets, in H_t and in H_0.
            Held out: network_error; K_t, K_t_tuned and (scalars) K_inf, K_inf_tuned with _error, _loo, _ridge, _flag.
            Drawn at curve_angle (q,): curve_network, curve_K_t (T, q), curve_K_inf (q,), curve_modes (T, modes, q);
            mode_position, mode_overlap (T, modes) say which mode of K_t was matched and its squared overlap.
            grid_*: see `engine.rkhs.growth`; learning_*: see `engine.rkhs.regression`;
            large_eigenvalues (2, modes) of the start and the end on large_size points, where asked for.
    """

    facts: dict[str, Any]
    arrays: Arrays

    def __getitem__(self, name: str) -> np.ndarray:
        return self.arrays[name]

    def __contains__(self, name: str) -> bool:
        return name in self.arrays

    def flag(self, name: str, position: int = -1) -> Flag:
        """Of `{set}/{norm}` or of a regression, at a checkpoint."""
        return FLAGS[int(np.atleast_1d(self[f"{name}_flag"])[position])]

    def growth(self, space: Literal["H_0", "H_T"], function: Literal["target", "function", "noise"]) -> Growth:
        """How y^T K_p^-1 y grows over the nested grids."""
        norms = self["grid_norm"][SPACES.index(space), FUNCTIONS.index(function)]
        return growth(self["grid_sizes"], norms)

    def cheaper(self, where: SetName = "held_out") -> float:
        """How many times less the target costs in H_T than in H_0 at equal trace: S_0/S_T. NaN if not determined."""
        S = self[f"{where}/target_S"]
        return float(S[0] / S[-1]) if S[-1] > 0 else float("nan")

    def decay(self, position: int = -1, where: SetName = "held_out") -> float | str:
        """The decay exponent at a checkpoint, or why there is none."""
        value = self[f"{where}/decay_exponent"][position]
        return float(value) if np.isfinite(value) else self.facts["no_decay"][where][position]

    def constants(self, name: Literal["H_t_in_H_0", "H_0_in_H_t"], position: int = -1) -> dict[str, float | None]:
        """Inclusion constants on held-out points by ridge (in mean eigenvalues); None where conditioning forbids it."""
        values = self[f"held_out/{name}"][position]
        return {f"{ridge:g}": _finite(value) for ridge, value in zip(RIDGES, values, strict=True)}

    def test_errors(self) -> dict[str, float | None]:
        """At the end: of the network, and of ridgeless regression with K_0, K_T and K_infinity."""
        found = {"network": self["network_error"][-1], "K_0": self["K_t_error"][0], "K_T": self["K_t_error"][-1]}
        found["K_inf"] = self.arrays.get("K_inf_error", np.array(np.nan))
        return {name: _finite(value) for name, value in found.items()}

    def flags(self) -> dict[str, Flag | None]:
        """Of every number of the summary that needed an inverse. None where there is no such kernel."""
        return {
            "S_start": self.flag("held_out/target", 0),
            "S_end": self.flag("held_out/target"),
            "K_0": self.flag("K_t", 0),
            "K_T": self.flag("K_t"),
            "K_inf": self.flag("K_inf") if "K_inf_flag" in self else None,
        }


@dataclass(frozen=True, eq=False)
class RkhsResult:
    """The path of RKHSs read back from its entry.

    Attributes:
        config: what was asked.
        seeds: one per seed, in the order of the config.
        common: curve_angle, curve_target (q,), and the space of infinite width as `limit/{set}/...`, with the names of
            `SeedSpaces` that need no second space.
        meta: config hash, versions, device.
    """

    config: RkhsConfig
    seeds: tuple[SeedSpaces, ...]
    common: Arrays
    meta: dict[str, Any]

    @classmethod
    def from_arrays(cls, arrays: Arrays) -> "RkhsResult":
        """Reads the "result" entry. The arrays are made read-only."""
        meta, found = opened(arrays)
        seeds = tuple(SeedSpaces(*one) for one in found)
        common = {name: array for name, array in arrays.items() if not name.startswith("seed") and name != "meta"}
        return cls(RkhsConfig.from_dict(meta.pop("config")), seeds, common, meta)

    def to_frame(self) -> pd.DataFrame:
        """One row per seed, checkpoint and set: `SCALARS`, ridges and flags of norms, constants, held-out errors."""
        frames = [_frame(seed, where) for seed in self.seeds for where in SETS]
        return pd.concat(frames, ignore_index=True)

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader should know of the data."""
        return overview(self.config.run.data).notes

    @cached_property
    def summary(self) -> dict[str, Any]:
        """What `summary.json` holds. Lists are over seeds; None where a number is not determined (see `flags`)."""

        def over(value: Callable[[SeedSpaces], Any]) -> list[Any]:
            return [value(seed) for seed in self.seeds]

        def numbers(value: Callable[[SeedSpaces], float]) -> list[float | None]:
            return [_finite(value(seed)) for seed in self.seeds]

        return {
            "config": self.config.to_dict(),
            **{name: self.meta[name] for name in ("config_hash", "versions", "device")},
            "beta": self.config.run.beta,
            "parameters": self.config.run.parameter_count,
            "seeds": over(lambda seed: seed.facts["seed"]),
            "S_start": numbers(lambda seed: seed["held_out/target_S"][0]),
            "S_end": numbers(lambda seed: seed["held_out/target_S"][-1]),
            "H_t_in_H_0": over(lambda seed: seed.constants("H_t_in_H_0")),
            "H_0_in_H_t": over(lambda seed: seed.constants("H_0_in_H_t")),
            "decay_exponent": over(lambda seed: seed.decay()),
            "decay_exponent_start": over(lambda seed: seed.decay(0)),
            "test_error": over(lambda seed: seed.test_errors()),
            "flags": over(lambda seed: seed.flags()),
            "growth_exponent": over(_growths),
            "t_stop": numbers(lambda seed: seed["t"][-1]),
            "stop_reason": over(lambda seed: seed.facts["stop_reason"]),
            "notes": list(self.notes),
        }


def _frame(seed: SeedSpaces, where: SetName) -> pd.DataFrame:
    columns = {"seed": seed.facts["seed"], "set": where, "step": seed["step"], "t": seed["t"]}
    columns |= {name: seed[f"{where}/{name}"] for name in SCALARS}
    for name in NORMS:
        columns[f"{name}_flag"] = np.array(FLAGS)[seed[f"{where}/{name}_flag"]]
        columns[f"{name}_ridge"] = seed[f"{where}/{name}_ridge"]
    for name in ("H_t_in_H_0", "H_0_in_H_t"):
        columns |= {f"{name}_{ridge:g}": seed[f"{where}/{name}"][:, at] for at, ridge in enumerate(RIDGES)}
    columns |= {f"error_{name}": seed[f"{name}_error"] for name in ERRORS if f"{name}_error" in seed}
    return pd.DataFrame(columns)


def _growths(seed: SeedSpaces) -> dict[str, float | None]:
    """Growth exponents of the target's and the trained function's norms, in H_0 and in H_T."""
    return {
        f"{function}_in_{space}": _finite(seed.growth(space, function).exponent)
        for space in ("H_0", "H_T")
        for function in ("target", "function")
    }


def _finite(value: float | np.ndarray) -> float | None:
    return float(value) if np.isfinite(value) else None
