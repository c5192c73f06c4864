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
    (
        "",
        "na",
        "n/a",
        "nan",
        "null",
        "?",
        "-",
        "--",
        "—",
        ".",
        "..",
        "<na>",
        "#n/a",
        "#na",
        "#value!",
        "#div/0!",
        "#ref!",
    )
)
"""Cells that stand for nothing, in lower case."""

LONGEST = 60
"""Characters of a number."""

_THIN = "'’ \u00a0\u202f\u2009"
_STARTS = frozenset("0123456789+-.,\u2212$€£¥₹")
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
    if not _may_be_number(cell) or len(cell) > LONGEST or "_" in cell:
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


def _may_be_number(cell: str) -> bool:
    """By its first character, which is quick; infinities are numbers, and refused as such."""
    return cell[:1] in _STARTS or cell[:1].isdecimal() or cell[:3].lower() == "inf"


def is_missing(cell: str) -> bool:
    """Whether a cell stands for no value: empty, or one of `MISSING`."""
    return cell.lower() in MISSING


def is_number(cell: str) -> bool:
    """Whether a cell holds a number under either decimal mark."""
    return read(cell, ".") is not None or read(cell, ",") is not None


def is_quantity(cell: str) -> bool:
    """Whether a cell holds a number, with or without a unit."""
    return is_number(cell) or (len(cell) <= LONGEST and _WITH_UNIT.fullmatch(cell) is not None)


def short_cell(cell: str) -> str:
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


@dataclass(frozen=True)
class Marks:
    """How many different cells are numbers with a decimal point only, with a comma only, with either but other ones."""

    point: int
    comma: int
    either: int


NO_MARKS = Marks(0, 0, 0)


def plain(cells: Sequence[str]) -> Numbers | None:
    """The column where every cell is a number as Python writes it, or missing; None where one is not. Quick."""
    try:
        values = [nan if cell.lower() in MISSING else float(cell) for cell in cells]
    except ValueError:
        return None
    if any("_" in cell for cell in cells):
        return None
    return Numbers(np.array(values), np.zeros(len(values), bool))


def mostly_text(cells: Sequence[str]) -> bool:
    """Whether fewer than half of the cells, missing ones apart, begin as numbers do. Quick."""
    filled = [cell for cell in cells if cell.lower() not in MISSING]
    return 2 * sum(_may_be_number(cell) for cell in filled) < len(filled)


def marks(cells: Iterable[str]) -> Marks:
    """Which decimal marks the cells show."""
    found = [(read(cell, "."), read(cell, ",")) for cell in set(cells)]
    point = sum(a is not None and b is None for a, b in found)
    comma = sum(b is not None and a is None for a, b in found)
    return Marks(point, comma, sum(a is not None and b is not None and a != b for a, b in found))


def decimal_of(marks: Marks, table: Decimal | None, fallback: Decimal) -> Decimal:
    """The decimal mark of a column.

    Args:
        marks: of its cells.
        table: the mark that other columns show, where they agree on one.
        fallback: where nothing else decides.
    """
    if marks.point or marks.comma:
        return "," if marks.comma > marks.point else "."
    return (table or fallback) if marks.either else "."


def written(cells: Sequence[str], decimal: Decimal) -> Numbers:
    """The column under a decimal mark."""
    found = {cell: nan if is_missing(cell) else read(cell, decimal) for cell in set(cells)}
    odd = next((cell for cell in cells if not _same_in_python(cell, found[cell])), None)
    values = np.array([nan if found[cell] is None else found[cell] for cell in cells], np.float64)
    bad = np.array([found[cell] is None for cell in cells])
    return Numbers(values, bad, f"{short_cell(odd)} read as {found[odd]:.12g}" if odd is not None else "")


def _same_in_python(cell: str, value: float | None) -> bool:
    """Whether Python reads a cell so; also where it stands for no number."""
    if value is None or value != value:
        return True
    try:
        return float(cell) == value
    except ValueError:
        return False


def without_unit(cells: Sequence[str]) -> tuple[Sequence[str], tuple[str, ...]]:
    """The cells without a unit that they carry, and the units met.

    The cells stay as they are where one is no number with a unit, and where the units are not one throughout.
    """
    found = {cell: _WITH_UNIT.fullmatch(cell[: LONGEST + 1]) for cell in set(cells) if not is_missing(cell)}
    matches = [match for match in found.values() if match]
    units = {(match["before"] + " " + (match["after"] or "")).strip() for match in matches}
    if not found or len(matches) < len(found) or units == {""}:
        return cells, ()
    if len(units) > 1:
        return cells, tuple(sorted(units))
    core = {cell: match["sign"] + match["number"].strip() for cell, match in found.items() if match}
    return [core.get(cell, "") for cell in cells], tuple(units)
