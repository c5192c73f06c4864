"""Runs on tables against the values of an independent float64 program (its own network, kernel and descent)."""

from pathlib import Path

import numpy as np
import pytest

from engine.config import RunConfig
from engine.data import generate
from engine.data.circle import CircleConfig
from engine.files import read_config
from engine.perturbation.config import PerturbationConfig
from engine.rkhs.config import RkhsConfig
from engine.schema import ConfigError
from engine.training.job import run
from engine.training.result import RunResult

KELVIN = (Path(__file__).parent / "tables" / "large_mean.csv").read_text()
"""48 temperatures of 293.01 +- 1.1."""
NOISE = "x1,const,y\n" + "\n".join(
    f"{a},{0.3 if i % 3 == 0 else 0.30000000000000004},{y}"
    for i, (a, y) in enumerate(
        [(5.09, -3.51), (2.15, -6.44), (3.49, -0.9), (7.62, 3.35), (5.4, 4.18), (7.03, 1.72), (3.64, -3.67),
         (3.43, -1.2), (2.07, -2.15), (2.63, -0.47), (7.0, 3.76), (4.88, -3.97), (8.69, 1.89), (5.33, 2.11),
         (2.29, -6.47), (5.13, 3.2)]
    )
)  # fmt: skip


def summary(content, network, steps, **data):
    values = {
        "data": {"name": "csv", "content": content, **data},
        "network": {"depth": 2, **network},
        "training": {"max_steps": steps, "checkpoints": 8},
        "store_parameters": False,
    }
    return RunResult.from_arrays(run(RunConfig.from_dict(values))["result"]).summary


def test_the_mean_and_a_line_beat_a_network_on_targets_far_from_zero():
    """Of the raw targets the constant mean errs 1.0e-5 and a line 5.8e-7; the network's .0186 is R^2 = -1917."""
    data = generate(RunConfig.from_dict({"data": {"name": "csv", "content": KELVIN, "centre": False}}).data)
    x, x_test = (np.column_stack([np.ones(len(x)), x]) for x in (data.x_train, data.x_test))
    power = np.sum(data.y_test**2)
    line = x_test @ np.linalg.lstsq(x, data.y_train, rcond=None)[0]
    assert np.sum((data.y_train.mean() - data.y_test) ** 2) / power == pytest.approx(1.0e-5, rel=0.05)
    assert np.sum((line - data.y_test) ** 2) / power == pytest.approx(5.8e-7, rel=0.02)
    raw = summary(KELVIN, {"width": 64, "centred": True}, 2000, centre=False)
    assert raw["test_error_end"][0] == pytest.approx(0.0186, rel=0.01)
    assert raw["test_r_squared_end"][0] == pytest.approx(-1917, rel=0.01)
    centred = summary(KELVIN, {"width": 64, "centred": True}, 2000)
    assert centred["test_r_squared_end"][0] > 0.9
    assert centred["notes"] == [
        "targets are centred: their mean over the training rows is taken off (293.049 of 'kelvin')"
    ]


def test_a_column_of_rounding_is_left_out():
    found = summary(NOISE, {"width": 32}, 200, centre=False)
    assert found["test_error_end"][0] == pytest.approx(0.966, abs=0.001)
    assert found["notes"] == ["left out of the inputs: 'const' (0.3 in every row, to rounding)"]


def table(rows):
    return "x,z,y\n" + "\n".join(f"{7 * i % rows},{i * i % 11},{i % 5}" for i in range(rows))


@pytest.mark.parametrize(("rows", "held_out"), [(18, 16), (24, 16), (63, 16), (64, 16), (100, 25)])
def test_a_small_table_holds_out_enough_to_compare_spaces(rows, held_out):
    values = {"data": {"name": "csv", "content": table(rows)}}
    config = RkhsConfig.from_dict({"run": values})
    assert (config.run.data.test_size, config.run.data.size) == (held_out, rows - held_out)
    assert PerturbationConfig.of(RunConfig.from_dict(values)).run.data.test_size == max(2, rows // 4)


def test_a_table_too_small_to_compare_spaces():
    values = {"data": {"name": "csv", "content": table(17)}}
    with pytest.raises(ConfigError, match="17 rows are too few to compare spaces on: 18 are needed"):
        RkhsConfig.from_dict({"run": values})
    given = {"data": {"name": "csv", "content": table(24), "test_size": 6}}
    with pytest.raises(ConfigError, match="6 held-out points are too few to compare spaces on: raise it to 16"):
        RkhsConfig.from_dict({"run": given})


def test_a_table_of_probes_is_read_in(tmp_path: Path) -> None:
    (tmp_path / "probes.csv").write_text("a,b\n" + "".join(f"{i},{i % 3}\n" for i in range(12)))
    (tmp_path / "run.yaml").write_text("data: {name: circle}\nprobes: {name: circle, size: 4}\n")
    assert read_config(tmp_path / "run.yaml").probes == CircleConfig.from_dict({"size": 4})
    lines = ["data: {name: gaussian_product, dim: 2, size: 9}", "probes: {name: csv, path: probes.csv, target: b}"]
    (tmp_path / "run.yaml").write_text("\n".join(lines))
    with pytest.raises(ConfigError, match="probes: points of 1 coordinates, but the data have 2"):
        read_config(tmp_path / "run.yaml")
