"""Columns of a table chosen as inputs and targets: what is taken when nothing is said, which rows count, and what is
wrong with the choice, in words."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from jaxtyping import Bool

from engine.data.csv_numbers import short_cell
from engine.data.csv_table import MAX_ABS, SHOWN, Column, Table
from engine.problems import several

MAX_CLASSES = 32
LONGEST_CLASS = 200
"""Characters of a class that a config lists."""


def default_inputs(table: Table, target: Sequence[str], vary: bool = True) -> tuple[str, ...]:
    """The columns of numbers that are no target and do not count the rows; those that do where there is no other.

    Args:
        vary: leave out those that are one number throughout, to rounding.
    """
    numbers = [column for column in table.columns if column.values is not None and column.name not in target]
    told = [column for column in numbers if column.constant and (vary or column.missing.all())]
    chosen = [column for column in numbers if not column.numbers_rows and column not in told]
    return tuple(column.name for column in chosen or [column for column in numbers if column not in told])


def is_name(table: Table, name: Any) -> bool:
    return isinstance(name, str) and name in table.by_name


def classes_of(table: Table, target: Any) -> tuple[str, ...]:
    """The classes of a target of text, in the order of the alphabet; none of other targets."""
    if not isinstance(target, list | tuple) or len(target) != 1 or not is_name(table, target[0]):
        return ()
    return table.by_name[target[0]].classes


def rows_of_classes(target: Sequence[Column], classes: Sequence[str], rows: int) -> Bool[np.ndarray, " rows"]:
    """Those whose target is not one of the classes that are left out; all where none is."""
    left_out = {*target[0].classes} - {*classes} if classes and target else set()
    return np.array([cell not in left_out for cell in target[0].cells]) if left_out else np.ones(rows, bool)


def complete(columns: Sequence[Column], rows: int) -> Bool[np.ndarray, " rows"]:
    """Rows in which no cell of these columns is empty."""
    return ~np.any([column.missing for column in columns], axis=0) if columns else np.ones(rows, bool)


def gaps(columns: Sequence[Column], table: Table, counted: Bool[np.ndarray, " rows"]) -> str:
    """Which cells are empty in the rows that count, and what to do; empty where none is."""
    found = [(table.rows[row], column.name) for column in columns for row in np.flatnonzero(column.missing & counted)]
    if not found:
        return ""
    rows = len({row for row, _ in found})
    said = ", ".join(f"row {row} in column {name!r}" for row, name in sorted(found)[:SHOWN])
    more = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
    of = f"{rows} of {int(counted.sum())} rows {'has' if rows == 1 else 'have'} empty cells"
    return f"{of}: {said}{more}: fill them in, set missing to drop, or leave the column out"


def bad_cells(columns: Iterable[Column], rows: Sequence[int]) -> list[str]:
    """What is wrong with cells of these columns, each column once."""
    said = [_bad_cells(column, rows) for column in columns if column.bad]
    if len(said) > SHOWN:
        left = len(said) - SHOWN
        said[SHOWN:] = [f"so {'has' if left == 1 else 'have'} {several(left, 'more column')}"]
    return said


def _bad_cells(column: Column, rows: Sequence[int]) -> str:
    few = list(column.bad.items())[:SHOWN]
    said = ", ".join(f"row {rows[place]}, column {column.name!r} is {short_cell(cell)}" for place, cell in few)
    more = f" and {several(len(column.bad) - SHOWN, 'more cell')}" if len(column.bad) > SHOWN else ""
    return (
        f"{said}{more}, not a number (a finite one, up to {MAX_ABS:g}): write a number, leave the cell empty, or leave "
        "the column out of the inputs"
    )


def no_inputs(table: Table, target: Sequence[str]) -> str:
    """That no column serves as an input, and why each of the others does not."""
    others = [f"{column.name!r}: {column.remark}" for column in table.columns if column.name not in target]
    return f"no column of numbers is left besides the target ({'; '.join(others[:4])}): choose another target"


def no_classes(column: Column) -> str:
    """What is wrong with a column of text as a target; empty where its values are classes."""
    rows, classes = int((~column.missing).sum()), len(column.classes)
    if classes < 2:
        return f"column {column.name!r} holds one class: choose another target"
    if classes <= min(MAX_CLASSES, rows // 2):
        return ""
    return (
        f"column {column.name!r} holds {classes} different texts in {rows} rows ({column.remark}): classes recur, and "
        f"at most {MAX_CLASSES} are allowed: choose another target"
    )
