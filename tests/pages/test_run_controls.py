"""Asking for a run and its settings, on the page."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
from pretend_engine import ROWS, SMALL, texts

from cache import Failure, Run
from engine import jobs
from engine.config import RunConfig
from pages.run.presets import DEFAULT_DRAFT, PRESETS
from pages.run.settings import config_of

DEFAULT = config_of(DEFAULT_DRAFT)


def test_run_then_cancel_then_run_again(pretend, opened):
    app = opened("evolution")
    app.button(key="run").click().run()
    key = jobs.key("run", DEFAULT)
    assert pretend.jobs[key].state == "queued"
    assert "Queued." in texts(app)
    pretend.jobs[key] = replace(pretend.jobs[key], state="running", rows=ROWS, device="Test CPU", message="step 3")
    app.run()
    assert "Running" in texts(app)
    assert "step 3" in texts(app)
    assert app.get("vega_lite_chart")
    app.button(key="cancel").click().run()
    assert pretend.jobs[key].state == "cancelled"
    assert "was cancelled" in texts(app)
    app.button(key="run").click().run()
    assert pretend.jobs[key].state == "queued"
    assert not app.exception


def test_what_is_typed_just_before_run_is_what_runs(pretend, opened):
    """The browser sends both at once: the page was not drawn between them."""
    app = opened("evolution")
    app.text_input(key="setting width").set_value("77")
    app.button(key="run").click().run()
    wanted = config_of(DEFAULT_DRAFT | {"width": "77"})
    assert {key for key, _ in pretend.asked} == {jobs.key("run", wanted)}
    assert "Queued." in texts(app)


def test_a_press_on_settings_that_make_no_sense_starts_nothing_later(pretend, opened):
    app = opened("evolution")
    app.text_input(key="setting width").set_value("wide")
    app.button(key="run").click().run()
    app.text_input(key="setting width").set_value("77").run()
    assert not pretend.asked
    assert app.button(key="run").label == "Run"


def test_a_run_of_somebody_else_is_shared(pretend, opened):
    pretend.put(DEFAULT, "running", rows=ROWS)
    assert "you share one computation" not in texts(opened("evolution"))
    assert "you share one computation" in texts(opened("evolution"))


def test_a_failure_says_why_and_can_be_retried(pretend, opened):
    key = pretend.put(
        DEFAULT, "failed", error=Failure("memory", "The run does not fit into memory: use fewer samples.")
    )
    app = opened("evolution")
    assert "does not fit into memory: use fewer samples" in texts(app)
    app.button(key="run").click().run()
    assert pretend.jobs[key].state == "queued"


def test_the_device_and_the_cost_are_named(pretend, opened):
    said = texts(opened("evolution"))
    assert "CPU Test CPU, 8 GB, on here" in said
    assert "floating-point operations" in said


def test_a_problem_stands_at_its_widget(pretend, opened):
    app = opened("evolution", width="0", momentum="abc", widht="3")
    errors = [element.value.replace("\\", "") for element in app.sidebar.error]
    assert any(text.startswith("width") and "at least 1 is needed" in text for text in errors)
    assert any(text.startswith("momentum") for text in errors)
    assert any("Did you mean 'width'" in element.value.replace("\\", "") for element in app.sidebar.warning)
    assert app.text_input(key="setting width").value == "0"
    assert app.text_input(key="setting momentum").value == "abc"
    assert "2 settings need a change" in texts(app)
    assert not [button for button in app.button if button.key == "run"]
    back = next(button for button in app.button if button.label == "Back to the default preset")
    back.click().run()
    assert not app.error
    assert app.query_params == {}


def test_a_limit_is_refused_with_words(pretend, opened):
    app = opened("evolution", width="65536", depth="64")
    assert "of memory needed" in texts(app)
    assert not [button for button in app.button if button.key == "run"]


def test_editing_writes_the_url_and_the_url_gives_the_same_page(pretend, opened):
    app = opened("evolution")
    app.text_input(key="setting width").set_value("512").run()
    app.text_input(key="setting alpha").set_value("1e-1").run()
    app.selectbox(key=next(s.key for s in app.selectbox if s.key.startswith("setting activation"))).select("erf").run()
    query = {name: text if isinstance(text, str) else text[-1] for name, text in app.query_params.items()}
    assert query == {"width": "512", "alpha": "1e-1", "activation": "erf"}
    again = opened("evolution", **query)
    assert again.text_input(key="setting width").value == "512"
    assert again.text_input(key="setting alpha").value == "1e-1"
    assert not again.exception


@pytest.mark.parametrize("name", PRESETS)
def test_presets_by_url_and_by_choice(name, pretend, opened):
    by_url = opened("evolution", preset=name)
    assert by_url.selectbox(key="preset").value == name
    by_choice = opened("evolution")
    by_choice.selectbox(key="preset").select(name).run()
    assert by_choice.query_params == by_url.query_params
    assert not by_choice.exception
    assert not by_choice.error


def test_another_dataset_and_back_keeps_what_was_typed(pretend, opened):
    app = opened("evolution")
    app.text_input(key="setting circle size").set_value("48").run()
    key = next(s.key for s in app.selectbox if s.key.startswith("setting data"))
    app.selectbox(key=key).select("parity").run()
    assert not app.error
    app.selectbox(key=key).select("circle").run()
    assert app.text_input(key="setting circle size").value == "48"


def test_switching_pages_keeps_the_draft(pretend, opened):
    app = opened("evolution", width="300")
    app.switch_page("home.py")
    app.query_params.clear()
    app.run()
    app.switch_page("evolution.py").run()
    assert app.text_input(key="setting width").value == "300"
    assert app.query_params["width"] in ("300", ["300"])


def test_off_critical_is_warned_of(pretend, opened):
    said = texts(opened("evolution", sigma_w="2", depth="10"))
    assert "a small signal grows" in said
    assert "factor 32" in said


def test_csv_by_paste(kept, opened):
    app = opened("evolution", data="csv")
    assert any("table" in element.value for element in app.error)
    rows = "\n".join(f"{i},{i * i},{i % 3}" for i in range(20))
    app.text_area(key="csv text").set_value(f"a,b,c\n{rows}").run()
    assert not app.error
    assert "20 rows, 3 columns" in texts(app)
    app.text_area(key="csv text").set_value("a,b\n1,x\n2,3\n4,5\n6,7").run()
    assert "row 2, column 'b' is 'x', not a number" in texts(app)
    assert not app.exception


def test_a_link_to_a_run_with_a_table_of_its_own(pretend, opened):
    rows = "\n".join(f"{i},{i * i}" for i in range(20))
    config = RunConfig.from_dict({"data": {"name": "csv", "content": f"a,b\n{rows}"}, "network": {"width": 77}})
    key = jobs.key("run", config)
    pretend.records[key] = SimpleNamespace(kind="run", values=config.to_dict(), status="finished", error="")
    app = opened("evolution", run=key)
    assert not app.error
    assert "20 rows, 2 columns" in texts(app)
    assert app.text_input(key="setting width").value == "77"
    assert app.query_params["run"] in (key, [key])
    assert "No run `000000000000` here" in texts(opened("evolution", run="0" * 64))


def test_a_result_that_is_gone_is_said_for_every_cause(pretend, opened):
    record = SimpleNamespace(values=DEFAULT.to_dict(), status="finished", error="")
    pretend.records[jobs.key("run", DEFAULT)] = record
    said = texts(opened("evolution"))
    assert "no longer in the cache (evicted to make room, or set aside as damaged): compute it again" in said


def test_yaml_by_paste(pretend, opened):
    app = opened("evolution")
    app.session_state["Config as YAML"] = True
    app.run()
    app.text_area(key="yaml text").set_value("data: {name: sphere, dim: 5}\nnetwork: {width: 99, widht: 3}")
    next(b for b in app.button if b.label == "Use this config").click().run()
    assert app.text_input(key="setting width").value == "99"
    assert "Did you mean 'width'" in texts(app)
    app.text_area(key="yaml text").set_value("a: [b")
    next(b for b in app.button if b.label == "Use this config").click().run()
    assert "not YAML" in texts(app)
    for text, said in (("[" * 32_000, "at most 20 are read"), ("a, " * 700_000, "at most 2,000,000 are read")):
        app.text_area(key="yaml text").set_value(text)
        next(b for b in app.button if b.label == "Use this config").click().run()
        assert said in texts(app)
        assert not app.exception
    assert app.text_input(key="setting width").value == "99"


def test_the_picker_carries_a_run_into_the_page(pretend, opened):
    config = RunConfig.from_dict(SMALL)
    pretend.runs.append(
        Run("k", "run", config.to_dict(), "label", "finished", 0.0, 1.0, 1.0, "", stored=True, pinned=False)
    )
    app = opened("evolution")
    assert app.selectbox(key="picked run").options
    app.selectbox(key="picked run").select_index(0).run()
    assert app.text_input(key="setting width").value == "16"
    assert app.query_params["width"] in ("16", ["16"])
