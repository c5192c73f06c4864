"""Notes of the data, and R^2 of tables, wherever a run's results are summed up."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from engine.config import RunConfig
from engine.perturbation.config import PerturbationConfig
from engine.perturbation.result import PerturbationResult, SeedPerturbation
from engine.regimes.config import SweepConfig
from engine.regimes.result import runs_frame
from engine.regimes.summary import summary
from engine.rkhs.config import RkhsConfig
from engine.rkhs.result import RkhsResult
from pages.views import expansion_words as perturb_words
from pages.views import spaces_words as rkhs_words

ROWS = "\n".join(["x,y", *(f"{i % 6},{i % 6 + 0.5 * (i >= 6)}" for i in range(24))])
RUN: dict[str, Any] = {"data": {"name": "csv", "content": ROWS, "target": ["y"], "size": 8, "test_size": 16}}
META = {"config_hash": "", "versions": {}, "device": "", "seconds": 1.0}


def notes() -> dict[str, list[str]]:
    """Of every summary of the same table."""
    sweep = SweepConfig.from_dict({"base": RUN, "grid": {"network.width": (8, 16)}})
    return {
        "perturbation": PerturbationResult({}, PerturbationConfig.from_dict({"run": RUN}), META).summary["notes"],
        "rkhs": RkhsResult({}, RkhsConfig.from_dict({"run": RUN}), META).summary["notes"],
        "sweep": summary(sweep, runs_frame(sweep, {}), {}, 1.0)["notes"],
    }


@pytest.mark.parametrize("name", ["perturbation", "rkhs", "sweep"])
def test_a_summary_holds_the_notes_of_the_data(name: str) -> None:
    assert any("training points repeat the inputs of another" in note for note in notes()[name])


def test_r_squared_is_against_the_held_out_mean() -> None:
    """y = 1, 2, 3 and f = 1, 2, 4: 1 - 1/2 of the spread, an error of 1/14."""
    y = np.array([1.0, 2.0, 3.0])
    outputs = np.zeros((5, 2, 3))
    outputs[0, -1] = [1.0, 2.0, 4.0]
    data = SimpleNamespace(name="csv", output_dim=1)
    own = {"y_held_out": y, "outputs_held_out": outputs}
    result: Any = SimpleNamespace(
        seeds=[SeedPerturbation(own, {})], config=SimpleNamespace(run=SimpleNamespace(data=data))
    )
    (found,) = perturb_words._of_a_table(result)
    assert (found.value, found.beside) == ("0.0714", "R² = 0.5")
    data.name = "circle"
    assert perturb_words._of_a_table(result) == []


def test_r_squared_of_function_spaces_is_of_all_held_out_rows_or_none() -> None:
    run = RunConfig.from_dict(RUN)
    y = run.data.dataset().y_test
    spread = float(np.sum((y - y.mean(axis=0)) ** 2) / np.sum(y**2))
    own = {"network_error": np.array([1.0, 0.25 * spread]), "held_out/eigenvalues": np.ones((2, len(y)))}
    result: Any = SimpleNamespace(seeds=[own], config=SimpleNamespace(run=run))
    (found,) = rkhs_words.of_a_table(result)
    assert found.beside == "R² = 0.75"
    own["held_out/eigenvalues"] = np.ones((2, len(y) - 1))
    assert rkhs_words.of_a_table(result) == []
