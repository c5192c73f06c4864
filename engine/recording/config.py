"""The configs of what is said of a recording. The file is named by its digest, which with its sizes is its identity.
Imports no JAX."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from engine.config import KernelName
from engine.cost import MOST_ROWS, Calibration, Expected, path_bytes
from engine.losses import LOSSES, ONE_OF_SQUARED, SQUARED, LossName
from engine.perturbation import config as perturbation
from engine.rkhs.config import LEAST_HELD_OUT, Options
from engine.schema import Config, ConfigError, Problem

MOST_POINTS = 1024
"""Probe points of a recording, trained on or held out."""
MOST_OUTPUTS = 256
MOST_CHECKPOINTS = 96
"""Kept by `watch`; a file from elsewhere may have as many as fit."""
MOST_STEPS = 1_000_000
"""Of a recording that is expanded, which is done step by step."""
LONGEST_NAME = 60

Loss = Literal["half_mean", "mean", "half_sum", "logistic", "squared_hinge", "hinge", "other"]
"""Those of `engine.losses` ("logistic" is the cross-entropy of softmax), or any other: outputs then have no targets."""
Precision = Literal["float64", "mixed", "float32"]
Rate = Annotated[float, Field(gt=0, le=1e12)]


class RecordedFile(Config):
    """The npz: its name, and SHA-256 of its bytes."""

    file: Annotated[str, Field(max_length=200)]
    digest: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


@dataclass(frozen=True)
class Stepped:
    """How a loop trained, in the place of `engine.config.TrainingConfig`: of its steps nothing is known, so that
    neither a law (`engine.rkhs.motion.law_of`) nor a limit is taken for them.
    """

    loss: LossName
    integrator: str = "gd"
    momentum: float = 1.0
    batch_size: None = None
    weight_decay: float = 0.0
    stability_limit: float = float("inf")


def named(loss: Loss | None) -> LossName:
    """A loss of `engine.losses`, by which outputs are compared with targets where they are."""
    return "half_mean" if loss is None or loss == "other" else loss


class RecordingConfig(Config):
    """A recording.

    Attributes:
        recording: what its loop called it.
        source: its bytes, which `engine.data.contents` has.
        train, held_out: probe points M that the loop trained on and m that it did not; outputs k of each.
        loss: None where the loop did not say: outputs are taken in the units of the targets.
        precision: of the kernel.
        versions: of what computed it, in words.
        learning_rate: of a loop that says that it is plain gradient descent on exactly the training points; else None.
        full: whether the kernel between outputs is recorded too.
        span: steps from the first checkpoint to the last, of such a loop.
        astray: the first step after which the outputs were not where such a loop would have moved them; None where
            none is known.
    """

    recording: Annotated[str, Field(min_length=1, max_length=LONGEST_NAME)]
    source: RecordedFile
    train: Annotated[int, Field(ge=2, le=MOST_POINTS)]
    held_out: Annotated[int, Field(ge=2, le=MOST_POINTS)]
    outputs: Annotated[int, Field(ge=1, le=MOST_OUTPUTS)]
    checkpoints: Annotated[int, Field(ge=1, le=100_000)]
    loss: Loss | None = None
    precision: Precision = "float64"
    versions: Annotated[str, Field(max_length=500)] = ""
    learning_rate: Rate | None = Field(None, exclude_if=lambda value: value is None)
    full: bool = Field(False, exclude_if=lambda value: not value)
    span: Annotated[int, Field(ge=0)] | None = Field(None, exclude_if=lambda value: value is None)
    astray: Annotated[int, Field(ge=0)] | None = Field(None, exclude_if=lambda value: value is None)

    probes: ClassVar[None] = None
    kernel: ClassVar[KernelName] = "ntk"
    kernel_moves: ClassVar[bool] = True
    """As of a run (`engine.config.RunConfig`), which has others."""

    @property
    def training(self) -> Stepped:
        """What of a run's training is read of its result."""
        return Stepped(named(self.loss))

    @property
    def kernel_precision(self) -> Precision:
        return self.precision

    @property
    def rate(self) -> float:
        """eta_eff, by which its outputs move by -eta_eff K r in a step; 0 where that is not known."""
        return effective_rate(self.learning_rate, self.loss, self.train)


def effective_rate(learning_rate: float | None, loss: Loss | None, train: int) -> float:
    """eta_eff of a loop whose loss is that of `engine.losses`, of M training points; 0 where none is known."""
    return 0.0 if learning_rate is None or loss not in SQUARED else learning_rate * LOSSES[loss].scale(train)


