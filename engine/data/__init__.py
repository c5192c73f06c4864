"""Datasets without downloads: one frozen config per dataset, and `generate`.

Importing this imports no JAX. A dataset is a config class in a file of its own (tables have more: `csv_...`) and its
place in `DataConfig`.
The data are a function of the config alone: the same on every machine up to rounding, whatever the NumPy version.
Of a file the config has the digest, and `engine.data.contents` the bytes.
"""

from typing import Annotated, get_args

from pydantic import Field

from engine.data.bundled import BreastCancerConfig, DiabetesConfig, WineConfig
from engine.data.circle import CircleConfig
from engine.data.csv import CsvConfig
from engine.data.dataset import Dataset, DatasetConfig, spread
from engine.data.digits import DigitsConfig
from engine.data.file import FileConfig
from engine.data.gaussian_product import GaussianProductConfig
from engine.data.mnist import MnistConfig
from engine.data.parity import ParityConfig
from engine.data.point import PointConfig
from engine.data.remarks import overview
from engine.data.sphere import SphereConfig
from engine.data.targets import TARGETS
from engine.data.two_moons import TwoMoonsConfig

DataConfig = Annotated[
    CircleConfig
    | SphereConfig
    | GaussianProductConfig
    | ParityConfig
    | TwoMoonsConfig
    | PointConfig
    | DigitsConfig
    | BreastCancerConfig
    | WineConfig
    | DiabetesConfig
    | MnistConfig
    | FileConfig
    | CsvConfig,
    Field(discriminator="name"),
]

DATASETS: dict[str, type[DatasetConfig]] = {
    config.model_fields["name"].default: config for config in get_args(get_args(DataConfig)[0])
}
"""Name -> config class, in the order in which a page lists them."""

MEASURED = ("breast_cancer", "wine", "diabetes", "file", "csv")
"""Those of measurements, where R^2 beside an error says more than the error."""


def generate(config: DatasetConfig) -> Dataset:
    """The dataset of a config.

    Raises:
        ConfigError: the config is valid but its data are degenerate, such as a target that is zero everywhere, or
            are not on this machine.
    """
    return config.dataset()


__all__ = [
    "DATASETS", "MEASURED", "TARGETS", "DataConfig", "Dataset", "DatasetConfig", "generate", "overview", "spread",
]  # fmt: skip
