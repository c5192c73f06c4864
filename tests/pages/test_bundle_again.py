"""Bundles of every kind of page: command and snippet, each in a fresh process on an empty cache, give its numbers."""

import io
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import perturbation_runs
import pytest
import rkhs_runs
from computed import compute
from pretend_engine import RUNS, SMALL_QUERY, visited
from streamlit.testing.v1 import AppTest
from taken import Asking, alone, bundle_of, files, unpack

import cache
from cache import CachedEngine, Store
from cache.listing import RunFilter
from engine.config import RunConfig
from engine.data import contents
from engine.data.file import taken_in
from engine.jobs import key
from pages.shell.answer import DIGITS
from pages.shell.bundle import bundle
from pages.shell.recipe import Recipe, of_result
from pages.shell.report import Report, document
from pages.shell.shown import SHOWN

pytestmark = pytest.mark.whole

NETWORK = {"widths": "8", "beta_max": "0.25", "points": "1", "draws": "200", "brute_draws": "20", "flow_depth": "1"}
POINTS = {name: text for name, text in NETWORK.items() if name != "flow_depth"}
ROWS = io.BytesIO()
np.savez(ROWS, x=np.sin(np.arange(120.0) ** 2).reshape(40, 3), y=np.cos(np.arange(40.0) ** 2))
SOURCE = json.dumps(taken_in([("rows.npz", ROWS.getvalue())]).source.to_dict())
TINY = {"size": "8", "test_size": "8", "depth": "1", "width": "8", "seeds": "0", "max_steps": "20", "checkpoints": "4"}
STUDY = {"v_tab": "study", "v_widths": "16, 48", "v_seeds": "1"}
PAGES: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "evolution": ("evolution", SMALL_QUERY),
    "file": ("evolution", {"data": "file", "source": SOURCE, **TINY}),
    "perturbation": ("perturbation", perturbation_runs.query("flow")),
    "study": ("perturbation", perturbation_runs.query("flow") | STUDY),
    "norms": ("norms", rkhs_runs.query("circle")),
    "second_moment": ("second_moment", POINTS),
    "first_step": ("first_step", NETWORK),
    "distribution": ("distribution", {"at_width": "8", "at_depth": "2", "at_draws": "500", "at_source": "brute force"}),
    "regimes": ("regimes", {"map_depths": "2", "map_widths": "8, 16", "map_seeds": "1", "map_size": "6"}),
    "kinds": ("regimes", {"map_networks": "beside residual", "map_depths": "2", "map_widths": "8", "map_size": "6"}),
    "initial_kernel": ("initial_kernel", {"width": "16", "depth": "2", "p": "4", "draws": "10"}),
}
"""What is opened, by what it shows."""


def visit(case: str) -> AppTest:
    page, query = PAGES[case]
    app = visited(page, query, 120)
    assert not app.exception
    assert not app.error
    return app


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CachedEngine]:
    engine = CachedEngine(Store(tmp_path_factory.mktemp("bundles") / "cache"))
    engine.store.files.take(ROWS.getvalue(), "rows.npz")
    contents.give(ROWS.getvalue())
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def computed() -> set[str]:
    """Cases whose results are in the cache."""
    return set()


@pytest.fixture
def opened(engine: CachedEngine, computed: set[str]) -> Iterator[Callable[[str], AppTest]]:
    """Opens the page of a case on a cache that holds all that it asks for."""

    def opened(case: str) -> AppTest:
        if case not in computed:
            asking = Asking()
            cache.install(asking)  # pyright: ignore[reportArgumentType]
            visit(case)
            compute(engine.store.directory, [(kind, config) for (kind, _), config in asking.wanted.items()])
            computed.add(case)
        cache.install(engine)
        return visit(case)

    yield opened
    cache.install(None)


@pytest.mark.long
def test_results_side_by_side_give_all_their_numbers(opened, engine, given, tmp_path: Path) -> None:
    """A run, an expansion and a map on the page Runs, each under names of its own."""
    for case in ("evolution", "norms", "regimes"):
        opened(case)
    sweep = next(record for record in engine.listed(RunFilter(kinds=("sweep",)), 9))
    jobs = {run.kind: run.key for run in engine.listed(RunFilter(kinds=("run", "rkhs")), 99)}
    keys = [jobs["run"], jobs["rkhs"], sweep.key]
    app = visited("all_runs", {"v_chosen": ",".join(key[:DIGITS] for key in keys)}, 120)
    assert not app.exception
    assert not app.warning
    folder = unpack(bundle_of(given), tmp_path / "zip")
    said = alone([sys.executable, str(folder / "recompute.py")], tmp_path / "a cache")
    assert float(said.rpartition(":")[2]) < 1e-12, said
    assert len([*(folder / "numbers").iterdir()]) == 3
    assert len((folder / "command.sh").read_text().split("python -m engine ")) == 4
    assert (folder / "methods.tex").read_text().count("Conventions: ") == 3
    page, recipe = app.session_state[SHOWN], Recipe("ab" * 32, RunConfig.from_dict(RUNS["small"]), "", {}, [], [], {})
    report = Report()
    assert not report.add(page, recipe, page.figures[0], "")
    assert b"How do they compare?" in document(report)


