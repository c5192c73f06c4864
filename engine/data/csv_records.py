"""The text in the bytes of a file, and a CSV text cut into records."""

import codecs
import csv
import io
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import islice

from engine.data.csv_numbers import is_number, short_cell
from engine.problems import several

# The text in the bytes of a file, whatever program wrote it, or why there is none.

BOMS = (
    (codecs.BOM_UTF8, "utf-8", "UTF-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le", "UTF-16"),
    (codecs.BOM_UTF16_BE, "utf-16-be", "UTF-16"),
)
"""Byte order marks with their encodings, and how those are called."""

NO_TEXT = (
    (b"PK\x03\x04", "a workbook of a spreadsheet, or another zip archive"),
    (b"\xd0\xcf\x11\xe0", "a workbook of an old spreadsheet"),
    (b"%PDF", "a PDF"),
    (b"PAR1", "a Parquet file"),
    (b"\x89HDF", "an HDF5 file"),
    (b"\x93NUMPY", "a NumPy array"),
)
"""First bytes of files that people take for tables."""

GZIP = b"\x1f\x8b"
SAVE_AS = "in the spreadsheet choose Save as (or Export), then CSV UTF-8"
LOOKED_AT = 4096
"""Bytes that tell UTF-16 without a mark: every other one is 0 in Western text."""


def decode(data: bytes) -> tuple[str, tuple[str, ...]]:
    """The text and remarks on how it was read, for whoever saved it: UTF-8, UTF-16, or Western letters of one byte.

    Raises ValueError, with what to do, for a file that is no text.
    """
    if data.startswith(GZIP):
        raise ValueError("is compressed with gzip: unpack it first")
    for start, kind in NO_TEXT:
        if data.startswith(start):
            raise ValueError(f"is {kind}, not text: {SAVE_AS}")
    for mark, encoding, name in BOMS:
        if data.startswith(mark):
            return _strict(data[len(mark) :], encoding, name), () if name == "UTF-8" else (_not_utf8(name),)
    if guess := _unmarked_utf_16(data[:LOOKED_AT]):
        return _strict(data, guess, "UTF-16"), (_not_utf8("UTF-16"),)
    if b"\0" in data:
        raise ValueError(f"holds NUL bytes, so it is not text: {SAVE_AS}")
    try:
        return data.decode("utf-8"), ()
    except UnicodeDecodeError:
        return _one_byte(data)


