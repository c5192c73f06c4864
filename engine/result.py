"""A result: arrays that a table declares, read from the entry that a job left and written to one. Imports no JAX.

An entry is flat: arrays by name, those of the seed at a position under "seed0/", and as JSON in "meta" the config, its
hash, the facts of every seed ("seeds") and the provenance: versions, device and, where it is kept, seconds.
"""

import json
import platform
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from typing import Any, ClassVar, Generic, Self, TypeVar

import numpy as np
import pandas as pd

from engine.data import overview
from engine.progress import Arrays
from engine.schema import Config
from engine.versions import VERSIONS


class ResultError(ValueError):
    """Arrays that are not what their table declares."""


@dataclass
class Field:
    """An array of a result. In the body of a class it is also the attribute that gives the array.

    Attributes:
        shape: its axes by name, as "T n"; empty for a number.
        quantity: what it carries, by its name in `engine.quantities`; empty where that is its own, or it has none.
        unit: empty for a pure number.
        optional: it needs a setting or a kind of data.
    """

    shape: str
    quantity: str = ""
    unit: str = ""
    optional: bool = False

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, instance: "Named | None", owner: type) -> np.ndarray:
        if instance is None:
            raise AttributeError(self.name)
        return instance[self.name]


@dataclass(frozen=True, eq=False, repr=False)
class Named:
    """Arrays by name; `FIELDS` is the table that declares them."""

    FIELDS: ClassVar[Mapping[str, Field]] = {}

    arrays: Arrays

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls.FIELDS = {**cls.FIELDS, **{name: own for name, own in vars(cls).items() if isinstance(own, Field)}}

    def __repr__(self) -> str:
        """Names and shapes: of arrays, a notebook would print pages."""
        return f"{type(self).__name__}({', '.join(self._told())})"

    def _told(self) -> list[str]:
        return [f"{name} {np.shape(array)}" for name, array in self.arrays.items()]

    def __getitem__(self, name: str) -> np.ndarray:
        return self.arrays[name]

    def __contains__(self, name: str) -> bool:
        return name in self.arrays

    @classmethod
    def from_arrays(cls, arrays: Arrays) -> Self:
        """Reads an entry. The arrays are made read-only. Raises `ResultError`."""
        return cls(read_only(arrays)).checked()

    def to_arrays(self) -> dict[str, np.ndarray]:
        """The entry. Raises `ResultError`, also for an array that the table does not declare."""
        if unknown := set(self.checked().arrays) - set(self.FIELDS):
            raise ResultError(f"{type(self).__name__}: {min(unknown)} is not declared: add it to the table")
        return dict(self.arrays)

    def checked(self) -> Self:
        """Itself. Raises `ResultError` where a declared array is missing or has another number of axes."""
        for name, field in self.FIELDS.items():
            shape = np.shape(self.arrays[name]) if name in self.arrays else None
            wrong = ""
            if shape is None and not field.optional:
                wrong = f"{name} ({field.shape}) is missing"
            if shape is not None and len(shape) != len(field.shape.split()):
                wrong = f"{name} is {shape}, not ({field.shape})"
            if wrong:
                raise ResultError(
                    f"{type(self).__name__}: {wrong}: if the table is newer than the result, raise the version of its "
                    "kind in engine/versions.py"
                )
        return self


@dataclass(frozen=True, eq=False, repr=False)
class Seed(Named):
    """What a result holds of one seed: arrays, and facts (numbers and texts, in "meta"), its `seed` among them."""

    facts: Mapping[str, Any]


AnyConfig = TypeVar("AnyConfig", bound=Config)
AnySeed = TypeVar("AnySeed", bound=Named)


