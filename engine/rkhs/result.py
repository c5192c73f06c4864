"""The path of RKHSs of a run read back, as frozen arrays, data frames and a summary. Imports no JAX."""

from collections.abc import Callable, Iterator
from typing import Any, ClassVar, Literal

import numpy as np
from jaxtyping import Float

from engine.cost import estimate
from engine.result import Field, Result, Seed, finite
from engine.rkhs.comparison import FUNCTIONS, SPACES, Growth, growth
from engine.rkhs.config import RkhsConfig, frozen_flops, frozen_step_flops
from engine.rkhs.gram import FLAGS, RIDGES, Flag
from engine.rkhs.motion import stopped

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
FROZEN = ("frozen_error", "frozen_departure", "frozen_residual_departure")
TOLERANCE = 0.1
"""Share of ||f_T - f_0|| within which a fixed kernel has to end for the summary; that of the label lazy."""
GRID_NORM = ("norm", "norm_flag", "norm_ridge", "outside")
LEARNING = ("predicted", "measured", "error", "determined")


NUMBERS = {"error": "regression", "loo": "leave_one_out", "ridge": "regression", "flag": "conditioning"}
"""What is kept of a regression, and the quantity that it is."""
ONE_SPACE = {
    **{f"target_{name}": Field("T", "norm_target") for name in ("norm", "S", "ridge", "flag")},
    **dict.fromkeys(("condition", "rank", "floor"), Field("T", "conditioning")),
    "trace_mean": Field("T", "conditioning", "K"),
    "eigenvalues": Field("T p", unit="K"),  # descending, 0 under the noise floor
    "target_power": Field("T p"),
    "alignment": Field("T", "alignment_uncentred"),
    "alignment_centred": Field("T", "alignment_test"),
    "effective_dimension": Field("T ridges"),  # at `RIDGES` but the last
    **dict.fromkeys(("stable_rank", "participation_ratio", "spectral_entropy"), Field("T", "mode_counts")),
    **dict.fromkeys(("decay_exponent", "decay_error", "decay_r_squared"), Field("T", "decay_exponent")),
    "decay_range": Field("T 2", "decay_exponent"),
    **dict.fromkeys(("frontier_radius_squared", "frontier_error"), Field("T multipliers", "frontier")),
}
"""Of one space on one set of points (`engine.rkhs.comparison.described`), over T checkpoints."""
TWO_SPACES = {
    **{f"{name}_{of}": Field("T", "norm_function") for name in NORMS[1:] for of in ("norm", "S", "ridge", "flag")},
    **dict.fromkeys(("H_t_in_H_0", "H_0_in_H_t"), Field("T ridges", "inclusion")),  # at `RIDGES`
    "cka": Field("T"),
    "mode_strength": Field("T p", unit="K"),  # along the modes of K_0
    "gap_angles": Field("T gap", "principal_angles", "radian"),
    "angles": Field("T leading", "principal_angles", "radian"),
    "overlap": Field("T sizes"),
    # Of every pair of the checkpoints `followed` (`engine.rkhs.motion.between`).
    **{f"motion_{name}": Field("S S") for name in ("drift", "spectrum", "rotation", "cka", "overlap")},
}
"""Of a space against the one at the start (`engine.rkhs.comparison.compared`)."""


