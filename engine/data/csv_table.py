"""A table in the text of a CSV file, checked cell by cell. Errors say which row and column and what to do."""

import csv
import io
from dataclasses import dataclass
from functools import lru_cache
from math import isfinite

import numpy as np
from jaxtyping import Float

MAX_BYTES = 1_000_000
MAX_ROWS = 20_000
MAX_COLUMNS = 1_000
MAX_ABS = 1e12
SHOWN = 5
"""Faulty cells named in one message."""


@dataclass(frozen=True, eq=False)
class Table:
    """Named columns of numbers, `values` (rows, columns), and the line of the file each row came from."""

    columns: tuple[str, ...]
    values: Float[np.ndarray, "rows columns"]
    lines: tuple[int, ...]


@lru_cache(maxsize=8)
def parse(content: str) -> Table:
    """The table in a CSV text: comma, semicolon or tab between cells, first row the names of the columns.

    Raises ValueError with the first few faulty cells, counted as a spreadsheet does: the header is row 1.
    """
    size = len(content.encode())
    if size > MAX_BYTES:
        raise ValueError(f"{size:,} bytes given, at most {MAX_BYTES:,} allowed: keep fewer rows or columns")
    if "\0" in content:
        raise ValueError("holds NUL characters, so it is not text: save it as CSV in UTF-8")
    lines = content.removeprefix("\ufeff").splitlines()
    header = next((line for line in lines if line.strip()), "")
    separator = max(",;\t", key=header.count)
    reader = csv.reader(io.StringIO("\n".join(lines)), delimiter=separator, strict=True)
    try:
        rows = [
            (reader.line_num, [cell.strip() for cell in row]) for row in reader if any(cell.strip() for cell in row)
        ]
    except csv.Error as error:
        raise ValueError(f"row {reader.line_num}: {error}: check the quotes") from None
    if not rows:
        raise ValueError("is empty: give a header row with the names of the columns, then rows of numbers")
    columns = _header(rows[0][1])
    if len(rows) - 1 > MAX_ROWS:
        raise ValueError(f"{len(rows) - 1:,} rows given, at most {MAX_ROWS:,} allowed: keep fewer")
    if len(rows) - 1 < 4:
        raise ValueError(f"{len(rows) - 1} rows below the header: give at least 4 (two to train, two held out)")
    problems: list[str] = []
    values = [_row(line, cells, columns, problems) for line, cells in rows[1:]]
    if problems:
        more = f"; and {len(problems) - SHOWN} more" if len(problems) > SHOWN else ""
        raise ValueError("; ".join(problems[:SHOWN]) + more)
    table = Table(columns, np.array(values), tuple(line for line, _ in rows[1:]))
    table.values.setflags(write=False)
    return table


def _header(cells: list[str]) -> tuple[str, ...]:
    if all(_number(cell) is not None for cell in cells):
        raise ValueError(
            f"row 1 holds only numbers ({', '.join(cells[:3])}, ...): add a first row that names the columns"
        )
    if len(cells) < 2:
        raise ValueError(
            f"row 1 names one column ({cells[0]!r}): give at least one input and one target column, "
            "separated by commas, semicolons or tabs"
        )
    if len(cells) > MAX_COLUMNS:
        raise ValueError(f"{len(cells):,} columns given, at most {MAX_COLUMNS:,} allowed: keep fewer")
    for position, name in enumerate(cells, start=1):
        if not name:
            raise ValueError(f"row 1, column {position} has no name: name every column")
        if cells.index(name) < position - 1:
            raise ValueError(f"row 1 names column {name!r} twice: give each column its own name")
    return tuple(cells)


def _row(line: int, cells: list[str], columns: tuple[str, ...], problems: list[str]) -> list[float]:
    """The numbers of a row; appends to `problems` what is wrong with it."""
    if len(cells) != len(columns):
        problems.append(
            f"row {line} has {len(cells)} cells but row 1 names {len(columns)} columns: add or remove cells"
        )
        return []
    values = []
    for name, cell in zip(columns, cells, strict=True):
        value = _number(cell)
        where = f"row {line}, column {name!r}"
        if not cell:
            problems.append(f"{where} is empty: fill it in or remove the row")
        elif value is None:
            shown = cell if len(cell) <= 20 else cell[:17] + "..."
            problems.append(
                f"{where} is {shown!r}, not a number: write a number (categories as 0, 1, ...) or remove the column"
            )
        elif not isfinite(value) or abs(value) > MAX_ABS:
            problems.append(
                f"{where} is {cell[:20]}, allowed are finite numbers up to {MAX_ABS:g}: "
                "rescale the column or remove the row"
            )
        else:
            values.append(value)
    return values


def _number(cell: str) -> float | None:
    try:
        return float(cell) if "_" not in cell else None
    except ValueError:
        return None
