"""A table by its digest: it gives the data that its text within a config gives; the config is whole without it."""

import json
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest

import engine as kd
from engine.config import RunConfig
from engine.data import contents, csv_file, generate
from engine.data.csv import CsvConfig
from engine.data.csv_file import taken_in
from engine.data.csv_records import MOST_COMMENTS
from engine.files import read_config
from engine.jobs import key, key_of
from engine.rkhs.config import RkhsConfig
from engine.schema import ConfigError
from engine.texts import read

KINDS = ("ash", "elm", "oak")
TABLE = "x,z,kind,y\n" + "".join(f"{7 * i % 40},{i * i % 11},{KINDS[i % 7 % 3]},{(i % 5) / 4}\n" for i in range(40))


def of_file(text, file="mine.csv", **values):
    content = text if isinstance(text, bytes) else text.encode()
    source, _ = taken_in(file, content)
    contents.give(content)
    return CsvConfig.from_dict({"source": source, **values})


@pytest.fixture
def forgotten(monkeypatch):
    """Forgets every file and table until the test ends: as in another process."""

    def forget():
        for module in (contents, csv_file):
            monkeypatch.setattr(module, "_held", OrderedDict())

    return forget


@pytest.mark.parametrize("values", [{}, {"target": "kind"}, {"target": ["x", "z"]}, {"standardise": False, "size": 9}])
def test_a_file_gives_what_its_text_within_a_config_gives(values):
    """The config of a text is that of the time before files: what it gives is tested by closed forms elsewhere."""
    named, within = generate(of_file(TABLE, **values)), generate(CsvConfig.from_dict({"content": TABLE, **values}))
    for name in ("x_train", "y_train", "x_test", "y_test"):
        np.testing.assert_array_equal(getattr(named, name), getattr(within, name))
    assert (named.class_names, named.notes) == (within.class_names, within.notes)


def test_a_config_of_the_time_before_files_keeps_its_key():
    """Both were written by the commit before tables had files."""
    rows = "length;width;sort\n" + "".join(
        f"{7 * i % 24},5;{i * i % 11},25;{'ash' if i * i % 11 > 4 else 'oak'}\n" for i in range(24)
    )
    run = RunConfig.from_dict(
        {
            "data": {"name": "csv", "content": rows},
            "network": {"depth": 1, "width": 6},
            "training": {"max_steps": 20, "checkpoints": 3},
            "store_parameters": False,
        }
    )
    assert run.hash == "d03753a1c4653f3928264319a36ec8dfe05aefcfc34fe2c4db7c3b5a07c2d17e"
    written = key_of("run", run.canonical(), version=6)
    assert written == "c9264cee801bcd0ed63e8e42e83659fbef400b9194bcf3a45535a1e0da5b5172"
    assert run.data.to_dict()["content"] == rows
    assert not {"source", "classes"} & run.data.to_dict().keys()
    assert run.data.class_names == ("ash", "oak")


def test_the_config_names_the_file_and_does_not_hold_it(forgotten):
    run = RunConfig.from_dict({"data": of_file(TABLE, target="kind").to_dict()})
    assert run.data.to_dict()["source"] == {"file": "mine.csv", "digest": contents.digest_of(TABLE.encode())}
    assert run.data.classes == KINDS
    assert len(run.canonical()) < 1_500
    assert contents.named_in({"run": run.to_dict()}) == {contents.digest_of(TABLE.encode()): "mine.csv"}
    forgotten()
    again = RunConfig.from_dict(read(run.to_yaml()))
    assert again == run
    assert key("run", again) == key("run", run)
    assert (again.data.input_dim, again.data.output_dim, again.data.class_names) == (3, 3, KINDS)
    assert RkhsConfig.from_dict({"run": {**run.to_dict(), "data": {**run.data.to_dict(), "test_size": 16}}})


