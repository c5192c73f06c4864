"""Config of the RKHS path of a run, and what it may cost before it starts. Imports no JAX."""

from dataclasses import replace
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from engine import cost as training
from engine.config import RunConfig, Seed
from engine.cost import Calibration, Cost
from engine.data.csv import CsvConfig
from engine.losses import LOSSES
from engine.networks import infinite
from engine.schema import Config, ConfigError, Problem

MOST_POINTS = 1024
"""Training points, and points of any other evaluation set whose kernel matrix is decomposed whole."""
LEAST_HELD_OUT = 16
"""Held-out points."""
MOST_LARGE_BYTES = 4 * 10**9
"""Signals held at once while a kernel is applied without its matrix."""


class Options(Config):
    """Where and how often the spaces are compared.

    Attributes:
        held_out: held-out points, evenly spread over the test set.
        times: the most checkpoints that are compared, evenly spread over those kept.
        grid: points of the largest of the nested grids.
        sample: points of the sample whose spectrum predicts the learning curve; training sets are drawn from it.
        sizes: training sizes of the learning curve; those above a quarter of the sample are left out.
        draws: training sets for each size.
        curve_ridge: the ridge of the learning curve with ridge, in mean eigenvalues tr K/p.
        large: points (more than 2,000) at which the top of the spectrum is found without a matrix; None for none.
        seed: of the training sets drawn.
    """

    held_out: Annotated[int, Field(ge=LEAST_HELD_OUT, le=MOST_POINTS)] = 256
    times: Annotated[int, Field(ge=2, le=200)] = 32
    grid: Literal[64, 128, 256, 512, 1024] = 512
    sample: Annotated[int, Field(ge=64, le=2000)] = 1024
    sizes: Annotated[tuple[Annotated[int, Field(ge=4, le=1000)], ...], Field(min_length=1, max_length=12)] = (
        8, 16, 32, 64, 128,
    )  # fmt: skip
    draws: Annotated[int, Field(ge=4, le=200)] = 16
    curve_ridge: Annotated[float, Field(gt=0, le=100)] = 1.0
    large: Annotated[int, Field(gt=2000, le=20_000)] | None = None
    seed: Seed = 0


class RkhsConfig(Config):
    """The path of RKHSs of one run: it is trained, and its kernels compared at the stored parameters."""

    run: RunConfig
    options: Options = Field(default_factory=Options)

    @model_validator(mode="before")
    @classmethod
    def _hold_out_enough(cls, values: Any) -> Any:
        """A small table whose numbers of rows are left out holds out as many as the comparison needs."""
        run = values.get("run") if isinstance(values, dict) else None
        if not isinstance(run, dict) or not isinstance(data := run.get("data"), dict):
            return values
        if data.get("name") != "csv" or data.get("size") or data.get("test_size"):
            return values
        try:
            rows = len(CsvConfig.from_dict(data).complete_rows)
        except ConfigError:  # worded where the run is validated, or the table is not here
            return values
        if not LEAST_HELD_OUT + 2 <= rows < 4 * LEAST_HELD_OUT:
            return values
        return {**values, "run": {**run, "data": {**data, "test_size": LEAST_HELD_OUT}}}

    @model_validator(mode="after")
    def _check(self) -> Self:
        problems, size = [], self.run.data.size
        if size > MOST_POINTS:
            given = f"{size} training points, at most {MOST_POINTS} are compared"
            problems.append(Problem("run.data.size", f"{given}: lower it"))
        if self.run.data.test_size < LEAST_HELD_OUT:
            problems.append(self._too_few())
        if self.options.large is not None and not self.run.kernel_moves:
            message = "is for kernels of the network, by products with its Jacobian: leave it out at infinite width"
            problems.append(Problem("options.large", message))
        elif self.options.large is not None:
            needed = 32 * self.options.large * self.run.network.signals()
            if needed > MOST_LARGE_BYTES:
                given = f"signals at {self.options.large} points take {needed / 1e9:.3g} GB"
                allowed = f"{MOST_LARGE_BYTES / 1e9:.3g} GB are allowed"
                problems.append(Problem("options.large", f"{given}, {allowed}: lower it, or run.network.width"))
        if self.run.data.only_zero:
            message = (
                "0 at the training point, and spaces are judged by what the target costs in them: set another number"
            )
            problems.append(Problem("run.data.value", message))
        if problems:
            raise ConfigError(problems)
        return self

    @property
    def compared(self) -> int:
        """Training and held-out points."""
        return self.run.data.size + min(self.options.held_out, self.run.data.test_size)

    def _too_few(self) -> Problem:
        """What is wrong with so few held-out points."""
        data, needed = self.run.data, LEAST_HELD_OUT + 2
        if isinstance(data, CsvConfig) and data.here and (rows := len(data.complete_rows)) < needed:
            message = f"{rows} rows are too few to compare spaces on: {needed} are needed, {LEAST_HELD_OUT} held out"
            return Problem(f"run.data.{data.given_by}", message)
        given = f"{data.test_size} held-out points are too few to compare spaces on"
        return Problem("run.data.test_size", f"{given}: raise it to {LEAST_HELD_OUT} or more")


