"""What a dataset refuses, in words: what was given, what is allowed, what to do."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.data import DATASETS, DataConfig, generate
from engine.data.csv_table import MAX_BYTES, parse
from engine.schema import Config, ConfigError

TABLE = "a,b,c\n" + "\n".join(f"{7 * i % 24},{i * i % 7},{i % 5 - 2}" for i in range(24))


class Holder(Config):
    data: DataConfig


def problems(name, **values):
    with pytest.raises(ConfigError) as caught:
        Holder.from_dict({"data": {"name": name, **values}})
    return {problem.field: problem.message for problem in caught.value.problems}


def config(name, **values):
    return Holder.from_dict({"data": {"name": name, **values}}).data


@pytest.mark.parametrize("field", ["size", "test_size"])
@pytest.mark.parametrize("value", [1, 20_001, -3, "many", 2.5])
def test_sizes_are_bounded(field, value):
    assert set(problems("sphere", **{field: value})) == {f"data.{field}"}


@pytest.mark.parametrize(
    ("field", "value"),
    [("dim", 0), ("dim", 5000), ("order", 0), ("noise", -1), ("noise", float("nan")), ("target_rms", 0), ("seed", -1)],
)
def test_settings_are_bounded(field, value):
    assert f"data.{field}" in problems("sphere", **{field: value})


def test_every_problem_at_once():
    found = problems("circle", size=1, noise=-1, frequencies=[1, 2], amplitudes=[1.0], phases=[0.0, 0.0, 0.0], colour=1)
    assert set(found) == {
        "data.size",
        "data.noise",
        "data.amplitudes",
        "data.phases",
        "data.colour",
    }
    assert found["data.amplitudes"] == "1 given for 2 frequencies: give one per frequency, or leave amplitudes out"
    assert found["data.phases"].startswith("3 given for 2 frequencies")


def test_circle_terms():
    assert "2 listed more than once" in problems("circle", frequencies=[2, 2])["data.frequencies"]
    assert "raise at least one" in problems("circle", frequencies=[1], amplitudes=[0.0])["data.amplitudes"]
    assert "data.frequencies" in problems("circle", frequencies=[])


def test_circle_writes_out_what_was_left_out():
    assert config("circle", frequencies=[1, 2]) == config(
        "circle", frequencies=[1, 2], amplitudes=[1, 1], phases=[0, 0]
    )


def test_unknown_dataset_is_guessed():
    with pytest.raises(ConfigError, match="Did you mean 'circle'"):
        config("circl")


def test_target_of_another_dataset():
    message = problems("sphere", target="fourier")["data.target"]
    assert message.startswith("'fourier' is not defined on the dataset 'sphere'.")
    assert "Allowed: x0+x1x2, harmonic, hermite" in message
    assert "Did you mean 'harmonic'?" in problems("sphere", target="harmonics")["data.target"]
    assert "Allowed: fourier, sign, abs_sin" in problems("circle", target="hermite")["data.target"]


def test_targets_that_need_more_coordinates():
    assert problems("sphere", dim=2)["data.target"].startswith("'x0+x1x2' needs 3 coordinates but dim is 2")
    assert "'parity' (order 9) needs 9 coordinates but dim is 8" in problems("parity", order=9)["data.target"]
    assert "at least 2 coordinates" in problems("sphere", dim=1)["data.dim"]


def test_more_points_than_vertices_or_memory():
    message = problems("parity", test_size=256)["data.dim"]
    assert message.startswith("8 allows 256 points, fewer than size 64 + test_size 256 = 320")
    assert "lower size" in problems("sphere", dim=4096, size=20_000)["data.dim"]


def test_digits():
    assert "two different digits" in problems("digits", classes=[3, 3])["data.classes"]
    message = problems("digits", classes=[3, 8], size=200, test_size=200)["data.classes"]
    assert message.startswith("digits 3 and 8 have 357 images, fewer than size 200 + test_size 200 = 400")
    assert "data.classes" in " ".join(problems("digits", classes=[3, 10]))


def test_digits_training_set_of_one_class():
    seeds = [config("digits", size=2, seed=seed) for seed in range(20)]
    messages = []
    for settings in seeds:
        try:
            generate(settings)
        except ConfigError as error:
            messages.append(str(error))
    assert messages
    said = [f"are of the class '{digit}': raise size or change seed" for digit in (0, 1)]
    assert all(any(words in message for words in said) for message in messages)


def test_target_that_is_zero_on_the_training_grid():
    """|sin(2 theta)| vanishes on the grid of four points, and so does sin(8 theta) on sixteen."""
    with pytest.raises(ConfigError, match="zero at every training point"):
        generate(config("circle", target="abs_sin", order=2, size=4))


# CSV


def refused(content, **values):
    return problems("csv", content=content, **values)["data.content"]


def test_csv_defaults_are_written_out():
    settings = config("csv", content=TABLE)
    assert (settings.target, settings.size, settings.test_size) == (("c",), 18, 6)
    assert settings == config("csv", content=TABLE, target="c", size=18, test_size=6)


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_csv_separators_spaces_blank_rows_and_byte_order_mark(separator):
    rows = ["﻿x , y", "1, 2", "", "3, -4.5", "5, 1e3", "7, 0"]
    table = parse("\r\n".join(row.replace(",", separator) for row in rows))
    assert table.names == ("x", "y")
    assert [column.values.tolist() for column in table.columns] == [[1, 3, 5, 7], [2, -4.5, 1000, 0]]
    assert table.rows == (2, 4, 5, 6)


def test_csv_inputs_are_standardised_over_the_training_rows():
    data = generate(config("csv", content=TABLE, target=["c", "a"]))
    assert data.x_train.shape[1] == 1
    assert data.y_train.shape[1] == 2
    data = generate(config("csv", content=TABLE, target_rms=None, centre=False))
    assert abs(data.x_train.mean(axis=0)).max() < 1e-14
    assert data.x_train.std(axis=0) == pytest.approx([1, 1])
    targets = sorted([*data.y_train[:, 0], *data.y_test[:, 0]])
    assert targets == sorted(i % 5 - 2 for i in range(24))


def test_csv_size_takes_fewer_rows_and_the_same_test_rows():
    all_rows, few = (
        generate(config("csv", content=TABLE, size=size, target_rms=None, centre=False)) for size in (18, 8)
    )
    assert few.x_train.shape[0] == 8
    assert few.y_test.tolist() == all_rows.y_test.tolist()


def test_csv_cells():
    assert refused(TABLE + "\n1,,2\n1,red,2\n1,inf,3\n1,1e300,3\n1_0,1,3\n").split("; ") == [
        "row 30, column 'a' is '1_0', not a number (a finite one, up to 1e+12): write a number, leave the cell empty, "
        "or leave the column out of the inputs",
        "row 27, column 'b' is 'red', row 28, column 'b' is 'inf', row 29, column 'b' is '1e300', not a number (a "
        "finite one, up to 1e+12): write a number, leave the cell empty, or leave the column out of the inputs",
        "1 of 29 rows has empty cells: row 26 in column 'b': fill them in, set missing to drop, or leave the column "
        "out",
    ]
    assert "row 26 has 2 where the header names 3 columns: add or remove cells" in refused(TABLE + "\n1,2\n")
    assert "and 1 more row where" in refused(TABLE + 4 * "\n1,2\n")
    assert "and 2 more rows where" in refused(TABLE + 5 * "\n1,2\n")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is empty: give a header row"),
        ("1,2\n3,4\n", "row 1 holds only numbers (1, 2): add a first row that names the columns"),
        ("a\n1\n2\n", "row 1 names one column ('a')"),
        ("a,a\n1,2\n", "row 1 names column 'a' twice"),
        ("a,b\n1,2\n", "1 row below the header: give at least 4"),
        ('a,b\n"1,2\n', "row 2 cannot be cut into cells: a quote does not close, "),
        ("a,b\n1,\0\n", "not text"),
        ("a,b\n" + "1,2\n" * (MAX_BYTES // 4), "at most 1,000,000 allowed: name the file by data.path, or keep fewer"),
        (",".join(f"c{i}" for i in range(1001)) + "\n", "1,001 columns given, at most 1,000 allowed"),
        (3, "text is needed"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_csv_files(content, message):
    assert message in refused(content)


def test_csv_columns_and_sizes():
    message = problems("csv", content=TABLE, target="C")["data.target"]
    assert message == "no column 'C'. Did you mean 'c'? Columns: a, b, c"
    assert "leave at least one as input" in problems("csv", content=TABLE, target=["a", "b", "c"])["data.target"]
    assert "list each column once" in problems("csv", content=TABLE, target=["a", "a"])["data.target"]
    assert refused(TABLE, size=20).startswith("24 rows given, fewer than size 20 + test_size 6 = 26")
    assert set(problems("csv", content=TABLE, size=1)) == {"data.size"}
    assert problems("csv") == {"data.source": "is missing: name a file by data.path"}
    assert set(problems("csv", content="1,2\n", size=1)) == {"data.content", "data.size"}


def test_csv_constant_column():
    content = "a,b,c\n" + "\n".join(f"{i * i},5,{i}" for i in range(8))
    assert "left out of the inputs: 'b' (5 in every row)" in generate(config("csv", content=content)).notes
    with pytest.raises(
        ConfigError, match="column 'b' is 5 in all 6 training rows, so it cannot be standardised: leave it out"
    ):
        generate(config("csv", content=content, inputs=["a", "b"]))


def test_csv_repeated_rows_are_noted():
    content = "a,b\n" + "\n".join(f"{i % 3},{i}" for i in range(12))
    assert (
        "6 of 9 training points repeat the inputs of another: the kernel matrix is singular, of rank 3 at most"
        in generate(config("csv", content=content)).notes
    )


@given(st.text(max_size=200))
def test_any_text_is_a_table_or_a_message(content):
    with suppress(ValueError):
        assert len(parse(content).values) >= 4


@given(
    st.sampled_from(list(DATASETS)),
    st.dictionaries(st.text(max_size=5), st.none() | st.integers() | st.text(max_size=5)),
)
def test_any_settings_are_a_config_or_a_config_error(name, values):
    with suppress(ConfigError):
        made = config(name, **{key: value for key, value in values.items() if key != "name"})
        assert made.size >= (1 if name == "point" else 2)
