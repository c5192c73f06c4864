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
    """Points of [-side/2, side/2]^dim, uniform."""

    targets: ClassVar[tuple[str, ...]] = ("cubic",)

    name: Literal["cube"] = "cube"
    target: str = Field(default="cubic", validate_default=True)
    side: float = Field(default=2.0, gt=0)

    @property
    def domain(self) -> str:
        return f"cube of side {self.side:g} in {self.dim} dimensions, uniform"

    def dataset(self) -> Dataset:
        x = tuple(
            self.side * (Stream(self.seed, purpose).uniform(count, self.dim) - 0.5)
            for purpose, count in (("train", self.size), ("test", self.test_size))
        )
        return finished(self, x, (self.target_values(x[0]), self.target_values(x[1])))
''',
    "engine/harmonics.py": '''
"""A job of a new kind: the partial sums of 1 + 1/2 + 1/3 + ..."""

import time
from typing import ClassVar

import numpy as np

from engine.progress import Entries, Report, silent
from engine.result import Field, Named, Result, provenance
from engine.schema import Config


class HarmonicsConfig(Config):
    terms: int = 4


class Harmonics(Result[HarmonicsConfig, Named]):
    CONFIG = HarmonicsConfig
    FIELDS: ClassVar = {"sums": Field("terms")}


def harmonics(config: HarmonicsConfig, report: Report = silent) -> Entries:
    sums, about = np.cumsum(1 / np.arange(1, config.terms + 1)), provenance("harmonics", "here", time.monotonic())
    return {"result": Harmonics({"sums": sums}, config, about).to_arrays()}
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
    "pages/slowness.py": '''
"""Slowness: a page on a run, beside its others."""

import streamlit as st

from pages.run import controls
from pages.run.picker import RUN_PAGES, links

st.title(RUN_PAGES["slowness"][0])
asked = controls.show()
links("slowness")
if asked.config is not None:
    st.markdown(f"Patience of the run: {asked.config.training.patience}.")
''',
}
"""A dataset with a setting of its own, a kind of job, a chart, a page, a page on a run: new files."""

CUBIC = '''
def cubic(u: Points, settings: Any) -> Values:
    """u_0^3"""
    return u[:, 0] ** 3


'''
MEAN_TRACE = '''
def mean_trace(K: Gram) -> float:
    """tr K / p."""
    return float(np.trace(K) / len(K))


def class_count(at: "Checkpoint") -> float | None:
    """Classes among the held-out points; None without classes."""
    return None if at.data.labels_test is None else float(len(np.unique(at.data.labels_test)))


'''
QUANTITY = """[mean_trace]
label = "mean trace"
symbol = 'tr K / M'
definition = '$\\mathrm{tr} K/M$.'

[class_count]
label = "number of classes"
symbol = 'classes'
definition = 'Classes among the held-out points.'

"""
PATIENCE = """    patience: Annotated[int, Field(ge=0)] = Field(0, exclude_if=lambda value: value == 0)
"""
SIDE = """    Setting("data.side", "side", help="Of the cube."),
    Setting("training.patience", "patience", help="Changes nothing.", rare=True),"""
PRESET = """    "cube": Preset("A cube", "Is a cube learned?",
        {"data": {"name": "cube", "dim": 2, "side": 1.0}, "network": {"depth": 1, "width": 8}, "seeds": [0]}),"""
COMMAND = '''@app.command()
def harmonics(terms: int = 4) -> None:
    """Prints the partial sums."""
    from engine.harmonics import Harmonics, HarmonicsConfig

    arrays, _ = compute("harmonics", HarmonicsConfig(terms=terms))
    found = Harmonics.from_arrays(arrays)
    say(json.dumps({"sums": found["sums"].tolist(), **found.summary}))


'''
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
        ("    CircleConfig\n", "    CubeConfig |"),
    ],
    "engine/training/diagnostics.py": [
        ("def centre(K", MEAN_TRACE.lstrip()),
        (
            "SCALARS: dict[str, Callable[[Checkpoint], float | np.floating | None]] = {",
            '    "mean_trace": lambda at: mean_trace(at.now.kernel),\n    "class_count": class_count,',
        ),
        ("OPTIONAL = (", '    "class_count",'),
    ],
    "engine/glossary.toml": [("[loss]", QUANTITY)],
    "engine/jobs.py": [
        ("KINDS = {", '    "harmonics": Kind(HarmonicsConfig, "engine.harmonics:harmonics"),'),
        ("from engine.initialisation.config", "from engine.harmonics import HarmonicsConfig\n"),
    ],
    "engine/config.py": [("    allow_unstable: bool = False", PATIENCE)],
    "engine/__main__.py": [("def limits(max_gb", COMMAND)],
    "pages/main.py": [
        ('st.Page("evolution.py"', 'st.Page("harmonics.py", title="Harmonics"), '),
        ('st.Page("perturbation.py"', 'st.Page("slowness.py", title="Slowness"), '),
    ],
    "pages/run/picker.py": [("RUN_PAGES = {", '    "slowness": ("Slowness", ":material/hourglass:"),')],
    "pages/run/labels.py": [("DATASET_LABELS = {", '    "cube": "cube: solid",')],
    "pages/run/settings.py": [("SETTINGS = (", SIDE)],
    "pages/run/presets.py": [("PRESETS = {", PRESET)],
    "pages/views/map_controls.py": [("DATA: Mapping[str, dict[str, Any]] = {", '    "cube": {"name": "cube"},')],
}
"""File -> (where, what): a row goes below the line that opens its table, anything else before what stands there."""