class SeedSpaces(Seed):
    """One seed over T checkpoints. Sets are "train" (M points) and "held_out" (m points), as in `train/eigenvalues`.

    Its facts: seed, stop_reason, gap (dimension of the compared eigenspaces, by set), no_decay (by set, why each
    checkpoint has no decay exponent; empty where it has one). A squared norm is given raw and scale-free (`_S`).
    """

    FIELDS: ClassVar = {
        **dict.fromkeys(("step", "t"), Field("T")),
        **{f"{where}/{name}": field for where in SETS for name, field in (ONE_SPACE | TWO_SPACES).items()},
        # Softened norms, on training and held-out points, of each space's interpolant in each space.
        **{f"across_{name}": Field("T ridges", "norm_across") for name in ("t_in_t", "t_in_0", "0_in_t", "0_in_0")},
        "network_error": Field("T", "test_error"),
        **{f"{K}_{name}": Field("T", NUMBERS[name]) for K in ERRORS[1:3] for name in NUMBERS},
        **{f"{K}_{name}": Field("", NUMBERS[name], optional=True) for K in ERRORS[3:] for name in NUMBERS},
        # Drawn along the curve of `curve_angle`.
        **dict.fromkeys(("curve_network", "curve_K_t"), Field("T q", "interpolants", "f")),
        "curve_K_inf": Field("q", "interpolants", "f", optional=True),
        "curve_modes": Field("T modes q", "eigenfunctions"),
        "mode_position": Field("T modes", "eigenfunctions"),  # which mode of K_t was matched
        "mode_overlap": Field("T modes", "eigenfunctions"),  # its squared overlap
        # With the kernel of a followed checkpoint (row) held fixed from there on: `engine.rkhs.motion.continued`.
        "followed": Field("S"),  # positions among the T checkpoints
        **{name: Field("S S", optional=True) for name in FROZEN},
        # On the circle, by frequency, and last for all the rest: `engine.rkhs.fourier`.
        "frequency_strength": Field("S F", unit="K", optional=True),
        "frequency_leakage": Field("S F", optional=True),
        "frequency_angles": Field("S F 2", unit="radian", optional=True),
        "frequency_residual": Field("S blocks", optional=True),
        "frequency_foretold": Field("S F", optional=True),
        "frequency_power": Field("S blocks blocks", unit="K", optional=True),  # of the kernel that f moves by
        # On nested grids: `engine.rkhs.comparison.enlargement`.
        "grid_sizes": Field("g"),
        **{f"grid_{name}": Field("spaces functions g", "grid_norm") for name in GRID_NORM},
        **{f"grid_{name}": Field("spaces g", "grid_norm") for name in ("trace_mean", "rank", "condition")},
        **dict.fromkeys(("grid_H_t_in_H_0", "grid_H_0_in_H_t"), Field("g ridges", "inclusion")),
        # `engine.rkhs.regression.learning_curves`.
        "learning_sizes": Field("s"),
        "learning_ridge": Field("kernels ridges", "learning_curve"),
        **{f"learning_{name}": Field("kernels ridges s", "learning_curve") for name in LEARNING},
        "large_eigenvalues": Field("ends modes", "eigenvalues", "K", optional=True),  # at the start and the end
        "large_size": Field("", optional=True),
    }

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

    @property
    def t_followed(self) -> Float[np.ndarray, " S"]:
        """The times of the checkpoints of which pairs are compared."""
        return self["t"][self["followed"]]

    @property
    def steps_left(self) -> Float[np.ndarray, " S"]:
        """Share of the run's steps that come after each of them; 0 where none was taken."""
        step = self["step"][self["followed"]]
        return 1 - step / max(int(step[-1]), 1) if step[-1] > 0 else np.zeros(len(step))

    def stopped(self, tolerance: float = TOLERANCE) -> int | None:
        """The first followed checkpoint from which on every kernel, held fixed, ends within this share of
        ||f_T - f_0|| of the network; None where none before the stop does, or nothing is known of it.
        """
        return stopped(self["frozen_departure"], tolerance) if "frozen_departure" in self else None

    def constants(self, name: Literal["H_t_in_H_0", "H_0_in_H_t"]) -> dict[str, float | None]:
        """At the end, on held-out points by ridge (in mean eigenvalues); None where conditioning forbids it."""
        values = self[f"held_out/{name}"][-1]
        return {f"{ridge:g}": finite(value) for ridge, value in zip(RIDGES, values, strict=True)}

    def test_errors(self) -> dict[str, float | None]:
        """At the end: of the network, and of ridgeless regression with K_0, K_T and K_infinity."""
        found = {"network": self["network_error"][-1], "K_0": self["K_t_error"][0], "K_T": self["K_t_error"][-1]}
        found["K_inf"] = self.arrays.get("K_inf_error", np.array(np.nan))
        return {name: finite(value) for name, value in found.items()}

    def flags(self) -> dict[str, Flag | None]:
        """Of every number of the summary that needed an inverse. None where there is no such kernel."""
        return {
            "S_start": self.flag("held_out/target", 0),
            "S_end": self.flag("held_out/target"),
            "K_0": self.flag("K_t", 0),
            "K_T": self.flag("K_t"),
            "K_inf": self.flag("K_inf") if "K_inf_flag" in self else None,
        }

    def tables(self) -> Iterator[dict[str, Any]]:
        """A row per checkpoint and set: `SCALARS`, ridges and flags of norms, constants, held-out errors."""
        for where in SETS:
            columns = {"seed": self.facts["seed"], "set": where, "step": self["step"], "t": self["t"]}
            columns |= {name: self[f"{where}/{name}"] for name in SCALARS}
            for name in NORMS:
                columns[f"{name}_flag"] = np.array(FLAGS)[self[f"{where}/{name}_flag"]]
                columns[f"{name}_ridge"] = self[f"{where}/{name}_ridge"]
            for name in ("H_t_in_H_0", "H_0_in_H_t"):
                columns |= {f"{name}_{ridge:g}": self[f"{where}/{name}"][:, at] for at, ridge in enumerate(RIDGES)}
            yield columns | {f"error_{name}": self[f"{name}_error"] for name in ERRORS if f"{name}_error" in self}


