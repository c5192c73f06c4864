"""What every dataset shares: its random numbers, the settings, the result, the scaling of inputs and targets."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import numpy as np
import scipy.special
from jaxtyping import Float, Int
from pydantic import Field, ValidationInfo, field_validator

from engine.data.remarks import remarks
from engine.data.targets import SIGNS, TARGETS
from engine.numerics import NOTHING, without_rounding
from engine.schema import Config, ConfigError, Problem, did_you_mean

# Random numbers that stay the same from one NumPy version to the next.
#
# NumPy promises the raw bits of PCG64 and the hashing of SeedSequence, but not the distributions of
# `Generator` (NEP 19). The few distributions that the datasets need are therefore derived from the raw bits here.


class Stream:
    """Random numbers for one purpose. Streams of different purposes are independent.

    Args:
        seed: of the dataset.
        purpose: such as "train inputs". One stream per purpose keeps the training set the same when
            the test set grows, and the first points the same when the training set grows.
    """

    def __init__(self, seed: int, purpose: str):
        self._bits = np.random.PCG64(np.random.SeedSequence([seed, zlib.crc32(purpose.encode())]))

    def uniform(self, *shape: int) -> Float[np.ndarray, "..."]:
        """Uniform on the open interval (0, 1)."""
        raw = self._bits.random_raw(int(np.prod(shape))) >> np.uint64(12)
        return ((raw.astype(np.float64) + 0.5) * 2.0**-52).reshape(shape)

    def normal(self, *shape: int) -> Float[np.ndarray, "..."]:
        """Standard normal, by the inverse of its distribution function."""
        return self.normal_of(self.uniform(*shape))

    @staticmethod
    def normal_of(uniform: Float[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
        """Standard normal numbers made from uniform ones, one each."""
        return scipy.special.ndtri(uniform)

    def signs(self, *shape: int) -> Float[np.ndarray, "..."]:
        """-1 or 1 with equal probability."""
        return np.where(self.uniform(*shape) < 0.5, -1.0, 1.0)

    def permutation(self, size: int) -> Int[np.ndarray, " size"]:
        """0 .. size - 1 in random order."""
        return np.argsort(self.uniform(size), kind="stable")


# What every dataset shares: the settings, the result, and the scaling of inputs and targets.

MAX_POINTS = 20_000
MAX_DIM = 4096
MAX_VALUES = 20_000_000
"""Input values of a dataset, training and test together (160 MB)."""

Count = Annotated[int, Field(ge=2, le=MAX_POINTS)]
Dim = Annotated[int, Field(ge=1, le=MAX_DIM, validate_default=True)]
Order = Annotated[int, Field(ge=1, le=64)]


@dataclass(frozen=True, eq=False)
class Dataset:
    """Training and test points. All arrays float64 and read-only.

    Attributes:
        x_train, y_train: (M, n_0) and (M, k).
        x_test, y_test: held-out points; their targets carry no noise.
        domain: where the inputs live and their law, exactly.
        target_scale: what the target's formula was multiplied with to reach `target_rms`.
        angle_train, angle_test: angles in [0, 2 pi) on the circle, None elsewhere.
        labels_train, labels_test: class numbers 0, 1, ... where this is classification, None elsewhere.
        class_names: one per class.
        notes: remarks that a reader should see, such as repeated points.
    """

    x_train: Float[np.ndarray, "M n_0"]
    y_train: Float[np.ndarray, "M k"]
    x_test: Float[np.ndarray, "M_test n_0"]
    y_test: Float[np.ndarray, "M_test k"]
    domain: str
    target_scale: float = 1.0
    angle_train: Float[np.ndarray, " M"] | None = None
    angle_test: Float[np.ndarray, " M_test"] | None = None
    labels_train: Int[np.ndarray, " M"] | None = None
    labels_test: Int[np.ndarray, " M_test"] | None = None
    class_names: tuple[str, ...] | None = None
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for value in vars(self).values():
            if isinstance(value, np.ndarray):
                value.setflags(write=False)


class DatasetConfig(Config):
    """Settings of every dataset.

    Attributes:
        size, test_size: number of training points M and of held-out points.
        target_rms: targets are scaled to this root mean square on the training set; None: not scaled.
        noise: standard deviation of what is added to the training targets after scaling.
        seed: of everything random.
    """

    name: Any  # a Literal in each dataset; here for its place as the first setting
    size: Count = 64
    test_size: Count = 256
    target_rms: Annotated[float, Field(gt=0, le=1e6)] | None = 1.0
    noise: Annotated[float, Field(ge=0, le=1e3)] = 0.0
    seed: Annotated[int, Field(ge=0, le=2**32 - 1)] = 0

    @property
    def input_dim(self) -> int:
        """n_0, without generating the data."""
        raise NotImplementedError

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one input, (height, width, channels) of an image; `Dataset` has inputs flat, in C order."""
        return (self.input_dim,)

    @property
    def lacking(self) -> list[Problem]:
        """What is not on this machine and needed for the data: a file, a package."""
        return []

    @property
    def only_zero(self) -> bool:
        """Whether the training targets are all 0, which only `engine.data.point` allows."""
        return False

    @property
    def output_dim(self) -> int:
        """k, without generating the data."""
        return 1

    @property
    def of_classes(self) -> bool | None:
        """Whether the targets are those of classes; None where only the data say it."""
        return None

    @property
    def domain(self) -> str:
        """Where the inputs live and their law."""
        raise NotImplementedError

    @property
    def whence(self) -> str:
        """The domain; where there are finitely many points, also how they are drawn and their inputs scaled."""
        return self.domain

    def dataset(self) -> Dataset:
        """The data. Raises `ConfigError` where a valid config gives degenerate data."""
        raise NotImplementedError


