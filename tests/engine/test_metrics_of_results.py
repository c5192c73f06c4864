"""The numbers by which results are listed: medians of what their arrays end in, each with a name of the glossary."""

import json

import numpy as np
import pytest

from engine.config import RunConfig
from engine.metrics import LABELS, METRICS, measured, of_cells
from engine.quantities import QUANTITIES
from engine.regimes.result import METRICS as OF_A_CELL
from engine.regimes.result import CellResult
from engine.training.diagnostics import SCALARS
from engine.training.result import RunResult, SeedResult

CONFIG = RunConfig.from_dict({"data": {"name": "circle", "size": 4}, "seeds": [0, 1, 2]})
META = {"versions": {}, "device": "cpu", "seconds": 1.0}


def seed(number: int, end: float, stop_reason: str = "residual") -> SeedResult:
    """Every scalar ends in `end`."""
    curves = {name: np.array([0.0, end]) for name in SCALARS if name not in ("test_accuracy", "probe_drift")}
    shapes = {"eigenvalues": (2, 4), "mode_residual": (2, 4), "overlap": (2, 2), "kernel_shown": (2, 1, 1)}
    shapes |= {"f_train": (2, 4, 1), "f_test": (2, 4, 1)}
    arrays = curves | {name: np.zeros(shape) for name, shape in shapes.items()}
    arrays |= {"t": np.array([0.0, 3.0]), "step": np.array([0, 6])}
    return SeedResult(arrays, number, stop_reason, 0.5, 2.0, 6, 3.0)


def run(*ends: float, **changes: str) -> dict:
    return RunResult({}, CONFIG, META, tuple(seed(at, end, **changes) for at, end in enumerate(ends))).to_arrays()


def cell(ends: list[str], **columns: list[float]) -> dict:
    count = len(ends)
    arrays = {name: np.full(count, 0.5) for name in OF_A_CELL} | {name: np.array(v) for name, v in columns.items()}
    arrays |= {"seed": np.arange(count), "end": np.array(ends)}
    return CellResult(arrays | dict.fromkeys(("cv2", "cv2_low", "cv2_high"), np.array(0.2)), CONFIG, META).to_arrays()


def test_a_run_is_the_median_of_its_seeds_at_the_stop() -> None:
    found = measured("run", run(0.1, 0.7, 0.4))
    ended = ("loss", "residual", "test_error", "drift", "shape_drift", "cka", "alignment_test", "lambda_max")
    assert {name: found[name] for name in ended} == dict.fromkeys(ended, 0.4)
    assert (found["t"], found["steps"]) == (3.0, 6.0)
    assert "probe_drift" not in found
    assert "test_accuracy" not in found


def test_of_what_diverged_the_kernel_says_nothing() -> None:
    found = measured("run", run(np.inf, stop_reason="diverged"))
    assert not {"drift", "shape_drift", "cka", "loss", "test_error"} & set(found)
    json.dumps(found, allow_nan=False)


def test_a_cell_counts_what_failed_and_leaves_the_kernels_of_what_diverged_out() -> None:
    found = measured("cell", cell(["residual", "diverged", "cap"], drift=[0.1, 9.0, 0.3], elt=[0.2, np.inf, 0.4]))
    assert found["drift"] == pytest.approx(0.2)
    assert found["elt"] == pytest.approx(0.3)
    assert found["failed"] == pytest.approx(2 / 3)
    assert found["cv2"] == 0.2


def test_a_map_is_the_median_of_its_cells_that_have_the_number() -> None:
    cells = [{"elt": 0.1, "cv2": 1.0}, {"elt": 0.3}, {"elt": 0.9, "cv2": 3.0}]
    assert of_cells(cells) == {"elt": 0.3, "cv2": 2.0}
    assert of_cells([]) == {}


@pytest.mark.parametrize("kind", METRICS)
@pytest.mark.parametrize("arrays", [{}, {"meta": np.array("{}")}, {"meta": np.array("not json")}])
def test_what_is_no_result_of_today_has_none(kind: str, arrays: dict) -> None:
    assert measured(kind, arrays) == {}


def test_every_number_has_a_label_of_its_own_from_the_glossary() -> None:
    assert {metric.quantity for metric in LABELS.values()} <= set(QUANTITIES)
    labels = [metric.label for metric in LABELS.values()]
    assert len(set(labels)) == len(labels)
    assert LABELS["loss"].label == "training loss, at the stop"
    assert set(measured("run", run(0.5, 0.5, 0.5))) | set(measured("cell", cell(["residual"]))) <= set(LABELS)
