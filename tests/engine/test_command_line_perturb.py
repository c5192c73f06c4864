"""`python -m engine perturb`, in a process of its own as a person would run it."""

import json
from pathlib import Path

import numpy as np
import pytest
from test_command_line import engine

pytestmark = pytest.mark.whole

DATA = "data: {name: circle, size: 6, test_size: 8, frequencies: [1]}"
NETWORK = "network: {depth: 1, width: 32, activation: erf}"
TRAINING = "training: {integrator: rk4, checkpoints: 8, max_steps: 20, stop_residual: null}"


def written(path: Path, *lines: str) -> str:
    path.write_text("\n".join(lines) + "\n")
    return str(path)


def test_perturb_writes_the_curves_and_the_summary(tmp_path: Path) -> None:
    config = written(tmp_path / "run.yaml", DATA, NETWORK, TRAINING, "seeds: [0, 3]")
    done = engine("perturb", config, "--out", str(tmp_path / "out"))
    assert done.returncode == 0, done.stderr
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert summary["seeds"] == [0, 3]
    assert summary["dynamics"] == "gradient flow"
    for index in range(2):
        errors = [summary[f"error_{name}"][index] for name in ("order_0", "order_1", "order_2", "full")]
        assert errors[0] > errors[1] > errors[2] > errors[3] > 0
        assert summary["bound_P2"][index] > errors[0]
    with np.load(tmp_path / "out" / "result.npz", allow_pickle=False) as arrays:
        residuals, at = arrays["seed1/residuals"], arrays["seed1/at_checkpoint"]
        scale = np.linalg.norm(residuals[0, 0])
        apart = np.linalg.norm(residuals[1] - residuals[0], axis=1)[at].max() / scale
        assert summary["error_order_0"][1] == pytest.approx(apart)
        assert arrays["seed1/t"][0] == 0


@pytest.mark.long
def test_descent_is_said_and_linear_paths_can_be_asked_for(tmp_path: Path) -> None:
    config = written(tmp_path / "run.yaml", DATA, NETWORK, TRAINING.replace("rk4", "gd"))
    done = engine("perturb", config, "--out", str(tmp_path / "out"), "--linear")
    assert done.returncode == 0, done.stderr
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert summary["dynamics"] == "gradient descent"
    assert summary["config"]["options"]["interpolation"] == "linear"
