"""Tables as people have them: read with every step said, or refused in words. Values are those of the text itself."""

import numpy as np
import pytest
from typed_tables import ROWS, X1, X2, Y, config, refused, text, with_comma

from engine.data import generate
from engine.data.csv_table import parse


def numbers(content):
    return {column.name: column.values.tolist() for column in parse(content).columns if column.values is not None}


PLAIN = {"x1": X1, "x2": X2, "y": Y}
READ_ALIKE = {
    "comma": text(),
    "semicolons and decimal commas": text("x1;x2;y", "{};{};{}", write=with_comma),
    "sep line": "sep=;\n" + text("x1;x2;y", "{};{};{}", write=with_comma),
    "tabs": text("x1\tx2\ty", "{}\t{}\t{}"),
    "bars": text("x1|x2|y", "{}|{}|{}"),
    "blanks": text("x1 x2 y", "{} {} {}"),
    "aligned blanks": text("   x1    x2     y", "  {:>5}  {:>5}   {:>6}  "),
    "blanks and decimal commas": text("x1 x2 y", "{} {} {}", write=with_comma),
    "trailing empty columns": text("x1;x2;y;;", "{};{};{};;", write=with_comma),
    "trailing separators below the header": text(row="{},{},{},"),
    "header in one cell": text('"x1;""x2"";""y"""', "{};{};{}"),
    "rows in one cell": text('"x1;x2;y"', '"{};{};{}"'),
    "header of other separators": text("x1,x2,y", "{};{};{}"),
    "comments above": "# exported\n\n# 3 channels\n" + text(),
    "names in a comment": text("# x1,x2,y"),
    "title and footnote": "Measured in May\n\n" + text() + "Source: here, there\n".replace(",", ""),
    "title in a row": "Measured in May,,\n" + text(),
    "comment within": text().replace("7.62,", "# a pause\n7.62,"),
    "units below the header": text("x1,x2,y\nkg,cm,EUR"),
    "units in cells": text(row="{}%,${},{} km/h"),
    "other ends of lines": text().replace("\n", "\r"),
    "typographic minus": text().replace("-", "\u2212"),
    "quoted": text('"x1","x2","y"', '"{}","{}","{}"'),
    "names of two lines": text('"x\n1",x2,y').replace("x\n1", "x1\n"),
}


@pytest.mark.parametrize("kind", READ_ALIKE)
def test_one_table_written_in_many_ways(kind):
    assert numbers(READ_ALIKE[kind]) == PLAIN
    settings = config(READ_ALIKE[kind])
    assert (settings.inputs, settings.target, settings.size, settings.test_size) == (("x1", "x2"), ("y",), 12, 4)
    np.testing.assert_array_equal(generate(settings).x_train, generate(config(text())).x_train)


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("semicolons and decimal commas", "cells are separated by semicolons"),
        ("semicolons and decimal commas", "'5,09' read as 5.09 in 'x1', 'x2', 'y'"),
        ("trailing empty columns", "2 empty columns at the end dropped"),
        ("header in one cell", "the header stood in one cell: cut at its semicolons"),
        ("header of other separators", "the header stood in one cell: cut at its commas"),
        ("rows in one cell", "each row stood in one cell"),
        ("comments above", "2 lines above the table skipped as comments: 'exported'"),
        ("names in a comment", "names taken from the comment above: x1, x2, y"),
        ("title and footnote", "row 1 skipped as a title: 'Measured in May'"),
        ("title and footnote", "row 20 skipped as a footnote: 'Source: here there'"),
        ("comment within", "row 5 skipped as a comment: '# a pause'"),
        ("units below the header", "row 2 holds no number and is taken for units: 'kg', 'cm', 'EUR'"),
        ("units in cells", "the unit 'km/h' is taken off the cells of 'y'"),
    ],
)
def test_what_was_done_is_said(kind, said):
    assert said in "; ".join(generate(config(READ_ALIKE[kind])).notes)