def test_a_file_that_is_not_here_is_asked_for(forgotten):
    run = RunConfig.from_dict({"data": of_file(TABLE).to_dict()})
    forgotten()
    (problem,) = run.lacking
    assert problem.field == "data.source"
    assert "mine.csv (sha256" in problem.message
    assert "is not in the cache here: upload it again, or name it by data.path on the command line" in problem.message
    with pytest.raises(ConfigError, match=r"source: mine.csv .* is not in the cache here"):
        generate(run.data)
    with pytest.raises(
        ConfigError, match=r"data.source: mine.csv .* upload it again.*; without it target cannot be told"
    ):
        RunConfig.from_dict({"data": {"name": "csv", "source": run.data.source.to_dict()}})
    contents.give(TABLE.encode())
    assert not run.lacking
    assert generate(run.data).x_train.shape == (30, 2)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({}, "data.source: is missing: name a file by data.path"),
        (
            {"content": TABLE, "source": {"file": "a", "digest": "0" * 64}},
            "data.source: is given beside content: keep one",
        ),
        ({"source": {"file": "a", "digest": "../../etc/passwd"}}, "data.source.digest"),
        ({"source": "a.csv"}, "data.source"),
    ],
)
def test_a_table_is_given_once(values, said):
    with pytest.raises(ConfigError, match=said):
        RunConfig.from_dict({"data": {"name": "csv", **values}})


def test_a_digest_of_what_is_no_table():
    digest = contents.give(b"\x93NUMPY and more")
    with pytest.raises(ConfigError, match=r"source: notes\.csv is a NumPy array, not text"):
        CsvConfig.from_dict({"source": {"file": "notes.csv", "digest": digest}})


# Classes.


def test_two_classes_of_three_leave_the_rows_of_the_third_out():
    data = generate(of_file(TABLE, target="kind", classes=["oak", "ash"], standardise=False, size=10, target_rms=None))
    rows = {
        (float(x), float(z), float(y)): kind for x, z, kind, y in (row.split(",") for row in TABLE.split("\n")[1:-1])
    }
    own = [rows[tuple(point)] for point in np.concatenate([data.x_train, data.x_test])]
    assert set(own) <= {"oak", "ash"}
    labels = np.concatenate([data.y_train, data.y_test])[:, 0]
    np.testing.assert_array_equal(labels, [-1 if kind == "oak" else 1 for kind in own])
    assert "2 of 3 classes in 'kind' ('oak', 'ash'): 'oak' has target -1 and 'ash' +1" in data.notes


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"target": "kind", "classes": ["oak", "asj"]}, "classes: no class 'asj'. Did you mean 'ash'"),
        ({"target": "kind", "classes": ["oak", "oak"]}, "classes: 'oak', 'oak' given: choose two different ones"),
        ({"target": "kind", "classes": ["oak"]}, "classes: 'oak' given: choose two different ones"),
        ({"target": "y", "classes": ["0", "1"]}, "classes: the target's values are numbers, not classes"),
    ],
)
def test_classes_that_there_are_not(values, said):
    with pytest.raises(ConfigError) as refusal:
        of_file(TABLE, **values)
    assert said in str(refusal.value)


def test_all_classes_are_what_is_taken_without_a_word():
    assert of_file(TABLE, target="kind", classes=list(KINDS)) == of_file(TABLE, target="kind", classes=None)


def test_gaps_in_rows_of_other_classes_do_not_matter():
    gap = TABLE.replace("\n7,1,elm", "\n,1,elm", 1)
    assert gap != TABLE
    with pytest.raises(ConfigError, match="1 of 40 rows has empty cells: row 3 in column 'x'"):
        of_file(gap, target="kind")
    chosen = of_file(gap, target="kind", classes=["oak", "ash"])
    assert chosen.size + chosen.test_size == sum(row.split(",")[2] != "elm" for row in TABLE.split("\n")[1:-1])


def test_a_row_that_names_no_class_is_asked_about():
    nameless = TABLE.replace("\n7,1,elm", "\n7,1,", 1)
    assert nameless != TABLE
    chosen = {"target": "kind", "classes": ["oak", "ash"]}
    rows = sum(row.split(",")[2] != "elm" for row in nameless.split("\n")[1:-1])
    with pytest.raises(ConfigError, match=f"1 of {rows} rows has empty cells: row 3 in column 'kind'"):
        of_file(nameless, **chosen)
    dropped = of_file(nameless, **chosen, missing="drop")
    assert dropped.size + dropped.test_size == rows - 1
    assert "1 row with empty cells dropped: row 3" in generate(dropped).notes


# Files.


@pytest.mark.parametrize("folder", ["/home/me/", "data/../data/", "C:\\data\\mine\\", "mixed\\of/", ""])
def test_a_file_is_named_without_its_folder(folder):
    assert of_file(TABLE, folder + "mine.csv").source.file == "mine.csv"


