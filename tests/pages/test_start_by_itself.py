"""Home's questions open the page that answers them, and what is cheap computes by itself; what else a page shows."""

from pathlib import Path
from types import SimpleNamespace

import pytest
from pretend_engine import texts

from engine import jobs
from pages.run.presets import DEFAULT_DRAFT, PRESETS
from pages.run.questions import QUESTIONS
from pages.run.settings import config_of
from pages.shell import gathering
from pages.shell.example import FOLDER, SAID

EDGE = config_of(PRESETS["edge"].draft)
ROOT = Path(__file__).resolve().parents[2]


def link(app):
    return {name: text if isinstance(text, str) else text[-1] for name, text in app.query_params.items()}


def test_home_asks_questions_and_every_page_but_lists_answers_one(pretend, opened):
    app = opened()
    asked = {element.proto.label: element.proto for element in app.get("page_link")}
    for one in QUESTIONS:
        assert one.asks.endswith("?")
        assert asked[one.asks].page == one.page
    files = {path.stem for path in (ROOT / "pages").glob("*.py")} - {"__init__", "main", "home", "all_runs", "server"}
    assert {one.page for one in QUESTIONS} == files
    assert all(preset.question.endswith("?") for preset in PRESETS.values())


@pytest.mark.parametrize("one", QUESTIONS, ids=lambda one: one.asks)
def test_every_question_opens_its_page_without_complaint(one, pretend, opened, monkeypatch):
    monkeypatch.setattr(gathering, "CHEAP", 0.0)
    app = opened(one.page, **one.query)
    assert not app.exception
    assert not app.error
    assert not app.sidebar.warning
    assert not pretend.asked


def test_what_is_cheap_starts_by_its_link_once(pretend, opened, monkeypatch):
    monkeypatch.setattr(gathering, "CHEAP", 1e9)
    key = jobs.key("run", EDGE)
    app = opened("evolution", preset="edge", start="yes")
    assert [asked for asked, _ in pretend.asked if asked == key]
    assert "Queued." in texts(app)
    assert "start" not in link(app)
    assert link(app), "the settings stay in the address"


def test_what_is_dear_waits_to_be_asked_for(pretend, opened, monkeypatch):
    monkeypatch.setattr(gathering, "CHEAP", 0.01)
    app = opened("evolution", preset="edge", start="yes")
    assert not pretend.asked
    assert [button for button in app.button if button.key == "run"]
    assert "start" not in link(app)


def test_without_the_word_nothing_starts(pretend, opened, monkeypatch):
    monkeypatch.setattr(gathering, "CHEAP", 1e9)
    for page in ("evolution", "perturbation", "norms"):
        opened(page, preset="edge")
    assert not pretend.asked


@pytest.mark.parametrize("page", ["perturbation", "norms"])
def test_other_pages_start_what_they_show(page, pretend, opened, monkeypatch):
    monkeypatch.setattr(gathering, "CHEAP", 1e9)
    opened(page, preset="edge", start="yes")
    assert pretend.asked


def test_what_was_tried_before_does_not_start_again(pretend, opened, monkeypatch):
    monkeypatch.setattr(gathering, "CHEAP", 1e9)
    pretend.records[jobs.key("run", EDGE)] = SimpleNamespace(values=EDGE.to_dict(), status="cancelled", error="")
    opened("evolution", preset="edge", start="yes")
    assert not pretend.asked


SHOWN = ("evolution", "perturbation", "norms", "function_space", "inductive_bias", "generalisation", "initial_kernel")


@pytest.mark.parametrize("page", SHOWN)
def test_a_page_that_cannot_compute_at_once_shows_a_line_and_a_faint_example(page, pretend, opened):
    assert (FOLDER / f"{page}.svg").read_bytes().startswith(b"<svg")
    app = opened(page)
    (html,) = [one.proto.body for one in app.get("html") if "<img" in one.proto.body]
    assert SAID in html
    assert "data:image/svg+xml;base64," in html
    assert "alt=" in html


def test_an_example_is_gone_once_a_run_is_under_way(pretend, opened):
    app = opened("evolution")
    app.button(key="run").click().run()
    assert not [one for one in app.get("html") if "<img" in one.proto.body]


@pytest.mark.parametrize("page", ["evolution", "perturbation", "norms", "regimes", "initial_kernel"])
def test_what_the_settings_come_to_and_run_stay_in_sight(page, pretend, opened):
    app = opened(page)
    said = app.sidebar.markdown[0].value
    assert said.startswith("**β = ")
    assert said.replace("\N{NO-BREAK SPACE}", " ").endswith((" s", " min", " h"))
    (button,) = [button for button in app.sidebar.button if button.label == "Run"]
    assert not pretend.asked
    button.click().run()
    assert pretend.asked
    assert not [button for button in app.sidebar.button if button.label == "Run"]


def test_the_line_names_beta_and_parameters_of_what_is_typed(pretend, opened):
    app = opened("evolution")
    config = config_of(DEFAULT_DRAFT)
    assert f"**β = {config.beta:.3g}** · {config.parameter_count:,} parameters" in app.sidebar.markdown[0].value
    app.text_input(key="setting width").set_value("30").run()
    assert app.sidebar.markdown[0].value.startswith("**β = 0.1**")
    app.text_input(key="setting width").set_value("x").run()
    assert app.sidebar.markdown[0].value == "One setting needs a change"


def test_depth_says_where_it_is_typed_that_it_counts_hidden_layers(pretend, opened):
    depth = opened("evolution").text_input(key="setting depth")
    assert depth.label == "hidden layers L"
    assert "4 layers of weights" in depth.help