QUICK = "evolution"
"""In `make test-all`; the others in `make long`."""


@pytest.mark.parametrize("case", [pytest.param(case, marks=[pytest.mark.long] * (case != QUICK)) for case in PAGES])
def test_its_command_and_its_snippet_give_its_numbers(case: str, opened, given, tmp_path: Path) -> None:
    opened(case)
    folder = unpack(bundle_of(given), tmp_path / "zip")
    said = alone([sys.executable, str(folder / "recompute.py")], tmp_path / "a cache")
    assert float(said.rpartition(":")[2]) < 1e-12, said
    alone(["sh", str(folder / "command.sh")], tmp_path / "another cache")
    kept = {path.stem: path for path in (folder / "numbers").iterdir()}
    assert kept
    for name, path in kept.items():
        again = folder / "recomputed" / ("" if name in ("result", "curves", "runs") else name)
        if name == "curves":
            _same_table(pd.read_csv(again / "curves.csv"), pd.read_csv(path))
        elif name == "runs":
            _same_table(pd.read_parquet(again / "runs.parquet"), pd.read_parquet(path))
        else:
            _same_arrays(again / "result.npz", path)


def _same_arrays(again: Path, kept: Path) -> None:
    with np.load(again, allow_pickle=False) as new, np.load(kept, allow_pickle=False) as old:
        assert set(old.files) == set(new.files)
        for name in set(old.files) - {"meta"}:
            if old[name].dtype.kind in "fiu":
                np.testing.assert_allclose(new[name], old[name], rtol=1e-10, atol=1e-13, err_msg=name)
            else:
                np.testing.assert_array_equal(new[name], old[name])


def _same_table(again: pd.DataFrame, kept: pd.DataFrame) -> None:
    for name in kept:
        known = kept[name].notna()
        if kept[name].dtype.kind not in "fiu":
            assert again[name][known].tolist() == kept[name][known].tolist()
            continue
        np.testing.assert_allclose(again[name][known], kept[name][known], rtol=1e-9, err_msg=str(name))


@pytest.mark.parametrize(
    "page",
    [*(pytest.param(page, marks=pytest.mark.long) for page in ("inductive_bias", "generalisation")), "function_space"],
)
def test_the_other_pages_on_function_spaces_have_the_same_recipe(page: str, opened, given) -> None:
    opened("norms")
    first = files(bundle_of(given))
    app = visited(page, rkhs_runs.query("circle"), 120)
    assert not app.exception
    other = files(bundle_of(given))
    for name in ("config.yaml", "command.sh", "recompute.py", "numbers/result.npz"):
        assert other[name] == first[name]
    figures = [name for name in other if name.startswith("figures/")]
    assert figures
    assert not set(figures) & {name for name in first if name.startswith("figures/")}


def test_what_the_figure_of_a_page_draws_is_in_the_numbers(opened, given) -> None:
    """Of the exact curves: the ratio that the table of the chart has."""
    opened("second_moment")
    found = files(bundle_of(given))
    chart = pd.read_csv(io.BytesIO(found["data/second_moment.csv"]))
    curves = pd.read_csv(io.BytesIO(found["numbers/curves.csv"]))
    np.testing.assert_array_equal(chart[chart["source"] == "exact"]["ratio"], curves["ratio"])


@pytest.mark.parametrize("name", RUNS)
def test_every_kind_of_run_gives_a_bundle_and_a_report(name: str, finished) -> None:
    """Tables, digits, dead and diverged networks: all figures of the page, in files that open."""
    config = RunConfig.from_dict(RUNS[name])
    app = visited("evolution", {"run": key("run", config)}, 120)
    assert not app.exception
    page, recipe = app.session_state[SHOWN], of_result(config, finished.lookup("run", config))
    assert len(page.figures) > 2
    found = files(bundle(page, recipe))
    assert len([path for path in found if path.startswith("figures/")]) == 2 * len(page.figures)
    report = Report()
    for figure in page.figures:
        assert not report.add(page, recipe, figure, "")
    assert len(document(report)) > 900_000
