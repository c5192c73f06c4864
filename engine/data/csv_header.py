"""The names of the columns: the first row, unless it looks like data."""

from collections.abc import Sequence

from engine.data.csv_numbers import is_missing, is_quantity, short_cell
from engine.data.csv_records import Records, cut_line

LOOKED_AT = 200
"""Rows that tell whether a column holds numbers."""
MAX_COLUMNS = 1_000


def header(found: Records) -> list[str]:
    """Takes the header off the rows and makes it as long as they are; an empty name where a column has none.

    Raises ValueError where the first row is data, or names columns in a way that does not fit.
    """
    first, cells = found.rows[0]
    below = [cells for _, cells in found.rows[1 : LOOKED_AT + 1]]
    if reason := _looks_like_data(cells, below):
        names = cut_line(found.comments[-1], found.separator) if found.comments else []
        if len(names) != len(cells):
            raise ValueError(f"row {first} {reason} ({_few(cells)}): add a first row that names the columns")
        found.notes.append(f"names taken from the comment above: {_few(names)}")
        cells = names
    else:
        del found.rows[0]
        if numbers := [cell for cell in cells if is_quantity(cell)]:
            found.notes.append(f"row {first} taken for names, although some are numbers: {_few(numbers)}")
    names = [" ".join(cell.split()) for cell in cells]
    longer = [row for _, row in found.rows if len(row) == len(names) + 1]
    if longer and len(longer) == len(found.rows) and any(row[-1] for row in longer):
        found.notes.append("the header names one column less than the rows have: their first cell is a name of the row")
        names = ["", *names]
    _even(names, found)
    _check(names, first)
    return names


def _looks_like_data(cells: Sequence[str], below: Sequence[Sequence[str]]) -> str:
    """What in a first row speaks for data; empty where it names columns.

    A text above numbers is a name. Without one, numbers are data; unless they count up in whole numbers (years,
    wavelengths) beside a text that no row below repeats.
    """
    numbers = [cell for cell in cells if is_quantity(cell)]
    texts = [(place, cell) for place, cell in enumerate(cells) if not is_quantity(cell) and not is_missing(cell)]
    if not numbers:
        return ""
    if not texts:
        gaps = len(numbers) < len(cells)
        return "holds numbers and missing values" if gaps else "holds only numbers"
    if any(_numeric(place, below) for place, _ in texts):
        return ""
    repeated = any(cell == row[place] for place, cell in texts for row in below if place < len(row))
    years = [int(cell) for cell in numbers if cell.isdecimal()]
    if not repeated and len(years) == len(numbers) > 1 and years == sorted(set(years)):
        return ""
    return "holds numbers, and no name above numbers"


def _numeric(place: int, below: Sequence[Sequence[str]]) -> bool:
    """Whether most cells of a column are numbers."""
    cells = [row[place] for row in below if place < len(row) and not is_missing(row[place])]
    return 2 * sum(map(is_quantity, cells)) > len(cells)


def _even(names: list[str], found: Records) -> None:
    """Empty cells at the end of the rows, or of the header, go: both have the length of the names then."""
    dropped = 0
    while names and not names[-1] and all(len(row) < len(names) or not row[len(names) - 1] for _, row in found.rows):
        names.pop()
        dropped += 1
    if dropped:
        found.notes.append(f"{dropped} empty columns at the end dropped")
    for number, cells in found.rows:
        while len(cells) > len(names) and not cells[-1]:
            cells.pop()
        if len(cells) > len(names) and "," in found.separator and len(cells) % len(names) == 0:
            raise ValueError(
                f"row {number} has {len(cells)} cells but the header names {len(names)} columns: if its commas are "
                "decimal commas, save the table with semicolons between cells"
            )


def _check(names: Sequence[str], row: int) -> None:
    if len(names) < 2:
        raise ValueError(
            f"row {row} names one column ({names[0] if names else ''!r}): give at least one input and one target "
            "column, separated by commas, semicolons, tabs or blanks"
        )
    if len(names) > MAX_COLUMNS:
        raise ValueError(f"{len(names):,} columns given, at most {MAX_COLUMNS:,} allowed: keep fewer")
    seen = set()
    for name in filter(None, names):
        if name in seen:
            raise ValueError(f"row {row} names column {name!r} twice: give each column its own name")
        seen.add(name)


def _few(cells: Sequence[str]) -> str:
    return ", ".join(short_cell(cell)[1:-1] for cell in cells[:3]) + (", ..." if len(cells) > 3 else "")