class RecordedSpacesConfig(Config):
    """The path of RKHSs of a recording."""

    recorded: RecordingConfig
    options: Options = Field(default_factory=Options)

    @classmethod
    def of(cls, recorded: RecordingConfig) -> Self:
        """Raises `ConfigError` in words for a page."""
        if recorded.held_out < LEAST_HELD_OUT:
            given = f"{recorded.held_out} held-out points are too few to compare spaces on"
            raise ConfigError([Problem("held_out", f"{given}: record {LEAST_HELD_OUT} or more")])
        return cls(recorded=recorded)


class RecordedPerturbationConfig(Config):
    """The perturbation of a recording, of which no slope K'_t is known: paths are linear, and nothing is predicted."""

    recorded: RecordingConfig
    options: perturbation.Options = Field(
        default_factory=lambda: perturbation.Options(interpolation="linear", predict=False)
    )

    @classmethod
    def of(cls, recorded: RecordingConfig, between: int = 0) -> Self:
        """Raises `ConfigError` in words for a page, with the arguments of `engine.watch` as fields."""
        options = perturbation.Options(interpolation="linear", predict=False, between=between)
        return cls(recorded=recorded, options=options)

    @model_validator(mode="after")
    def _check(self) -> Self:
        problems = [*_unexpandable(self.recorded)]
        if self.options.interpolation != "linear" or self.options.predict:
            problems.append(Problem("options", "interpolation linear without predict is needed: K'_t is not recorded"))
        if problems:
            raise ConfigError(problems)
        return self

    @property
    def rows(self) -> tuple[int, int]:
        """n training and m held-out ones."""
        outputs = self.recorded.outputs
        return self.recorded.train * outputs, min(self.options.held_out, self.recorded.held_out) * outputs

    @model_validator(mode="after")
    def _size(self) -> Self:
        (n, m), most = self.rows, self.recorded.checkpoints * (self.options.between + 1)
        if n <= MOST_ROWS and (problems := perturbation.too_large(n, m, most, 1, self.options)):
            given = [problem.message.partition(":")[0] for problem in problems]
            raise ConfigError([Problem("x_probe", f"{what}: record fewer points or steps") for what in given])
        return self


def _unexpandable(recorded: RecordingConfig) -> Iterator[Problem]:
    """What keeps a recording from being expanded."""
    if recorded.learning_rate is None:
        given = "is not recorded: the expansion is of plain gradient descent on exactly the training points"
        yield Problem("learning_rate", f"{given}; where the loop is that, give its rate")
    if recorded.loss not in SQUARED:
        given = "is not recorded" if recorded.loss is None else f"is {recorded.loss}"
        yield Problem("loss", f"{given}: the expansion is of f' = -K (f - y), by {ONE_OF_SQUARED}")
    elif recorded.astray is not None:
        given = f"{recorded.learning_rate:g} of {recorded.loss} does not make the loop's own steps"
        causes = (
            "Another rate or loss, momentum, minibatches, weight decay, or training points beside the probes do that"
        )
        yield Problem("learning_rate", f"{given}: after step {recorded.astray:,} its outputs were elsewhere. {causes}")
    if recorded.outputs > 1 and not recorded.full:
        yield Problem("full_kernel", f"the kernel between the {recorded.outputs} outputs is not recorded: ask for it")
    if (recorded.span or 0) > MOST_STEPS:
        yield Problem("steps", f"{recorded.span:,} lie between its ends, at most {MOST_STEPS:,} are stepped through")
    if (n := recorded.train * recorded.outputs) > MOST_ROWS:
        given = (
            f"{recorded.train} points with {recorded.outputs} outputs make {n} rows, at most {MOST_ROWS} are expanded"
        )
        yield Problem("x_probe", f"{given}: train on fewer")


EIGEN = 60.0
"""Operations per p^3 and checkpoint: decompositions, and inclusion constants at every ridge."""


def expected(config: Any) -> Expected:
    """For a queue: an upper bound, of reading a recording, of comparing its spaces or of expanding it."""
    recorded = getattr(config, "recorded", config)
    if isinstance(config, RecordedPerturbationConfig):
        (n, m), last = config.rows, recorded.checkpoints * (config.options.between + 1)
        operations = last * perturbation.EIGEN * float(n) ** 3 + 8.0 * n * (n + m) * (recorded.span or 0)
        seconds = 2.0 + operations / Calibration().float64 + perturbation.STEP_SECONDS * (recorded.span or 0)
        return Expected(seconds, 3.0 * path_bytes(last, n, m))
    points = recorded.train + recorded.held_out
    share = min(recorded.checkpoints, config.options.times) if config is not recorded else recorded.checkpoints
    seconds = 2.0 + EIGEN * share * float(points) ** 3 / Calibration().float64
    return Expected(seconds, 16.0 * recorded.checkpoints * points**2)
