"""What an expansion, or a study of many, may cost before it starts: beside training, the path and the orders.

Like `engine.cost` an upper estimate: training is taken to go on to the step cap. Imports no JAX.
"""

from dataclasses import replace
from math import ceil, log2

from engine import cost as training
from engine.config import RunConfig
from engine.cost import Calibration, Cost, Expected, Limits, path_bytes, within
from engine.perturbation.config import DEGREE, Options, PerturbationConfig, StudyConfig
from engine.schema import Problem

PATH = 8.0
"""A checkpoint of the path against one of the run: slopes, outputs on more points, and the defect of a step."""
PREDICTION = 40.0
"""One span of the prediction from initialisation: six nodes of a derivative of a derivative of the kernel."""
EIGEN = 200.0
"""Operations per n^3 and interval: the eigenproblems of the propagator and of the bounds, twice for the halved path."""
SPAN = 30.0
"""Operations per n (n + m) and point of a span."""
STEP_SECONDS = 3e-5
"""A step of the discrete orders, beyond its products."""
SPAN_SECONDS = 4e-3
"""A span of the collocation, beyond its products."""
START_SECONDS = 10.0
"""Compiling path and prediction, for every network."""


def estimate(config: PerturbationConfig | StudyConfig, calibration: Calibration | None = None) -> Cost:
    """The cost of all networks and seeds; memory is that of the largest, for they come one after another."""
    runs = config.cells if isinstance(config, StudyConfig) else [config.run]
    costs = [_of_run(run, config.options, calibration or Calibration()) for run in runs]
    largest = max(costs, key=lambda cost: cost.memory_bytes)
    return replace(largest, flops=sum(cost.flops for cost in costs), seconds=sum(cost.seconds for cost in costs))


def expected(config: PerturbationConfig | StudyConfig) -> Expected:
    """For a queue."""
    cost = estimate(config)
    return Expected(cost.seconds, cost.memory_bytes)


def check(
    config: PerturbationConfig | StudyConfig, limits: Limits | None = None, calibration: Calibration | None = None
) -> Cost:
    """The cost, if it is within the limits.

    Raises:
        ConfigError: one problem per limit that is exceeded, with the setting to lower.
    """
    large, slow = "network.width", Problem("training.max_steps", "lower it, or the number of seeds")
    if isinstance(config, StudyConfig):
        large, slow = "widths", Problem("widths", "leave some out, or lower run.training.max_steps")
    return within(limits or Limits(), estimate(config, calibration), large, slow)


def _of_run(run: RunConfig, options: Options, speed: Calibration) -> Cost:
    """Training with parameters kept, then for every seed its path, orders and prediction."""
    cost = training.estimate(run, speed)
    seeds, outputs, steps = len(run.seeds), run.data.output_dim, run.training.max_steps
    n, m = run.data.size * outputs, min(options.held_out, run.data.test_size) * outputs
    checkpoints = min(cost.kept, ceil(run.training.most_checkpoints))
    times = checkpoints * (options.between + 1)
    # lambda_max t is about twice the stability fraction times steps, at most the limit times steps.
    longest = run.training.stability_limit * steps
    spans = times + times * log2(1 + longest / times)
    path = PATH * checkpoints * cost.kernel_flops
    orders = times * EIGEN * n**3
    if run.training.integrator == "gd":
        orders += 8.0 * steps * n * (n + m)
        waiting = steps * STEP_SECONDS
    else:
        orders += SPAN * spans * (DEGREE + 1) * n * (n + m)
        waiting = spans * SPAN_SECONDS
    prediction = PREDICTION * log2(2 + longest) * cost.kernel_flops if options.predict else 0.0
    more = seeds * (path + orders + prediction)
    return replace(
        cost,
        flops=cost.flops + more,
        memory_bytes=cost.memory_bytes + 3.0 * path_bytes(times, n, m),
        seconds=cost.seconds + START_SECONDS + more / speed.float64 + seeds * waiting,
        stored_bytes=0.0,
    )
