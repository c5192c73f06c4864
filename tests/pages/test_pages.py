"""Every page in every state, without a browser."""

import ast
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from pretend_engine import ROWS, RUNS, SMALL, SMALL_QUERY, look, texts

from cache import Failure, Run
from cache.run_folders import Record
from engine import jobs
from engine.config import RunConfig
from engine.data import generate
from engine.training.result import RunResult
from pages.charts.evolution import evolution_chart, evolution_tables
from pages.run.draft_state import to_query
from pages.run.presets import DEFAULT_DRAFT, shortest
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


def test_a_result_that_is_kept_elsewhere_stays_kept(opened, finished):
    """In another tab, or by somebody else, while this page stands open."""
    app, key = opened("evolution", **SMALL_QUERY), jobs.key_of("run", RunConfig.from_dict(SMALL).canonical())

    def switch():
        (found,) = [toggle for toggle in app.toggle if toggle.key.startswith("keep")]
        return found

    assert not switch().value
    finished.ownership.pin(key, "somebody else")
    app.run()
    assert switch().value
    assert finished.store.pinned(key)
    switch().set_value(False).run()
    assert not finished.store.pinned(key)
    switch().set_value(True).run()
    assert finished.store.pinned(key)
    assert switch().value
    finished.ownership.unpin(key, "somebody else")


def test_the_small_query_is_the_small_config(opened, finished):
    app = opened("evolution", **SMALL_QUERY)
    assert "moved by" in texts(app)
    assert not app.error


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
