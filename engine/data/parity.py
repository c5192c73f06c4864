"""Sparse parity: the vertices of a cube with the product of a few coordinates as target."""

from typing import ClassVar, Literal

import numpy as np
from jaxtyping import Float
from pydantic import Field

from engine.data.dataset import Count, Dataset, Stream, TargetConfig, finished

LISTED_DIM = 20
"""Up to this dim all vertices are listed and shuffled; above it they are drawn and repeats dropped."""


class ParityConfig(TargetConfig):
    """Vertices of {-1, 1}^dim drawn without repetition; no test point is a training point.

    |x|^2 = n_0. `order` is the number of coordinates that are multiplied.
    """

    targets: ClassVar[tuple[str, ...]] = ("parity", "staircase", "product", "x0+x1x2")

    name: Literal["parity"] = "parity"
    test_size: Count = 192  # with size 64 all 2^8 vertices
    target: str = Field(default="parity", validate_default=True)

    @classmethod
    def most_points(cls, dim: int) -> int:
        """Also no more than there are vertices."""
        return min(2**dim, super().most_points(dim))

    @property
    def domain(self) -> str:
        return f"cube {{-1, 1}}^{self.dim}, uniform"

    def dataset(self) -> Dataset:
        vertices = self._vertices(self.size + self.test_size)
        x = vertices[: self.size], vertices[self.size :]
        return finished(self, x, (self.target_values(x[0]), self.target_values(x[1])))

    def _vertices(self, count: int) -> Float[np.ndarray, "count n_0"]:
        stream = Stream(self.seed, "inputs")
        if self.dim <= LISTED_DIM:
            chosen = stream.permutation(2**self.dim)[:count]
            return 1.0 - 2.0 * (chosen[:, None] >> np.arange(self.dim) & 1)
        drawn = np.empty((0, self.dim))
        while len(drawn) < count:
            drawn = np.concatenate([drawn, stream.signs(count, self.dim)])
            first = np.unique(drawn, axis=0, return_index=True)[1]
            drawn = drawn[np.sort(first)]
        return drawn[:count]
