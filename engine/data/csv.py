"""A table of one's own."""

from collections.abc import Iterable, Mapping
from typing import Any, Literal, Self

import numpy as np
from pydantic import Field, ValidationInfo, field_validator, model_validator

from engine.data.csv_choice import (
    LONGEST_CLASS,
    MAX_CLASSES,
    bad_cells,
    classes_of,
    complete,
    default_inputs,
    gaps,
    is_name,
    no_classes,
    no_inputs,
    rows_of_classes,
)
from engine.data.csv_file import TableSource
from engine.data.csv_table import Column, Table, constant, listed, parse
from engine.data.dataset import MAX_POINTS, Count, Dataset, DatasetConfig, Stream, finished, standardised
from engine.data.finite import centred_note, class_targets, drawn, signs
from engine.problems import clipped, several
from engine.schema import ConfigError, Problem, did_you_mean

LEFT_OUT_BY_NULL = {"target", "inputs", "classes", "standardise", "centre", "size", "test_size", "noise", "seed"}
"""The settings of which null means the default."""
DRAWN = 2_000
"""Rows of a file that are drawn, held-out ones included, where nothing is said."""
OF_THE_TABLE = ("target", "inputs", "size", "test_size")
"""Settings whose defaults the table tells."""


class CsvConfig(DatasetConfig):
    """Rows of a CSV file, shuffled with the seed; the first `test_size` of the shuffle are held out. On the command
    line and in Python `path` in place of `source` names it.

    Every input column gets mean 0 and standard deviation 1 over the training rows, so mean |x|^2 = n_0 there; targets
    get mean 0. A target of text makes classes: of two, the first has target -1 and the second +1; of c more there are
    c targets each, 1 - 1/c for the row's own class and -1/c for the others (before scaling).

    Attributes:
        content: the text itself, header row first, in place of `source`: so older configs have it.
        source: the file. What is left out is told by its table and written out, so the config is whole without it.
        target: name or names of the target columns; the last column when left out.
        inputs: names of the input columns; when left out, all others of numbers that vary and do not count the rows.
        classes: two of a target of text, the first with target -1; all, in the order of the alphabet, when left out.
        missing: "drop" leaves out rows in which a chosen column has an empty cell; "refuse" asks for them.
        standardise: whether inputs are; false takes them as they stand.
        centre: whether the targets' mean over the training rows is taken off; as `standardise` when left out.
        size: number of training rows; all that are not held out when left out.
        test_size: number of held-out rows; a quarter when left out. Left out, both come to `DRAWN` rows at most.
    """

    name: Literal["csv"] = "csv"
    content: str | None = Field(default=None, exclude_if=lambda value: value is None)
    source: TableSource | None = Field(default=None, exclude_if=lambda value: value is None)
    target: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()
    classes: tuple[str, ...] = Field(default=(), exclude_if=lambda value: not value)
    missing: Literal["refuse", "drop"] = "refuse"
    standardise: bool = True
    centre: bool = True
    size: Count = 2
    test_size: Count = 2

    @model_validator(mode="before")
    @classmethod
    def _write_out(cls, values: Any) -> Any:
        """Writes what was left out, so that equal data are equal configs."""
        if not isinstance(values, dict):
            return values
        values = {name: value for name, value in values.items() if value is not None or name not in LEFT_OUT_BY_NULL}
        for name in ("target", "inputs"):
            if isinstance(values.get(name), str):
                values[name] = (values[name],)
        values.setdefault("centre", values.get("standardise", True))
        try:
            if (table := _table_of(values)) is None:
                return values
        except (ValueError, TypeError, AttributeError):
            # The field's own validator words this; sizes left out must not add a second complaint.
            return {"size": 2, "test_size": 2} | values
        target = values["target"] = values.get("target") or table.names[-1:]
        if not values.get("inputs"):
            values["inputs"] = default_inputs(table, target, vary=not _is_false(values.get("standardise")))
        if classes := classes_of(table, target):
            values["centre"] = False
            if values.get("source") is not None and len(classes) <= MAX_CLASSES:
                values["classes"] = values.get("classes") or classes
        used, targets = ([table.by_name[n] for n in some if is_name(table, n)] for some in (values["inputs"], target))
        counted = rows_of_classes(targets, values.get("classes") or (), len(table.rows))
        if values.get("missing") == "drop":
            counted &= complete([*used, *targets], len(table.rows))
        rows = min(int(counted.sum()), DRAWN if values.get("source") is not None else MAX_POINTS)
        held_out = values.setdefault("test_size", max(2, rows // 4))
        values.setdefault("size", max(2, rows - held_out) if isinstance(held_out, int) else 2)
        return values

    @field_validator("content", "source")
    @classmethod
    def _is_a_table(cls, given: str | TableSource | None, info: ValidationInfo) -> str | TableSource | None:
        _table_of({str(info.field_name): given})
        return given

    @field_validator("target", "inputs")
    @classmethod
    def _columns_exist(cls, names: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        if not {"content", "source"} <= info.data.keys() or (table := _table_of(info.data)) is None:
            return names  # the table has problems of its own, or is not here
        columns = list(table.names)
        unknown = [name for name in names if name not in columns]
        if unknown:
            few = ", ".join(columns[:20]) + (", ..." if len(columns) > 20 else "")
            raise ValueError(f"no column {unknown[0]!r}.{did_you_mean(unknown[0], columns)} Columns: {few}")
        if len(set(names)) < len(names):
            raise ValueError(f"{', '.join(names)}: list each column once")
        return names

    @field_validator("classes")
    @classmethod
    def _classes_exist(cls, classes: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        if not classes or "target" not in info.data or (table := _table_of(info.data)) is None:
            return classes
        there = classes_of(table, info.data["target"])
        if not there:
            raise ValueError("the target's values are numbers, not classes: leave it out")
        if unknown := [name for name in classes if name not in there]:
            hint = did_you_mean(unknown[0], list(there))
            raise ValueError(f"no class {clipped(unknown[0])!r}.{hint} Classes: {listed(there)}")
        if classes != there and (len(classes) != 2 or classes[0] == classes[1]):
            raise ValueError(f"{listed(classes)} given: choose two different ones, or leave it out for all")
        if any(len(name) > LONGEST_CLASS for name in classes):
            raise ValueError(f"a class has more than {LONGEST_CLASS} letters: shorten its name in the file")
        return classes

    @model_validator(mode="after")
    def _check(self) -> Self:
        if (self.source is None) == (self.content is None):
            said = (
                "is missing: name a file by data.path" if self.source is None else "is given beside content: keep one"
            )
            raise ConfigError([Problem("source", said)])
        if self.here is None:
            if left := [name for name in OF_THE_TABLE if name not in self.model_fields_set or not getattr(self, name)]:
                raise ConfigError([Problem("source", f"{self.lacks}; without it {left[0]} cannot be told")])
            return self
        if problems := [*self._choice_problems(), *self._cell_problems()]:
            raise ConfigError(problems)
        rows, asked = len(self.complete_rows), self.size + self.test_size
        if asked > rows:
            message = (
                f"{rows} rows given, fewer than size {self.size} + test_size {self.test_size} = {asked}: "
                "add rows, or lower size or test_size"
            )
            raise ConfigError([Problem(self.given_by, message)])
        return self

    def _choice_problems(self) -> Iterable[Problem]:
        if len(self.target) == len(self.table.columns):
            yield Problem("target", "all columns are targets: leave at least one as input")
            return
        both = [name for name in self.inputs if name in self.target]
        if both:
            yield Problem("inputs", f"{listed(both)} is a target too: choose it as one of them")
        if not self.inputs:
            yield Problem("inputs", no_inputs(self.table, self.target))
        for column in map(self.table.by_name.__getitem__, self.inputs):
            if column.values is None:
                yield Problem("inputs", f"column {column.name!r} holds no numbers ({column.remark}): leave it out")
        texts = [column for column in self._targets if column.values is None]
        if texts and len(self.target) > 1:
            yield Problem("target", f"column {texts[0].name!r} holds classes: choose it alone")
        elif texts and (said := no_classes(texts[0])):
            yield Problem("target", said)

    def _cell_problems(self) -> Iterable[Problem]:
        said = bad_cells(self._used, self.table.rows)
        if self.missing == "refuse" and (empty := gaps(self._used, self.table, self._of_classes)):
            said.append(empty)
        if said:
            yield Problem(self.given_by, "; ".join(said))

    @property
    def given_by(self) -> str:
        """The setting that gives the table."""
        return "content" if self.source is None else "source"

    @property
    def here(self) -> Table | None:
        """The table; None where its file is not here."""
        return _table_of({"content": self.content, "source": self.source})

    @property
    def table(self) -> Table:
        """Raises `ConfigError` where its file is not here."""
        if (found := self.here) is None:
            raise ConfigError(self.lacking)
        return found

    @property
    def lacks(self) -> str:
        """What keeps the table from being used here; empty where nothing does."""
        return self.source.missing if self.source else ""

    @property
    def lacking(self) -> list[Problem]:
        return [Problem("source", said)] if (said := self.lacks) else []

    @property
    def _targets(self) -> list[Column]:
        return [self.table.by_name[name] for name in self.target]

    @property
    def _used(self) -> list[Column]:
        return [*(self.table.by_name[name] for name in self.inputs), *self._targets]

    @property
    def _of_classes(self) -> np.ndarray:
        """Whether a row is of the classes chosen."""
        return rows_of_classes(self._targets, self.classes, len(self.table.rows))

    @property
    def complete_rows(self) -> np.ndarray:
        """Places of the rows that have no empty cell in a chosen column, of the classes chosen."""
        return np.flatnonzero(self._of_classes & complete(self._used, len(self.table.rows)))

    @property
    def class_names(self) -> tuple[str, ...] | None:
        """In the order of their targets; None where the target is of numbers."""
        return self.classes or (None if self.source else classes_of(self.table, self.target) or None)

    @property
    def input_dim(self) -> int:
        return len(self.inputs)

    @property
    def output_dim(self) -> int:
        classes = len(self.class_names or ())
        return classes if classes > 2 else len(self.target)

    @property
    def domain(self) -> str:
        return f"R^{self.input_dim}, rows of {self.source.file if self.source else 'a table'}"

    @property
    def whence(self) -> str:
        rows = len(self.complete_rows) if self.here else None
        return f"{self.domain}, {drawn(rows, self.seed, 'feature' if self.standardise else 'none')}"

    def dataset(self) -> Dataset:
        rows = self.complete_rows
        order = rows[Stream(self.seed, "shuffle").permutation(len(rows))]
        test, train = order[: self.test_size], order[self.test_size : self.test_size + self.size]
        inputs = np.stack([self.table.by_name[name].values for name in self.inputs], axis=1)  # pyright: ignore
        x = inputs[train], inputs[test]
        notes = [*self.table.notes, *self._left_out(), *self._dropped()]
        if self.standardise:
            self._refuse_constants(x[0])
            x = standardised(*x, per_coordinate=True)
        if self.class_names:
            return self._classified(x, train, test, notes)
        targets = np.stack([column.values for column in self._targets], axis=1)  # pyright: ignore
        y, natural = (targets[train], targets[test]), float(np.abs(targets).max())
        self._refuse_constant_targets(y[0])
        if self.centre:
            mean = y[0].mean(axis=0)
            notes.append(centred_note(mean, self.target))
            y = y[0] - mean, y[1] - mean
        return finished(self, x, y, notes, natural)

    def _classified(self, x: tuple[np.ndarray, np.ndarray], train: np.ndarray, test: np.ndarray, notes: list[str]):
        names = self.class_names or ()
        there = len(self._targets[0].classes)
        place = {name: number for number, name in enumerate(names)}
        labels = np.array([place.get(cell, -1) for cell in self._targets[0].cells])
        if len(np.unique(labels[train])) < 2:
            only = f"all {self.size} training rows are of the class {names[labels[train[0]]]!r}"
            raise ConfigError([Problem("size", f"{only}: raise size or change seed")])
        y = class_targets(labels, len(names))
        few = f"{len(names)} of {there}" if there > len(names) else f"{there}"
        notes.append(f"{few} classes in {self.target[0]!r} ({listed(names)}): {signs(names)}")
        parts = {"labels_train": labels[train], "labels_test": labels[test], "class_names": names}
        return finished(self, x, (y[train], y[test]), notes, **parts)

    def _left_out(self) -> list[str]:
        others = [column for column in self.table.columns if column.name not in (*self.inputs, *self.target)]
        said = [f"{column.name!r} ({column.remark})" if column.remark else repr(column.name) for column in others]
        more = f" and {len(said) - 8} more" if len(said) > 8 else ""
        return [f"left out of the inputs: {', '.join(said[:8])}{more}"] if said else []

    def _dropped(self) -> list[str]:
        dropped = self._of_classes & ~complete(self._used, len(self.table.rows))
        rows = [str(self.table.rows[place]) for place in np.flatnonzero(dropped)]
        which = ", ".join(rows[:8]) + (", ..." if len(rows) > 8 else "")
        return [f"{several(len(rows), 'row')} with empty cells dropped: row {which}"] if rows else []

    def _refuse_constants(self, inputs: np.ndarray) -> None:
        problems = [
            Problem(
                "inputs",
                f"column {name!r} is {values[0]:g} in all {self.size} training rows, so it cannot be standardised: "
                "leave it out of the inputs, or raise size, change seed or set standardise false",
            )
            for name, values in zip(self.inputs, inputs.T, strict=True)
            if constant(values)
        ]
        if problems:
            raise ConfigError(problems)

    def _refuse_constant_targets(self, targets: np.ndarray) -> None:
        if self.centre and all(constant(values) for values in targets.T):
            raise ConfigError(
                [
                    Problem(
                        "target",
                        f"{listed(self.target)} is {targets[0, 0]:g} in all {self.size} training rows, so nothing can "
                        "be learned once it is centred: choose another target, raise size or change seed",
                    )
                ]
            )


def _table_of(values: Mapping[str, Any]) -> Table | None:
    """The table that the settings give; None where they give none, or its file is not here.

    Raises `ValueError`, in one line, where it is no table.
    """
    if (source := values.get("source")) is not None:
        return (source if isinstance(source, TableSource) else TableSource.from_dict(source)).table
    content = values.get("content")
    return None if content is None else parse(content)


def _is_false(value: Any) -> bool:
    """Whether a flag that is not validated yet will be false."""
    return str(value).lower() in ("false", "0", "no", "off", "f", "n")
