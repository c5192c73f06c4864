"""The README's "Where do I add": one of each is added to a copy, computed there, and seen on a page."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.whole

ROOT = Path(__file__).parents[1]

FILES = {
    "engine/data/cube.py": '''
"""The solid cube with a cubic target."""

from typing import ClassVar, Literal

from pydantic import Field

from engine.data.dataset import Dataset, Stream, TargetConfig, finished


class CubeConfig(TargetConfig):
    """Points of [-1, 1]^dim, uniform."""

    targets: ClassVar[tuple[str, ...]] = ("cubic",)

    name: Literal["cube"] = "cube"
    target: str = Field(default="cubic", validate_default=True)

    @property
    def domain(self) -> str:
        return f"cube [-1, 1]^{self.dim}, uniform"

    def dataset(self) -> Dataset:
        x = tuple(
            2 * Stream(self.seed, purpose).uniform(count, self.dim) - 1
            for purpose, count in (("train", self.size), ("test", self.test_size))
        )
        return finished(self, x, (self.target_values(x[0]), self.target_values(x[1])))
''',
    "engine/harmonics.py": '''
"""A job of a new kind: the partial sums of 1 + 1/2 + 1/3 + ..."""

from typing import ClassVar

import numpy as np

from engine.progress import Entries, Report, silent
from engine.result import Field, Named
from engine.schema import Config


class HarmonicsConfig(Config):
    terms: int = 4


class Harmonics(Named):
    FIELDS: ClassVar = {"sums": Field("terms")}


def harmonics(config: HarmonicsConfig, report: Report = silent) -> Entries:
    return {"result": Harmonics({"sums": np.cumsum(1 / np.arange(1, config.terms + 1))}).to_arrays()}
''',
    "pages/charts/harmonics.py": '''
"""Partial sums as bars."""

import altair as alt
import pandas as pd


def harmonics_chart(frame: pd.DataFrame) -> alt.Chart:
    return alt.Chart(frame).mark_bar().encode(x="terms:O", y="sum:Q")
''',
    "pages/views/harmonics.py": '''
"""The partial sums on a page."""

from functools import partial

import pandas as pd

from engine.harmonics import Harmonics
from pages.charts.harmonics import harmonics_chart
from pages.shell.figure import Figure, show


def full(result: Harmonics) -> None:
    sums = result["sums"]
    frame = pd.DataFrame({"terms": range(1, len(sums) + 1), "sum": sums})
    show(Figure("harmonics", "How fast does it grow?", ("residual",), partial(harmonics_chart, frame), frame))
''',
    "pages/harmonics.py": '''
"""Harmonics: a page of its own."""

import streamlit as st

from engine.harmonics import Harmonics, HarmonicsConfig
from pages.shell.gathering import Computation, gather
from pages.views import harmonics

st.title("Harmonics")
job = Computation("harmonics", HarmonicsConfig(), seconds=1)
for arrays in gather("harmonics", "Compute", [job]).values():
    harmonics.full(Harmonics.from_arrays(arrays))
''',
}
"""A dataset, a kind of job, a chart, a page: new files."""

CUBIC = '''
def cubic(u: Points, settings: Any) -> Values:
    """u_0^3"""
    return u[:, 0] ** 3


'''
MEAN_TRACE = '''
def mean_trace(K: Gram) -> float:
    """tr K / p."""
    return float(np.trace(K) / len(K))


'''
QUANTITY = """[mean_trace]
label = "mean trace"
symbol = 'tr K / M'
definition = '$\\mathrm{tr} K/M$.'