# What a comparison of spaces takes beside training, an upper bound.

EIGEN = 25.0
"""Operations per p^3 and checkpoint: decompositions, and inclusion constants at every ridge in both directions."""
STEP = 25.0
"""How much slower steps with kernels held fixed are than products of large matrices."""
PROGRAMS = 2.5
"""Times as long as for training it takes to compile kernels on every set of points."""


def check_cost(config: RkhsConfig, calibration: Calibration | None = None) -> Cost:
    """The cost of training, and the seconds of all. Raises `ConfigError` where training alone is beyond its limits."""
    return _with_spaces(training.check(config.run, calibration=calibration), config, calibration or Calibration())


def expected(config: RkhsConfig) -> training.Expected:
    """For a queue."""
    return training.Expected.of(_with_spaces(training.estimate(config.run), config, Calibration()))


def frozen_flops(config: RkhsConfig) -> float:
    """One kernel of one seed on training and held-out points, and, where it goes on in closed form, its eigenvectors on
    the training points."""
    run = config.run
    size, k, both = run.data.size, run.data.output_dim, config.compared
    passes = 2.0 * run.network.products(run.data.input_dim, k) * (1 + k) * both
    modes = 0.0 if LOSSES[run.training.loss].classes else 10.0 * size**3
    return both**2 * run.network.pair_products(k) + passes + modes


def frozen_step_flops(config: RkhsConfig) -> float:
    """Of a step with a kernel held fixed; 0 where it goes on in closed form."""
    run = config.run
    if not LOSSES[run.training.loss].classes:
        return 0.0
    return 2.0 * run.data.size**2 * run.data.output_dim * (4 if run.training.integrator == "rk4" else 1)


def _with_spaces(cost: Cost, config: RkhsConfig, speed: Calibration) -> Cost:
    algebra = _algebra(config) / speed.float64 + training.infinite_seconds(_infinite_width(config), speed)
    kernels = training.product_seconds(config.run.network, _kernels(config), speed)
    return replace(cost, seconds=cost.seconds + PROGRAMS * cost.start_seconds + kernels + algebra)


def _infinite_width(config: RkhsConfig) -> float:
    """Operations of kernels at infinite width: at all points of the sets, and where it is followed on grid and sample
    too."""
    run, options = config.run, config.options
    both = infinite.operations(run.network, config.compared)
    if run.kernel_moves:
        return both if both <= infinite.MOST_BESIDE else 0.0
    return both + sum(infinite.operations(run.network, size) for size in (options.grid, options.sample))


def _kernels(config: RkhsConfig) -> float:
    """Operations of all seeds for kernels at every checkpoint, grids and samples."""
    run, options, both = config.run, config.options, config.compared
    if not run.kernel_moves:
        return 0.0
    k, points = run.data.output_dim, options.times * 2 * both + 4 * (options.grid + options.sample)
    pairs = options.times * 2 * both**2 + 4 * (options.grid**2 + options.sample**2)
    passes = 2.0 * run.network.products(run.data.input_dim, k) * (1 + k)
    return len(run.seeds) * (pairs * run.network.pair_products(k) + points * passes)


def _algebra(config: RkhsConfig) -> float:
    """Operations of all seeds on those kernels, and with them held fixed."""
    options = config.options
    algebra = options.times * 3.0 * config.compared**3 + 4.0 * (options.grid**3 + options.sample**3)
    return len(config.run.seeds) * (EIGEN * algebra + _fixed_steps(config))


def _fixed_steps(config: RkhsConfig) -> float:
    """Of one seed by a loss of classes: the steps from every checkpoint on, with its kernel held fixed."""
    return STEP * config.options.times / 2 * config.run.training.max_steps * frozen_step_flops(config)
