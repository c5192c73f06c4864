"""What the command line prints."""

import json
from pathlib import Path

import numpy as np
import pytest

from engine.initialisation.job import sample_summary
from engine.initialisation.result import moments_summary
from engine.schema import ConfigError

ROWS = json.loads((Path(__file__).parent / "hanin_nica.json").read_text())["rows"]
REFERENCE_KEYS = set(ROWS[0]) - {"widths", "readout", "norm_x_squared", "E_dK_y0", "E_dK_y1"}
KEYS = REFERENCE_KEYS | {"E_dK", "beta", "hn_ratio", "hn_dK_over_K"}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{'-'.join(map(str, row['widths'][:6]))}-{row['readout']}")
def test_reference_rows(row):
    text = ",".join(map(str, row["widths"]))
    for target in (0, 1):
        found = moments_summary(text, row["readout"], row["norm_x_squared"], target)
        assert set(found) == KEYS
        assert found["E_dK"] == pytest.approx(row[f"E_dK_y{target}"], rel=1e-10)
        for name in REFERENCE_KEYS:
            assert found[name] == pytest.approx(row[name], rel=1e-10, abs=1e-300), name
        assert json.loads(json.dumps(found, allow_nan=False)) == found
    d, n_0 = len(row["widths"]) - 1, row["widths"][0]
    assert found["hn_ratio"] == pytest.approx(np.exp(5 * row["beta"]), rel=1e-13)
    assert found["hn_dK_over_K"] == pytest.approx(d * row["beta"] / n_0 * np.exp(5 * row["beta"]), rel=1e-13)


def test_numbers_beyond_a_float_are_null():
    found = moments_summary([10, *[10] * 500, 1])
    assert found["beta"] == pytest.approx(50)
    assert found["E_K4"] is None
    assert found["ratio"] == pytest.approx(np.exp(250 + np.log(found["ratio"]) - 250))
    assert found["hn_ratio"] == pytest.approx(np.exp(250))
    json.dumps(moments_summary([10, *[1] * 2000, 1], "relu"), allow_nan=False)


def test_no_hidden_layer():
    """Linear regression: K = s1 + 1 exactly."""
    found = moments_summary("4,1")
    assert found["E_K"] == pytest.approx(1.5)
    assert found["E_K4"] == pytest.approx(1.5**4)
    assert found["mc_draws_for_5pct_E_K2"] == found["E_dK"] == found["hn_dK_over_K"] == found["E_gHg"] == 0


def test_samples_agree_with_the_exact_values():
    exact = moments_summary("3,5,4,7,1", "relu", 1.0, 0.5)
    found = sample_summary("3,5,4,7,1", 100_000, 3, "relu", 1.0, 0.5)
    assert set(found) == KEYS | {"draws", "seed"}
    for name in ("E_K", "E_K2", "ratio", "E_Kw", "E_Kb", "E_Kw2", "E_KwKb", "E_Kb2", "E_gHg", "E_dK"):
        assert abs(found[name]["mean"] - exact[name]) < 4.5 * found[name]["standard_error"], name
    assert found == sample_summary("3,5,4,7,1", 100_000, 3, "relu", 1.0, 0.5)
    assert json.loads(json.dumps(found, allow_nan=False)) == found


@pytest.mark.parametrize(
    "values",
    [
        {"widths": "3"},
        {"widths": "3,4,2"},
        {"widths": "3,4,1", "readout": "relo"},
        {"widths": "3,4,1", "norm_x_squared": -1.0},
        {"widths": "3,4,1", "target": float("nan")},
        {"widths": "3,4,1", "activation": "erf"},
    ],
)
def test_what_cannot_be_is_one_line(values):
    for function, more in ((moments_summary, {}), (sample_summary, {"draws": 10})):
        with pytest.raises(ConfigError) as caught:
            function(**values, **more)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("draws", "seed"), [(1, 0), (10**12, 0), (100, -1)])
def test_bad_samples(draws, seed):
    with pytest.raises(ConfigError):
        sample_summary("3,4,1", draws, seed)
