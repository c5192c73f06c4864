"""A run: every seed trained and measured, packed for the cache."""

import time
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from engine.config import RunConfig
from engine.data import Dataset, generate, spread
from engine.device import device_name
from engine.initialisation.sampled_spread import measured_beta
from engine.losses import learned
from engine.networks import followed, model
from engine.networks.parameters import ParameterPath, pack
from engine.progress import Entries, Progress, Report, silent
from engine.result import provenance
from engine.schema import ConfigError
from engine.training import diagnostics
from engine.training.diagnostics import HELD_OUT
from engine.training.result import RunResult, SeedResult
from engine.training.seeds import for_each
from engine.training.trajectory import Trajectory


def run(config: RunConfig, report: Report = silent) -> Entries:
    """Trains every seed and measures its kernel on the way.

    Returns:
        "result": see `engine.training.result.RunResult`; "parameters", unless switched off: see
        `engine.networks.parameters.ParameterPath`.

    Raises:
        ConfigError: the learning rate is at or beyond the stability limit of K_0, or the data are degenerate, or have
            no classes for a loss of classes.
    """
    result, parameters = trained(config, report)
    entries = {"result": result.to_arrays()}
    return entries | {"parameters": parameters} if config.store_parameters else entries


def trained(config: RunConfig, report: Report = silent, beside: bool = True) -> tuple[RunResult, dict[str, np.ndarray]]:
    """The result of a run, and its parameters: none unless it stores them. Raises `ConfigError`.

    Args:
        beside: whether it has what stands beside its seeds: infinite width, and the measured beta.
    """
    began, data = time.monotonic(), learned(config.training.loss, generate(config.data))
    remarks = tried(config, data, report)
    parameters: dict[str, np.ndarray] = {}

    def train(seed: int, report: Report) -> Trajectory:
        trajectory = Trajectory(config, data, seed, report)
        trajectory.run()
        return trajectory

    seeds = []
    for index, trajectory in enumerate(for_each(config.seeds, train, report)):
        seeds.append(SeedResult.of(trajectory.arrays(), trajectory.summary()))
        if config.store_parameters:
            parameters |= pack(index, {step: params for step, (params, _) in trajectory.store.states.items()})
    common = {}
    if beside:
        common = _infinite_width(config, data, report) | measured_beta(config, remarks.get("parameters"))
    return RunResult(common, config, provenance("run", device_name(), began) | remarks, tuple(seeds)), parameters


def tried(config: RunConfig, data: Dataset, report: Report = silent) -> dict[str, Any]:
    """What only running a network of one's own tells of it, by its name in `meta`. Raises `ConfigError`."""

    def waiting() -> None:
        report(Progress(0.0, "tries the network"))

    found = model.tried(config.network, data.x_train, config.data.output_dim, config.kernel_precision, waiting)
    return {} if found is None else found._asdict()


def at_infinite_width(report: Report, fraction: float) -> Callable[[], None]:
    """Called while a kernel at infinite width is computed: reports so, and raises `Cancelled` where `report` does."""
    return lambda: report(Progress(fraction, "kernel at infinite width"))


Found = TypeVar("Found")
Tick = Callable[[float, str], None]
"""Told the fraction done of a seed and what is being done; may raise `Cancelled`."""


def after_training(
    config: RunConfig, share: float, work: Callable[[SeedResult, ParameterPath, Tick], Found], report: Report
) -> tuple[tuple[Found, ...], dict[str, Any]]:
    """Trains every seed with its parameters kept, and does further work on each in turn.

    Args:
        share: of the whole that training is, as progress counts it.

    Returns:
        what `work` gives of each seed, and versions and device.

    Raises:
        ConfigError: as `run`, or the outputs of a seed overflow at initialisation.
    """

    def while_training(progress: Progress) -> None:
        report(Progress(share * progress.fraction, f"training: {progress.message}", progress.rows))

    kept = config.model_copy(update={"store_parameters": True})
    result, parameters = trained(kept, while_training, beside=False)
    result.check_started()

    def one(index: int, seed: SeedResult) -> Found:
        def tick(fraction: float, what: str) -> None:
            done = (index + fraction) / len(result.seeds)
            report(Progress(share + (1 - share) * done, f"seed {seed.seed}: {what}"))

        return work(seed, ParameterPath.from_arrays(parameters, index), tick)

    found = tuple(one(index, seed) for index, seed in enumerate(result.seeds))
    about = ("versions", "device", "parameters", "notes")
    return found, {name: result.meta[name] for name in about if name in result.meta}


def _infinite_width(config: RunConfig, data: Dataset, report: Report) -> dict[str, np.ndarray]:
    """Spectrum and profile of what the kernel tends to; nothing where numbers overflow, it would take too long, or it
    does not move at all."""
    try:
        K = followed.limit(config.kernel, config.network, data.x_train, waiting=at_infinite_width(report, 1.0))
    except ConfigError:
        return {}
    if K is None:
        return {}
    found = {"limit/eigenvalues": diagnostics.spectrum(K)[0]}
    if data.angle_test is not None:
        where = data.x_test[spread(len(data.x_test), HELD_OUT)]
        row = followed.limit(config.kernel, config.network, data.x_train[:1], where)
        found |= {} if row is None else {"limit/profile": row[0]}
    return found
