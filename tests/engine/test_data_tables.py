"""Tables as people have them: read with every step said, or refused in words. Values are those of the text itself."""

import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.config import RunConfig
from engine.data import DataConfig, generate, overview
from engine.data.csv_records import decode
from engine.data.csv_table import MAX_BYTES, parse
from engine.schema import Config, ConfigError

ROWS = (
    (5.09, 8.6, -3.51), (2.15, 8.59, -6.44), (3.49, 4.39, -0.9), (7.62, 4.27, 3.35), (5.4, 1.22, 4.18),
    (7.03, 5.31, 1.72), (3.64, 7.31, -3.67), (3.43, 4.63, -1.2), (2.07, 4.22, -2.15), (2.63, 3.1, -0.47),
    (7.0, 3.24, 3.76), (4.88, 8.85, -3.97), (8.69, 6.8, 1.89), (5.33, 3.22, 2.11), (2.29, 8.76, -6.47),
    (5.13, 1.93, 3.2),
)  # fmt: skip
X1, X2, Y = (list(column) for column in zip(*ROWS, strict=True))


class Holder(Config):
    data: DataConfig


def config(content, **values):
    return Holder.from_dict({"data": {"name": "csv", "content": content, **values}}).data


def text(header="x1,x2,y", row="{},{},{}", rows=ROWS, write=str):
    return "\n".join([header, *(row.format(*map(write, cells)) for cells in rows)]) + "\n"


def with_comma(value):
    return str(value).replace(".", ",")


def refused(content, field="data.content", **values):
    with pytest.raises(ConfigError) as caught:
        generate(config(content, **values))
    return {problem.field: problem.message for problem in caught.value.problems}[field]


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
    assert "and 1 more cells, not a number" in said
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


# Classes


def flowers(classes):
    return "a,b,species\n" + "\n".join(f"{i % 7},{i * i % 11},{classes[i % len(classes)]}" for i in range(24))


def test_two_classes_have_targets_minus_one_and_one():
    settings = config(flowers(["oak", "elm"]))
    data = generate(settings)
    assert settings.output_dim == 1
    assert data.class_names == ("elm", "oak")
    np.testing.assert_array_equal(data.y_train[:, 0], np.where(data.labels_train == 1, 1, -1))
    assert "2 classes in 'species' ('elm', 'oak'): 'elm' has target -1 and 'oak' +1" in data.notes


def test_more_classes_have_one_target_each():
    settings = config(flowers(["oak", "elm", "ash"]), target_rms=None)
    data = generate(settings)
    assert settings.output_dim == 3
    assert data.class_names == ("ash", "elm", "oak")
    np.testing.assert_allclose(data.y_train, np.eye(3)[data.labels_train] - 1 / 3)
    species = {(i % 7, i * i % 11): ["oak", "elm", "ash"][i % 3] for i in range(24)}
    raw = generate(config(flowers(["oak", "elm", "ash"]), standardise=False))
    assert [raw.class_names[label] for label in raw.labels_test] == [species[tuple(map(int, x))] for x in raw.x_test]


def test_what_are_no_classes():
    assert "8 different texts in 8 rows" in refused("a,b\n" + "\n".join(f"{i},t{i}" for i in range(8)), "data.target")
    assert "holds one class" in refused("a,b\n" + "\n".join(f"{i},t" for i in range(8)), "data.target")
    both = flowers(["oak", "elm"])
    assert "holds classes: choose it alone" in refused(both, "data.target", target=["b", "species"])
    one_sided = "a,b\n" + "\n".join(f"{i * i},{'rare' if i < 2 else 'usual'}" for i in range(9))
    found = [refused(one_sided, "size", size=2, test_size=6, seed=seed) for seed in (3,)]
    assert "training rows are of the class" in found[0]


# Targets far from zero, constants, repeats


def test_targets_are_centred_over_the_training_rows():
    far = text(rows=[(a, b, 293 + c / 10) for a, b, c in ROWS])
    data, near = generate(config(far)), generate(config(text()))
    assert data.y_train.mean() == pytest.approx(0, abs=1e-12)
    np.testing.assert_allclose(data.y_train, near.y_train, atol=1e-10)
    np.testing.assert_allclose(data.y_test, near.y_test, atol=1e-10)
    assert "their mean over the training rows is taken off (292.929 of 'y')" in " ".join(data.notes)
    assert generate(config(far, centre=False)).y_train.std() < 0.01
    assert "nothing can be learned once it is centred" in refused(
        text(rows=[(a, b, 0.3 if c > 0 else 0.1 + 0.2) for a, b, c in ROWS]), "target"
    )