class TargetConfig(DatasetConfig):
    """A dataset of `dim` coordinates whose target is a row of `TARGETS`.

    Attributes:
        order: degree, number of coordinates or frequency, where the target has one.
        target: one of `targets`, those that make sense on this domain.
    """

    targets: ClassVar[tuple[str, ...]]
    lowest_dim: ClassVar[int] = 1

    dim: Dim = 8
    order: Order = 2
    target: str

    @field_validator("dim")
    @classmethod
    def _fits(cls, dim: int, info: ValidationInfo) -> int:
        if dim < cls.lowest_dim:
            raise ValueError(f"{dim} given, but this dataset has at least {cls.lowest_dim} coordinates: raise dim")
        size, test_size = info.data.get("size"), info.data.get("test_size")
        if size is None or test_size is None:  # they have problems of their own
            return dim
        points, most = size + test_size, cls.most_points(dim)
        if points > most:
            raise ValueError(
                f"{dim} allows {most:,} points, fewer than size {size} + test_size {test_size} = {points}: "
                "lower size or test_size, or change dim"
            )
        return dim

    @classmethod
    def most_points(cls, dim: int) -> int:
        """How many points, training and test together, there can be."""
        return MAX_VALUES // dim

    @field_validator("target")
    @classmethod
    def _target_exists_here(cls, name: str, info: ValidationInfo) -> str:
        if name not in cls.targets:
            kind = cls.model_fields["name"].default
            known = "is not defined on" if name in TARGETS else "is unknown for"
            hint = did_you_mean(name, list(cls.targets))
            raise ValueError(f"{name!r} {known} the dataset {kind!r}.{hint} Allowed: {', '.join(cls.targets)}")
        dim, order = info.data.get("dim"), info.data.get("order")
        if dim is None or order is None:  # they have problems of their own
            return name
        needed = TARGETS[name].coordinates or order
        if needed > dim:
            because = "" if TARGETS[name].coordinates else f" (order {order})"
            raise ValueError(
                f"{name!r}{because} needs {needed} coordinates but dim is {dim}: raise dim"
                f"{' or lower order' if because else ' or choose another target'}"
            )
        return name

    @property
    def input_dim(self) -> int:
        return self.dim

    @property
    def of_classes(self) -> bool:
        return self.target in SIGNS

    def target_values(self, u: Float[np.ndarray, "points n_0"]) -> Float[np.ndarray, "points 1"]:
        """The target's formula at coordinates of unit variance, before scaling."""
        return TARGETS[self.target].function(u, self)[:, None]


def spread(size: int, most: int) -> np.ndarray:
    """At most `most` of the indices 0 .. size - 1, evenly spread."""
    return np.arange(min(size, most)) * size // min(size, most)


def finished(
    config: DatasetConfig,
    x: tuple[np.ndarray, np.ndarray],
    y: tuple[np.ndarray, np.ndarray],
    notes: Sequence[str] = (),
    natural: float = 1.0,
    **extra,
) -> Dataset:
    """The dataset after the steps that all share: scale the targets, add noise to the training ones.

    Held-out targets that are rounding beside the training ones become zero, and a note says so: errors relative to
    them are undefined.

    Args:
        x, y: inputs and targets, each (training, test).
        notes: on how they came to be; remarks on the points themselves are added.
        natural: size of the values that the targets come from, by which rounding is told from small targets.
        extra: further fields of `Dataset`.
    """
    y_train, y_test = y
    rms = float(np.sqrt(np.mean(y_train**2)))
    # Rounding leaves targets that are zero everywhere at 1e-16 of what they come from.
    if rms <= NOTHING * natural:
        raise ConfigError(
            [Problem("target", "is zero at every training point, so nothing can be learned: change the target or size")]
        )
    y_test = without_rounding(y_test, y_train)
    if not np.any(y_test):
        notes = [*notes, "the held-out targets are zero to rounding: errors relative to them are undefined"]
    scale = 1.0 if config.target_rms is None else config.target_rms / rms
    noise = config.noise * Stream(config.seed, "noise").normal(*y_train.shape) if config.noise else 0.0
    return Dataset(
        x_train=x[0],
        y_train=scale * y_train + noise,
        x_test=x[1],
        y_test=scale * y_test,
        domain=config.domain,
        target_scale=scale,
        notes=(*notes, *remarks(x, y)),
        **extra,
    )


def on_sphere(stream: Stream, size: int, dim: int, radius: float) -> Float[np.ndarray, "points n_0"]:
    """Independent uniform points of this norm."""
    normal = stream.normal(size, dim)
    return normal * (radius / np.linalg.norm(normal, axis=1, keepdims=True))


def standardised(
    train: np.ndarray, test: np.ndarray, per_coordinate: bool
) -> tuple[Float[np.ndarray, "M n_0"], Float[np.ndarray, "M_test n_0"]]:
    """Inputs with mean 0 and mean |x|^2 = n_0 over the training points; the test points are moved along.

    Args:
        per_coordinate: divide each coordinate by its own standard deviation (needs one above 0 everywhere)
            instead of all by one number, which keeps shapes.
    """
    centre = train.mean(axis=0)
    variance = ((train - centre) ** 2).mean(axis=0)
    scale = np.sqrt(variance if per_coordinate else variance.mean())
    return (train - centre) / scale, (test - centre) / scale
