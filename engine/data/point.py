"""One training point: for the first step, and for the exact laws of the kernel at one input."""

from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from engine.data.dataset import Dataset, DatasetConfig, Dim, Stream, on_sphere

ZERO_NOTE = "the target is 0: the network unlearns its start, and what is relative to the target is undefined"


class PointConfig(DatasetConfig):
    """One input of norm `radius` in a direction drawn with the seed, and its target; held-out points are uniform on the
    same sphere, of the same target.

    Attributes:
        size: 1.
        target_rms: none; the target is `value` as it stands.
        dim: n_0.
        radius: |x|; sqrt(n_0) when left out.
        value: the target y; 0 is allowed here, where a network that is not centred has f_0 to unlearn.
    """

    name: Literal["point"] = "point"
    size: Annotated[int, Field(ge=1, le=1)] = 1
    test_size: Annotated[int, Field(ge=2, le=4096)] = 64
    target_rms: None = None  # pyright: ignore[reportIncompatibleVariableOverride]
    dim: Dim = 8
    radius: Annotated[float, Field(gt=0, le=1e6)] | None = None
    value: Annotated[float, Field(ge=-1e6, le=1e6)] = 0.0

    @property
    def only_zero(self) -> bool:
        return self.value == 0 and self.noise == 0

    @property
    def input_dim(self) -> int:
        return self.dim

    @property
    def norm_squared(self) -> float:
        """|x|^2."""
        return float(self.dim) if self.radius is None else self.radius**2

    @property
    def domain(self) -> str:
        return f"one point of R^{self.dim}, |x|^2 = {self.norm_squared:g}"

    def dataset(self) -> Dataset:
        radius = float(np.sqrt(self.norm_squared))
        x = on_sphere(Stream(self.seed, "train inputs"), 1, self.dim, radius)
        held_out = on_sphere(Stream(self.seed, "test inputs"), self.test_size, self.dim, radius)
        noise = self.noise * Stream(self.seed, "noise").normal(1, 1) if self.noise else 0.0
        y = np.full((1, 1), self.value) + noise
        return Dataset(
            x_train=x,
            y_train=y,
            x_test=held_out,
            y_test=np.full((self.test_size, 1), self.value),
            domain=self.domain,
            notes=(ZERO_NOTE,) if self.only_zero else (),
        )