def _strict(data: bytes, encoding: str, name: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        raise ValueError(f"begins as {name} but is damaged further on: {SAVE_AS}") from None


def _unmarked_utf_16(data: bytes) -> str:
    """The encoding where every other byte is 0, else an empty string."""
    pairs = len(data) // 2
    for encoding, zeros, others in (("utf-16-le", data[1::2], data[::2]), ("utf-16-be", data[::2], data[1::2])):
        if pairs and zeros.count(0) > 0.9 * pairs and not others.count(0):
            return encoding
    return ""


def _one_byte(data: bytes) -> tuple[str, tuple[str, ...]]:
    """Windows-1252 where every byte has a letter there, else Latin-1, which has one for every byte."""
    try:
        text, name = data.decode("cp1252"), "Windows-1252"
    except UnicodeDecodeError:
        text, name = data.decode("latin-1"), "Latin-1"
    position = next(index for index, character in enumerate(text) if character > "\x7f")
    word = " ".join(text[max(0, position - 8) : position + 9].split())
    return text, (f"{_not_utf8(f'{name} (Western letters)')}; if {word!r} reads wrong, save it again: {SAVE_AS}",)


def _not_utf8(name: str) -> str:
    return f"the file is not in UTF-8: read as {name}"


# A CSV text cut into records: comments and titles set aside, the separator found, rows counted as a spreadsheet does.
#
# Quotes and separators within them are the affair of Python's `csv`.

SEPARATORS = {"\t": "tab", ";": "semicolon", "|": "bar", ",": "comma", " ": "blank"}
"""In the order in which they are believed where several cut equally well: a comma may be a decimal mark."""

COMMENTS = ("#", "%", "//")
MOST_COMMENTS = 20_000
"""Lines above a table."""
SEP_LINE = re.compile(r'\ufeff?"?sep=(.)"?[ ;,\t]*(?:\n|$)', re.IGNORECASE)
SAMPLE = 100_000
"""Characters in which the separator is looked for."""

SPARE = 1000
"""Rows beyond the most allowed that may turn out to be titles and comments."""
WIDEST = 16_384
"""Cells of a row in a spreadsheet."""

Record = tuple[int, list[str]]
"""The number of a row, as a spreadsheet counts, and its cells without blanks around them."""


@dataclass
class Records:
    """What a text holds.

    Attributes:
        rows: those with anything in them, in order; the first may be the header.
        separator: between cells.
        comments: lines above the table that were taken for comments, without their mark.
        notes: what was skipped or cut in an unusual way.
    """

    rows: list[Record]
    separator: str
    comments: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def records(text: str, most: int) -> Records:
    """The records of a CSV text.

    Raises ValueError where quotes do not close, and where there are far more records than `most`.
    """
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n") + "\n"
    named = SEP_LINE.match(text)
    body = text[named.end() :] if named else text
    above, comments = _comments(body)
    body = body[above:]
    found = Records([], named.group(1) if named else separator_of(body), comments)
    first = 1 + text[: (named.end() if named else 0) + above].count("\n") - bool(named)
    found.rows = list(islice(_cut(body, found.separator, first), most + SPARE))
    if len(found.rows) == most + SPARE:
        raise ValueError(f"more than {most:,} rows given, at most so many are allowed: keep fewer")
    if not named and found.rows and all(len(cells) == 1 for _, cells in found.rows):
        _cut_again(found)
    if comments:
        found.notes.append(f"{_lines(len(comments))} above the table skipped as comments: {short_cell(comments[0])}")
    _cut_header(found)
    _set_aside(found)
    if found.separator != ",":
        found.notes.insert(0, f"cells are separated by {SEPARATORS.get(found.separator, repr(found.separator))}s")
    return found


def _comments(text: str) -> tuple[int, list[str]]:
    """How many characters of comments and blank lines stand above the table, and the comments without their marks."""
    end = text.rfind("\n", 0, len(text) - len(text.lstrip())) + 1
    comments = []
    while (stop := text.find("\n", end)) >= 0:
        line = text[end:stop].strip()
        if line and not line.startswith(COMMENTS):
            break
        if line:
            comments.append(line.removeprefix("//").lstrip("#%").strip(" "))
        if len(comments) > MOST_COMMENTS:
            raise ValueError(f"more than {MOST_COMMENTS:,} lines of comments above the table: leave them out")
        end = stop + 1
    return end, comments


def separator_of(text: str) -> str:
    """What cuts most rows into equally many cells, two or more, quotes in_effect; a comma where nothing does."""
    sample = text if len(text) <= SAMPLE else text[: text.rfind("\n", 0, SAMPLE) + 1 or SAMPLE]
    scores = {separator: _evenness(sample, separator) for separator in SEPARATORS if separator in sample}
    best = max(scores.values(), default=0.0)
    return next((separator for separator in SEPARATORS if scores.get(separator) == best), ",") if best else ","


def _evenness(sample: str, separator: str) -> float:
    """The share of rows that have as many cells as most have; 0 where that is one."""
    try:
        sizes = Counter(len(cells) for _, cells in islice(_cut(sample, separator, 1, strict=False), 400))
    except ValueError:
        return 0.0
    size, count = max(sizes.items(), key=lambda item: (item[1], item[0]), default=(1, 0))
    return count / sizes.total() if size > 1 else 0.0


def _cut(text: str, separator: str, first: int, strict: bool = True) -> Iterable[Record]:
    """The rows with anything in them; the first row of the text has the number `first`."""
    lines: Iterable[str] = io.StringIO(text, newline="\n")
    if separator == " ":
        lines = (line.replace("\t", " ").strip(" \n") + "\n" for line in lines)
    reader = csv.reader(lines, delimiter=separator, skipinitialspace=True, strict=strict)
    number = first - 1
    try:
        for number, cells in enumerate(reader, start=first):
            if len(cells) > WIDEST:
                raise ValueError(
                    f"row {number} has {len(cells):,} cells, more than any spreadsheet: keep fewer columns"
                )
            if cells and any(cells := [cell.strip() for cell in cells]):
                yield number, cells
    except csv.Error:
        raise ValueError(
            f"row {number + 1} cannot be cut into cells: a quote does not close, something follows one that does, or a "
            f"cell has more than {csv.field_size_limit():,} characters: check the quotes"
        ) from None


def cut_line(line: str, separator: str) -> list[str]:
    """The cells of one line; none where its quotes do not close."""
    try:
        return next((cells for _, cells in _cut(line, separator, 1)), [])
    except ValueError:
        return []


def _cut_again(found: Records) -> None:
    """Rows that stand in quotes as a whole are cut within them."""
    whole = "\n".join(cells[0].replace("\n", " ") for _, cells in found.rows)
    separator = separator_of(whole)
    if _evenness(whole[:SAMPLE], separator):
        numbers = [number for number, _ in found.rows]
        inside = list(_cut(whole, separator, 0))
        found.rows = [(numbers[index], cells) for index, cells in inside if index < len(numbers)]
        found.separator = separator
        found.notes.append("each row stood in one cell: cut into its cells")


def _cut_header(found: Records) -> None:
    """A header that stands in one cell, or has another separator, is cut into as many names as the rows have cells."""
    usual = _usual(found.rows[1:])
    if usual < 2 or len(found.rows[0][1]) != 1 or not any(map(is_number, found.rows[1][1])):
        return
    for separator in (found.separator, *SEPARATORS):
        names = cut_line(found.rows[0][1][0], separator)
        if len(names) == usual:
            found.rows[0] = (found.rows[0][0], names)
            found.notes.append(f"the header stood in one cell: cut at its {SEPARATORS.get(separator, separator)}s")
            return


def _set_aside(found: Records) -> None:
    """Titles above, footnotes below and comments within leave the rows, with a note."""
    usual = _usual(found.rows)
    if usual < 2:
        return
    rows = found.rows
    start, stop = 0, len(rows)
    while start < stop and _says_one_thing(rows[start][1], usual):
        start += 1
    while stop > start and _says_one_thing(rows[stop - 1][1], usual):
        stop -= 1
    within = [row for row in rows[start:stop] if row[1][0].startswith(COMMENTS) and len(row[1]) != usual]
    for what, left in (("a title", rows[:start]), ("a footnote", rows[stop:]), ("a comment", within)):
        found.notes += [f"row {number} skipped as {what}: {short_cell(' '.join(cells))}" for number, cells in left[:3]]
        if len(left) > 3:
            found.notes.append(f"{several(len(left) - 3, 'more row')} skipped, each as {what}")
    kept = {number for number, _ in rows[start:stop]} - {number for number, _ in within}
    found.rows = [row for row in rows if row[0] in kept]


def _says_one_thing(cells: list[str], usual: int) -> bool:
    """Whether a row holds a text alone, where others hold more."""
    filled = [cell for cell in cells if cell]
    return len(filled) == 1 and cells[0] == filled[0] and not is_number(filled[0]) and usual > 1


def _usual(rows: list[Record]) -> int:
    """The number of cells that most rows have."""
    sizes = Counter(len(cells) for _, cells in rows)
    return max(sizes.items(), key=lambda item: (item[1], item[0]), default=(0, 0))[0]


def _lines(count: int) -> str:
    return f"{count} line" if count == 1 else f"{count} lines"
