"""What a run may cost before it starts: floating-point operations, memory, seconds. Imports no JAX.

The seconds are an estimate, no bound: to the step cap, on a machine with nothing else to do, in float32 where
the precision is left to the engine (float64 takes twice as long, or a few channels of convolutions ten times). They
are the processor's time of a process, as `benchmarks.estimates` compares it: so long, or less, takes a machine whose
processors share the work.
"""

from dataclasses import dataclass
from math import isfinite, nan
from typing import Self

import numpy as np

from engine.config import RunConfig
from engine.initialisation.spread import has_measured_beta, most_draws
from engine.networks import infinite
from engine.networks.base import PANEL, NetworkConfig, Precision
from engine.networks.parameters import capacity
from engine.schema import Config, ConfigError, Problem
from engine.training.diagnostics import HELD_OUT
from engine.training.seeds import AT_ONCE

BYTES = 8
PATH_BYTES = 10**9
"""Largest kernel path held at once (`engine.training.path`)."""
MOST_ROWS = 1024
"""Training points times outputs where the eigenvectors of their kernel are computed, once for each seed or step."""


@dataclass(frozen=True)
class Calibration:
    """How fast the machine is. Without a measurement: two cores of an AMD EPYC with AVX-512.

    Attributes:
        float32, float64: floating-point operations per second of a product as a step has it, alone.
        compile_seconds: what a small program takes to be traced and compiled.
    """

    float32: float = 1.5e11
    float64: float = 9e10
    compile_seconds: float = 0.4

    @property
    def pace(self) -> float:
        """What the constants in seconds are multiplied by: they were measured at the default."""
        return self.compile_seconds / Calibration.compile_seconds


# What the calibration does not measure, as it was on the machine of the default: each from `benchmarks.estimates`.

PRODUCTS = 1.5
"""Times what its products take alone that those of a step take, or of a kernel: 1.1 to 1.7 measured."""
INFINITE = 5.0
"""Times what products of as many operations take that a convolutional kernel at infinite width takes of a processor:
5 measured of ReLU, 8 of tanh (3 layers, 12 x 12 pixels, 24 and 8 images); half of it by the clock on two."""
WEIGHT_SECONDS = 2e-9
"""Of a gradient for each parameter in float32, which is read and written a few times: 1.1e-9 to 3e-9 measured."""
CHECKPOINT_SECONDS = 8e-3
"""Of a checkpoint, beyond its products and eigenvectors."""
EIGEN = 50.0
"""Operations per M^3 and checkpoint, as long as LAPACK takes on one thread for all eigenvectors of a checkpoint."""
MATVECS = 30
"""Products J J^T v for the top eigenvalue of a kernel of several outputs, where that is not solved whole."""
MOST_WHOLE = 256
"""Rows of a kernel whose top eigenvalue is solved whole (`engine.training.measure`)."""
PANEL_SECONDS = 0.5
"""To compile one more panel of a kernel's rows."""
DRAWN_SECONDS = 4e-8
"""To draw a parameter of the networks by which a spread is measured, and to differentiate by it: 4.4e-8 measured."""
DRAWN_FLOPS = 1e10
"""Operations per second of such networks, one example each."""


class CalibrationConfig(Config):
    """Calibrate once per machine: `device` is its name, so that another one is another result."""

    device: str


@dataclass(frozen=True)
class Limits:
    """What a run may cost at most; a typo then cannot eat the machine."""

    memory_bytes: float = 12e9
    seconds: float = 48 * 3600.0
    flops: float = 1e17


@dataclass(frozen=True)
class Cost:
    """An estimate; NaN where nobody knows what the network is made of before it runs.

    Attributes:
        flops: of training to the step cap and of every kernel, all seeds.
        memory_bytes: the largest needed at once.
        seconds: to the step cap, on the calibrated machine.
        step_flops, kernel_flops: of one step, of one checkpoint.
        kept: checkpoints per seed whose parameters are kept; fewer than asked for where they are large.
        stored_bytes: what the parameters take on disk.
        start_seconds: of the seconds, those of tracing and compiling.
        float64_seconds: instead, where the engine finds that float32 does not resolve the run; NaN where the precision
            is not left to it.
    """

    flops: float
    memory_bytes: float
    seconds: float
    step_flops: float
    kernel_flops: float
    kept: int
    stored_bytes: float
    start_seconds: float = 0.0
    float64_seconds: float = nan


