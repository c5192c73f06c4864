"""What pages and summaries say of a dataset beside its numbers. Kept by config, for generating may take a second."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from engine.data.dataset import DatasetConfig


@dataclass(frozen=True)
class Overview:
    """Facts of a dataset.

    Attributes:
        notes: as `Dataset.notes`.
        spread: sum |y - mean y|^2/sum |y|^2 over the held-out points: the error of their mean, where f = 0 has error 1.
    """

    notes: tuple[str, ...]
    spread: float

    def r_squared(self, error: float) -> float:
        """R^2 = 1 - sum |f - y|^2/sum |y - mean y|^2 on held-out points, of their error relative to sum |y|^2.

        NaN where the targets do not vary.
        """
        return 1 - error / self.spread if self.spread > 0 else float("nan")


def overview(config: DatasetConfig) -> Overview:
    """The facts of the dataset of a config. Raises `ConfigError` where the data are degenerate."""
    return _overview(config)  # pyright: ignore[reportArgumentType] - frozen configs have a hash


@lru_cache(maxsize=128)
def _overview(config: DatasetConfig) -> Overview:
    data = config.dataset()
    y = data.y_test
    power = float(np.sum(y**2))
    return Overview(data.notes, float(np.sum((y - y.mean(axis=0)) ** 2)) / power if power > 0 else 0.0)
