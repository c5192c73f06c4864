"""`python -m benchmarks.device` at toy size, and that it keeps what it has when something fails."""

import json
import re
import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from benchmarks.device import __main__ as script
from benchmarks.device import cells, checks, memory, rates
from benchmarks.device.plan import TOY
from benchmarks.device.report import Report, Section
from engine.data import generate
from engine.networks.mlp_config import MLPConfig
from engine.networks.model import init, ntk
from engine.training.descent import Method, Objective, advance, start

pytestmark = pytest.mark.whole

FACTS = {"device": "toy", "versions": {"jax": jax.__version__}, "settings": ""}


SLOW = ("run trained in float32", "cell", "networks drawn at initialisation")
"""Checks that compile much."""


@pytest.mark.parametrize("section", [checks, rates, cells, memory], ids=lambda module: module.__name__.split(".")[-1])
def test_every_row_of_a_section_is_measured_and_right(section, tmp_path):
    tasks = [task for task in section.tasks(TOY) if task[0] not in SLOW]
    report = Report(FACTS, tmp_path / "out.json")
    report.run(Section("own", "Own", tasks, 100.0))
    report.end()
    kept = json.loads((tmp_path / "out.json").read_text())
    assert kept["finished"]
    assert report.faults == []
    assert [row["name"] for row in kept["sections"]["own"]["rows"]] == [name for name, _ in tasks]
    assert all(f"| {name} |" in report.markdown() for name, _ in tasks)


@pytest.mark.long
def test_the_script_as_it_is_called(tmp_path):
    command = [sys.executable, "-m", "benchmarks.device", "--toy", "--out", str(tmp_path / "out.json")]
    done = subprocess.run(command, cwd=script.ROOT, capture_output=True, text=True, timeout=240)
    assert (done.returncode, done.stderr) == (0, "")
    kept = json.loads((tmp_path / "out.json").read_text())
    assert kept["finished"]
    assert list(kept["sections"]) == list(script.SECTIONS)
    assert "### Memory of a kernel\n| name |" in done.stdout


def test_what_fails_stands_in_its_place_and_loses_nothing(tmp_path):
    out = tmp_path / "out.json"

    def fails() -> dict:
        raise MemoryError("4 GB | were\nasked for")

    def sees_what_is_kept() -> dict:
        return {"kept": len(json.loads(out.read_text())["sections"]["own"]["rows"])}

    report = Report(FACTS, out)
    report.run(Section("own", "Own", [("bad", fails), ("good", sees_what_is_kept)], 9.0))
    report.run(Section("late", "Late", [("never", fails)], -1.0))
    bad, good = report.found["sections"]["own"]["rows"]
    assert bad["error"] == "MemoryError: 4 GB | were asked for"
    assert good["kept"] == 1
    assert report.faults == ["own, bad", "late, never"]
    assert "| bad |  | MemoryError: 4 GB / were asked for |" in report.markdown()
    assert "not done" in report.markdown()
    assert not json.loads(out.read_text())["finished"]


@pytest.mark.parametrize(
    ("found", "holds"), [([3.0, 4.0], True), ([3.0, 4.0 + 6e-6], False), ([3.0, np.nan], False), ([3.0], False)]
)
def test_a_value_holds_within_its_tolerance_only(found, holds):
    row = checks.compared(checks.Case(lambda: {"x": np.array(found)}, 1e-6), {"x": [3.0, 4.0]})
    assert row["holds"] is holds


def test_stored_values_are_of_the_pinned_jax():
    pins = (Path(script.ROOT) / "requirements.txt").read_text()
    made = json.loads(checks.STORED.read_text())["made with"]
    assert made["platform"] == "cpu"
    assert all(f"{name}=={made[name]}\n" in pins for name in ("jax", "flax", "optax", "numpy", "scipy"))


def test_the_floor_counts_the_products_that_a_kernel_cannot_do_without():
    # By hand: one hidden layer of 3, two points of dimension 32. Products: 2 (2 96 + 2 3), 2 2 3, 2 3 (35 + 4).
    assert rates.kernel_flops(MLPConfig.from_dict({"depth": 1, "width": 3}), 2) == 396 + 12 + 234
    network, n = MLPConfig.from_dict({"depth": 2, "width": [96, 64]}), 512
    params, x = init(network, 0, rates.INPUT_DIM), jnp.ones((n, rates.INPUT_DIM))
    counted = jax.jit(lambda params, x: ntk(network, params, x)).lower(params, x).compile().cost_analysis()["flops"]
    assert 1 < counted / rates.kernel_flops(network, n) < 1.5


@pytest.mark.parametrize("integrator", ["gd", "rk4"])
def test_every_float32_product_of_training_asks_for_full_precision(integrator):
    config = cells.cell_config(2, 16)
    data, params = generate(config.data), init(config.network, 0, config.data.input_dim)
    x, y = data.x_train.astype(np.float32), data.y_train.astype(np.float32)
    method = Method(integrator, 0.0, None)
    objective = Objective(x, y, 0 * y, np.float32(0.1), jax.random.key(0))
    limits = np.int32(1), np.float32(-1), np.float32(np.inf)
    text = advance.lower(config.network, method, objective, start(method, params), *limits, None).as_text()
    text += jax.jit(lambda params, x: ntk(config.network, params, x, precision="float32")).lower(params, x).as_text()
    products = re.findall(r"dot_general.*", text)
    assert len(products) > 10
    assert all("precision = [HIGHEST, HIGHEST]" in product for product in products)


@pytest.fixture
def without(monkeypatch):
    """Makes a package lack, and forgets what is done to the path."""
    found = script.importlib.util.find_spec
    monkeypatch.setattr(sys, "path", list(sys.path))
    return lambda lacks: monkeypatch.setattr(
        script.importlib.util, "find_spec", lambda name: None if name == lacks else found(name)
    )


def test_carried_packages_are_used_where_the_machine_lacks_them(tmp_path, monkeypatch, without):
    (tmp_path / "repository").mkdir()
    (tmp_path / script.CARRIED).mkdir()
    monkeypatch.setattr(script, "ROOT", tmp_path / "repository")
    before = list(sys.path)
    assert script.find_packages() == ""
    assert sys.path == before
    without("pydantic")
    assert script.find_packages() == ""
    assert sys.path[0] == str(tmp_path / script.CARRIED)


def test_packages_carried_for_another_python_are_said_to_be(tmp_path, monkeypatch, without):
    (tmp_path / script.CARRIED).mkdir()
    monkeypatch.setattr(script, "ROOT", tmp_path)
    monkeypatch.setattr(script, "IMPORTED", ("pydantic", "made_for_another"))
    (tmp_path / script.CARRIED / "made_for_another.py").write_text("raise ImportError('no ArgsKwargs')")
    without("pydantic")
    assert "is not for this Python (no ArgsKwargs). Make it again:" in script.find_packages()


@pytest.mark.parametrize(("lacks", "said"), [("pydantic", "--target device-packages"), ("jax", "requirements.txt")])
def test_a_package_that_lacks_is_named_with_what_to_do(lacks, said, tmp_path, monkeypatch, without):
    monkeypatch.setattr(script, "ROOT", tmp_path)
    without(lacks)
    assert said in script.find_packages()
    assert lacks in script.find_packages()
