"""From the results of cells to the table of runs and the summary."""

import json

import numpy as np
import pytest
import scipy.stats

from engine.progress import Arrays
from engine.regimes.config import SweepConfig
from engine.regimes.result import METRICS, cells_frame, runs_frame
from engine.regimes.summary import summary

BASE = {"data": {"name": "sphere", "size": 8, "test_size": 8}, "network": {"train_bias": False, "output_bias": False}}
SHAPES = {"network.depth": [2, 4, 8, 16], "network.width": [8, 16, 32, 64, 128]}


def sweep(grid: dict, seeds: tuple[int, ...] = (0, 1, 2, 3, 4)) -> SweepConfig:
    return SweepConfig.from_dict({"base": BASE, "grid": grid, "seeds": seeds})


def results(config: SweepConfig, grows: float = 1) -> dict[str, Arrays]:
    """Every metric is 4 beta^grows e^(.1 (seed - 2)), deep networks twice as large where it does not grow with beta;
    runs fail above beta = .9."""
    found: dict[str, Arrays] = {}
    for cell in config.cells:
        for part in cell.parts:
            seeds = np.array(part.seeds)
            deep = 1 if grows or part.network.depth < 8 else 2
            value = 4 * part.beta**grows * deep * np.exp(0.1 * (seeds - 2))
            end = np.where(part.beta > 0.9, "cap", "residual") * np.ones_like(seeds, dtype=object)
            spread = {name: np.array(2 * part.beta) for name in ("cv2", "cv2_low", "cv2_high")}
            metrics = dict.fromkeys(METRICS, value) | {"rounding": np.full_like(value, 1e-9)}
            found[part.hash] = {"seed": seeds, "end": end.astype(str), **metrics, **spread}
    return found


def test_the_blocks_of_a_cell_are_put_together() -> None:
    config = sweep(SHAPES)
    runs = runs_frame(config, results(config))
    assert len(runs) == 20 * 5
    for index, cell in enumerate(config.cells):
        some = runs[runs["cell"] == index]
        assert sorted(some["seed"]) == [0, 1, 2, 3, 4]
        assert set(some["beta"]) == {cell.run.network.beta}
        assert set(some["network.width"]) == {cell.run.network.width}
    assert runs["failed"].equals(runs["beta"] > 0.9)


def test_cells_that_are_not_there_yet_are_left_out() -> None:
    config = sweep(SHAPES)
    some = dict(list(results(config).items())[:5])
    assert len(runs_frame(config, some)) == sum(len(arrays["seed"]) for arrays in some.values())
    empty = runs_frame(config, {})
    assert len(empty) == 0
    assert set(METRICS) <= set(empty.columns)


def test_the_summary_has_the_known_boundaries_and_can_be_written() -> None:
    config = sweep(SHAPES)
    found = summary(config, runs_frame(config, results(config)), {3: "was killed"}, 12.5)
    json.dumps(found, allow_nan=False)
    assert (found["cells"], found["failed"], found["runs"], found["seconds"]) == (20, 1, 100, 12.5)
    assert found["failures"] == [{"settings": dict(config.cells[3].settings), "error": "was killed"}]
    edges = found["boundaries"]
    assert edges["lazy_weak"]["beta"] == pytest.approx(0.1 / 4, rel=0.15)
    assert edges["weak_strong"]["beta"] == pytest.approx(0.5 / 4, rel=0.15)
    assert 0.5 < edges["stable_unstable"]["beta"] < 1
    assert found["dynamics"] == dict.fromkeys(("order_0", "p2"), edges["lazy_weak"])
    law = found["drift"]
    assert law["prefactor"] == pytest.approx(4, rel=1e-6)
    assert law["exponent"] == pytest.approx(1, rel=1e-6)
    assert (law["low"], law["high"]) == (2 / 128, 0.25)
    assert law["determined"]
    assert found["collapse"]["elt"]["depth_exponent"] == pytest.approx(0, abs=1e-9)
    assert found["collapse"]["drift"]["p_value"] > 0.5
    # The exact law's edge does not come from runs: beta about .18 without biases.
    assert found["stochastic_kernel"][-1]["depth"] == 16
    assert found["stochastic_kernel"][-1]["beta"] == pytest.approx(0.188, abs=0.003)
    assert sum(found["labels"].values()) == 20


def test_a_power_law_that_may_be_none_is_said_to_be_undetermined() -> None:
    """Against SciPy's regression: its slope is 0 with p > .05."""
    config = sweep(SHAPES)
    law = summary(config, runs_frame(config, results(config, grows=0)), {}, 1.0)["drift"]
    some = [cell.run.network for cell in config.cells if cell.run.network.beta <= 0.25]
    fit = scipy.stats.linregress(np.log([one.beta for one in some]), np.log([1 + (one.depth >= 8) for one in some]))
    assert law["exponent"] == pytest.approx(fit.slope)
    assert fit.pvalue > 0.05
    assert law["determined"] is False


def test_labels_follow_the_metrics() -> None:
    config = sweep(SHAPES)
    cells = cells_frame(runs_frame(config, results(config)))
    for row in cells.to_dict("records"):
        beta = row["beta"]
        reasons = [
            reason for reason, holds in (("stochastic kernel", 2 * beta >= 1), ("untrainable", beta > 0.9)) if holds
        ]
        expected = "lazy" if 4 * beta <= 0.1 else "weak" if 4 * beta <= 0.5 else "strong"
        assert row["label"] == ("unstable" if reasons else expected)
        assert row["reason"] == ", ".join(reasons)


def test_boundaries_along_beta_are_of_one_network() -> None:
    config = sweep({"network.width": [8, 16], "network.alpha": [0.5, 2.0]})
    found = summary(config, runs_frame(config, results(config)), {}, 1.0)
    assert all("network.alpha varies too" in edge["reason"] for edge in found["boundaries"].values())
    assert {tuple(one.values()) for one in found["collapse"].values()} == {(None,) * 4}
    assert found["stochastic_kernel"] is None
    assert found["drift"] is None
    assert all(edge["beta"] is None for edge in found["dynamics"].values())


def test_a_sweep_without_results_or_exact_law_has_a_summary() -> None:
    config = SweepConfig.from_dict({"base": {"data": {"name": "circle"}}, "grid": {"network.activation": ["erf"]}})
    found = summary(config, runs_frame(config, {}), {0: "lost"}, 1.0)
    json.dumps(found, allow_nan=False)
    assert found["failed"] == found["cells"] == 1
    assert found["stochastic_kernel"] is None
    assert all(edge["beta"] is None for edge in found["boundaries"].values())
