"""Every page in every state, without a browser."""

import ast
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from pretend_engine import RUNS, SMALL, SMALL_QUERY, look, texts

from cache import Failure, Run
from cache.run_folders import Record
from engine import jobs
from engine.config import RunConfig
from engine.data import generate
from engine.training.result import RunResult
from pages.charts.evolution import evolution_chart, evolution_tables
from pages.run.draft_state import to_query
from pages.run.presets import DEFAULT_DRAFT, PRESETS, shortest
from pages.run.settings import config_of, draft_of

PAGES = ("home", "evolution")
LISTS = ("all_runs", "server")
INITIALISATION = ("second_moment", "distribution", "first_step", "initial_kernel")
"""Visited in tests/pages/test_initialisation.py."""
PERTURBATION = ("perturbation",)
"""Visited in tests/pages/test_perturbation.py."""
REGIMES = ("regimes",)
"""Visited in tests/pages/test_regimes.py."""
SPACES = ("norms", "function_space", "inductive_bias", "generalisation")
"""Visited in tests/pages/test_rkhs_pages.py."""
DEFAULT = config_of(DEFAULT_DRAFT)
ROOT = Path(__file__).resolve().parents[2]
ROWS = tuple(
    {"seed": seed, "step": step, "t": 0.1 * step, "loss": 1 / (1 + step), "residual": 1.0, "drift": 0.01 * step,
     "shape_drift": 0.0, "train_error": 1.0, "test_error": 1.0, "cka": 1.0, "alignment_train": 0.5,
     "alignment_test": 0.5, "lambda_max": 3.0}
    for seed in (0, 1)
    for step in range(4)
)  # fmt: skip


def test_every_page_is_visited():
    files = {path.stem for path in (ROOT / "pages").glob("*.py")}
    main = (ROOT / "pages" / "main.py").read_text()
    visited = {*PAGES, *LISTS, *INITIALISATION, *PERTURBATION, *REGIMES, *SPACES}
    assert {name for name in files if f'"{name}.py"' in main} == visited


@pytest.mark.parametrize("page", [*PAGES, *LISTS, *INITIALISATION, *PERTURBATION, *REGIMES, *SPACES])
def test_documentation_in_the_code_is_not_shown(page, pretend, opened):
    """Streamlit writes bare strings on the page unless told not to."""
    tree = ast.parse((ROOT / "pages" / f"{page}.py").read_text())
    bare = [
        node.value.value for node in tree.body if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    ]
    said = texts(opened(page))
    assert bare
    assert not [text for text in bare if str(text) in said]


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("state", ["new", "queued", "running", "failed", "cancelled", "finished", "unfinished"])
def test_every_page_in_every_state(page, state, pretend, opened):
    if state == "unfinished":
        record = SimpleNamespace(values=DEFAULT.to_dict(), status="unfinished", error="")
        pretend.records[jobs.key("run", DEFAULT)] = record
    elif state != "new":
        error = Failure("worker", "The worker process was killed.") if state == "failed" else None
        rows = ROWS if state == "running" else ()
        pretend.put(
            DEFAULT, state, rows=rows, error=error, fraction=0.4, message="step 12", seconds=3.0, device="Test CPU"
        )
    app = opened(page)
    assert not app.exception
    assert app.title


def test_home_shows_the_result_of_the_default_preset(pretend, opened, small_arrays):
    pretend.results[jobs.key("run", DEFAULT)] = small_arrays
    app = opened("home")
    assert not app.exception
    assert "moved by" in texts(app)
    assert app.metric


@pytest.mark.parametrize("name", RUNS)
def test_every_kind_of_result_is_shown(name, finished, opened):
    config = RunConfig.from_dict(RUNS[name])
    asked: list[str] = []
    lookup = finished.lookup
    finished.lookup = lambda kind, config, entry="result": (asked.append(entry), lookup(kind, config, entry))[1]
    if name == "table":
        app = opened("evolution", run=jobs.key("run", config))
    else:
        app = opened("evolution", **to_query(shortest(draft_of(config.to_dict())[0])))
    assert not app.exception
    assert not app.error
    assert app.metric
    assert not [button for button in app.button if button.key == "run"]
    look(app, charts="all", axis="linear")
    assert not app.exception
    assert set(asked) == {"result"}
    if name in ("diverged", "dead"):
        assert {"diverged": "the residual diverged", "dead": "nothing can train"}[name] in texts(app)


