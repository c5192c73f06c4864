"""The configs of what is said of a recording. The file is named by its digest, which with its sizes is its identity.
Imports no JAX."""

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field

from engine.config import KernelName
from engine.cost import Calibration, Expected
from engine.losses import LossName
from engine.rkhs.config import LEAST_HELD_OUT, Options
from engine.schema import Config, ConfigError, Problem

MOST_POINTS = 1024
"""Probe points of a recording, trained on or held out."""
MOST_OUTPUTS = 256
MOST_CHECKPOINTS = 96
"""Kept by `watch`; a file from elsewhere may have as many as fit."""
LONGEST_NAME = 60

Loss = Literal["half_mean", "mean", "half_sum", "logistic", "squared_hinge", "hinge", "other"]
"""Those of `engine.losses` ("logistic" is the cross-entropy of softmax), or any other: outputs then have no targets."""
Precision = Literal["float64", "mixed", "float32"]


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


EIGEN = 60.0
"""Operations per p^3 and checkpoint: decompositions, and inclusion constants at every ridge."""


def expected(config: Any) -> Expected:
    """For a queue: an upper bound, of reading a recording or of comparing its spaces."""
    recorded = getattr(config, "recorded", config)
    points = recorded.train + recorded.held_out
    share = min(recorded.checkpoints, config.options.times) if config is not recorded else recorded.checkpoints
    seconds = 2.0 + EIGEN * share * float(points) ** 3 / Calibration().float64
    return Expected(seconds, 16.0 * recorded.checkpoints * points**2)
