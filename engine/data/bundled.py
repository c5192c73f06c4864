"""Scikit-learn's bundled tables of measurements: breast cancer, wine, diabetes."""

from functools import cache
from typing import Annotated, Literal

import numpy as np
from jaxtyping import Float, Int
from pydantic import Field, field_validator

from engine.data.dataset import Count, Dataset
from engine.data.finite import FiniteConfig, classes_note, different, of_classes, of_numbers, two_or_all

Cultivar = Annotated[int, Field(ge=0, le=2)]

BREAST_CANCER = ("malignant", "benign")
CULTIVARS = (59, 71, 48)
"""Wines of each."""


class BreastCancerConfig(FiniteConfig):
    """569 tumours by 30 measurements of their cells' nuclei: malignant has target -1, benign +1."""

    name: Literal["breast_cancer"] = "breast_cancer"

    @property
    def available(self) -> int:
        return 569

    @property
    def input_dim(self) -> int:
        return 30

    @property
    def domain(self) -> str:
        return "R^30, measurements of cell nuclei in breast tumours"

    def dataset(self) -> Dataset:
        x, labels = _classes("load_breast_cancer")
        return of_classes(self, x, labels, (0, 1), BREAST_CANCER, self.scaling, [classes_note(BREAST_CANCER)])


class WineConfig(FiniteConfig):
    """178 wines of three cultivars by 13 chemical measurements.

    Attributes:
        classes: two cultivars, the first with target -1 and the second with +1; None for all three with three targets
            each, 2/3 for the wine's own and -1/3 for the others (before scaling).
    """

    name: Literal["wine"] = "wine"
    test_size: Count = 96
    classes: tuple[Cultivar, Cultivar] | None = None

    _two_or_all = field_validator("classes", mode="before")(two_or_all)
    _different = field_validator("classes")(different)

    @property
    def available(self) -> int:
        return sum(CULTIVARS[cultivar] for cultivar in self.classes or range(3))

    @property
    def input_dim(self) -> int:
        return 13

    @property
    def output_dim(self) -> int:
        return 1 if self.classes else 3

    @property
    def domain(self) -> str:
        return "R^13, chemical measurements of wines"

    def dataset(self) -> Dataset:
        x, labels = _classes("load_wine")
        classes = self.classes or (0, 1, 2)
        names = [f"cultivar {cultivar}" for cultivar in classes]
        return of_classes(self, x, labels, classes, names, self.scaling, [classes_note(names)])


class DiabetesConfig(FiniteConfig):
    """442 patients by age, sex, body mass index, blood pressure and six blood values; the target is how far the disease
    had progressed a year later.

    Attributes:
        centre: whether the target's mean over the training points is taken off.
    """

    name: Literal["diabetes"] = "diabetes"
    centre: bool = True

    @property
    def available(self) -> int:
        return 442

    @property
    def input_dim(self) -> int:
        return 10

    @property
    def of_classes(self) -> bool:
        return False

    @property
    def domain(self) -> str:
        return "R^10, measurements of patients with diabetes"

    def dataset(self) -> Dataset:
        x, y = _loaded("load_diabetes", scaled=False)
        return of_numbers(self, x, y[:, None], self.centre, self.scaling)


def _classes(loader: str) -> tuple[Float[np.ndarray, "points n_0"], Int[np.ndarray, " points"]]:
    x, labels = _loaded(loader)
    return x, labels.astype(np.int64)


@cache
def _loaded(loader: str, **settings: bool) -> tuple[Float[np.ndarray, "points n_0"], Float[np.ndarray, " points"]]:
    """Inputs and targets by the name of a function of `sklearn.datasets`."""
    from sklearn import datasets  # a second to import, and only this needs it

    x, y = getattr(datasets, loader)(return_X_y=True, **settings)
    return np.asarray(x, np.float64), np.asarray(y, np.float64)
