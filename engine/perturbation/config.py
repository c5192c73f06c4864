"""Configs of the perturbation of one run and of a study over widths, depths and output scales, and what either may
cost before it starts. Imports no JAX."""

from dataclasses import replace
from math import ceil, log2
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from engine import cost as training
from engine.config import RunConfig
from engine.cost import MOST_ROWS, PATH_BYTES, Calibration, Cost, Expected, Limits, path_bytes, within
from engine.networks.layered import MAX_DEPTH, LayeredConfig
from engine.networks.mlp_config import MLPConfig, Width
from engine.schema import Config, ConfigError, Problem

DEGREE = 16
"""Of the polynomials on a span of the collocation (`engine.perturbation.propagator`)."""
MOST_SHOWN_BYTES = 4 * 10**8
"""What the result of one request keeps."""
MOST_CELLS = 64


class Options(Config):
    """How a run is expanded.

    Attributes:
        interpolation: of K_t between checkpoints: "hermite" (cubic, with slopes K'_t) or "linear".
        held_out: held-out points, evenly spread over the test set.
        between: times between neighbouring checkpoints at which the orders are also given.
        shown_modes: leading modes of K_0 in the blocks of Delta K_t and in the coupling of modes.
        predict: also predict Delta K_t from initialisation alone.
    """

    interpolation: Literal["hermite", "linear"] = "hermite"
    held_out: Annotated[int, Field(ge=2, le=512)] = 64
    between: Annotated[int, Field(ge=0, le=8)] = 0
    shown_modes: Annotated[int, Field(ge=1, le=64)] = 16
    predict: bool = True


class PerturbationConfig(Config):
    """The perturbation of one run: it is trained, its kernel path derived and expanded, for every seed."""

    run: RunConfig
    options: Options = Field(default_factory=Options)

    @classmethod
    def of(cls, run: RunConfig, options: Options | None = None) -> Self:
        """The perturbation of a run. Raises `ConfigError` whose fields are those of the run."""
        try:
            return cls.from_dict({"run": run.to_dict(), "options": (options or Options()).to_dict()})
        except ConfigError as error:
            own = [Problem(problem.field.removeprefix("run."), problem.message) for problem in error.problems]
            raise ConfigError(own) from None

    @model_validator(mode="after")
    def _check(self) -> Self:
        if problems := problems_of(self.run, self.options):
            raise ConfigError(problems)
        return self


class StudyConfig(Config):
    """Errors of each order, and drift, over a grid of networks that otherwise are those of `run`.

    Attributes:
        widths, depths, alphas: one cell for each combination; a list left out keeps the run's own value.
    """

    run: RunConfig
    widths: Annotated[tuple[Width, ...], Field(max_length=16)] = ()
    depths: Annotated[tuple[Annotated[int, Field(ge=1, le=MAX_DEPTH)], ...], Field(max_length=16)] = ()
    alphas: Annotated[tuple[Annotated[float, Field(gt=0, le=1e6)], ...], Field(max_length=16)] = ()
    options: Options = Field(default_factory=lambda: Options(held_out=16))

    @model_validator(mode="after")
    def _check(self) -> Self:
        problems = []
        for name in ("widths", "depths", "alphas"):
            values = getattr(self, name)
            if len(set(values)) < len(values):
                problems.append(Problem(name, f"{list(values)} repeats a value: give each once"))
        if not isinstance(self.run.network, MLPConfig):
            why = "a study is of fully connected networks: its laws are in beta, which no other kind has"
            map_it = ", or map depth and width (Regime map)" if isinstance(self.run.network, LayeredConfig) else ""
            problems.append(Problem("run.network.kind", f"{why}: set it to mlp{map_it}"))
        elif isinstance(self.run.network.width, tuple) and self.depths and not self.widths:
            why = "is a list, as a pattern makes one: its mean changes with depth, so that no law tells the two apart"
            problems.append(Problem("run.network.width", f"{why}: give one width, or no depths"))
        count = len(self.cells_of())
        if count > MOST_CELLS:
            problems.append(Problem("widths", f"{count} cells, at most {MOST_CELLS} are accepted: leave some out"))
        if problems:
            raise ConfigError(problems)
        if count < 2:
            problems.append(Problem("widths", "one cell is no study: give several widths, depths or alphas"))
        if not problems:
            found = [p for cell in self.cells_of() for p in problems_of(self.cell(*cell), self.options)]
            problems = list({problem.field: problem for problem in found}.values())
        if problems:
            raise ConfigError(problems)
        return self

    def cells_of(self) -> list[tuple[int | None, int | None, float | None]]:
        """(width, depth, alpha) of every cell, None where the run's own is kept."""
        return [
            (width, depth, alpha)
            for depth in self.depths or (None,)
            for alpha in self.alphas or (None,)
            for width in self.widths or (None,)
        ]

    def cell(self, width: int | None, depth: int | None, alpha: float | None) -> RunConfig:
        """The run of a cell."""
        given = {"width": width, "depth": depth, "alpha": alpha}
        changes = {name: value for name, value in given.items() if value is not None}
        values = self.run.to_dict()
        return RunConfig.from_dict({**values, "network": {**values["network"], **changes}})

    @property
    def cells(self) -> list[RunConfig]:
        """Every run of the study, depths outermost, widths innermost."""
        return [self.cell(*cell) for cell in self.cells_of()]


