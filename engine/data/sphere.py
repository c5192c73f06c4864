"""The sphere with spherical harmonics, single-index and multi-index targets."""

from typing import Annotated, ClassVar, Literal

import numpy as np
from jaxtyping import Float
from pydantic import Field

from engine.data.dataset import Dataset, Stream, TargetConfig, finished, on_sphere


class SphereConfig(TargetConfig):
    """Independent uniform points on S^{dim-1} with |x|^2 = n_0, or of another `radius`.

    Targets see the direction at radius sqrt(n_0), so `radius` changes the inputs only.
    """

    targets: ClassVar[tuple[str, ...]] = (
        "x0+x1x2",
        "harmonic",
        "hermite",
        "staircase",
        "parity",
        "product",
        "sign",
        "abs_sin",
    )
    lowest_dim: ClassVar[int] = 2  # S^0 is two points

    name: Literal["sphere"] = "sphere"
    target: str = Field(default="x0+x1x2", validate_default=True)
    radius: Annotated[float, Field(gt=0, le=1e6)] | None = None

    @property
    def domain(self) -> str:
        size = f"|x|^2 = {self.dim}" if self.radius is None else f"|x| = {self.radius:g}"
        return f"sphere S^{self.dim - 1}, {size}, uniform"

    def dataset(self) -> Dataset:
        u_train, u_test = self._directions("train inputs", self.size), self._directions("test inputs", self.test_size)
        scale = 1.0 if self.radius is None else self.radius / np.sqrt(self.dim)
        return finished(
            self, (scale * u_train, scale * u_test), (self.target_values(u_train), self.target_values(u_test))
        )

    def _directions(self, purpose: str, size: int) -> Float[np.ndarray, "points n_0"]:
        return on_sphere(Stream(self.seed, purpose), size, self.dim, np.sqrt(self.dim))
