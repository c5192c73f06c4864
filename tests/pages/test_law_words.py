"""The exact law beside a run on one point, and what a kernel that stays explains: said where there is one."""

import math
import re
from dataclasses import replace

import numpy as np
import pytest
from small_runs import seed

from engine.config import RunConfig
from engine.training.result import RunResult
from pages.views.evolution_words import answer, headlines, one_point
from pages.views.expansion_words import _share_of_change


def said(data: dict | None = None, training: dict | None = None, **network: object) -> list[str]:
    values = {"data": {"name": "point", "dim": 3} | (data or {}), "network": {"depth": 1, "width": 50, **network}}
    values["training"] = training or {}
    return one_point(RunResult({}, RunConfig.from_dict(values), {}, (seed(),)))


def test_the_mean_and_the_rate_of_one_hidden_layer() -> None:
    """|x|^2 = n_0, two layers, s1 = 2: E[K] = 2 (2 + 1) = 6; no biases: E[K] = 4 and CV^2 by G_1 sum (2 e_l - 1)/4,
    e_1 = 1 + [2/n + 1 - 1/n]/(1 + 5/n); E[dK/dt] = -4 s1^2 rho_1, rho_1 = 2/n."""
    assert "has mean 6 " in said()[0]
    n = 50
    e_1 = 1 + (2 / n + 1 - 1 / n) / (1 + 5 / n)
    cv = math.sqrt((1 + 5 / n) * (2 * e_1 - 1 + 1) / 4 - 1)
    (plain,) = said(train_bias=False, output_bias=False)
    assert "has mean 4 " in plain
    assert float(re.search(r"deviation (\S+)%", plain)[1]) == pytest.approx(100 * cv, rel=0.05)
    assert f"$dK/dt$ at t = 0 mean −{4 * 4 * 2 / n:.2f};" in plain


@pytest.mark.parametrize(
    ("data", "network"),
    [({}, {"activation": "abs"}), ({}, {"train": "readout"}), ({}, {"bias_init": "normal"}),
     ({"name": "sphere"}, {}), ({}, {"parameterization": "standard"})],
)  # fmt: skip
def test_silent_where_there_is_no_law(data: dict, network: dict) -> None:
    assert said(data, **network) == []


def test_what_no_float_holds_is_a_power_of_e() -> None:
    """Each layer of two multiplies E[K^2]/E[K]^2 by 1 + 5/2, each of one by 6, and sigma_w = 100 E[K] by 5,000."""
    (deep,) = said(depth=700, width=2)
    tens = "".join(str("⁰¹²³⁴⁵⁶⁷⁸⁹".index(one)) for one in re.search(r"deviation [\d.]+·10([⁰-⁹²³¹]+)×", deep)[1])
    assert float(tens) == pytest.approx(350 * math.log10(3.5), rel=0.02)
    (deepest,) = said(depth=1000, width=1)
    assert float(re.search(r"deviation e\^([\d,]+)×", deepest)[1]) == pytest.approx(500 * math.log(6), rel=0.02)
    (large,) = said(depth=1000, width=8, sigma_w=100)
    assert float(re.search(r"mean e\^([\d,]+) ", large)[1].replace(",", "")) == pytest.approx(
        1000 * math.log(5000), rel=0.02
    )


def test_a_rate_has_the_digits_of_other_numbers() -> None:
    (large,) = said({"value": 1.0}, depth=64, width=8)
    assert re.search(r"mean −[\d.]+·10¹⁷;", large)
    (small,) = said({"value": 1.0}, depth=64, width=8, sigma_w=0.1)
    assert "mean 0.00" not in small


def test_no_rate_beside_a_noisy_target_or_another_loss() -> None:
    assert "dK/dt" not in said(training={"weight_decay": 0.1})[0]
    assert "dK/dt" not in said({"noise": 0.1})[0]
    assert "dK/dt" in said({"value": 1.0})[0]


def test_what_one_point_and_the_target_0_leave_without_meaning_is_not_listed() -> None:
    def result(**data: object) -> RunResult:
        values = {"data": {"name": "point"} | data, "network": {"centred": False}, "seeds": [0]}
        one = seed()
        arrays = {**one.arrays, "eigenvalues": np.array([[1.0], [0.8]]), "test_r_squared": np.zeros(2)}
        meta = {"config_hash": "", "versions": {}, "device": "cpu", "seconds": 1.0}
        return RunResult({}, RunConfig.from_dict(values), meta, (replace(one, arrays=arrays),))

    labels = [headline.label for headline in headlines(result(value=0))]
    assert labels == ["β", "drift", "t at the stop", "computed in"]
    assert {"alignment", "test error"} < {headline.label for headline in headlines(result(value=1))}
    assert answer(result(value=0)) == "By the stop $K_t$ has moved by 50% of its norm; 50% of the residual is left."


def test_of_a_kernel_that_stays_no_order_explains_anything() -> None:
    """What is left of a fixed kernel's errors is rounding: of two seeds the first has a kernel that moves."""
    found = {"explained_order_1": [0.8, 0.3], "explained_order_2": [0.9, 0.4], "drift": [0.2, 0.0]}
    assert _share_of_change(found, 1) == [0.8, None]
    assert _share_of_change({**found, "drift": [0.0, 0.0]}, 2) == [None, None]
