"""The text in the bytes of a file, whatever program wrote it, or why there is none."""

import codecs

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
    (b"\x1f\x8b", "compressed with gzip"),
    (b"PAR1", "a Parquet file"),
    (b"\x89HDF", "an HDF5 file"),
    (b"\x93NUMPY", "a NumPy array"),
)
"""First bytes of files that people take for tables."""

SAVE_AS = "in the spreadsheet choose Save as (or Export), then CSV UTF-8"
LOOKED_AT = 4096
"""Bytes that tell UTF-16 without a mark: every other one is 0 in Western text."""


def decode(data: bytes) -> tuple[str, tuple[str, ...]]:
    """The text and remarks on how it was read, for whoever saved it: UTF-8, UTF-16, or Western letters of one byte.

    Raises ValueError, with what to do, for a file that is no text.
    """
    for start, kind in NO_TEXT:
        if data.startswith(start):
            raise ValueError(f"is {kind}, not text: {SAVE_AS}")
    for mark, encoding, name in BOMS:
        if data.startswith(mark):
            return _strict(data[len(mark) :], encoding, name), () if name == "UTF-8" else (_said(name),)
    if guess := _unmarked_utf_16(data[:LOOKED_AT]):
        return _strict(data, guess, "UTF-16"), (_said("UTF-16"),)
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
    return text, (f"{_said(f'{name} (Western letters)')}; if {word!r} reads wrong, save it again: {SAVE_AS}",)


def _said(name: str) -> str:
    return f"the file is not in UTF-8: read as {name}"
