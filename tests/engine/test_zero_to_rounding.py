"""Ratios whose denominator is rounding are undefined; small data are data."""

import warnings
from typing import Any

import numpy as np
import pytest

from engine import numerics
from engine.config import RunConfig
from engine.data import generate
from engine.regimes.job import cell
from engine.rkhs.config import RkhsConfig
from engine.rkhs.job import compare
from engine.rkhs.result import RkhsResult
from engine.schema import ConfigError
from engine.training import diagnostics
from engine.training.job import run
from engine.training.result import RunResult

NYQUIST: dict[str, Any] = {
    "data": {"name": "circle", "size": 16, "test_size": 16, "frequencies": [8]},
    "network": {"depth": 2, "width": 32},
    "training": {"max_steps": 20, "checkpoints": 4},
}
TINY = "x1,x2,farad\n" + "\n".join(f"{i % 5 + 0.1 * i:.2f},{(7 * i) % 11},{(-1) ** i * (i + 1)}e-14" for i in range(16))


def test_held_out_targets_that_are_rounding_are_zero_and_said() -> None:
    """cos(8 theta) is +-1 on 16 points and 1e-15 halfway between them."""
    data = generate(RunConfig.from_dict(NYQUIST).data)
    assert np.abs(data.y_train).min() > 0.9
    assert not np.any(data.y_test)
    assert any("zero to rounding" in note for note in data.notes)


def test_errors_relative_to_them_are_undefined() -> None:
    config = RunConfig.from_dict(NYQUIST)
    seed = RunResult.from_arrays(run(config)["result"]).seeds[0]
    assert np.all(np.isnan(seed["test_error"]))
    assert np.all(np.isnan(seed["alignment_test"]))
    assert np.all(np.isfinite(seed["train_error"]))
    found = cell(config)["result"]
    assert np.isnan(found["test_error"][0])
    assert np.isfinite(found["elt"][0])


def test_their_norms_are_undefined_too() -> None:
    options = {"grid": 64, "sample": 64, "times": 2, "held_out": 16}
    config = RkhsConfig.from_dict({"run": NYQUIST, "options": options})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        seed = RkhsResult.from_arrays(compare(config)["result"]).seeds[0]
    for name in ("target_S", "alignment", "alignment_centred"):
        assert np.all(np.isnan(seed[f"held_out/{name}"])), name
    assert np.all(np.isnan(seed["network_error"]))
    assert np.all(np.isnan(seed["K_t_error"]))


def test_tiny_targets_of_a_table_are_targets() -> None:
    """1e-13 F, as capacitances are."""
    data = generate(RunConfig.from_dict({"data": {"name": "csv", "content": TINY, "size": 10, "test_size": 6}}).data)
    assert np.sqrt(np.mean(data.y_train**2)) == pytest.approx(1.0)
    assert np.any(data.y_test)


def test_targets_that_are_zero_are_refused() -> None:
    zero = TINY.replace("e-14", "e-400")
    with pytest.raises(ConfigError, match="nothing can be learned"):
        generate(RunConfig.from_dict({"data": {"name": "csv", "content": zero, "size": 10, "test_size": 6}}).data)
    odd = {"name": "circle", "size": 16, "frequencies": [8], "phases": [float(np.pi / 2)]}
    with pytest.raises(ConfigError, match="nothing can be learned"):
        generate(RunConfig.from_dict({"data": odd}).data)


@pytest.mark.parametrize("scale", [1e-30, 1.0, 1e30])
def test_constants_align_with_nothing_at_any_scale(scale: float) -> None:
    K = scale * np.full((6, 6), 0.3)
    y = scale * np.full((6, 1), 0.1)
    other = scale * np.diag(np.arange(1.0, 7.0))
    assert np.isnan(diagnostics.cka(K, other))
    assert np.isnan(diagnostics.alignment(other, y))
    assert diagnostics.cka(other, other) == pytest.approx(1.0)


def test_rounding_is_told_from_small_values() -> None:
    values = np.array([1e-14, -2e-14])
    assert not np.any(numerics.without_rounding(values, np.ones(5)))
    np.testing.assert_array_equal(numerics.without_rounding(values, np.full(3, 1e-13)), values)
    assert np.all(np.isnan(numerics.without_rounding(np.full(2, np.nan), np.ones(2))))
