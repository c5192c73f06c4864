"""A run: every seed trained and measured, packed for the cache."""

import json
import platform
import time
from importlib.metadata import version

import numpy as np

from engine import diagnostics, infinite
from engine.config import RunConfig
from engine.data import Dataset, generate
from engine.device import device_name
from engine.jobs import RESULT_VERSION
from engine.measure import PROFILE, spread
from engine.parameters import pack
from engine.progress import Entries, Progress, Report, silent
from engine.schema import ConfigError
from engine.trajectory import Trajectory


def run(config: RunConfig, report: Report = silent) -> Entries:
    """Trains every seed and measures its kernel on the way.

    Returns:
        "result": see `engine.result.RunResult`; "parameters", unless switched off: `engine.parameters.ParameterPath`.

    Raises:
        ConfigError: the learning rate is at or beyond the stability limit of K_0, or the data are degenerate.
    """
    started = time.monotonic()
    data = generate(config.data)
    result, parameters, summaries = {}, {}, []
    for index, seed in enumerate(config.seeds):
        trajectory = Trajectory(config, data, seed, _for_seed(report, index, len(config.seeds), seed))
        trajectory.run()
        result |= {f"seed{index}/{name}": array for name, array in trajectory.arrays().items()}
        summaries.append(trajectory.summary())
        if config.store_parameters:
            kept = {step: params for step, (params, _) in trajectory.store.states.items()}
            parameters |= pack(index, kept)
    meta = {
        "config": config.to_dict(),
        "config_hash": config.hash,
        "seeds": summaries,
        "versions": {name: version(name) for name in ("jax", "flax", "optax", "numpy", "scipy")}
        | {"python": platform.python_version(), "result": str(RESULT_VERSION)},
        "device": device_name(),
        "seconds": time.monotonic() - started,
    }
    result |= _infinite_width(config, data) | {"meta": np.array(json.dumps(meta))}
    return {"result": result, "parameters": parameters} if config.store_parameters else {"result": result}


def _for_seed(report: Report, index: int, count: int, seed: int) -> Report:
    """`report` of one seed's progress as a part of the whole run's."""

    def within(progress: Progress) -> None:
        message = f"seed {seed} ({index + 1} of {count}), {progress.message}" if count > 1 else progress.message
        report(Progress((index + progress.fraction) / count, message, progress.rows))

    return within


def _infinite_width(config: RunConfig, data: Dataset) -> dict[str, np.ndarray]:
    """Spectrum and profile of the limit kernel; nothing where its numbers overflow."""
    try:
        K = infinite.ntk(config.network, data.x_train)
    except ConfigError:
        return {}
    found = {"limit/eigenvalues": diagnostics.spectrum(K)[0]}
    if data.angle_test is not None:
        where = data.x_test[spread(len(data.x_test), PROFILE)]
        found["limit/profile"] = infinite.ntk(config.network, data.x_train[:1], where)[0]
    return found