RUN = {
    "data": {"name": "cube", "dim": 2, "side": 3.0, "size": 10, "test_size": 12},
    "network": {"depth": 1, "width": 8, "activation": "swish"},
    "training": {"max_steps": 30, "checkpoints": 5, "patience": 2},
    "store_parameters": False,
}
CLASSES = RUN | {"data": {"name": "two_moons", "size": 10, "test_size": 12}}
"""Their number is measured here, and not on a cube."""

COMPUTED = """
import json, sys
from cache import Store, cached_compute
from engine import jobs
from engine.training.result import RunResult
store = Store()
found = [RunResult.from_arrays(dict(cached_compute(store, "run", jobs.parse("run", values)))) for values in GIVEN]
assert [("class_count" in seed) for result in found for seed in result.seeds] == [False, True]
assert found[1].seeds[0]["class_count"].tolist() == [2.0] * len(found[1].seeds[0]["t"])
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
assert [run.old for run in cache.current().recent()] == [False] * 3, "what was just computed is listed as old"
query = to_query(shortest(draft_of(RunConfig.from_dict(GIVEN[0]).to_dict())[0]))
run = visited("evolution", query, 100)
next(one for one in run.segmented_control if one.label == "charts").set_value("all").run()
pages = {"run": run, "own": visited("harmonics", {}, 100), "beside": visited("slowness", query, 100)}
pages |= {"preset": visited("slowness", {"preset": "cube"}, 100), "map": visited("regimes", {}, 100)}
for name, page in pages.items():
    assert not page.exception, page.exception
    specs = [json.loads(chart.proto.spec) for chart in page.get("vega_lite_chart")]
    titles = [spec.get("title") for spec in specs]
    boxes = {box.label: [box.value, *box.options] for box in page.selectbox}
    boxes |= {box.label: [box.value] for box in page.text_input}
    links = [link.proto.label for link in page.get("page_link")]
    titles = [title["text"] if isinstance(title, dict) else title for title in titles]
    print(json.dumps({"page": name, "says": texts(page), "titles": titles, "boxes": boxes, "links": links}))
cache.current().close()
"""

UNCHANGED = """
from engine.config import RunConfig
from engine.jobs import key
print(key("run", RunConfig.from_dict({"data": {"name": "circle"}})))
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


def ran(copy: Path, *arguments: str) -> str:
    """What the program prints in the copy."""
    environment = {**os.environ, "PYTHONPATH": str(copy), "KERNEL_DRIFT_CACHE": str(copy / "store")}
    environment["JAX_ENABLE_X64"] = "1"
    command = [sys.executable, *arguments]
    done = subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def test_the_readme_names_every_file_that_one_of_each_needs() -> None:
    readme = (ROOT / "README.md").read_text().split("## Where do I add")[1]
    assert [name for name in ROWS if f"`{name}`" not in readme] == []


def test_one_of_each_is_computed_and_seen(copy: Path) -> None:
    given = f"GIVEN = {[RUN, CLASSES]!r}"
    ran(copy, "-c", given + COMPUTED)
    printed = json.loads(ran(copy, "-m", "engine", "harmonics", "--terms", "4"))
    assert printed["sums"] == pytest.approx([1, 3 / 2, 11 / 6, 25 / 12])
    assert printed["versions"]["result"] == "0"
    seen = {page["page"]: page for page in map(json.loads, ran(copy, "-c", given + SEEN).splitlines()[-5:])}
    run, own, beside, preset, plane = (seen[name] for name in ("run", "own", "beside", "preset", "map"))
    assert "cube of side 3 in 2 dimensions, uniform" in run["says"]
    assert "How does the mean trace change?" in run["titles"]
    assert "Slowness" in run["links"]
    assert "Harmonics" in own["says"]
    assert "How fast does it grow?" in own["titles"]
    assert "Evolution" in beside["links"]
    assert "Patience of the run: 2." in beside["says"]
    assert "cube: solid" in beside["boxes"]["dataset"]
    assert beside["boxes"]["side"] == ["3"]
    assert "Is a cube learned?" in preset["says"]
    assert preset["boxes"]["side"] == ["1"]
    assert "cube" in plane["boxes"]["data"]


def test_a_new_setting_leaves_the_keys_of_old_results(copy: Path) -> None:
    assert ran(copy, "-c", UNCHANGED) == ran(ROOT, "-c", UNCHANGED)
