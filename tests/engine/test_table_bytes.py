"""Files of tables as bytes: any is read or refused in words, and quickly."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typed_tables import text

from engine.data.csv_records import decode
from engine.data.csv_table import MAX_BYTES, parse


def outcome(make):
    """What a reader gives, or its message."""
    try:
        return make()
    except ValueError as error:
        return str(error)


def test_encodings():
    umlauts = text("größe,breite,y")
    for data in (umlauts.encode(), umlauts.encode("utf-8-sig")):
        assert decode(data) == (umlauts, ())
    marked = (b"\xff\xfe" + umlauts.encode("utf-16-le"), b"\xfe\xff" + umlauts.encode("utf-16-be"))
    for data in (*marked, umlauts.encode("utf-16-le"), umlauts.encode("utf-16-be")):
        assert decode(data) == (umlauts, ("the file is not in UTF-8: read as UTF-16",))
    read, notes = decode(umlauts.encode("latin-1"))
    assert read == umlauts
    assert "read as Windows-1252" in notes[0]
    assert "'größe" in notes[0]
    assert decode("5 € \x81".encode("latin-1", "ignore"))[1][0].startswith("the file is not in UTF-8: read as Latin-1")


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"PK\x03\x04rest", "is a workbook of a spreadsheet"),
        (b"\xd0\xcf\x11\xe0rest", "workbook of an old spreadsheet"),
        (b"%PDF-1.7", "is a PDF"),
        (b"a,b\n1,\x00\n" * 3, "NUL bytes"),
        (b"\xff\xfea\x00\xd8\xd8b", "begins as UTF-16 but is damaged"),
    ],
)
def test_files_that_are_no_text(data, said):
    with pytest.raises(ValueError, match=said) as caught:
        decode(data)
    assert "in the spreadsheet choose Save as (or Export), then CSV UTF-8" in str(caught.value)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_text_or_a_message(data):
    text_or_message = outcome(lambda: decode(data)[0])
    assert isinstance(text_or_message, str)


@given(st.lists(st.sampled_from([",", ";", "\t", " ", '"', "\n", "1", "2.5", "x", "NA", "#", "%", "sep=", "1,5"])))
def test_any_table_is_read_or_refused(parts):
    found = outcome(lambda: parse("".join(parts)))
    if isinstance(found, str):
        assert "\n" not in found
    else:
        assert len(found.rows) >= 4
        assert len(found.columns) >= 2


HOSTILE = {
    "many columns": ";".join(f"c{i}" for i in range(1000)) + "\n" + (";".join(["1,5"] * 1000) + "\n") * 240,
    "one line": "a," * (MAX_BYTES // 2 - 1),
    "blank lines": "\n" * (MAX_BYTES - 1),
    "comments": "# a\n" * (MAX_BYTES // 4 - 1),
    "quotes": '"' * (MAX_BYTES - 1),
    "nearly numbers": "a;b\n" + ("1,111" * 11 + "x;" + "1 " * 28 + "x\n") * 7000,
    "five megabytes": "a,b\n" + "1,2\n" * 1_250_000,
}


def test_many_titles_do_not_cost_rows():
    """What is beyond the rows that are cut would be lost without a word."""
    content = "title\n" * 2000 + "a,b\n" + "1,2\n" * 20_000
    assert "more than 20,000 rows given" in outcome(lambda: parse(content))


@pytest.mark.parametrize("kind", HOSTILE)
def test_reading_is_quick(kind):
    began = time.process_time()
    found = outcome(lambda: parse(decode(HOSTILE[kind].encode())[0]))
    assert not isinstance(found, str) or len(found) < 400
    assert time.process_time() - began < 4  # a second where nothing else runs


def test_a_file_that_is_compressed_is_to_be_unpacked():
    with pytest.raises(ValueError, match=r"^is compressed with gzip: unpack it first$"):
        decode(b"\x1f\x8brest")