class RkhsResult(Result[RkhsConfig, SeedSpaces]):
    """The path of RKHSs read back from its entry: its seeds, and beside them the curve that is drawn on and the space
    of infinite width, as `limit/{set}/...`.
    """

    CONFIG, SEED = RkhsConfig, SeedSpaces
    FIELDS: ClassVar = {
        "curve_angle": Field("q", unit="radian"),
        "curve_target": Field("q", "interpolants", "f"),
        "frequencies": Field("F", optional=True),
        "frequency_operator": Field("F", "operator_eigenvalues", "K", optional=True),  # M lambda_k
        "frequency_limit": Field("F", "frequency_strength", "K", optional=True),
        "operator_eigenvalues": Field("M", unit="K", optional=True),  # times M, descending
        **{
            f"limit/{where}/{name}": Field(field.shape[2:], field.quantity, field.unit, optional=True)
            for where in SETS
            for name, field in ONE_SPACE.items()
        },
    }

    @property
    def followed(self) -> Any:
        """What says which kernel this is of, by its `kernel` and `kernel_moves`: the run, or a recording."""
        return self.config.run

    def operations_left(self, seed: SeedSpaces) -> Float[np.ndarray, " S"]:
        """Share of the operations of a seed's steps that a kernel held fixed saves, its own cost taken off."""
        step = estimate(self.config.run).step_flops
        left = seed.steps_left * (1 - frozen_step_flops(self.config) / step)
        return left - frozen_flops(self.config) / (step * max(float(seed["step"][-1]), 1.0))

    def numbers(self) -> dict[str, Any]:
        """Of the network, of its seeds, and notes on the data."""
        run = self.config.run
        return {"beta": run.beta, "parameters": self.parameter_count, **self.of_seeds(), "notes": list(self.notes)}

    def of_seeds(self) -> dict[str, Any]:
        """Lists are over seeds; None where a number is not determined (see `flags`)."""

        def over(value: Callable[[SeedSpaces], Any]) -> list[Any]:
            return [value(seed) for seed in self.seeds]

        return {
            "seeds": over(lambda seed: seed.facts["seed"]),
            "S_start": self.per_seed(lambda seed: seed["held_out/target_S"][0]),
            "S_end": self.per_seed(lambda seed: seed["held_out/target_S"][-1]),
            "H_t_in_H_0": over(lambda seed: seed.constants("H_t_in_H_0")),
            "H_0_in_H_t": over(lambda seed: seed.constants("H_0_in_H_t")),
            "decay_exponent": over(lambda seed: seed.decay()),
            "decay_exponent_start": over(lambda seed: seed.decay(0)),
            "test_error": over(lambda seed: seed.test_errors()),
            "flags": over(lambda seed: seed.flags()),
            "growth_exponent": over(_growths),
            "stopped": over(_stopped),
            "t_stop": self.per_seed(lambda seed: seed["t"][-1]),
            "stop_reason": over(lambda seed: seed.facts["stop_reason"]),
        }


def _stopped(seed: SeedSpaces) -> dict[str, float] | None:
    """Where the kernel could have been held fixed (`TOLERANCE`), and the share of the steps that would have saved."""
    at = seed.stopped()
    return None if at is None else {"t": float(seed.t_followed[at]), "steps_left": float(seed.steps_left[at])}


def _growths(seed: SeedSpaces) -> dict[str, float | None]:
    """Growth exponents of the target's and the trained function's norms, in H_0 and in H_T."""
    return {
        f"{function}_in_{space}": finite(seed.growth(space, function).exponent)
        for space in ("H_0", "H_T")
        for function in ("target", "function")
    }