def estimate(config: RunConfig, calibration: Calibration | None = None) -> Cost:
    """The cost of a run, without generating its data."""
    speed = calibration or Calibration()
    data, network, training = config.data, config.network, config.training
    M, test, k = data.size, data.test_size, data.output_dim
    weights = network.products(data.input_dim, k)
    gradients = 4 if training.integrator == "rk4" else 1
    # "auto" leaves float32 only where that does not resolve the run, which takes the parameters to know.
    precision = "float64" if training.precision == "float64" else "float32"
    batch = training.batch_size or M
    step_flops = 6.0 * weights * batch * gradients + (2.0 * weights * M if training.batch_size else 0)

    probes = config.probes.size if config.probes else 0
    measured = M + min(test, HELD_OUT) + probes
    gram = measured**2 * network.pair_products(k) if config.kernel_moves else 0.0
    passes = 2.0 * weights * (1 + k) * measured + 2.0 * weights * (M + test + probes)
    kernel_flops = gram + passes
    top_flops = _top_eigenvalue(config)

    checkpoints = training.most_checkpoints
    per_seed = training.max_steps * step_flops + checkpoints * (kernel_flops + top_flops + 10.0 * M**3)
    seeds = len(config.seeds)
    limit = _infinite_width(config, measured)
    start = _start_seconds(config, measured) * speed.pace
    layers = speed.pace * network.layers_seconds
    count = float(config.stored_count or np.nan)
    parameters = np.dtype(precision).itemsize * count

    def steps_seconds(precision: Precision) -> float:
        through_memory = speed.pace * WEIGHT_SECONDS * np.dtype(precision).itemsize * count / 4
        step = product_seconds(network, step_flops, speed, precision) + gradients * (layers + through_memory)
        return seeds * training.max_steps * step

    checkpoint = product_seconds(network, kernel_flops + top_flops, speed) + EIGEN * M**3 / speed.float64
    checkpoint += speed.pace * CHECKPOINT_SECONDS + layers
    beside = start + infinite_seconds(limit, speed) + speed.pace * drawn_seconds(config)
    beside += seeds * checkpoints * checkpoint
    kept = min(capacity(config, precision), int(checkpoints))
    stored = kept * parameters * seeds
    signals = BYTES * network.signals() * (2 + k) * min(M + test, 4096)
    seed_memory = (kept + 8) * parameters + 8 * BYTES * measured**2 + signals
    memory = (
        (infinite.memory(network) if limit else 0.0)
        + 5e8
        + stored
        + min(seeds, AT_ONCE) * seed_memory
        + BYTES * (M + test) * data.input_dim
    )
    memory += seeds * checkpoints * (BYTES * (2 * M + probes**2) + 4 * k * (M + test + probes))
    return Cost(
        seeds * per_seed + limit,
        memory,
        beside + steps_seconds(precision),
        step_flops,
        kernel_flops,
        kept,
        stored if config.store_parameters else 0.0,
        start,
        beside + steps_seconds("float64") if training.precision == "auto" else nan,
    )


def product_seconds(
    network: NetworkConfig, flops: float, speed: Calibration, precision: Precision = "float64"
) -> float:
    """Of so many operations in products of a network's programs."""
    return PRODUCTS * network.slowness(precision) * flops / getattr(speed, precision)


def infinite_seconds(operations: float, speed: Calibration) -> float:
    """Of so many operations of `engine.networks.infinite.operations`."""
    return INFINITE * operations / speed.float64


def _top_eigenvalue(config: RunConfig) -> float:
    """Operations at a checkpoint for lambda_max of the neural tangent kernel, where the kernel that is followed does
    not have it."""
    network, M, k = config.network, config.data.size, config.data.output_dim
    if config.kernel == "ntk" and k == 1:
        return 0.0
    weights = network.products(config.data.input_dim, k)
    if M * k <= MOST_WHOLE:
        return float(M**2 * k) * network.pair_products(k) + 2.0 * weights * (1 + k) * M
    return MATVECS * 10.0 * weights * M  # a gradient, and a step along it