@pytest.mark.parametrize("name", ["probes", "probes elsewhere"])
def test_function_and_kernel_are_shown_on_the_probes(name, finished, opened):
    config = RunConfig.from_dict(RUNS[name])
    result = RunResult.from_arrays(dict(finished.lookup("run", config)))
    tables = evolution_tables(result, generate(config.data), 0, generate(config.probes))
    seed, count = result.seeds[0], config.probes.size
    where, order = ("angle", None) if name == "probes" else ("number", np.arange(count))
    if order is None:
        x = generate(config.probes).x_train
        angle = np.arctan2(x[:, 1], x[:, 0])
        order = np.argsort(angle)
        np.testing.assert_allclose(tables.function[where], angle[order], rtol=1e-12)
    np.testing.assert_allclose(tables.function["f1"], seed["probe_f"][1, order, 0], rtol=1e-3)
    shown = np.arange(32) * 40 // 32 if count > 32 else np.arange(count)
    corner = tables.kernel[(tables.kernel["i"] == 1) & (tables.kernel["j"] == len(shown))]
    np.testing.assert_allclose(corner["f1"], seed["probe_kernel"][1, 0, shown[-1]], rtol=1e-3)
    assert ("32 of the 40 probes" in " ".join(tables.notes)) == (count > 32)
    evolution_chart(tables).to_dict()

    app = opened("evolution", **to_query(shortest(draft_of(config.to_dict())[0])), v_on="probe points")
    assert not app.exception
    assert "probe points" in [choice.value for choice in app.get("segmented_control")]


def test_the_small_query_is_the_small_config(opened, finished):
    app = opened("evolution", **SMALL_QUERY)
    assert "moved by" in texts(app)
    assert not app.error


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


def test_csv_by_paste(pretend, opened):
    app = opened("evolution", data="csv")
    assert any("table" in element.value or "content" in element.value for element in app.error)
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


def run_of(number: int, **changes) -> Run:
    config = RunConfig.from_dict(SMALL | {"seeds": [number]})
    made = Run(jobs.key("run", config), "run", config.to_dict(), "label", "finished", 0.0, 1.0, 1.0, "", True, False)
    return replace(made, **changes)


def test_every_run_is_found_a_page_at_a_time(pretend, opened):
    """Five thousand to a page."""
    one = run_of(0)
    pretend.runs += [replace(one, key=f"{number:064x}") for number in range(5003)]
    app = opened("all_runs")
    assert len(app.dataframe[0].value) == 5000
    app.number_input(key="all_runs_page").set_value(2).run()
    shown = app.dataframe[0].value
    assert len(shown) == 3
    assert shown["open"].iloc[0].startswith("/evolution?")


def test_a_list_says_what_is_old_and_what_is_gone(pretend, opened):
    pretend.runs += [run_of(0), run_of(1, old=True), run_of(2, stored=False), run_of(3, state="failed")]
    states = list(opened("all_runs").dataframe[0].value["state"])
    assert states == ["done", "done, by an older version", "no longer in the cache", "failed"]


@pytest.mark.parametrize("page", ["home", "evolution", "second_moment"])
def test_trouble_with_the_disk_is_on_every_page(pretend, opened, page):
    pretend.fault = "the cache in /here cannot be written: the disk is full"
    app = opened(page)
    assert "The cache in /here cannot be written\\: the disk is full" in app.warning[0].value


def test_the_web_process_never_imports_jax():
    code = """
import importlib, pathlib, sys
sys.path.insert(0, "tests/pages")
import app, cache
from pretend_engine import PretendEngine
from streamlit.testing.v1 import AppTest
cache.install(PretendEngine())
scripts = ("main", "home", "all_runs", "evolution", "perturbation", "regimes",
           "norms", "function_space", "inductive_bias", "generalisation")
for path in sorted(pathlib.Path("pages").rglob("*.py")):
    if path.stem not in scripts:
        importlib.import_module(".".join(path.with_suffix("").parts).removesuffix(".__init__"))
page = AppTest.from_file("pages/main.py", default_timeout=60)
for name in scripts[1:]:
    page.switch_page(f"{name}.py").run()
    assert not page.exception
loaded = {name.split(".")[0] for name in sys.modules} & {"jax", "jaxlib", "flax", "optax"}
assert not loaded, loaded
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-2000:]


def test_an_old_result_is_named_and_not_drawn(pretend, opened):
    pretend.olds[jobs.key("run", DEFAULT)] = Record("old", "run", {}, "", created=1.7e9)
    app = opened("evolution")
    assert "Computed on 2023-11-14 by an earlier version" in texts(app)
    assert app.button(key="run").label == "Compute again"
    assert not app.metric
