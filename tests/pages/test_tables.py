"""A table of one's own on the pages: columns from a list, no old table under a new name, remarks that are seen."""

import json
from collections import OrderedDict

import pytest
from pretend_engine import RUNS, texts

from engine import jobs
from engine.config import RunConfig
from engine.data import contents, csv_file
from engine.data.csv_file import taken_in
from engine.files import read_config
from engine.texts import read
from engine.training.result import RunResult
from pages.shell import gathering, uploads
from pages.shell.bundle import files
from pages.shell.recipe import as_yaml, of_result
from pages.shell.shown import Shown
from pages.views import evolution_words
from pages.views.spaces import sizes_left_out

NAMES = ("cement, kg", "water, kg", "strength, MPa")
GOOD = "\n".join([",".join(f'"{name}"' for name in NAMES), *(f"{7 * i % 24},{i * i % 11},{i % 5}" for i in range(24))])
LATIN = GOOD.replace("cement", "größe").encode("latin-1")


def uploaded(app, name, data):
    app.file_uploader[0].set_value((name, data, "text/csv")).run()
    assert not app.exception
    return app


def query_of(app):
    return {name: value if isinstance(value, str) else value[0] for name, value in app.query_params.items()}


def of(app, name):
    return next(widget for widget in app.multiselect if widget.label == name)


def test_columns_are_chosen_from_a_list(kept, pretend, opened):
    app = uploaded(opened("evolution", data="csv"), "a.csv", GOOD.encode())
    assert of(app, "target").options == of(app, "inputs").options == list(NAMES)
    of(app, "target").set_value(["cement, kg"]).run()
    assert app.session_state["link draft"].texts["target"] == json.dumps(["cement, kg"])
    of(app, "inputs").set_value(["strength, MPa"]).run()
    assert not app.error
    app.button(key="run").click().run()
    (job,) = pretend.jobs.values()
    assert (job.config.data.target, job.config.data.inputs) == (("cement, kg",), ("strength, MPa",))
    assert (job.config.data.content, job.config.data.source.file) == (None, "a.csv")
    assert kept.find(job.config.data.source.digest) == GOOD.encode()


def test_a_name_that_is_no_column_stands_in_the_list_and_is_refused(kept, opened):
    app = uploaded(opened("evolution", data="csv"), "a.csv", GOOD.encode())
    app.session_state["link draft"].texts["target"] = "ash"
    app.run()
    assert of(app, "target").value == ["ash"]
    assert "no column 'ash'" in texts(app)


def test_a_table_survives_a_reload_before_the_first_run(kept, opened):
    app = uploaded(opened("evolution", data="csv"), "a.csv", GOOD.encode())
    of(app, "target").set_value(["cement, kg"]).run()
    assert json.loads(query_of(app)["source"]) == {"file": "a.csv", "digest": contents.digest_of(GOOD.encode())}
    again = opened("evolution", **query_of(app))
    assert "using a.csv: 24 rows, 3 columns" in texts(again)
    assert of(again, "target").value == ["cement, kg"]
    assert not again.error


def test_a_link_to_a_table_that_is_not_here(kept, opened):
    source, _ = taken_in("gone.csv", GOOD.replace("3", "4").encode())
    csv_file._held.clear()
    app = opened("evolution", data="csv", source=json.dumps(source.to_dict()))
    said = texts(app)
    assert "gone.csv (sha256" in said
    assert "is not in the cache here: upload it again, or name it by data.path" in said
    assert not app.exception
    assert [button.key for button in app.button if button.key == "run"] == []
    whole = {"target": "strength, MPa", "inputs": "cement, kg", "size": "18", "test_size": "6"}
    app = opened("evolution", data="csv", source=json.dumps(source.to_dict()), **whole)
    assert "is not in the cache here" in texts(app)
    assert len(app.sidebar.error) == 1


def settings_in(app):
    return {name: text for name, text in app.session_state["link draft"].texts.items() if text}