def _start_seconds(config: RunConfig, measured: int) -> float:
    """To trace and compile the programs of a run."""
    panels = max(measured // PANEL - 1, 0) if config.kernel_moves else 0
    return config.network.start_seconds + panels * PANEL_SECONDS


def drawn_seconds(config: RunConfig) -> float:
    """Of the networks that are drawn beside a run, for a measured beta
    (`engine.initialisation.sampled_spread.measured_beta`)."""
    return spread_seconds(config.network, config.data.input_dim) if has_measured_beta(config) else 0.0


def spread_seconds(network: NetworkConfig, input_dim: int) -> float:
    """To sample CV^2 of K(x, x) with as many draws as it may need; NaN where nobody knows the parameters."""
    parameters, flops = network.stored_count(input_dim, 1), 6.0 * network.products(input_dim, 1)
    if parameters is None:
        return nan
    return most_draws(parameters, flops) * (parameters * DRAWN_SECONDS + flops / DRAWN_FLOPS)


def _infinite_width(config: RunConfig, measured: int) -> float:
    """Operations of the kernel at infinite width that is followed, or stands beside."""
    if not config.kernel_moves:
        return infinite.operations(config.network, measured)
    return beside if (beside := infinite.operations(config.network, config.data.size)) <= infinite.MOST_BESIDE else 0.0


@dataclass(frozen=True)
class Expected:
    """What a queue reckons with before a job starts: seconds, bytes held at once, and whether they are `known`."""

    seconds: float = 30.0
    memory_bytes: float = 1e9
    known: bool = True

    @classmethod
    def of(cls, cost: Cost) -> Self:
        """Where nobody knows the cost: what is reckoned with for want of it."""
        known = isfinite(cost.seconds + cost.memory_bytes)
        return cls(cost.seconds, cost.memory_bytes) if known else cls(known=False)


def expected(config: RunConfig) -> Expected:
    """Of a run, or of a part of a cell."""
    return Expected.of(estimate(config))


def check(config: RunConfig, limits: Limits | None = None, calibration: Calibration | None = None) -> Cost:
    """The cost, if it is within the limits.

    Raises:
        ConfigError: one problem per limit that is exceeded, with the setting to lower.
    """
    shares = _memory_shares(config)
    cost = estimate(config, calibration)
    slow = Problem("training.max_steps", "lower it, or the width, depth or number of seeds")
    if _infinite_width(config, config.data.size) > cost.flops / 2:
        slow = Problem("kernel", "choose another, or lower data.size, or pool by flatten or with strides")
    return within(limits or Limits(), cost, max(shares, key=lambda name: shares[name]), slow)


def within(most: Limits, cost: Cost, large: str, slow: Problem) -> Cost:
    """The cost, if it is within the limits. Raises as `check`.

    Args:
        large: the setting to lower where it needs too much memory.
        slow: where it takes too long: the setting, and what to do.
    """
    problems = []
    if cost.memory_bytes > most.memory_bytes:
        given = f"{cost.memory_bytes / 1e9:.3g} GB of memory needed, {most.memory_bytes / 1e9:.3g} GB allowed"
        problems.append(Problem(large, f"{given}: lower it"))
    if cost.flops > most.flops or cost.seconds > most.seconds:
        given = f"up to {cost.flops:.2g} floating-point operations, about {cost.seconds / 3600:.3g} h"
        allowed = f"{most.flops:.2g} and {most.seconds / 3600:.3g} h allowed"
        problems.append(Problem(slow.field, f"{given}; {allowed}: {slow.message}"))
    if problems:
        raise ConfigError(problems)
    return cost


def path_bytes(checkpoints: int, n: int, m: int) -> int:
    """Memory of a kernel path: K and K' at so many checkpoints, on n training and m held-out rows."""
    return 16 * checkpoints * (n + m) * n


def _memory_shares(config: RunConfig) -> dict[str, float]:
    """What each setting is responsible for, roughly."""
    return {
        "network.width": 40.0 * (config.stored_count or 0) + BYTES * config.network.signals() * config.data.size,
        "data.size": 8.0 * BYTES * config.data.size**2,
        "data.test_size": float(BYTES * config.data.test_size * config.data.input_dim),
        "training.checkpoints": float(BYTES * 2 * config.data.size * config.training.checkpoints * len(config.seeds)),
    }