def test_how_rows_are_drawn_and_scaled_is_said(forgotten):
    table = of_file(TABLE, target="kind", classes=["oak", "ash"], seed=2)
    rows = sum(row.split(",")[2] != "elm" for row in TABLE.split("\n")[1:-1])
    drawn = f"R^3, rows of mine.csv, drawn from {rows} by data seed 2; each input to mean 0 and standard deviation 1"
    assert table.whence.startswith(drawn)
    assert of_file(TABLE, standardise=False).whence.endswith("inputs as they stand")
    forgotten()
    assert table.whence.startswith("R^3, rows of mine.csv, drawn by data seed 2; each input")


def test_of_a_large_file_some_rows_are_drawn():
    table = of_file("a,b\n" + "".join(f"{i % 97},{i}\n" for i in range(20_641)))
    assert (table.size, table.test_size) == (1_500, 500)
    few = generate(of_file("a,b\n" + "".join(f"{i % 97},{i}\n" for i in range(20_641)), size=50, test_size=50))
    assert len(np.unique(np.concatenate([few.y_train, few.y_test]))) == 100


def test_large_files_are_refused(monkeypatch):
    monkeypatch.setattr(csv_file, "MOST_BYTES", 1_000)
    with pytest.raises(ValueError, match=r"has 1,004 bytes, at most 1,000 are read: keep fewer rows"):
        taken_in("a.csv", b"a,b\n" + b"1,2\n" * 250)


def test_files_of_too_many_rows_are_refused():
    with pytest.raises(ValueError, match="more than 100,000 rows given"):
        taken_in("a.csv", b"a,b\n" + b"1,2\n" * 100_001)


def test_a_file_of_comments_takes_no_memory():
    with pytest.raises(ValueError, match=f"more than {MOST_COMMENTS:,} lines of comments above the table"):
        taken_in("a.csv", b"#\n" * 100_000)


def test_tables_held_are_few(monkeypatch, forgotten):
    forgotten()
    monkeypatch.setattr(csv_file, "MOST_HELD", 2 * len(TABLE))
    for number in range(4):
        of_file(TABLE.replace("x,z", f"x{number},z"))
    assert len(csv_file._held) == 1
    first = contents.digest_of(TABLE.replace("x,z", "x0,z").encode())
    assert CsvConfig.from_dict({"source": {"file": "a.csv", "digest": first}}).table.names[0] == "x0"


def test_how_bytes_were_read_is_said_with_the_data():
    notes = generate(of_file(TABLE.replace("z", "größe").encode("latin-1"))).notes
    assert any("read as Windows-1252" in note for note in notes)


# The command line and Python.


def test_a_table_by_path_is_named_by_its_digest(tmp_path: Path, capsys):
    (tmp_path / "own.csv").write_bytes(TABLE.encode("utf-16"))
    (tmp_path / "run.yaml").write_text("data: {name: csv, path: own.csv, target: kind}\n")
    config = read_config(tmp_path / "run.yaml")
    assert config.data.source.file == "own.csv"
    assert "note: data.path: the file is not in UTF-8: read as UTF-16" in capsys.readouterr().err
    assert contents.find(config.data.source.digest) == TABLE.encode("utf-16")


def test_the_files_beside_a_config_are_read_in(tmp_path: Path, forgotten):
    config = RunConfig.from_dict({"data": of_file(TABLE).to_dict()})
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / config.data.source.digest).write_text(TABLE)
    (tmp_path / "config.yaml").write_text(config.to_yaml())
    forgotten()
    assert read_config(tmp_path / "config.yaml") == config
    assert not config.lacking


def test_python_by_path_and_again_by_digest_alone(tmp_path: Path, forgotten, monkeypatch):
    monkeypatch.setenv("KERNEL_DRIFT_CACHE", str(tmp_path / "cache"))
    (tmp_path / "own.csv").write_text(TABLE)
    small = {"network": {"depth": 1, "width": 5}, "training": {"max_steps": 10, "checkpoints": 3}}
    first = kd.run(data={"name": "csv", "path": str(tmp_path / "own.csv"), "target": "kind"}, **small)
    config = json.loads(json.dumps(first.config.to_dict()))
    (tmp_path / "own.csv").unlink()
    forgotten()
    other = kd.run(**{**config, "seeds": [1]})  # the cache has the file
    assert other.config.data == first.config.data
    assert other.summary["notes"] == first.summary["notes"]