@dataclass(frozen=True, eq=False, repr=False)
class Result(Named, Generic[AnyConfig, AnySeed]):
    """What a job gave, with the config that it answers.

    Attributes:
        arrays: those that belong to no seed.
        config: what was asked.
        meta: config hash, versions, device; of some kinds seconds.
        seeds: in the order of the config; none where the rows of `arrays` are runs.
    """

    CONFIG: ClassVar[type[Config]]
    SEED: ClassVar[Callable[[Arrays, Any], Any]]

    config: AnyConfig
    meta: Mapping[str, Any]
    seeds: tuple[AnySeed, ...] = ()

    def _told(self) -> list[str]:
        seeds = [f"{len(self.seeds)} seeds, the first {self.seeds[0]!r}"] if self.seeds else []
        return [f"config {self.config.hash}", *seeds, *super()._told()]

    @classmethod
    def from_arrays(cls, arrays: Arrays) -> Self:
        """Reads the "result" entry of a job. The arrays are made read-only. Raises `ResultError`."""
        meta, common, parts = json.loads(str(arrays["meta"])), {}, {}
        for name, array in read_only(arrays).items():
            prefix, _, own = name.partition("/")
            index = prefix.removeprefix("seed")
            if own and index.isdecimal():
                parts.setdefault(int(index), {})[own] = array
            elif name != "meta":
                common[name] = array
        found = [cls.SEED(parts.get(index, {}), facts) for index, facts in enumerate(meta.pop("seeds", ()))]
        config: Any = cls.CONFIG.from_dict(meta.pop("config"))
        return cls(common, config, meta, tuple(seed.checked() for seed in found)).checked()

    def to_arrays(self) -> dict[str, np.ndarray]:
        """The "result" entry. Raises `ResultError`, also for an array that no table declares."""
        seeds: Any = self.seeds
        arrays: dict[str, np.ndarray] = {}
        for index, seed in enumerate(seeds):
            arrays |= {f"seed{index}/{name}": array for name, array in seed.to_arrays().items()}
        meta = {**self.meta, "config": self.config.to_dict(), "config_hash": self.config.hash}
        meta |= {"seeds": [seed.facts for seed in seeds]} if seeds else {}
        return arrays | super().to_arrays() | {"meta": np.array(json.dumps(meta))}

    def to_frame(self) -> pd.DataFrame:
        """The rows of every seed (its `tables`)."""
        seeds: Any = self.seeds
        return pd.concat([pd.DataFrame(table) for seed in seeds for table in seed.tables()], ignore_index=True)

    @property
    def data_notes(self) -> tuple[str, ...]:
        """What a reader should know of the data; nothing of a recording, whose points are not known."""
        run: Any = getattr(self.config, "run", self.config)
        return overview(run.data).notes if hasattr(run, "data") else ()

    @property
    def network_notes(self) -> tuple[str, ...]:
        """And of a network of one's own."""
        return tuple(self.meta.get("notes", ()))

    @property
    def notes(self) -> tuple[str, ...]:
        """Both."""
        return (*self.data_notes, *self.network_notes)

    @property
    def parameter_count(self) -> int | None:
        """Trained parameters of the run; None where nobody noted those of a network of one's own."""
        config: Any = self.config
        return getattr(config, "run", config).parameter_count or self.meta.get("parameters")

    @cached_property
    def summary(self) -> dict[str, Any]:
        """What `summary.json` holds: the config, the provenance, and what `numbers` gives."""
        names = ("config_hash", "versions", "device", "seconds")
        about = {name: self.meta[name] for name in names if name in self.meta}
        return {"config": self.config.to_dict(), **about, **self.numbers()}

    def numbers(self) -> dict[str, Any]:
        """Its own part of `summary`."""
        return {}

    def per_seed(self, value: Callable[[AnySeed], Any]) -> list[float | None]:
        """A number of every seed; None where it is not finite."""
        return [finite(value(seed)) for seed in self.seeds]


def read_only(arrays: Arrays) -> Arrays:
    """The arrays, which nobody can write to from here on."""
    for array in arrays.values():
        array.setflags(write=False)
    return arrays


def finite(value: Any) -> float | None:
    """The number, or None (JSON's null) where it is not finite."""
    return float(value) if np.isfinite(value) else None


def provenance(kind: str, device: str, began: float) -> dict[str, Any]:
    """Versions of the packages and of the numbers of this kind of job, the device, and seconds since `began`."""
    versions = {name: version(name) for name in ("jax", "flax", "optax", "numpy", "scipy")}
    versions |= {"python": platform.python_version(), "result": str(VERSIONS.get(kind, 0))}
    return {"versions": versions, "device": device, "seconds": time.monotonic() - began}