def test_a_table_leaves_what_was_set_as_far_as_it_serves(kept, pretend, opened, monkeypatch):
    monkeypatch.setattr(gathering, "CHEAP", 1e9)
    app = opened("evolution", data="csv", size="12", test_size="6", missing="drop", start="yes")
    uploaded(app, "a.csv", GOOD.encode())
    assert query_of(app).items() >= {"size": "12", "test_size": "6", "missing": "drop"}.items()
    assert not pretend.asked  # a link starts what it names itself, not what comes later
    assert "left out" not in texts(app)
    of(app, "target").set_value(["cement, kg"]).run()
    other = GOOD.replace("strength", "hardness")
    uploaded(app, "b.csv", other.encode())
    assert query_of(app)["target"] == json.dumps(["cement, kg"])  # which is there as well
    uploaded(app, "short.csv", "\n".join(["p,q", *(f"{i * i % 7},{i}" for i in range(15))]).encode())
    assert settings_in(app)["size"] == "12"
    assert not {"test_size", "target"} & settings_in(app).keys()  # 12 + 6 are more than its 15 rows
    said = texts(app)
    assert "held-out points: 6 is left out, the file cannot serve it" in said
    assert 'target: ["cement, kg"] is left out, the file cannot serve it' in said
    assert not app.error
    uploaded(app, "book.xlsx", b"PK\x03\x04")
    assert settings_in(app)["size"] == "12"
    uploaded(app, "a.csv", GOOD.encode())
    app.button(key="no table").click().run()
    assert "size" not in settings_in(app)


def test_a_table_within_an_older_config_survives_a_reload(kept, opened):
    """Of a YAML file, or a run, of the time when the text itself stood in the config."""
    app = opened("evolution")
    app.session_state["Config as YAML"] = True
    app.run()
    app.text_area(key="yaml text").set_value(json.dumps({"data": {"name": "csv", "content": GOOD}})).run()
    next(button for button in app.button if button.label == "Use this config").click().run()
    assert "using the table of this run: 24 rows, 3 columns" in texts(app)
    assert not app.error
    assert query_of(app)["table"] == contents.digest_of(GOOD.encode())
    again = opened("evolution", **query_of(app))
    assert "using the table of this run: 24 rows, 3 columns" in texts(again)
    assert not again.error
    uploaded(again, "a.csv", LATIN)
    assert "using a.csv" in texts(again)
    assert "table" not in query_of(again)
    gone = texts(opened("evolution", data="csv", table="0" * 64))
    assert "this link names a table that the server does not hold" in gone
    assert "table: upload a CSV file" in gone


def test_a_pasted_table_is_kept_as_a_file(kept, pretend, opened):
    app = opened("evolution", data="csv")
    app.text_area(key="csv text").set_value(GOOD).run()
    assert "using pasted table: 24 rows, 3 columns" in texts(app)
    app.button(key="run").click().run()
    (job,) = pretend.jobs.values()
    assert kept.find(job.config.data.source.digest) == GOOD.encode()


def test_two_classes_of_a_column_of_text(kept, pretend, opened):
    rows = "\n".join(["x,kind", *(f"{7 * i % 24},{['ash', 'elm', 'oak'][i % 3]}" for i in range(24))])
    app = uploaded(opened("evolution", data="csv"), "trees.csv", rows.encode())
    assert of(app, "two classes").options == ["ash", "elm", "oak"]
    of(app, "two classes").set_value(["oak", "ash"]).run()
    assert not app.error
    app.button(key="run").click().run()
    (job,) = pretend.jobs.values()
    assert (job.config.data.classes, job.config.data.output_dim) == (("oak", "ash"), 1)
    assert job.config.data.size + job.config.data.test_size == 16
    of(app, "target").set_value(["x"]).run()
    assert "two classes" not in [widget.label for widget in app.multiselect]


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("book.xlsx", b"PK\x03\x04", "book.xlsx: is a workbook of a spreadsheet"),
        ("headless.csv", b"1,NA,3\n4,5,6\n7,8,9\n1,2,4\n5,6,8\n", "add a first row that names the columns"),
        ("large.csv", b"a,b\n" + b"1,2\n" * 5_025_000, "large.csv: 20,100,004 bytes given, at most 20,000,000 allowed"),
        ("long.csv", b"a,b\n" + b"1,2\n" * 100_001, "long.csv: more than 100,000 rows given"),
    ],
)
def test_no_old_table_computes_under_a_new_name(kept, opened, name, data, said):
    app = uploaded(opened("evolution", data="csv"), "good.csv", GOOD.encode())
    assert app.button(key="run")
    uploaded(app, name, data)
    assert said in texts(app)
    assert "good.csv" not in texts(app)
    assert not [button for button in app.button if button.key == "run"]


def test_a_latin_1_file_is_read_and_said(kept, opened):
    app = uploaded(opened("evolution", data="csv"), "good.csv", GOOD.encode())
    uploaded(app, "latin.csv", LATIN)
    assert "using latin.csv: 24 rows" in texts(app)
    assert "read as Windows-1252" in texts(app)
    assert of(app, "target").options[0] == "größe, kg"