"""
SWISH = """    "swish": Activation(
        "swish",
        lambda z, xp: z * xp.expit(z),
        lambda z, xp: xp.expit(z) * (1 + z * (1 - xp.expit(z))),
        1.6765,
        near_critical=True,
    ),"""

ROWS = {
    "engine/networks/activations.py": [("ACTIVATIONS = {", SWISH)],
    "engine/data/targets.py": [
        ("def product(u: Points", CUBIC.lstrip()),
        ("TARGETS = {", '    "cubic": Target(cubic, 1),'),
    ],
    "engine/data/__init__.py": [
        ("from engine.data.csv import", "from engine.data.cube import CubeConfig\n"),
        ("    CircleConfig |", "    CubeConfig |"),
    ],
    "engine/training/diagnostics.py": [
        ("def centre(K", MEAN_TRACE.lstrip()),
        (
            "SCALARS: dict[str, Callable[[Checkpoint], float | np.floating | None]] = {",
            '    "mean_trace": lambda at: mean_trace(at.now.kernel),',
        ),
    ],
    "engine/glossary.toml": [("[loss]", QUANTITY)],
    "engine/jobs.py": [
        ("KINDS = {", '    "harmonics": Kind(HarmonicsConfig, "engine.harmonics:harmonics"),'),
        ("from engine.initialisation.config", "from engine.harmonics import HarmonicsConfig\n"),
    ],
    "pages/main.py": [('st.Page("evolution.py"', 'st.Page("harmonics.py", title="Harmonics"), ')],
}
"""File -> (where, what): a row goes below the line that opens its table, anything else before what stands there."""

RUN = {
    "data": {"name": "cube", "dim": 2, "size": 10, "test_size": 12},
    "network": {"depth": 1, "width": 8, "activation": "swish"},
    "training": {"max_steps": 30, "checkpoints": 5},
    "store_parameters": False,
}

COMPUTED = """
import json, sys
from cache import Store, cached_compute
from engine.jobs import parse
store = Store()
cached_compute(store, "run", parse("run", json.loads(sys.argv[1])))
cached_compute(store, "harmonics", parse("harmonics", {}))
"""

SEEN = """
import json, sys
sys.path.insert(0, "tests/pages")
import cache
from cache import CachedEngine, Store
from engine.config import RunConfig
from pretend_engine import texts, visited
from pages.run.draft_state import to_query
from pages.run.presets import shortest
from pages.run.settings import draft_of

cache.install(CachedEngine(Store()))
query = to_query(shortest(draft_of(RunConfig.from_dict(json.loads(sys.argv[1])).to_dict())[0]))
run = visited("evolution", query)
run.segmented_control(key="charts").set_value("all").run()
own = visited("harmonics", {})
for page in (run, own):
    assert not page.exception, page.exception
    specs = [json.loads(chart.proto.spec) for chart in page.get("vega_lite_chart")]
    titles = [spec.get("title") for spec in specs]
    print(json.dumps({"says": texts(page), "titles": [t["text"] if isinstance(t, dict) else t for t in titles]}))
cache.current().close()
"""


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program with one of each added."""
    there = tmp_path_factory.mktemp("copy")
    for name in ("engine", "cache", "pages", "tests/pages"):
        shutil.copytree(ROOT / name, there / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name, text in FILES.items():
        (there / name).write_text(text.lstrip())
    for name, rows in ROWS.items():
        path = there / name
        for where, what in rows:
            text = path.read_text()
            assert text.count(where) == 1, (name, where)
            added = f"{where}\n{what}" if where.endswith(("{", "(", "|")) else f"{what}{where}"
            path.write_text(text.replace(where, added))
    return there


def ran(code: str, copy: Path) -> str:
    """What the program prints in the copy."""
    environment = {**os.environ, "PYTHONPATH": str(copy), "KERNEL_DRIFT_CACHE": str(copy / "store")}
    environment["JAX_ENABLE_X64"] = "1"
    command = [sys.executable, "-c", code, json.dumps(RUN)]
    done = subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def test_one_of_each_is_added_where_the_readme_says_and_seen(copy: Path) -> None:
    readme = (ROOT / "README.md").read_text().split("## Where do I add")[1]
    told = [name for name in ROWS if f"`{name}`" in readme or name.replace("/", ".").removesuffix(".py") in readme]
    assert set(ROWS) - set(told) == set(), "the README does not name where a row goes"
    ran(COMPUTED, copy)
    run, own = map(json.loads, ran(SEEN, copy).splitlines()[-2:])
    assert "cube [-1, 1]^2, uniform" in run["says"]
    assert "How does the mean trace change?" in run["titles"]
    assert "Harmonics" in own["says"]
    assert "How fast does it grow?" in own["titles"]
