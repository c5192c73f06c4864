"""Scikit-learn's bundled 8 x 8 images of handwritten digits: two classes, or all ten."""

from functools import cache
from typing import Annotated, Literal

import numpy as np
from pydantic import Field, ValidationInfo, field_validator

from engine.data.dataset import Dataset, DatasetConfig
from engine.data.finite import drawn, of_classes, two_or_all

IMAGES_PER_DIGIT = (178, 182, 177, 183, 181, 182, 181, 179, 174, 180)

Digit = Annotated[int, Field(ge=0, le=9)]


class DigitsConfig(DatasetConfig):
    """Images drawn without repetition. Pixels are centred and divided by one number: mean |x|^2 = n_0 = 64.

    Attributes:
        classes: two digits, the first with target -1 and the second with +1; None for all ten digits with ten
            targets each, 1 - 1/10 for the digit's own and -1/10 for the others (before scaling).
    """

    name: Literal["digits"] = "digits"
    classes: tuple[Digit, Digit] | None = Field(default=(0, 1), validate_default=True)

    _two_or_all = field_validator("classes", mode="before")(two_or_all)

    @field_validator("classes")
    @classmethod
    def _two_digits_with_enough_images(cls, classes: tuple[int, int] | None, info: ValidationInfo):
        if classes and classes[0] == classes[1]:
            raise ValueError(f"{list(classes)} given: choose two different digits")
        size, test_size = info.data.get("size"), info.data.get("test_size")
        available = sum(IMAGES_PER_DIGIT[digit] for digit in classes or range(10))
        if size and test_size and size + test_size > available:
            which = f"digits {classes[0]} and {classes[1]} have" if classes else "there are"
            raise ValueError(
                f"{which} {available} images, fewer than size {size} + test_size {test_size} = {size + test_size}: "
                "lower size or test_size"
            )
        return classes

    @property
    def input_dim(self) -> int:
        return 64

    @property
    def shape(self) -> tuple[int, ...]:
        return 8, 8, 1

    @property
    def output_dim(self) -> int:
        return 1 if self.classes else 10

    @property
    def domain(self) -> str:
        return "R^64, images of handwritten digits"

    @property
    def whence(self) -> str:
        available = sum(IMAGES_PER_DIGIT[digit] for digit in self.classes or range(10))
        return f"{self.domain}, {drawn(available, self.seed, 'common')}"

    def dataset(self) -> Dataset:
        images, digits = _bundled()
        classes = self.classes or tuple(range(10))
        return of_classes(self, images, digits, classes, [str(digit) for digit in classes], "common")


@cache
def _bundled() -> tuple[np.ndarray, np.ndarray]:
    """Images (1797, 64) in 0 .. 16 and their digits (1797,)."""
    from sklearn.datasets import load_digits  # a second to import, and only this needs it

    images, digits = load_digits(return_X_y=True)
    return np.asarray(images, np.float64), np.asarray(digits, np.int64)
