"""Where spaces are compared: training and held-out points, a curve to draw on, nested grids, a sample."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from engine.data import TARGETS, Dataset, DatasetConfig, generate, spread
from engine.data.circle import CircleConfig
from engine.data.gaussian_product import GaussianProductConfig
from engine.data.sphere import SphereConfig
from engine.schema import ConfigError

DRAWN = 96
"""Points of the curve along which functions are drawn."""
GRIDS = 5
"""Nested grids, each half the size of the next, and of 16 points or more."""


@dataclass(frozen=True, eq=False)
class Sets:
    """Training points, then held-out points, then a closed curve through the domain (none where q = 0).

    Attributes:
        x: (M + m + q, n_0).
        y_train, y_held_out, y_curve: targets; those of the training points with their noise.
        angle: (q,) along the curve, the circle of the first two coordinates.
    """

    x: Float[np.ndarray, "points n_0"]
    y_train: Float[np.ndarray, "M k"]
    y_held_out: Float[np.ndarray, "m k"]
    y_curve: Float[np.ndarray, "q k"]
    angle: Float[np.ndarray, " q"]

    @property
    def train(self) -> slice:
        return slice(len(self.y_train))

    @property
    def held_out(self) -> slice:
        return slice(len(self.y_train), len(self.y_train) + len(self.y_held_out))

    @property
    def union(self) -> slice:
        """Training and held-out points."""
        return slice(self.held_out.stop)

    @property
    def curve(self) -> slice:
        return slice(self.held_out.stop, len(self.x))


def sets(config: DatasetConfig, data: Dataset, held_out: int) -> Sets:
    """The sets of a run, with `held_out` of its test points, evenly spread."""
    chosen = spread(len(data.x_test), held_out)
    angle, x_curve, y_curve = _curve(config, data)
    x = np.concatenate([data.x_train, data.x_test[chosen], x_curve])
    return Sets(x, data.y_train, data.y_test[chosen], y_curve, angle)


def _curve(config: DatasetConfig, data: Dataset) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The circle itself; on the sphere and in Gaussian space that of the first two coordinates, at |x| of the data."""
    angle = 2 * np.pi * np.arange(DRAWN) / DRAWN
    match config:
        case CircleConfig():
            return angle, *_circle(config, data, DRAWN)
        case SphereConfig() | GaussianProductConfig():
            direction = np.zeros((DRAWN, config.dim))
            direction[:, 0], direction[:, 1] = np.cos(angle), np.sin(angle)
            unit = np.sqrt(config.dim)
            radius = (config.radius or unit) if isinstance(config, SphereConfig) else unit
            return angle, radius * direction, data.target_scale * config.target_values(unit * direction)
    n_0, k = data.x_train.shape[1], data.y_train.shape[1]
    return np.zeros(0), np.zeros((0, n_0)), np.zeros((0, k))


@dataclass(frozen=True, eq=False)
class Nested:
    """Grids each of which holds the one before.

    Attributes:
        x, y: the largest, with clean targets.
        members: of each grid, its positions in the largest; ascending in size.
    """

    x: Float[np.ndarray, "P n_0"]
    y: Float[np.ndarray, "P k"]
    members: tuple[Int[np.ndarray, " p"], ...]

    @property
    def sizes(self) -> Int[np.ndarray, " g"]:
        return np.array([len(member) for member in self.members])


def nested(config: DatasetConfig, data: Dataset, largest: int) -> Nested:
    """Nested grids of up to `largest` points.

    Equally spaced on the circle; elsewhere the first so many of the points of `sample`.
    """
    if isinstance(config, CircleConfig):
        return Nested(
            *_circle(config, data, largest), tuple(np.arange(0, largest, largest // size) for size in sizes(largest))
        )
    x, y = sample(config, data, largest)
    return Nested(x, y, tuple(np.arange(size) for size in sizes(len(x))))


def sizes(largest: int) -> list[int]:
    """Of nested grids."""
    halved = [largest // 2**halvings for halvings in reversed(range(GRIDS))]
    return [size for size in halved if size >= 16] or [largest]


def sample(
    config: DatasetConfig, data: Dataset, size: int
) -> tuple[Float[np.ndarray, "p n_0"], Float[np.ndarray, "p k"]]:
    """Up to `size` points of the domain with clean targets: held-out points, newly drawn where the run has too few.

    A finite dataset (the cube, a table, digits) gives all the points that it has.
    """
    if len(data.x_test) >= size:
        chosen = spread(len(data.x_test), size)
        return data.x_test[chosen], data.y_test[chosen]
    try:
        larger = generate(config.from_dict({**config.to_dict(), "test_size": size, "noise": 0.0}))
        return larger.x_test, larger.y_test
    except ConfigError:  # the domain has no more points
        clean = generate(config.model_copy(update={"noise": 0.0}))
        x, y = np.concatenate([clean.x_test, clean.x_train]), np.concatenate([clean.y_test, clean.y_train])
        chosen = spread(len(x), size)
        return x[chosen], y[chosen]


def _circle(
    config: CircleConfig, data: Dataset, size: int
) -> tuple[Float[np.ndarray, "size 2"], Float[np.ndarray, "size 1"]]:
    """An equally spaced grid of the circle, and the target there."""
    angle = 2 * np.pi * np.arange(size) / size
    x = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return x, data.target_scale * TARGETS[config.target].function(x, config)[:, None]
