"""Runs of two checkpoints with numbers of one's choice."""

from dataclasses import replace

import numpy as np

from engine.config import RunConfig
from engine.training.result import RunResult, SeedResult


def result(*seeds: SeedResult, **training: object) -> RunResult:
    config = RunConfig.from_dict(
        {"data": {"name": "circle", "size": 4}, "training": training, "seeds": [seed.seed for seed in seeds]}
    )
    meta = {"config_hash": "", "versions": {}, "device": "cpu", "seconds": 1.0}
    return RunResult({}, config, meta, seeds)


def seed(number: int = 0, stop_reason: str = "residual", steps: int = 4, **changes: object) -> SeedResult:
    names = ("drift", "shape_drift", "cka", "alignment_test", "residual", "test_error")
    arrays = {name: np.array([0.0, 0.5]) for name in names}
    arrays |= {
        "t": np.array([0.0, 2.0]),
        "lambda_max": np.array([1.0, 1.1]),
        "eigenvalues": np.array([[1.0, 0.5, 0.2, 0.1]] * 2),
    }
    found = SeedResult(arrays, number, stop_reason, 0.5, 2.0, steps, 2.0)
    return replace(found, **changes)
