"""The cells of a column as numbers, in the ways in which people write them.

A decimal comma, marks between thousands and one unit throughout are read; what could be read in two ways is decided
by the column, then by the whole table. Patterns are linear, and cells longer than `LONGEST` are text.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import nan
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float

Decimal = Literal[".", ","]

MISSING = frozenset(
    ("", "na", "n/a", "nan", "null", "?", "-", "--", "—", ".", "..", "<na>", "#n/a", "#na", "#value!", "#div/0!", "#ref!")
)
"""Cells that stand for nothing, in lower case."""

LONGEST = 60
"""Characters of a number."""

_THIN = "'’ \u00a0\u202f\u2009"
_EXPONENT = r"(?:[eE][+-]?[0-9]+)?"
_GROUPED = {
    ".": re.compile(rf"[+-]?[0-9]{{1,3}}(?:(?:,[0-9]{{3}})+|(?:[{_THIN}][0-9]{{3}})+)(?:\.[0-9]*)?"),
    ",": re.compile(
        rf"[+-]?(?:[0-9]{{1,3}}(?:(?:\.[0-9]{{3}})+|(?:[{_THIN}][0-9]{{3}})+)|[0-9]+|(?=,))(?:,[0-9]*)?{_EXPONENT}"
    ),
}
_MARKS = {".": str.maketrans("", "", "," + _THIN), ",": str.maketrans(",", ".", "." + _THIN)}
_WITH_UNIT = re.compile(
    rf"(?P<sign>[+-]?)(?P<before>[$€£¥₹]?) ?(?P<number>[+-]?[0-9.,][0-9.,{_THIN}]*{_EXPONENT})"
    r"(?P<after>(?![eE][0-9])[^0-9.,+\-\s][^0-9,;\s]{0,11})?"
)


def read(cell: str, decimal: Decimal) -> float | None:
    """The number in a cell under a decimal mark; None where it holds none."""
    if len(cell) > LONGEST or "_" in cell:
        return None
    cell = cell.replace("\u2212", "-")
    if decimal == ".":
        try:
            return float(cell)
        except ValueError:
            pass
    if not _GROUPED[decimal].fullmatch(cell):
        return None
    try:
        return float(cell.translate(_MARKS[decimal]))
    except ValueError:
        return None


def is_missing(cell: str) -> bool:
    return cell.lower() in MISSING


def is_number(cell: str) -> bool:
    """Whether a cell holds a number under either decimal mark."""
    return read(cell, ".") is not None or read(cell, ",") is not None


def shown(cell: str) -> str:
    """A cell for a message, shortened."""
    return repr(cell if len(cell) <= 20 else cell[:17] + "...")


@dataclass(frozen=True, eq=False)
class Numbers:
    """A column read as numbers.

    Attributes:
        values: NaN where a cell is missing or no number.
        bad: where it is no number.
        note: how the cells were read, where that is not plain.
    """

    values: Float[np.ndarray, " rows"]
    bad: Bool[np.ndarray, " rows"]
    note: str = ""


def plain(cells: Sequence[str]) -> Numbers | None:
    """The column where every cell is a number as Python writes it, or missing; None where one is not. Quick."""
    try:
        values = [nan if cell.lower() in MISSING else float(cell) for cell in cells]
    except ValueError:
        return None
    if any("_" in cell for cell in cells):
        return None
    return Numbers(np.array(values), np.zeros(len(values), bool))


def marks(cells: Iterable[str]) -> tuple[int, int, int]:
    """How many cells are numbers with a decimal point only, with a comma only, and with either but different ones."""
    point = comma = either = 0
    for cell in cells:
        a, b = read(cell, "."), read(cell, ",")
        point += a is not None and b is None
        comma += b is not None and a is None
        either += a is not None and b is not None and a != b
    return point, comma, either


def decimal_of(counts: tuple[int, int, int], table: Decimal | None, fallback: Decimal) -> Decimal:
    """The decimal mark of a column.

    Args:
        counts: its `marks`.
        table: the mark that other columns show, where they agree on one.
        fallback: where nothing else decides.
    """
    point, comma, either = counts
    if point or comma:
        return "," if comma > point else "."
    return (table or fallback) if either else "."


def written(cells: Sequence[str], decimal: Decimal) -> Numbers:
    """The column under a decimal mark."""
    found = [None if is_missing(cell) else read(cell, decimal) for cell in cells]
    bad = [value is None and not is_missing(cell) for value, cell in zip(found, cells, strict=True)]
    values = np.array([nan if value is None else value for value in found])
    return Numbers(values, np.array(bad), _reading(cells, found))


def _reading(cells: Sequence[str], values: Sequence[float | None]) -> str:
    """An example of a cell that Python would not have read, or not so."""
    for cell, value in zip(cells, values, strict=True):
        if value is not None and not _same_in_python(cell, value):
            return f"{shown(cell)} read as {value:.12g}"
    return ""


def _same_in_python(cell: str, value: float) -> bool:
    try:
        return float(cell) == value
    except ValueError:
        return False


def without_unit(cells: Sequence[str]) -> tuple[list[str], tuple[str, ...]]:
    """The cells without a unit that they carry, and the units met; the cells as they are, and the units, where those
    are not one throughout."""
    found = [None if is_missing(cell) or len(cell) > LONGEST else _WITH_UNIT.fullmatch(cell) for cell in cells]
    units = {(match["before"] + " " + (match["after"] or "")).strip() for match in found if match}
    filled = sum(not is_missing(cell) for cell in cells)
    if not filled or sum(match is not None for match in found) < filled or units == {""}:
        return list(cells), ()
    if len(units) > 1:
        return list(cells), tuple(sorted(units))
    return [match["sign"] + match["number"].strip() if match else "" for match in found], tuple(units)