def test_a_column_that_is_empty_throughout_is_dropped():
    content = text("x1,gap,x2,y", "{},,{},{}")
    assert numbers(content) == PLAIN
    assert parse(content).notes == ("dropped, empty throughout: 'gap'",)


def test_a_plain_table_needs_no_words():
    assert parse(text()).notes == ()


def test_separators_within_quotes_do_not_count():
    names = ("weight, kg", "height, cm", "price, EUR")
    semicolons = text(";".join(f'"{name}"' for name in names), "{};{};{}")
    commas = text(",".join(f'"{name}"' for name in names))
    for content in (semicolons, commas):
        assert parse(content).names == names
        assert config(content, target="weight, kg").inputs == ("height, cm", "price, EUR")
        assert list(numbers(content).values()) == [X1, X2, Y]


@pytest.mark.parametrize(
    ("cells", "value"),
    [
        (("5,090", "1.5"), 5090),
        (("1,234,567.25", "1"), 1234567.25),
        (("1 234.5", "2"), 1234.5),
        (("1\u00a0234.5", "2"), 1234.5),
        (("1'234.5", "2"), 1234.5),
        (("-12,5", "2"), -12.5),
        (("1.234,5", "2"), 1234.5),
        (("1 234,5", "2"), 1234.5),
        (("1.5e-3", "2"), 0.0015),
        (("1,5e-3", "2"), 0.0015),
    ],
)
def test_numbers_as_people_write_them(cells, value):
    first, second = cells
    content = "a,b\n" + "\n".join(f'"{first}",{second}' for _ in range(5))
    assert numbers(content)["a"] == [value] * 5


def test_a_point_between_thousands_where_other_columns_have_decimal_commas():
    content = "a;b;c\n" + "\n".join(f"1.{100 + i};{i},25;{i}" for i in range(6))
    assert numbers(content)["a"] == [1100 + i for i in range(6)]
    assert numbers(content.replace(",", "."))["a"] == [(1100 + i) / 1000 for i in range(6)]


def test_a_comma_and_three_digits_follow_the_separator_where_nothing_else_tells():
    """Between semicolons a comma is the decimal mark, within quotes and between commas it is one of thousands."""
    assert numbers("a;b\n" + "1,250;1\n" * 5)["a"] == [1.25] * 5
    assert numbers("a,b\n" + '"1,250",1\n' * 5)["a"] == [1250] * 5
    assert "'1,250' read as 1.25" in "".join(parse("a;b\n" + "1,250;1\n" * 5).notes)


HEADLESS = {
    "numbers": ("1.0,2.0,3.0", "holds only numbers"),
    "numbers and NA": ("1.0,NA,3.0", "holds numbers and missing values"),
    "numbers with units": ("5.0%,$3.0,2.0 kg", "holds only numbers"),
    "numbers and an empty cell": ("1.0,,3.0", "holds numbers and missing values"),
}


@pytest.mark.parametrize("kind", HEADLESS)
def test_a_first_row_of_data_is_never_taken_for_names(kind):
    first, said = HEADLESS[kind]
    message = refused(text(first))
    assert message.startswith(f"row 1 {said}")
    assert message.endswith("add a first row that names the columns")


def test_a_first_row_with_a_class_is_data():
    flowers = ("5.1,3.5,setosa", "7.0,3.2,versicolor", "6.3,3.3,virginica", "4.9,3.0,setosa", "5.8,2.7,virginica")
    assert "add a first row that names the columns" in refused("\n".join(flowers))
    assert parse("\n".join(["a,b,species", *flowers])).names == ("a", "b", "species")