def test_a_table_can_be_taken_away(kept, opened):
    app = uploaded(opened("evolution", data="csv"), "good.csv", GOOD.encode())
    app.button(key="no table").click().run()
    assert "using" not in texts(app)
    assert "upload a CSV file" in texts(app)


def test_a_bundle_holds_the_table_and_its_config_says_how_to_give_it_back(tmp_path, monkeypatch):
    own = GOOD.replace("strength", "own")  # in no store of other tests
    source, _ = taken_in("own.csv", own.encode())
    contents.give(own.encode())
    config = RunConfig.from_dict({"data": {"name": "csv", "source": source.to_dict()}})
    found = dict(files(Shown(), of_result(config, {})))
    assert found[f"files/{source.digest}"] == own.encode()
    text = found["config.yaml"].decode()
    assert text == as_yaml(config)
    assert text.startswith(f"# own.csv is needed beside this config as files/{source.digest}\n# (sha256); or write")
    for module in (contents, csv_file):
        monkeypatch.setattr(module, "_held", OrderedDict())
    assert config.lacking
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / source.digest).write_text(own)
    (tmp_path / "config.yaml").write_text(text)
    assert read_config(tmp_path / "config.yaml") == config
    assert not config.lacking
    assert as_yaml(RunConfig.from_dict({"data": {"name": "circle"}})).startswith("data:")


def test_the_name_of_a_file_ends_no_comment():
    evil = {"file": "a\ndata: {name: circle}\n", "digest": "0" * 64}
    values = {"name": "csv", "source": evil, "target": ["y"], "inputs": ["x"], "size": 4, "test_size": 4}
    config = RunConfig.from_dict({"data": values})
    assert RunConfig.from_dict(read(as_yaml(config))) == config


def test_who_may_bring_no_files_stores_none_by_an_older_config(kept, opened, monkeypatch):
    monkeypatch.setattr(uploads, "allowed", lambda most: 0)
    app = opened("evolution")
    app.session_state["Config as YAML"] = True
    app.run()
    app.text_area(key="yaml text").set_value(json.dumps({"data": {"name": "csv", "content": GOOD}})).run()
    next(button for button in app.button if button.label == "Use this config").click().run()
    assert "using the table of this run" in texts(app)
    app.text_area(key="csv text").set_value(GOOD).run()
    assert "bytes given, at most 0 allowed" in texts(app)
    assert kept.volume() == 0


@pytest.mark.long
def test_remarks_on_the_data_stand_on_the_page_of_a_run(finished, opened):
    config = RunConfig.from_dict(RUNS["table"])
    key = jobs.key("run", config)
    finished.store.files.take(config.data.content.encode(), "table.csv")
    query = {
        "target": "c, d", "depth": "1", "width": "8", "max_steps": "30", "checkpoints": "5", "seeds": "0",
        "store_parameters": "false", "output_bias": "true", "centred": "false",
    }  # fmt: skip
    app = opened("evolution", data="csv", table=contents.digest_of(config.data.content.encode()), **query)
    assert not app.exception
    assert finished.lookup("run", config) is not None
    assert "targets are centred" in texts(app)
    assert "left out of the inputs: 'a' (looks like a row number)" in texts(app)
    assert app.query_params["run"] in (key, [key]) or "table" in app.query_params


def test_the_error_stands_beside_r_squared(finished):
    config = RunConfig.from_dict(RUNS["table"])
    result = RunResult.from_arrays(dict(finished.lookup("run", config)))
    headline = next(one for one in evolution_words.headlines(result) if one.label == "test error")
    f, data = result.seeds[0]["f_test"][-1].astype(float), config.data.dataset()
    r_squared = 1 - ((f - data.y_test) ** 2).sum() / ((data.y_test - data.y_test.mean(axis=0)) ** 2).sum()
    assert headline.beside == f"R² = {evolution_words.number(r_squared)}"


def test_a_small_table_is_compared_without_another_word(kept, opened):
    app = uploaded(opened("norms", data="csv"), "good.csv", GOOD.encode())
    assert not app.error
    assert sizes_left_out({"size": " "})
    assert not sizes_left_out({"test_size": "6"})


def test_one_limit_is_said_at_each_upload(finished, opened):
    """Streamlit's own line says the limit of the server unless it is told: more than our 20 MB and 2 MB."""
    app = opened("evolution", data="csv")
    app.session_state["Config as YAML"] = True
    app.run()
    table, config = (uploader.proto for uploader in app.file_uploader)
    assert (table.max_upload_size_mb, config.max_upload_size_mb) == (20, 2)
    assert "At most 20 MB" in table.help
