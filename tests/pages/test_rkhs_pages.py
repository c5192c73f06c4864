"""The four pages on function spaces in every state."""

import re
from pathlib import Path

import pytest
from computed import copied
from pretend_engine import texts
from rkhs_runs import RUNS, asked, config, query

from cache import Failure, Job
from cache.run_folders import Record
from engine.jobs import key
from engine.rkhs.result import RkhsResult
from pages.views import four_answers

PAGES = ("norms", "generalisation", "inductive_bias", "function_space")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copied(tmp_path_factory, "rkhs", asked().values())


@pytest.mark.parametrize("page", PAGES)
def test_a_visitor_starts_with_a_space_that_moves(page, pretend, opened):
    app = opened(page)
    assert not app.exception
    assert not app.error
    assert app.selectbox(key="preset").value == "space_moves"
    assert [button for button in app.button if button.key == "ask spaces"]
    links = [element.proto for element in app.get("page_link")]
    assert {"preset=space_moves", "preset=space_stays"} <= {link.query_string for link in links}


def test_run_then_watch_then_cancel_and_the_other_pages_see_it(pretend, opened):
    app = opened("norms", **query("circle"))
    app.button(key="ask spaces").click().run()
    name = key("rkhs", config("circle"))
    assert pretend.jobs[name].state == "queued"
    pretend.jobs[name] = Job(name, "rkhs", config("circle"), "running", 0.4, "seed 0: spaces at step 12")
    for page in PAGES:
        assert "seed 0: spaces at step 12" in texts(opened(page, **query("circle")))
    app.run()
    app.button(key="cancel spaces").click().run()
    assert pretend.jobs[name].state == "cancelled"
    assert "The computation was cancelled" in texts(app)
    assert not app.exception


def test_a_failure_says_why(pretend, opened):
    name = key("rkhs", config("circle"))
    error = Failure("memory", "The run does not fit into memory: use fewer points.")
    pretend.jobs[name] = Job(name, "rkhs", config("circle"), "failed", error=error)
    app = opened("generalisation", **query("circle"))
    assert "use fewer points" in texts(app)
    assert [button for button in app.button if button.key == "ask spaces"]


@pytest.mark.parametrize("page", PAGES)
def test_what_cannot_be_compared_says_what_to_change(page, pretend, opened):
    said = texts(opened(page, test_size="8"))
    assert "The spaces of this run cannot be compared" in said
    assert "held-out points: 8 held-out points are too few to compare spaces on: raise it to 16 or more" in said
    app = opened(page, width="0")
    assert not app.exception
    assert "One setting needs a change" in texts(app)


@pytest.mark.parametrize("name", RUNS)
@pytest.mark.parametrize("page", PAGES)
def test_every_kind_of_result_is_shown(page, name, ready, opened):
    app = opened(page, **query(name))
    assert not app.exception
    assert not app.error
    assert app.metric
    assert app.get("vega_lite_chart")
    links = {element.proto.page: element.proto.query_string for element in app.get("page_link")}
    assert len(links) == len(PAGES) + len(("evolution", "perturbation"))
    assert set(links.values()) == {next(iter(links.values()))}
    assert "max_steps=40" in next(iter(links.values()))
    assert ("nothing can train" in texts(app)) == (name == "dead")


def test_controls_of_every_page(ready, opened):
    choices = {
        "norms": {"points": "train", "ridge": "0", "axis": "linear"},
        "generalisation": {"regression": "leave-one-out ridge", "axis": "linear", "learning_seed": "1"},
        "inductive_bias": {"points": "train", "axis": "linear", "seed": "1"},
        "function_space": {"seed": "1", "grids_seed": "1"},
    }
    for page, chosen in choices.items():
        app = opened(page, **query("circle"), **{f"v_{name}": text for name, text in chosen.items()})
        assert not app.exception
        assert not app.warning
        if page == "norms":
            assert "Norms across spaces are shown with a ridge only" in texts(app)
        if page == "inductive_bias":
            assert "baked into $K_t$" in texts(app)


@pytest.mark.parametrize("page", PAGES)
def test_every_page_shows_the_line_and_its_own_answer_once(page, ready, opened):
    app = opened(page, **query("circle"))
    labels = {element.proto.page: element.proto.label for element in app.get("page_link")}
    for other, question in four_answers.QUESTIONS.items():
        assert re.fullmatch(rf"{re.escape(question)} \*\*.+\*\*", labels[other]), labels
    (said,) = [one.value for one in app.markdown if re.fullmatch(r"\*\*[^*]{30,}\*\*", one.value)]
    assert texts(app).count(said.strip("*").replace("\\", "")) == 1


@pytest.mark.parametrize("page", PAGES)
def test_every_page_shows_the_notes_of_the_data(page, ready, opened, monkeypatch):
    monkeypatch.setattr(RkhsResult, "data_notes", ("3 of 8 training points repeat the inputs of another",))
    assert "3 of 8 training points repeat" in texts(opened(page, **query("circle")))


def test_an_old_result_is_named_and_not_drawn(pretend, opened):
    pretend.olds[key("rkhs", config("circle"))] = Record("old", "rkhs", {}, "", created=1.7e9)
    app = opened("norms", **query("circle"))
    assert "Computed on 2023-11-14 by an earlier version" in texts(app)
    assert not app.metric