def test_names_that_are_numbers_are_said():
    content = text("land,2001,2002,2003", "L{0},{0},{1},{2}")
    assert parse(content).names == ("land", "2001", "2002", "2003")
    assert "row 1 taken for names, although some are numbers: 2001, 2002, 2003" in parse(content).notes


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (text('"","x1","x2","y"', '"{0}",{1},{2},{3}', [(i + 1, *row) for i, row in enumerate(ROWS)]), "row"),
        (text(",x1,x2,y", "{},{},{},{}", [(i, *row) for i, row in enumerate(ROWS)]), "row"),
        (text("n,x1,x2,y", "{},{},{},{}", [(i, *row) for i, row in enumerate(ROWS)]), "n"),
        (text("x1 x2 y", '"{}" {} {} {}', [(i + 1, *row) for i, row in enumerate(ROWS)]), "row"),
        (text("x1,Id,x2,y", "{1},{0},{2},{3}", [(7 * i + 100, *row) for i, row in enumerate(ROWS)]), "Id"),
    ],
    ids=["write.csv", "pandas", "named", "write.table", "id"],
)
def test_row_numbers_are_no_inputs(content, name):
    settings = config(content)
    assert settings.inputs == ("x1", "x2")
    assert f"left out of the inputs: {name!r} (looks like a row number)" in generate(settings).notes
    assert config(content, inputs=[name, "x1"]).inputs == (name, "x1")


def test_row_names_are_no_inputs():
    named = [(f"car {i}", *row) for i, row in enumerate(ROWS)]
    for header in (",x1,x2,y", "x1,x2,y"):
        settings = config(text(header, "{},{},{},{}", named))
        assert settings.inputs == ("x1", "x2")
        assert "left out of the inputs: 'row' (looks like row names)" in generate(settings).notes


def test_a_row_number_is_an_input_where_there_is_no_other():
    assert config("t,y\n" + "\n".join(f"{i},{i * i}" for i in range(9))).inputs == ("t",)


def test_columns_of_text_are_left_out_and_named():
    content = text("date,x1,x2,y", "2020-01-{3},{0},{1},{2}", [(*row, f"{i + 1:02}") for i, row in enumerate(ROWS)])
    assert "left out of the inputs: 'date' (text, such as '2020-01-01')" in generate(config(content)).notes
    assert "column 'date' holds no numbers" in refused(content, "data.inputs", inputs=["date", "x1"])


def test_units_that_differ_are_named_once():
    content = text(row="{},{} {},{}", rows=[(a, b, "kg" if a > 5 else "g", c) for a, b, c in ROWS])
    assert "'x2' (cells carry different units: g, kg)" in " ".join(generate(config(content)).notes)


def test_rows_are_counted_as_records():
    content = text('"x1\n[m]","x2\n[s]",y').replace("4.39", "oops")
    assert parse(content).names == ("x1 [m]", "x2 [s]", "y")
    assert refused(content).startswith("row 4, column 'x2 [s]' is 'oops', not a number")
    assert refused("# one\n\n" + content).startswith("row 6, column 'x2 [s]'")
    assert refused("sep=,\n" + content).startswith("row 4, column 'x2 [s]'")


def test_bad_cells_are_named_once_for_a_column():
    rows = [(a, f"q{b}" if a < 3 else b, c) for a, b, c in ROWS]
    said = refused(text(rows=rows))
    assert said.startswith("row 3, column 'x2' is 'q8.59', row 10, column 'x2' is 'q4.22', row 11")
    assert "and 1 more cell, not a number" in said
    assert config(text(rows=rows), inputs=["x1"]).inputs == ("x1",)


def test_rows_with_missing_cells_are_dropped_on_request():
    content = text().replace("8.59", "NA").replace("3.49", "")
    assert refused(content).startswith(
        "2 of 16 rows have empty cells: row 3 in column 'x2', row 4 in column 'x1': fill them in, set missing to drop"
    )
    settings = config(content, missing="drop", standardise=False, target_rms=None)
    assert (settings.size, settings.test_size) == (11, 3)
    data = generate(settings)
    assert "2 rows with empty cells dropped: row 3, 4" in data.notes
    kept = [row for row in ROWS if row[1] != 8.59 and row[0] != 3.49]
    found = np.concatenate([np.hstack([data.x_train, data.y_train]), np.hstack([data.x_test, data.y_test])])
    assert sorted(map(tuple, found)) == sorted(kept)
    assert config(content, inputs=["x1"], missing="drop").size == 12
    assert "fewer than size 16" in refused(content, missing="drop", size=16, test_size=2)
