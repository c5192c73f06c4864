"""A run: every seed trained and measured, packed for the cache."""

import json
import platform
import time
from importlib.metadata import version

import numpy as np

from engine.config import RunConfig
from engine.data import Dataset, generate, spread
from engine.device import device_name
from engine.networks import infinite
from engine.networks.parameters import pack
from engine.progress import Entries, Report, silent
from engine.schema import ConfigError
from engine.training import diagnostics
from engine.training.diagnostics import HELD_OUT
from engine.training.seeds import for_each
from engine.training.trajectory import Trajectory
from engine.versions import VERSIONS


def run(config: RunConfig, report: Report = silent) -> Entries:
    """Trains every seed and measures its kernel on the way.

    Returns:
        "result": see `engine.training.result.RunResult`; "parameters", unless switched off: see
        `engine.networks.parameters.ParameterPath`.

    Raises:
        ConfigError: the learning rate is at or beyond the stability limit of K_0, or the data are degenerate.
    """
    started = time.monotonic()
    data = generate(config.data)
    result, parameters, summaries = {}, {}, []

    def train(seed: int, report: Report) -> Trajectory:
        trajectory = Trajectory(config, data, seed, report)
        trajectory.run()
        return trajectory

    for index, trajectory in enumerate(for_each(config.seeds, train, report)):
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
        | {"python": platform.python_version(), "result": str(VERSIONS["run"])},
        "device": device_name(),
        "seconds": time.monotonic() - started,
    }
    result |= _infinite_width(config, data) | {"meta": np.array(json.dumps(meta))}
    return {"result": result, "parameters": parameters} if config.store_parameters else {"result": result}


def _infinite_width(config: RunConfig, data: Dataset) -> dict[str, np.ndarray]:
    """Spectrum and profile of the limit kernel; nothing where its numbers overflow."""
    try:
        K = infinite.ntk(config.network, data.x_train)
    except ConfigError:
        return {}
    found = {"limit/eigenvalues": diagnostics.spectrum(K)[0]}
    if data.angle_test is not None:
        where = data.x_test[spread(len(data.x_test), HELD_OUT)]
        found["limit/profile"] = infinite.ntk(config.network, data.x_train[:1], where)[0]
    return found
