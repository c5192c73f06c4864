"""An uploaded table."""

from collections.abc import Iterable, Sequence
from typing import Any, Literal, Self

import numpy as np
from pydantic import ValidationInfo, field_validator, model_validator

from engine.data.csv_numbers import shown
from engine.data.csv_table import MAX_ABS, SHOWN, Column, Table, constant, listed, parse
from engine.data.dataset import Count, Dataset, DatasetConfig, Stream, finished, standardised
from engine.data.finite import centred_note, class_targets, signs
from engine.schema import ConfigError, Problem, did_you_mean

MAX_CLASSES = 32

LEFT_OUT_BY_NULL = {"target", "inputs", "standardise", "centre", "size", "test_size", "noise", "seed"}
"""The settings of which null means the default."""


class CsvConfig(DatasetConfig):
    """Rows of a CSV text, shuffled with the seed; the first `test_size` of the shuffle are held out.

    Every input column gets mean 0 and standard deviation 1 over the training rows, so mean |x|^2 = n_0 there; targets
    get mean 0. A target of text makes classes: of two, the first in the alphabet has target -1 and the second +1; of
    c more there are c targets each, 1 - 1/c for the row's own class and -1/c for the others (before scaling).

    Attributes:
        content: the text itself, header row first. It is part of the config, so a result names its data.
        target: name or names of the target columns; the last column when left out.
        inputs: names of the input columns; when left out, all others of numbers that vary and do not count the rows.
        missing: "drop" leaves out rows in which a chosen column has an empty cell; "refuse" asks for them.
        standardise: whether inputs are; false takes them as they stand.
        centre: whether the targets' mean over the training rows is taken off; as `standardise` when left out.
        size: number of training rows; all that are not held out when left out.
        test_size: number of held-out rows; a quarter when left out.
    """

    name: Literal["csv"] = "csv"
    content: str
    target: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()
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
            table = parse(values.get("content", ""))
        except (ValueError, TypeError, AttributeError):
            # The field's own validator words this; sizes left out must not add a second complaint.
            return {"size": 2, "test_size": 2} | values
        target = values["target"] = values.get("target") or table.names[-1:]
        if not values.get("inputs"):
            values["inputs"] = default_inputs(table, target, vary=not _is_false(values.get("standardise")))
        if _classes(table, target):
            values["centre"] = False
        used = [table.by_name[name] for name in (*values["inputs"], *target) if _is_name(table, name)]
        rows = int(_complete(used, len(table.rows)).sum()) if values.get("missing") == "drop" else len(table.rows)
        held_out = values.setdefault("test_size", max(2, rows // 4))
        values.setdefault("size", max(2, rows - held_out) if isinstance(held_out, int) else 2)
        return values

    @field_validator("content")
    @classmethod
    def _is_a_table(cls, content: str) -> str:
        parse(content)
        return content

    @field_validator("target", "inputs")
    @classmethod
    def _columns_exist(cls, names: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        if "content" not in info.data:  # it has problems of its own
            return names
        columns = list(parse(info.data["content"]).names)
        unknown = [name for name in names if name not in columns]
        if unknown:
            few = ", ".join(columns[:20]) + (", ..." if len(columns) > 20 else "")
            raise ValueError(f"no column {unknown[0]!r}.{did_you_mean(unknown[0], columns)} Columns: {few}")
        if len(set(names)) < len(names):
            raise ValueError(f"{', '.join(names)}: list each column once")
        return names

    @model_validator(mode="after")
    def _check(self) -> Self:
        if problems := [*self._choice_problems(), *self._cell_problems()]:
            raise ConfigError(problems)
        rows, asked = len(self.complete_rows), self.size + self.test_size
        if asked > rows:
            message = (
                f"{rows} rows given, fewer than size {self.size} + test_size {self.test_size} = {asked}: "
                "add rows, or lower size or test_size"
            )
            raise ConfigError([Problem("content", message)])
        return self

    def _choice_problems(self) -> Iterable[Problem]:
        if len(self.target) == len(self.table.columns):
            yield Problem("target", "all columns are targets: leave at least one as input")
            return
        both = [name for name in self.inputs if name in self.target]
        if both:
            yield Problem("inputs", f"{listed(both)} is a target too: choose it as one of them")
        if not self.inputs:
            yield Problem("inputs", _no_inputs(self.table, self.target))
        for column in map(self.table.by_name.__getitem__, self.inputs):
            if column.values is None:
                yield Problem("inputs", f"column {column.name!r} holds no numbers ({column.remark}): leave it out")
        texts = [column for column in self._targets if column.values is None]
        if texts and len(self.target) > 1:
            yield Problem("target", f"column {texts[0].name!r} holds classes: choose it alone")
        elif texts and (said := _no_classes(texts[0], len(self.class_names or ()))):
            yield Problem("target", said)

    def _cell_problems(self) -> Iterable[Problem]:
        """What is wrong with cells of the chosen columns, each column once."""
        said = [_bad_cells(column, self.table.rows) for column in self._used if column.bad]
        if len(said) > SHOWN:
            said[SHOWN:] = [f"so have {len(said) - SHOWN} more columns"]
        if self.missing == "refuse" and (gaps := self._gaps()):
            said.append(gaps)
        if said:
            yield Problem("content", "; ".join(said))

    def _gaps(self) -> str:
        """Which cells are empty, and what to do; empty where none is."""
        gaps = [(self.table.rows[row], column.name) for column in self._used for row in np.flatnonzero(column.missing)]
        if not gaps:
            return ""
        rows = len({row for row, _ in gaps})
        said = ", ".join(f"row {row} in column {name!r}" for row, name in sorted(gaps)[:SHOWN])
        more = f" and {len(gaps) - SHOWN} more" if len(gaps) > SHOWN else ""
        return (
            f"{rows} of {len(self.table.rows)} rows have empty cells: {said}{more}: fill them in, set missing to drop, "
            "or leave the column out"
        )

    @property
    def table(self) -> Table:
        return parse(self.content)

    @property
    def _targets(self) -> list[Column]:
        return [self.table.by_name[name] for name in self.target]

    @property
    def _used(self) -> list[Column]:
        return [*(self.table.by_name[name] for name in self.inputs), *self._targets]

    @property
    def complete_rows(self) -> np.ndarray:
        """Places of the rows that have no empty cell in a chosen column."""
        return np.flatnonzero(_complete(self._used, len(self.table.rows)))

    @property
    def class_names(self) -> tuple[str, ...] | None:
        """In the order of the alphabet; None where the target is of numbers."""
        return _classes(self.table, self.target)

    @property
    def input_dim(self) -> int:
        return len(self.inputs)

    @property
    def output_dim(self) -> int:
        classes = len(self.class_names or ())
        return classes if classes > 2 else len(self.target)

    @property
    def domain(self) -> str:
        return f"R^{self.input_dim}, rows of a table"

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
        place = {name: number for number, name in enumerate(names)}
        labels = np.array([place.get(cell, -1) for cell in self._targets[0].cells])
        if len(np.unique(labels[train])) < 2:
            only = f"all {self.size} training rows are of the class {names[labels[train[0]]]!r}"
            raise ConfigError([Problem("size", f"{only}: raise size or change seed")])
        y = class_targets(labels, len(names))
        notes.append(f"{len(names)} classes in {self.target[0]!r} ({listed(names)}): {signs(names)}")
        parts = {"labels_train": labels[train], "labels_test": labels[test], "class_names": names}
        return finished(self, x, (y[train], y[test]), notes, **parts)

    def _left_out(self) -> list[str]:
        others = [column for column in self.table.columns if column.name not in (*self.inputs, *self.target)]
        said = [f"{column.name!r} ({column.remark})" if column.remark else repr(column.name) for column in others]
        more = f" and {len(said) - 8} more" if len(said) > 8 else ""
        return [f"left out of the inputs: {', '.join(said[:8])}{more}"] if said else []

    def _dropped(self) -> list[str]:
        kept = set(self.complete_rows.tolist())
        rows = [str(row) for place, row in enumerate(self.table.rows) if place not in kept]
        more = ", ..." if len(rows) > 8 else ""
        return [f"{len(rows)} rows with empty cells dropped: row {', '.join(rows[:8])}{more}"] if rows else []

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


def default_inputs(table: Table, target: Sequence[str], vary: bool = True) -> tuple[str, ...]:
    """The columns of numbers that are no target and do not count the rows; those that do where there is no other.

    Args:
        vary: leave out those that are one number throughout, to rounding.
    """
    numbers = [column for column in table.columns if column.values is not None and column.name not in target]
    told = [column for column in numbers if column.constant and (vary or column.missing.all())]
    chosen = [column for column in numbers if not column.numbers_rows and column not in told]
    return tuple(column.name for column in chosen or [column for column in numbers if column not in told])


def _is_false(value: Any) -> bool:
    """Whether a flag that is not validated yet will be false."""
    return str(value).lower() in ("false", "0", "no", "off", "f", "n")


def _is_name(table: Table, name: Any) -> bool:
    return isinstance(name, str) and name in table.by_name


def _classes(table: Table, target: Any) -> tuple[str, ...] | None:
    """The classes of a target of text, in the order of the alphabet; None for other targets."""
    if not isinstance(target, list | tuple) or len(target) != 1 or not _is_name(table, target[0]):
        return None
    column = table.by_name[target[0]]
    if column.values is not None:
        return None
    return tuple(sorted({cell for cell, gap in zip(column.cells, column.missing, strict=True) if not gap}))


def _complete(columns: Sequence[Column], rows: int) -> np.ndarray:
    """Rows in which no cell of these columns is empty."""
    return ~np.any([column.missing for column in columns], axis=0) if columns else np.ones(rows, bool)


def _bad_cells(column: Column, rows: Sequence[int]) -> str:
    said = ", ".join(
        f"row {rows[place]}, column {column.name!r} is {shown(column.cells[place])}" for place in column.bad[:SHOWN]
    )
    more = f" and {len(column.bad) - SHOWN} more cells" if len(column.bad) > SHOWN else ""
    return (
        f"{said}{more}, not a number (a finite one, up to {MAX_ABS:g}): write a number, leave the cell empty, or leave "
        "the column out of the inputs"
    )


def _no_inputs(table: Table, target: Sequence[str]) -> str:
    others = [f"{column.name!r}: {column.remark}" for column in table.columns if column.name not in target]
    return f"no column of numbers is left besides the target ({'; '.join(others[:4])}): choose another target"


def _no_classes(column: Column, classes: int) -> str:
    """What is wrong with a column of text as a target; empty where its values are classes."""
    rows = int((~column.missing).sum())
    if classes < 2:
        return f"column {column.name!r} holds one class: choose another target"
    if classes <= min(MAX_CLASSES, rows // 2):
        return ""
    return (
        f"column {column.name!r} holds {classes} different texts in {rows} rows ({column.remark}): classes recur, and "
        f"at most {MAX_CLASSES} are allowed: choose another target"
    )
