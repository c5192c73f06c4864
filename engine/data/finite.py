"""Datasets of finitely many points, drawn without repetition: which points, their inputs scaled, their targets."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, Literal, Self

import numpy as np
from jaxtyping import Float, Int, Shaped
from pydantic import model_validator

from engine.data.csv_table import constant, listed
from engine.data.dataset import Dataset, DatasetConfig, Stream, finished, standardised
from engine.problems import short_repr
from engine.schema import ConfigError, Problem

Scaling = Literal["feature", "common", "none"]
"""Of inputs, over the training points: each feature to mean 0 and standard deviation 1; every feature to mean 0, then
all divided by one number, so that mean |x|^2 = n_0; or as they stand."""

SCALED: Mapping[Scaling, str] = {
    "feature": "each input to mean 0 and standard deviation 1 over the training points",
    "common": "inputs to mean 0 and mean |x|^2 = n_0 over the training points",
    "none": "inputs as they stand",
}

Inputs = Shaped[np.ndarray, "points n_0"]


class FiniteConfig(DatasetConfig):
    """Points shuffled with the seed: the first `size` train, the next `test_size` are held out.

    Attributes:
        scaling: of the inputs (`Scaling`). A feature that is constant over the training points becomes 0, in held-out
            points too, and a note says so.
    """

    scaling: Scaling = "feature"

    @property
    @abstractmethod
    def available(self) -> int:
        """How many points there are to draw from."""

    @property
    def whence(self) -> str:
        return f"{self.domain}, {drawn(self.available, self.seed, self.scaling)}"

    @model_validator(mode="after")
    def _enough_points(self) -> Self:
        asked = self.size + self.test_size
        if asked > self.available:
            message = (
                f"there are {self.available:,} points, fewer than size {self.size} + test_size {self.test_size} = "
                f"{asked}: lower size or test_size"
            )
            raise ConfigError([Problem("size", message)])
        return self


def drawn(available: int | None, seed: int, scaling: Scaling) -> str:
    """How points are drawn from so many, where that is known, and their inputs scaled."""
    among = "" if available is None else f" from {available:,}"
    return f"drawn{among} by data seed {seed}; {SCALED[scaling]}"


def shuffled(config: DatasetConfig, rows: Int[np.ndarray, " rows"]) -> Int[np.ndarray, " asked"]:
    """Of these rows those that the config asks for, training points first."""
    return rows[Stream(config.seed, "shuffle").permutation(len(rows))][: config.size + config.test_size]


def of_classes(
    config: DatasetConfig,
    x: Inputs,
    labels: Int[np.ndarray, " points"],
    classes: Sequence[int],
    names: Sequence[str],
    scaling: Scaling,
    notes: Sequence[str] = (),
) -> Dataset:
    """Points of these classes, with the targets of `class_targets`.

    Args:
        labels: class numbers; `classes` are those that count, in their order, and `names` theirs.
    """
    rows = shuffled(config, np.flatnonzero(np.isin(labels, classes)))
    own = np.argmax(labels[rows, None] == np.asarray(classes), axis=1)
    train, test = slice(0, config.size), slice(config.size, None)
    if len(np.unique(own[train])) < 2:
        message = f"all {config.size} training points are of the class {names[own[0]]!r}: raise size or change seed"
        raise ConfigError([Problem("size", message)])
    inputs, said = scaled(x[rows[train]], x[rows[test]], scaling)
    y = class_targets(own, len(classes))
    parts = {"labels_train": own[train], "labels_test": own[test], "class_names": tuple(names)}
    return finished(config, inputs, (y[train], y[test]), [*notes, *said], **parts)


def of_numbers(
    config: DatasetConfig,
    x: Inputs,
    y: Float[np.ndarray, "points k"],
    centre: bool,
    scaling: Scaling,
) -> Dataset:
    """Points whose targets are numbers; with `centre`, their mean over the training points is taken off."""
    rows = shuffled(config, np.arange(len(x)))
    train, test = rows[: config.size], rows[config.size :]
    inputs, said = scaled(x[train], x[test], scaling)
    targets = y[train], y[test]
    if centre:
        if all(constant(values) for values in targets[0].T):
            given = f"the target is {targets[0][0, 0]:g} at all {config.size} training points"
            remedy = "raise size, change seed or set centre false"
            raise ConfigError([Problem("size", f"{given}, so nothing can be learned once it is centred: {remedy}")])
        mean = targets[0].mean(axis=0)
        said = [*said, centred_note(mean)]
        targets = targets[0] - mean, targets[1] - mean
    return finished(config, inputs, targets, said, float(np.abs(y).max()))


def scaled(train: Inputs, test: Inputs, scaling: Scaling) -> tuple[tuple[np.ndarray, np.ndarray], list[str]]:
    """Inputs in float64 on the scale asked for, training and held-out ones, and what to say of them.

    Raises `ConfigError` where no input varies over the training points.
    """
    train, test = np.asarray(train, np.float64), np.asarray(test, np.float64)
    if scaling == "none":
        return (train, test), []
    still = np.array([constant(values) for values in train.T])
    if still.all():
        given = f"every input is the same at all {len(train)} training points"
        raise ConfigError([Problem("size", f"{given}, so none can be scaled: raise size or change seed")])
    if scaling == "common":
        return standardised(train, test, per_coordinate=False), []
    x = np.zeros_like(train), np.zeros_like(test)
    x[0][:, ~still], x[1][:, ~still] = standardised(train[:, ~still], test[:, ~still], per_coordinate=True)
    return x, [_still_note(int(still.sum()), len(still))] if still.any() else []


def class_targets(labels: Int[np.ndarray, " points"], classes: int) -> Float[np.ndarray, "points k"]:
    """Of two classes -1 and +1; of c more c targets, 1 - 1/c for the point's own class and -1/c for the others."""
    return 2.0 * labels[:, None] - 1.0 if classes == 2 else np.eye(classes)[labels] - 1 / classes


def signs(names: Sequence[str]) -> str:
    """Which target each class has, in words."""
    return f"{names[0]!r} has target -1 and {names[1]!r} +1" if len(names) == 2 else "one target for each"


def classes_note(names: Sequence[str]) -> str:
    """How many classes there are, which, and what their targets are."""
    return f"{len(names)} classes ({listed(names)}): {signs(names)}"


def centred_note(means: Sequence[float] | Float[np.ndarray, " k"], names: Sequence[str] = ()) -> str:
    """That targets are centred, by how much, and of which columns where they have names."""
    said = [f"{mean:.6g} of {name!r}" for mean, name in zip(means[:4], names, strict=False)]
    said = said or [f"{mean:.6g}" for mean in means[:4]]
    rows, more = "rows" if names else "points", ", ..." if len(means) > 4 else ""
    return f"targets are centred: their mean over the training {rows} is taken off ({', '.join(said)}{more})"


def two_or_all(classes: Any) -> Any:
    """What is given for two classes. Raises `ValueError` where it is a list of fewer or more."""
    if isinstance(classes, list | tuple) and len(classes) != 2:
        raise ValueError(
            f"{short_repr(list(classes))} given: two are compared; null (in a link: none) takes all, one target for "
            "each"
        )
    return classes


def different(classes: tuple | None) -> tuple | None:
    """Two classes, or None for all. Raises `ValueError` where the two are one."""
    if classes and classes[0] == classes[1]:
        raise ValueError(f"{list(classes)} given: choose two different ones, or null for all")
    return classes


def _still_note(still: int, inputs: int) -> str:
    are = "1 input is" if still == 1 else f"{still:,} inputs are"
    return f"{are} constant over the training points, of {inputs:,}: set to 0, in held-out points too"
