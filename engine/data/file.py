"""Points in a file of one's own, by its digest: npz, MNIST's idx, CIFAR's binary version (`engine.data.formats`)."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import prod
from typing import Annotated, Any, Literal, Self

from pydantic import Field, StringConstraints, ValidationInfo, field_validator, model_validator

from engine.data import contents
from engine.data.contents import Digest, NamedFile, name_of
from engine.data.dataset import MAX_DIM, MAX_VALUES, Count, Dataset
from engine.data.finite import FiniteConfig, Scaling, classes_note, different, of_classes, of_numbers, two_or_all
from engine.data.formats import LONGEST_CLASS, MOST_CLASSES, MOST_OUTPUTS, MOST_ROWS, Points, images_first, read
from engine.problems import clipped
from engine.schema import ConfigError, Problem, did_you_mean

_one_at_a_time = threading.Lock()
"""A file unpacks to ten times its size."""

ClassName = Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_CLASS)]
Positive = Annotated[int, Field(ge=1, le=MAX_DIM)]


class Source(NamedFile):
    """A file and what it holds, which is checked against its bytes before they are used.

    Attributes:
        labels: the same of the file of labels, where they stand in one of their own (MNIST's).
        format: npz, idx, CIFAR-10 or CIFAR-100.
        points: in the file.
        shape: of one point, as (height, width, channels) for images.
        classes: their names; none where targets are numbers.
        counts: points of each class.
        outputs: targets of a point, where these are numbers.
    """

    labels: Digest | None = Field(default=None, exclude_if=lambda value: value is None)
    format: Literal["npz", "idx", "CIFAR-10", "CIFAR-100"]
    points: Annotated[int, Field(ge=4, le=MOST_ROWS)]
    shape: Annotated[tuple[Positive, ...], Field(min_length=1, max_length=5)]
    classes: Annotated[tuple[ClassName, ...], Field(max_length=MOST_CLASSES)] = ()
    counts: Annotated[tuple[Annotated[int, Field(ge=1, le=MOST_ROWS)], ...], Field(max_length=MOST_CLASSES)] = ()
    outputs: Annotated[int, Field(ge=1, le=MOST_OUTPUTS)] = 1

    @model_validator(mode="after")
    def _check(self) -> Self:
        classes, counts = self.classes, self.counts
        if len(classes) == 1 or len(set(classes)) < len(classes) or len(counts) != len(classes):
            raise ConfigError([Problem("classes", "are not those of a file: give the file itself, by path or upload")])
        return self

    @property
    def digests(self) -> tuple[str, ...]:
        return (self.digest, self.labels) if self.labels else (self.digest,)

    @property
    def size(self) -> int:
        """Numbers of one point."""
        return prod(self.shape)

    @property
    def missing(self) -> str:
        """What keeps the file from being used here; empty where nothing does."""
        if (held := held_in(self.digests)) is None:
            return self.not_here
        if isinstance(held, str):
            return f"{self.file}: {held}"
        if held.source.model_copy(update={"file": self.file}) != self:
            return f"what is said of {self.file} is not what it holds: upload it again, or name it by data.path"
        return ""


class FileConfig(FiniteConfig):
    """Points of a file. On the command line and in Python `path` (and `labels_path`) in place of `source` name it.

    Of two classes the first has target -1 and the second +1; of c more there are c targets each, 1 - 1/c for the
    point's own class and -1/c for the others (before scaling). Images are flattened, row by row.

    Attributes:
        source: the file, and what it holds.
        classes: names of two classes, the first with target -1 and the second with +1; None for all.
        scaling: of the inputs; as `common` for images and `feature` for rows when left out.
        centre: whether the mean of targets that are numbers is taken off; false where there are classes.
        size: number of training points; 64 when left out, fewer where there are few.
        test_size: number of held-out points; a quarter of all when left out, at most 256.
    """

    name: Literal["file"] = "file"
    size: Count = 2
    test_size: Count = 2
    source: Source
    classes: tuple[str, str] | None = None
    scaling: Scaling = "feature"
    centre: bool = True

    _two_or_all = field_validator("classes", mode="before")(two_or_all)
    _different = field_validator("classes")(different)

    @model_validator(mode="before")
    @classmethod
    def _write_out(cls, values: Any) -> Any:
        """Writes what was left out, so that equal data are equal configs."""
        if not isinstance(values, dict):
            return values
        values = {name: value for name, value in values.items() if value is not None or name == "target_rms"}
        if isinstance(chosen := values.get("classes"), list | tuple):
            values["classes"] = [name if isinstance(name, str) else str(name) for name in chosen]
        try:
            source = values.get("source")
            source = source if isinstance(source, Source) else Source.from_dict(source)
        except ConfigError:  # worded by its own field
            return {"size": 2, "test_size": 2, **values}
        there = _available(source, values.get("classes"))
        test = values.setdefault("test_size", max(2, min(256, there // 4)))
        values.setdefault("size", max(2, min(64, there - test)) if isinstance(test, int) else 2)
        values.setdefault("scaling", "common" if len(source.shape) > 1 else "feature")
        if source.classes:
            values["centre"] = False
        return values

    @field_validator("classes")
    @classmethod
    def _classes_exist(cls, classes: tuple[str, str] | None, info: ValidationInfo) -> tuple[str, str] | None:
        source = info.data.get("source")
        if source is None or classes is None:  # it has problems of its own
            return classes
        if not source.classes:
            raise ValueError("the file's targets are numbers, not classes: leave it out")
        unknown = [name for name in classes if name not in source.classes]
        if unknown:
            names = ", ".join(source.classes[:20]) + (", ..." if len(source.classes) > 20 else "")
            hint = did_you_mean(unknown[0], list(source.classes))
            raise ValueError(f"no class {clipped(unknown[0])!r}.{hint} Classes: {names}")
        return classes

    @model_validator(mode="after")
    def _fits(self) -> Self:
        points = self.size + self.test_size
        if points * self.input_dim > MAX_VALUES:
            most = MAX_VALUES // self.input_dim
            given = f"size + test_size = {points} points of {self.input_dim} numbers, at most {most:,} are used at once"
            raise ConfigError([Problem("size", f"{given}: lower size or test_size")])
        return self

    @property
    def available(self) -> int:
        return _available(self.source, self.classes)

    @property
    def input_dim(self) -> int:
        return self.source.size

    @property
    def shape(self) -> tuple[int, ...]:
        return self.source.shape

    @property
    def class_names(self) -> tuple[str, ...]:
        """Those drawn, in the order of their targets; none where targets are numbers."""
        return self.classes or self.source.classes

    @property
    def output_dim(self) -> int:
        classes = len(self.class_names)
        return classes if classes > 2 else 1 if classes else self.source.outputs

    @property
    def domain(self) -> str:
        lengths = " x ".join(map(str, self.shape))
        return f"R^{self.input_dim}, points of {self.source.file}" + (f" ({lengths})" if len(self.shape) > 1 else "")

    @property
    def lacking(self) -> list[Problem]:
        return [Problem("source", said)] if (said := self.source.missing) else []

    def dataset(self) -> Dataset:
        if problems := self.lacking:
            raise ConfigError(problems)
        found = _read(self.source.digests)
        assert isinstance(found, Points)
        if found.labels is None or not self.class_names:
            return of_numbers(self, found.x, found.y, self.centre, self.scaling)  # pyright: ignore[reportArgumentType]
        names = self.class_names
        places = [found.classes.index(name) for name in names]
        return of_classes(self, found.x, found.labels, places, names, self.scaling, [classes_note(names)])


def source_of(file: str, digests: Sequence[str], found: Points) -> Source:
    """What a config says of a file."""
    return Source(
        file=name_of(file),
        digest=digests[0],
        labels=digests[1] if len(digests) > 1 else None,
        format=found.format,  # pyright: ignore[reportArgumentType] - one of those
        points=len(found.x),
        shape=found.shape,
        classes=found.classes,
        counts=found.counts,
        outputs=1 if found.y is None else found.y.shape[1],
    )


@dataclass(frozen=True)
class Held:
    """What a file holds, and remarks on how it was read."""

    source: Source
    remarks: tuple[str, ...]


def taken_in(files: Sequence[tuple[str, bytes]]) -> Held:
    """What a config says of a file that somebody brings, by name, or of MNIST's images and labels in either order.

    Raises `ValueError`, in one line that says what to do.
    """
    with _one_at_a_time:
        ordered = images_first([content for _, content in files])
        found = read(ordered)
    name = next(name for name, content in files if content is ordered[0])
    return Held(source_of(name, list(map(contents.digest_of, ordered)), found), found.remarks)


def held_in(digests: tuple[str, ...]) -> Held | str | None:
    """What files with these digests hold, why they cannot be read, or None where nobody has their bytes."""
    try:
        return _held_in(digests) if all(map(contents.has, digests)) else None
    except LookupError:
        return None


@lru_cache(maxsize=256)
def _held_in(digests: tuple[str, ...]) -> Held | str:
    """As `_read`: kept for longer, for pages ask at every click."""
    found = _read(digests)
    return found if isinstance(found, str) else Held(source_of("file", digests, found), found.remarks)


@lru_cache(maxsize=2)
def _read(digests: tuple[str, ...]) -> Points | str:
    """Raises `LookupError` where nobody has the bytes: they may come."""
    files = [contents.find(digest) for digest in digests]
    if None in files:
        raise LookupError
    try:
        with _one_at_a_time:
            return read([content for content in files if content is not None])
    except ValueError as error:
        return str(error)


def _available(source: Source, classes: Any) -> int:
    """Points of the classes chosen."""
    if not source.classes or not isinstance(classes, list | tuple):
        return source.points
    return sum(count for name, count in zip(source.classes, source.counts, strict=True) if name in classes)
