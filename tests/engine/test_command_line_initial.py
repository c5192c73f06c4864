"""`python -m engine` study, initial and curves, and options of a perturbation, in this process."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import engine as kd

pytestmark = pytest.mark.whole

RUN = {
    "data": {"name": "circle", "size": 6, "test_size": 8, "frequencies": [1]},
    "network": {"depth": 1, "width": 16, "activation": "erf"},
    "training": {"integrator": "rk4", "checkpoints": 4, "max_steps": 10, "stop_residual": None},
}
SETTING = {"widths": [3, 8, 1]}


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("KERNEL_DRIFT_CACHE", str(tmp_path / "cache"))


def written(path: Path, values: object) -> str:
    """As JSON, which is YAML too."""
    path.write_text(json.dumps(values))
    return str(path)


def test_a_study_on_the_command_line_and_from_a_notebook(engine, tmp_path: Path) -> None:
    asked = {"run": RUN, "widths": [8, 16]}
    code, _, error = engine("study", written(tmp_path / "study.yaml", asked), "--out", str(tmp_path / "out"))
    assert (code, error) == (0, "")
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert summary["config"]["widths"] == [8, 16]
    assert set(summary) >= {"laws", "beta_laws", "crossings"}
    again = kd.study(**asked)
    with np.load(tmp_path / "out" / "result.npz", allow_pickle=False) as arrays:
        np.testing.assert_array_equal(arrays["beta"], [1 / 8, 1 / 16])
        np.testing.assert_array_equal(again["beta"], arrays["beta"])
        for name, values in again.arrays.items():
            np.testing.assert_array_equal(values, arrays[name])


def test_options_of_a_perturbation_stand_beside_its_run(engine, tmp_path: Path) -> None:
    file = written(tmp_path / "asked.yaml", {"run": RUN, "options": {"between": 1, "held_out": 4}})
    code, _, error = engine("perturb", file, "--out", str(tmp_path / "out"), "--linear")
    assert (code, error) == (0, "")
    options = json.loads((tmp_path / "out" / "summary.json").read_text())["config"]["options"]
    assert (options["between"], options["held_out"], options["interpolation"]) == (1, 4, "linear")


def test_jobs_at_initialisation(engine, tmp_path: Path) -> None:
    asked = {"setting": SETTING, "draws": 40, "seed": 3, "sizes": [0.01]}
    file = written(tmp_path / "step.yaml", asked)
    code, _, error = engine("initial", "first_step", file, "--out", str(tmp_path / "out"))
    assert (code, error) == (0, "")
    again = kd.initial("first_step", **asked)
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert summary["change_mean"] == [float(again.change_mean[0])]
    assert summary["exact_K"] == pytest.approx(kd.moments(SETTING["widths"])["E_K"])
    assert summary["config"]["draws"] == 40


def test_exact_curves(engine, tmp_path: Path) -> None:
    asked = {"setting": SETTING, "widths": [8], "depths": [[1, 2]]}
    code, _, error = engine("curves", written(tmp_path / "c.yaml", asked), "--out", str(tmp_path / "out"))
    assert (code, error) == (0, "")
    found = pd.read_csv(tmp_path / "out" / "curves.csv")
    pd.testing.assert_frame_equal(found, kd.curves(**asked))
    assert found["ratio"].tolist() == pytest.approx([kd.moments([3, *[8] * d, 1])["ratio"] for d in (1, 2)])


@pytest.mark.parametrize(
    ("command", "values", "words"),
    [
        (("initial", "first_stop"), {"setting": SETTING}, "Did you mean 'first_step'?"),
        (("initial", "run"), RUN, "kind: 'run' given; one of initial_sample, gram_spectrum"),
        (("initial", "first_step"), {"setting": {"widths": [3, 1]}}, "at least one hidden layer"),
        (("initial", "initial_sample"), [1], "expected a mapping"),
        (("curves",), {"setting": SETTING, "widths": [8], "depths": []}, "depths: 0 lists for 1 widths"),
        (("study",), {"run": RUN}, "one cell is no study"),
        (("study",), RUN | {"widths": [8, 16]}, "run.widths: no such setting"),
        (("perturb",), {"run": RUN, "options": {"betwen": 1}}, "Did you mean 'between'?"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(engine, tmp_path: Path, command, values, words: str) -> None:
    code, out, error = engine(*command, written(tmp_path / "bad.yaml", values), "--out", str(tmp_path / "out"))
    assert (code, out) == (2, "")
    assert len(error.splitlines()) == 1
    assert words in error
    assert not (tmp_path / "out").exists()