def problems_of(run: RunConfig, options: Options) -> list[Problem]:
    """Why a run cannot be expanded, each with what to do."""
    problems = run.not_plain_descent("run", "the expansion")
    outputs = run.data.output_dim
    n, m = run.data.size * outputs, min(options.held_out, run.data.test_size) * outputs
    if n > MOST_ROWS:
        given = f"{run.data.size} points with {outputs} outputs make {n} rows, at most {MOST_ROWS} are expanded"
        problems.append(Problem("run.data.size", f"{given}: lower it"))
    checkpoints = ceil(run.training.most_checkpoints) * (options.between + 1)
    return problems + too_large(n, m, checkpoints, len(run.seeds), options)


def too_large(n: int, m: int, checkpoints: int, seeds: int, options: Options) -> list[Problem]:
    """Why a path of so many rows and checkpoints is not expanded, each with what to do."""
    problems, path = [], path_bytes(checkpoints, n, m)
    if path > PATH_BYTES:
        given = f"the kernel path takes up to {path / 1e9:.3g} GB, {PATH_BYTES / 1e9:.3g} GB are allowed"
        problems.append(Problem("run.training.checkpoints", f"{given}: lower it, or data.size, held_out or between"))
    kept = 8 * checkpoints * seeds * (12 * n + 6 * m + 2 * min(options.shown_modes, n) ** 2)
    if kept > MOST_SHOWN_BYTES:
        given = f"the result takes up to {kept / 1e9:.3g} GB, {MOST_SHOWN_BYTES / 1e9:.3g} GB are allowed"
        problems.append(Problem("options.shown_modes", f"{given}: lower it, or checkpoints, between or seeds"))
    return problems


# What an expansion, or a study of many, may cost before it starts: beside training, the path and the orders.
#
# Like `engine.cost` an upper estimate: training is taken to go on to the step cap.

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
PROGRAMS = 2.5
"""Times as long as for training it takes to compile path and prediction, of every network."""


def estimate(config: PerturbationConfig | StudyConfig, calibration: Calibration | None = None) -> Cost:
    """The cost of all networks and seeds; memory is that of the largest, for they come one after another."""
    runs = config.cells if isinstance(config, StudyConfig) else [config.run]
    costs = [_of_run(run, config.options, calibration or Calibration()) for run in runs]
    largest = max(costs, key=lambda cost: cost.memory_bytes)
    return replace(largest, flops=sum(cost.flops for cost in costs), seconds=sum(cost.seconds for cost in costs))


def expected(config: PerturbationConfig | StudyConfig) -> Expected:
    """For a queue."""
    return Expected.of(estimate(config))


def check_cost(
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
    kernels = training.product_seconds(run.network, seeds * (path + prediction), speed)
    return replace(
        cost,
        flops=cost.flops + more,
        memory_bytes=cost.memory_bytes + 3.0 * path_bytes(times, n, m),
        seconds=cost.seconds
        + PROGRAMS * cost.start_seconds
        + kernels
        + seeds * (orders / speed.float64 + speed.pace * waiting),
        stored_bytes=0.0,
    )
