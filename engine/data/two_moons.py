"""Two interleaved half-circles, one class each."""

from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from engine.data.dataset import Dataset, DatasetConfig, Stream, finished, standardised

CLASS_NAMES = ("upper moon", "lower moon")


class TwoMoonsConfig(DatasetConfig):
    """Points of the half-circles (cos a, sin a), target -1, and (1 - cos a, 1/2 - sin a), target +1, a uniform.

    Of every two points one is of each class, in random order. Inputs are centred and divided by one number so that the
    mean |x|^2 = n_0 = 2 on the training set.

    Attributes:
        jitter: standard deviation of the Gaussian noise on each coordinate, before that scaling.
    """

    name: Literal["two_moons"] = "two_moons"
    jitter: Annotated[float, Field(ge=0, le=10)] = 0.1

    @property
    def input_dim(self) -> int:
        return 2

    @property
    def domain(self) -> str:
        return f"R^2, two half-circles with Gaussian jitter {self.jitter:g}"

    def dataset(self) -> Dataset:
        labels = self._labels("train classes", self.size), self._labels("test classes", self.test_size)
        raw = self._moons("train inputs", labels[0]), self._moons("test inputs", labels[1])
        return finished(
            self,
            standardised(*raw, per_coordinate=False),
            (2.0 * labels[0][:, None] - 1.0, 2.0 * labels[1][:, None] - 1.0),
            labels_train=labels[0],
            labels_test=labels[1],
            class_names=CLASS_NAMES,
        )

    def _labels(self, purpose: str, size: int) -> np.ndarray:
        first = (Stream(self.seed, purpose).signs((size + 1) // 2) > 0).astype(int)
        return np.stack([first, 1 - first], axis=1).ravel()[:size]

    def _moons(self, purpose: str, labels: np.ndarray) -> np.ndarray:
        stream = Stream(self.seed, purpose)
        # Angle and jitter of one point together: more points leave the first as they are.
        draws = stream.uniform(len(labels), 3)
        angle = np.pi * draws[:, 0]
        lower = labels[:, None]
        upper_moon = np.stack([np.cos(angle), np.sin(angle)], axis=1)
        lower_moon = np.stack([1 - np.cos(angle), 0.5 - np.sin(angle)], axis=1)
        return np.where(lower, lower_moon, upper_moon) + self.jitter * stream.normal_of(draws[:, 1:])
