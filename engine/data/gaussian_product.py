"""Gaussian inputs with the product of two coordinates as target."""

from typing import ClassVar, Literal

from pydantic import Field

from engine.data.dataset import Dataset, Stream, TargetConfig, finished


class GaussianProductConfig(TargetConfig):
    """Independent standard normal points of R^dim, so E|x|^2 = n_0."""

    targets: ClassVar[tuple[str, ...]] = ("product", "x0+x1x2", "hermite", "staircase", "parity", "sign", "abs_sin")
    lowest_dim: ClassVar[int] = 2

    name: Literal["gaussian_product"] = "gaussian_product"
    target: str = Field(default="product", validate_default=True)

    @property
    def domain(self) -> str:
        return f"R^{self.dim}, standard normal"

    def dataset(self) -> Dataset:
        x_train = Stream(self.seed, "train inputs").normal(self.size, self.dim)
        x_test = Stream(self.seed, "test inputs").normal(self.test_size, self.dim)
        return finished(self, (x_train, x_test), (self.target_values(x_train), self.target_values(x_test)))