def test_the_error_of_the_mean_and_of_a_line():
    """A kelvin column read off an independent fit: the mean errs by the spread, and R^2 of a line is 1 - 5.8e-7/1e-5.

    R^2 is measured from the held-out rows' own mean; the same error gives the same R^2 on centred targets.
    """
    rng = np.random.default_rng(3)
    x = rng.uniform(-1, 1, (48, 2))
    kelvin = 293 + 2 * x[:, 0] + 0.3 * rng.standard_normal(48)
    content = text("x1,x2,kelvin", rows=[(*point, value) for point, value in zip(x, kelvin, strict=True)])
    raw, centred = (config(content, centre=centre, target_rms=None) for centre in (False, True))
    data = generate(raw)
    y = data.y_test[:, 0]
    error = np.mean((y - data.y_train.mean()) ** 2)
    assert overview(raw).r_squared(error / np.mean(y**2)) == pytest.approx(1 - error / y.var())
    about = generate(centred).y_test[:, 0]
    assert overview(centred).r_squared(error / np.mean(about**2)) == pytest.approx(1 - error / y.var())
    assert overview(raw).r_squared(0.0186) < -100


def test_rounding_is_no_input():
    rows = [(a, 0.3 if a > 5 else 0.30000000000000004, c) for a, _, c in ROWS]
    settings = config(text(rows=rows))
    assert settings.inputs == ("x1",)
    assert "left out of the inputs: 'x2' (0.3 in every row, to rounding)" in generate(settings).notes
    assert "it cannot be standardised: leave it out" in refused(text(rows=rows), "inputs", inputs=["x1", "x2"])
    assert config(text(rows=rows), standardise=False).inputs == ("x1", "x2")
    fine = text(rows=[(a, 0.3 + 1e-9 * b, c) for a, b, c in ROWS])
    assert config(fine).inputs == ("x1", "x2")


def test_equal_inputs_with_other_labels_and_rows_shared_with_held_out_points():
    """Eight inputs, each with a target and its negative: 12 training rows have 7 of them, as the rank of K_0."""
    rows = [*ROWS[:8], *((a, b, -c) for a, b, c in ROWS[:8])]
    notes = generate(config(text(rows=rows), centre=False)).notes
    assert notes[0].endswith("the kernel matrix is singular, of rank 7 at most")
    assert notes[0].startswith("5 of 12 training points repeat the inputs of another")
    assert notes[1].startswith("10 training points have the inputs of another but other targets")
    assert notes[2].startswith("2 of 4 held-out points have the inputs of a training point")
    assert generate(config(text(), centre=False)).notes == ()


def test_what_contradictory_labels_leave_is_the_least_squares_residual():
    content = "x,y\n" + "1,3\n1,5\n2,1\n2,1\n4,-1\n4,3\n"
    data = generate(config(content, standardise=False, size=4, test_size=2, target_rms=None))
    inputs, place = np.unique(data.x_train, return_inverse=True)
    design = np.eye(len(inputs))[place.ravel()]
    fit = design @ np.linalg.lstsq(design, data.y_train, rcond=None)[0]
    share = np.linalg.norm(data.y_train - fit) / np.linalg.norm(data.y_train)
    said = [note for note in data.notes if "of the targets' norm is left at best" in note]
    assert len(said) == (share > 0)
    assert not said or f"{100 * share:.2g}%" in said[0]


def test_a_table_as_it_is():
    data = generate(config(text(), standardise=False, target_rms=None))
    found = np.concatenate([np.hstack([data.x_train, data.y_train]), np.hstack([data.x_test, data.y_test])])
    assert sorted(map(tuple, found)) == sorted(ROWS)
    assert config(text(), standardise=False).centre is False
    assert config(text()).centre is True


def test_the_key_of_a_table_changed_and_of_others_did_not():
    """Results on tables were computed without centring; those of other data sets stand."""
    assert "centre" in config(text()).to_dict()
    circle = RunConfig.from_dict({"data": {"name": "circle"}})
    assert circle.hash == "f14f66e385639acbf37b64ca4574935811b0b3723fea1e4b33d0a35e738c1e2d"


# Files


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
        (b"\x1f\x8brest", "compressed with gzip"),
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
