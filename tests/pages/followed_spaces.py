"""Spaces whose checkpoints are followed, on the circle or elsewhere, with numbers of one's choice."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from engine.rkhs.config import RkhsConfig
from engine.rkhs.result import SETS, RkhsResult, SeedSpaces

T = np.array([0.0, 1.0, 2.0, 4.0])
STEP = np.array([0, 10, 20, 40])
S, F = len(T), 3
UPPER = np.triu(np.ones((S, S), bool))


def ends(values: Sequence[float]) -> np.ndarray:
    """A departure of 0 but at the stop, where it is this for each checkpoint."""
    departure = np.where(UPPER, 0.0, np.nan)
    departure[:, -1] = values
    return departure


def seed(
    number: int = 0, stop_reason: str = "residual", left_out: Sequence[str] = (), checkpoints: int = S, **changes: Any
) -> SeedSpaces:
    """A seed that could have stopped at t = 2; `held_out__name` changes the array held_out/name."""
    arrays: dict[str, Any] = {"t": T, "step": STEP, "followed": np.arange(S)}
    arrays |= {"network_error": np.array([1.0, 0.5, 0.3, 0.2]), "frozen_departure": ends([0.5, 0.2, 0.05, 0.0])}
    arrays["frozen_error"] = np.where(UPPER, np.array([[1.0, 0.6, 0.5, 0.4]] * S), np.nan)
    arrays["frozen_residual_departure"] = ends([0.4, 0.2, 0.1, 0.0])
    apart = np.abs(np.subtract.outer(T, T)) / 10
    for where in SETS:
        arrays |= {f"{where}/motion_drift": apart, f"{where}/motion_spectrum": 0.8 * apart}
        arrays |= {f"{where}/motion_rotation": 0.6 * apart, f"{where}/motion_cka": 1 - apart}
        arrays |= {f"{where}/motion_overlap": 1 - apart, f"{where}/eigenvalues": np.tile([4.0, 2.0, 1.0, 0.0], (S, 1))}
    arrays["frequency_strength"] = np.outer([1.0, 1.1, 1.2, 1.5], [4.0, 2.0, 1.0])
    arrays["frequency_leakage"] = np.outer([1.0, 1.1, 1.2, 1.5], [0.0, 0.2, 0.4])
    arrays["frequency_angles"] = np.full((S, F, 2), 0.25)
    arrays["frequency_residual"] = np.outer([1.0, 0.5, 0.2, 0.1], [0.05, 0.8, 0.5, 0.0])
    arrays["frequency_foretold"] = np.exp(-np.outer(T, [4.0, 2.0, 1.0])) * [0.05, 0.8, 0.5]
    # A diagonal of 1, and -.1 between neighbours: 3 by itself, -.4 exchanged.
    power = np.zeros((S, F + 1, F + 1))
    power[:, :F, :F] = np.eye(F) - 0.1 * (np.eye(F, k=1) + np.eye(F, k=-1))
    arrays["frequency_power"] = power
    arrays |= {name.replace("__", "/"): value for name, value in changes.items()}
    kept = {name: value[:checkpoints] for name, value in arrays.items() if name not in left_out}
    for name, value in kept.items():
        if "motion" in name or name.startswith("frozen"):
            kept[name] = value[:, :checkpoints]
    return SeedSpaces(kept, {"seed": number, "stop_reason": stop_reason})


DATA = {"name": "circle", "size": 4, "test_size": 16, "frequencies": [1]}


def result(*seeds: SeedSpaces, data: dict | None = None, training: dict | None = None, **arrays: Any) -> RkhsResult:
    """On the circle, where M lambda_k is 4, 2 and 1 as the strengths at the start are."""
    run: dict[str, Any] = {"data": {**DATA, **(data or {})}, "network": {"depth": 1, "width": 64}}
    run |= {"training": training or {}, "seeds": list(range(len(seeds)))}
    common = {"frequencies": np.arange(F), "frequency_operator": np.array([4.0, 2.0, 1.0])}
    common |= {"frequency_limit": np.array([4.0, 2.0, 1.1]), "operator_eigenvalues": np.array([4.0, 2.0, 2.0, 1.0])}
    return RkhsResult(common | arrays, RkhsConfig.from_dict({"run": run}), {}, seeds)
