"""What a reader should know of a dataset beside its numbers: repeated points, contradictory targets, their spread."""

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float, Int

if TYPE_CHECKING:
    from engine.data.dataset import DatasetConfig

DIGITS = 12
"""Inputs that agree in so many decimals of their column's size are the same: the kernel cannot tell them apart."""
TOLERANCE = 1e-12
"""Targets that differ by less, relative to the largest, are the same."""

Pair = tuple[Float[np.ndarray, "M columns"], Float[np.ndarray, "M_test columns"]]
"""Training points, then held-out ones."""


def remarks(x: Pair, y: Pair) -> list[str]:
    """One sentence for each thing found among inputs and targets, without noise."""
    group = groups(np.concatenate(x))
    train, test = group[: len(x[0])], group[len(x[0]) :]
    return [*_repeated(train, y[0]), *_shared(train, test)]


def groups(x: Float[np.ndarray, "points columns"]) -> Int[np.ndarray, " points"]:
    """The number of the distinct input that each point has."""
    size = np.abs(x).max(axis=0)
    # Adding 0 makes -0 into 0: rows are compared byte by byte, which is quick for many columns.
    rounded = np.ascontiguousarray(np.round(x / np.where(size > 0, size, 1.0), DIGITS) + 0.0)
    rows = rounded.view(np.dtype((np.void, rounded.dtype.itemsize * rounded.shape[1]))).ravel()
    return np.unique(rows, return_inverse=True)[1].ravel()


def _repeated(group: Int[np.ndarray, " M"], y: Float[np.ndarray, "M k"]) -> list[str]:
    total, distinct = len(group), len(np.unique(group))
    if distinct == total:
        return []
    said = [
        f"{total - distinct} of {total} training points repeat the inputs of another: the kernel matrix is singular, "
        f"of rank {distinct} at most"
    ]
    means = _means(group, y)
    apart = np.abs(y - means).max(axis=1) > TOLERANCE * np.abs(y).max()
    if apart.any():
        left = np.linalg.norm(y - means) / np.linalg.norm(y)
        said.append(
            f"{apart.sum()} training points have the inputs of another but other targets: no function fits them all, "
            f"{100 * left:.2g}% of the targets' norm is left at best"
        )
    return said


def _means(group: Int[np.ndarray, " M"], y: Float[np.ndarray, "M k"]) -> Float[np.ndarray, "M k"]:
    """For each point, the mean target of those with its inputs."""
    _, place, counts = np.unique(group, return_inverse=True, return_counts=True)
    sums = np.zeros((len(counts), y.shape[1]))
    np.add.at(sums, place, y)
    return (sums / counts[:, None])[place]


def _shared(train: Int[np.ndarray, " M"], test: Int[np.ndarray, " M_test"]) -> list[str]:
    both = int(np.isin(test, train).sum())
    if not both:
        return []
    return [f"{both} of {len(test)} held-out points have the inputs of a training point: the error on them is no test"]


# What pages and summaries say of a dataset. Kept by config, for generating may take a second.


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


@lru_cache(maxsize=128)
def overview(config: "DatasetConfig") -> Overview:
    """The facts of the dataset of a config. Raises `ConfigError` where the data are degenerate."""
    data = config.dataset()
    y = data.y_test
    power = float(np.sum(y**2))
    return Overview(data.notes, float(np.sum((y - y.mean(axis=0)) ** 2)) / power if power > 0 else 0.0)
