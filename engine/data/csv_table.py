"""A table in the text of a CSV file: its columns, each of numbers or of text, and what was done to read them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache

import numpy as np
from jaxtyping import Bool, Float

from engine.data.csv_header import header
from engine.data.csv_numbers import (
    NO_MARKS,
    Decimal,
    Marks,
    Numbers,
    decimal_of,
    is_missing,
    is_number,
    marks,
    mostly_text,
    plain,
    short_cell,
    without_unit,
    written,
)
from engine.data.csv_records import Records, records
from engine.data.dataset import MAX_POINTS
from engine.problems import several

MAX_BYTES = 1_000_000
"""Of a text within a config."""
MAX_ABS = 1e12
SHOWN = 3
"""Faulty cells named in one message."""
LISTED = 8
"""Names of columns in one message."""
LOOKED_AT = 50
"""Cells of a plain column that tell how its numbers are written."""
CONSTANT = 1e-12
"""Relative spread of a column below which it is one number and rounding."""
COUNTERS = frozenset(
    ("id", "index", "idx", "row", "rows", "rownames", "row names", "row_names", "row.names", "rownum", "no", "no.",
     "nr", "nr.", "n°", "#", "№", "unnamed: 0", "obs", "obs.", "sample id", "sample_id")
)  # fmt: skip
"""Names, in lower case, of columns that number or name the rows."""


@dataclass(frozen=True, eq=False)
class Column:
    """A column.

    Attributes:
        values: its numbers, NaN where a cell is missing or bad; None for a column of text.
        cells: of a column of text, as they stand there; none of one of numbers.
        missing: where there is nothing.
        bad: cells that are no numbers or too large, in a column of numbers, by the place of their row.
        units: those met, where they differ.
        numbers_rows: whether it looks like a number or a name of the row.
    """

    name: str
    cells: tuple[str, ...]
    values: Float[np.ndarray, " rows"] | None
    missing: Bool[np.ndarray, " rows"]
    bad: Mapping[int, str] = field(default_factory=dict)
    units: tuple[str, ...] = ()
    numbers_rows: bool = False

    @cached_property
    def constant(self) -> bool:
        """Whether its numbers are one number, to rounding."""
        return self.values is not None and constant(self.values[~np.isnan(self.values)])

    @cached_property
    def classes(self) -> tuple[str, ...]:
        """Its different texts, in the order of the alphabet; none of a column of numbers."""
        return tuple(sorted({cell for cell, gap in zip(self.cells, self.missing, strict=False) if not gap}))

    @property
    def remark(self) -> str:
        """Why it is no input unless somebody chooses it; empty where it is one."""
        if self.numbers_rows:
            return "looks like a row number" if self.values is not None else "looks like row names"
        if self.values is None and self.units:
            return f"cells carry different units: {', '.join(self.units[:4])}"
        if self.values is None:
            return f"text, such as {short_cell(next((cell for cell in self.cells if not is_missing(cell)), ''))}"
        if self.constant:
            known = self.values[~np.isnan(self.values)]
            return (
                f"{np.mean(known):g} in every row{', to rounding' if np.ptp(known) else ''}" if len(known) else "empty"
            )
        return ""


@dataclass(frozen=True, eq=False)
class Table:
    """Columns with names, the number of the row that each line of them came from, and how they were read: of that
    `remarks` are on the bytes."""

    columns: tuple[Column, ...]
    rows: tuple[int, ...]
    notes: tuple[str, ...]
    remarks: tuple[str, ...] = ()

    @cached_property
    def by_name(self) -> dict[str, Column]:
        return {column.name: column for column in self.columns}

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.by_name)


def constant(values: np.ndarray) -> bool:
    """Whether numbers are one number, to rounding."""
    return values.size == 0 or bool(np.ptp(values) <= CONSTANT * np.abs(values).max())


def parse(content: str) -> Table:
    """The table in a CSV text.

    Raises ValueError, in one line that says what to do. Rows are counted as a spreadsheet does: the header is row 1.
    """
    found = _parsed(content)
    if isinstance(found, str):
        raise ValueError(found)
    return found


@lru_cache(maxsize=8)
def _parsed(content: str) -> Table | str:
    """The table, or why there is none: a table that is refused is asked for as often as one that is not."""
    size = len(content.encode("utf-8", "surrogatepass"))
    if size > MAX_BYTES:
        return f"{size:,} bytes given, at most {MAX_BYTES:,} allowed: name the file by data.path, or keep fewer rows"
    try:
        return read_text(content)
    except ValueError as error:
        return str(error)


def read_text(content: str, most: int = MAX_POINTS) -> Table:
    """As `parse`, of a text of any length and at most so many rows, at each call."""
    if "\0" in content:
        raise ValueError("holds NUL characters, so it is not text: save it as CSV in UTF-8")
    found = records(content, most)
    if not found.rows:
        raise ValueError("is empty: give a header row with the names of the columns, then rows of numbers")
    names = header(found)
    _check_rows(found, names, most)
    cells = [tuple(column) for column in zip(*(row for _, row in found.rows), strict=True)]
    filled = _filled(names, cells, found)
    columns = _columns([names[place] for place in filled], [cells[place] for place in filled], found)
    return Table(columns, tuple(number for number, _ in found.rows), tuple(found.notes))


def _check_rows(found: Records, names: Sequence[str], most: int) -> None:
    if len(found.rows) > most:
        raise ValueError(f"more than {most:,} rows given, at most so many are allowed: keep fewer")
    if len(found.rows) < 4:
        raise ValueError(
            f"{several(len(found.rows), 'row')} below the header: give at least 4 (two to train, two held out)"
        )
    uneven = [(number, len(cells)) for number, cells in found.rows if len(cells) != len(names)]
    if uneven:
        said = [f"row {number} has {count}" for number, count in uneven[:SHOWN]]
        more = f" and {several(len(uneven) - SHOWN, 'more row')}" if len(uneven) > SHOWN else ""
        raise ValueError(f"{', '.join(said)}{more} where the header names {len(names)} columns: add or remove cells")


def _filled(names: list[str], cells: Sequence[tuple[str, ...]], found: Records) -> list[int]:
    """The places of columns that hold anything; columns without a name get one."""
    filled, empty, given = [], [], []
    for place, column in enumerate(cells):
        if not any(column):
            empty.append(names[place] or f"column {place + 1}")
            continue
        if not names[place]:
            names[place] = _new_name("row" if place == 0 else f"column {place + 1}", names)
            given.append(names[place])
        filled.append(place)
    if empty:
        found.notes.append(f"dropped, empty throughout: {listed(empty)}")
    if given:
        found.notes.append(f"columns without a name are called {listed(given)}")
    if len(filled) < 2:
        raise ValueError("holds one column that is not empty: give at least one input and one target column")
    return filled


def _new_name(name: str, taken: Sequence[str]) -> str:
    while name in taken:
        name += "_"
    return name


def _columns(names: Sequence[str], cells: Sequence[tuple[str, ...]], found: Records) -> tuple[Column, ...]:
    if units := _units_row(cells):
        number, _ = found.rows.pop(0)
        cells = [column[1:] for column in cells]
        found.notes.append(f"row {number} holds no number and is taken for units: {listed(units)}")
    surveys = [_survey(column) for column in cells]
    if any(survey.numbers is None and not survey.text for survey in surveys):
        # Only columns that are not plain need to know how the others write their numbers.
        surveys = [replace(survey, marks=marks(survey.sample)) for survey in surveys]
    table = _mark_of([survey.marks for survey in surveys])
    made, said = [], []
    for place, (name, survey) in enumerate(zip(names, surveys, strict=True)):
        read = survey.read(table, "." if found.separator == "," else ",")
        column = _column(name, survey, read, first=place == 0)
        made.append(column)
        if column.values is not None and read is not None:
            said.append((name, survey.units[0] if survey.units else "", read.note))
    found.notes += _readings(said)
    return tuple(made)


@dataclass(frozen=True, eq=False)
class Survey:
    """What a look at a column's cells gives.

    Attributes:
        core: the cells without the unit that all carry.
        numbers: the column, where it is plain.
        text: whether it holds text, as far as first characters tell.
    """

    cells: tuple[str, ...]
    core: Sequence[str]
    units: tuple[str, ...]
    numbers: Numbers | None
    text: bool
    marks: Marks = NO_MARKS

    @property
    def sample(self) -> Sequence[str]:
        """Cells that show the decimal mark: all of a column that is not plain, some of one that is."""
        if self.text:
            return ()
        return self.core if self.numbers is None else self.cells[:: max(1, len(self.cells) // LOOKED_AT)]

    def read(self, table: Decimal | None, fallback: Decimal) -> Numbers | None:
        """The column as numbers, given the decimal mark of the others; None for text."""
        if self.text or len(self.units) > 1:
            return None
        if self.numbers is None or (table == "," and self.marks.either and not self.marks.point):
            return written(self.core, decimal_of(self.marks, table, fallback))
        return self.numbers


def _survey(cells: tuple[str, ...]) -> Survey:
    numbers = plain(cells)
    if numbers or mostly_text(cells):
        return Survey(cells, cells, (), numbers, text=numbers is None)
    return Survey(cells, *without_unit(cells), numbers, text=False)


def _units_row(cells: Sequence[tuple[str, ...]]) -> list[str]:
    """The first row where it holds texts alone although columns are of numbers; else nothing."""
    firsts = [column[0] for column in cells]
    if any(is_number(first) for first in firsts):
        return []
    over = [column[0] for column in cells if plain(column[1 : LOOKED_AT + 1]) is not None]
    named = [first for first in over if not is_missing(first)]
    return [first for first in firsts if first] if len(named) > 1 or (named and len(over) == 1) else []


def _mark_of(marks: Sequence[Marks]) -> Decimal | None:
    """The decimal mark on which the columns agree that show one."""
    point, comma = any(one.point for one in marks), any(one.comma for one in marks)
    return None if point == comma else "." if point else ","


def _readings(said: Sequence[tuple[str, str, str]]) -> list[str]:
    """Units taken off and numbers written in an unusual way, with the columns: (name, unit, an example)."""
    units = {unit: [name for name, other, _ in said if other == unit] for _, unit, _ in said if unit}
    notes = [f"the unit {unit!r} is taken off the cells of {listed(names)}" for unit, names in units.items()]
    odd = {name: note for name, _, note in said if note}
    if odd:
        notes.append(f"numbers as people write them: {next(iter(odd.values()))} in {listed([*odd])}")
    return notes


def _column(name: str, survey: Survey, read: Numbers | None, first: bool) -> Column:
    """A column of numbers where at least half of its cells are, else of text."""
    if read is not None:
        missing = np.isnan(read.values) & ~read.bad
        if 2 * int(read.bad.sum()) <= len(missing) - int(missing.sum()):
            large = ~np.isnan(read.values) & ~(np.abs(read.values) <= MAX_ABS)
            values = np.where(large, np.nan, read.values)
            values.setflags(write=False)
            bad = {place: survey.cells[place] for place in np.flatnonzero(read.bad | large).tolist()}
            return Column(name, (), values, missing, bad, numbers_rows=_counts_rows(name, values, first))
    missing = np.array([is_missing(cell) for cell in survey.cells])
    units = survey.units if len(survey.units) > 1 else ()
    once: dict[str, str] = {}
    cells = tuple(once.setdefault(cell, cell) for cell in survey.cells)  # each text kept once
    return Column(name, cells, None, missing, units=units, numbers_rows=_names_rows(name, cells))


def _counts_rows(name: str, values: np.ndarray, first: bool) -> bool:
    """Whether numbers count the rows: one after the other from 0 or 1 in the first column, or under such a name."""
    steps = np.diff(values)
    if first and values[0] in (0, 1) and bool(np.all(steps == 1)):
        return True
    return name.lower() in COUNTERS and len(np.unique(values)) == len(values) and bool(np.all(values % 1 == 0))


def _names_rows(name: str, cells: Sequence[str]) -> bool:
    """Whether texts name the rows: each its own, under such a name."""
    return (name == "row" or name.lower() in COUNTERS) and len(set(cells)) == len(cells)


def listed(names: Sequence[str]) -> str:
    """Names for a message: 'a', 'b' and 3 more."""
    more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
    return ", ".join(repr(name) for name in names[:LISTED]) + more
