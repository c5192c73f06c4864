"""Exact curves over depth: the numbers of one network at a time, and of the closed form for one hidden layer."""

import numpy as np
import pytest

import engine as kd
from engine.initialisation.curves import CurvesConfig, curves

SETTING = {"widths": [5, 1, 1], "norm_x_squared": 2.0, "sigma_w": 1.2, "readout": "relu"}


def test_a_row_is_what_the_moments_of_its_network_are() -> None:
    found = kd.curves(setting=SETTING, widths=[4, 16], depths=[[1, 3], [2]], target=1.5)
    assert found[["width", "depth"]].to_numpy().tolist() == [[4, 1], [4, 3], [16, 2]]
    for row in found.itertuples():
        widths = [5, *[row.width] * row.depth, 1]
        exact = kd.moments(**{**SETTING, "widths": widths}, target=1.5)
        assert row.beta == pytest.approx(exact["beta"])
        assert row.ratio == pytest.approx(exact["ratio"], rel=1e-10)
        assert row.sign * row.size == pytest.approx(exact["E_dK"] / exact["E_K"], rel=1e-10)


def test_a_linear_chain_of_weights_has_the_ratio_of_its_width() -> None:
    """Without biases, one hidden layer, critical: E[K^2]/E[K]^2 = (1 + 5/n + ...), by brute integration at n = 1.

    K = s1 (sum_i relu'(z_i)^2 w_i^2 + sum_i relu(z_i)^2)/..., for n = 1: K = 0 with probability 1/2, else
    |x|^2/n_0 times 2 (w^2 + u^2) with w, u standard normal: E[K] = 2, E[K^2] = 4 E[(w^2 + u^2)^2]/2 = 16.
    """
    setting = {"widths": [1, 1, 1], "train_bias": False, "output_bias": False}
    found = curves(CurvesConfig.from_dict({"setting": setting, "widths": [1], "depths": [[1]]}))
    assert found["ratio"][0] == pytest.approx(16 / 2**2)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"depths": [[1]]}, "depths: 1 lists for 2 widths"),
        ({"depths": [[1], []]}, "depths"),
        ({"setting": {"widths": [3, 1, 1], "sigma_w": [1.0, 1.0]}}, "setting.sigma_w: is a list"),
        ({"setting": {"widths": [3, 1, 1], "activation": "erf"}}, "no exact law"),
        ({"depths": [[10_000], [*range(1, 1025)]]}, "networks times layers"),
    ],
)
def test_what_is_wrong_is_said(change, words) -> None:
    with pytest.raises(kd.ConfigError, match=words):
        kd.curves(**{"setting": SETTING, "widths": [4, 8], "depths": [[1], [1]], **change})


def test_beyond_what_a_float_holds_is_infinite() -> None:
    found = kd.curves(setting={"widths": [5, 1, 1]}, widths=[1], depths=[[1, 1000]])
    assert np.isfinite(found["ratio"][0])
    assert np.isinf(found["ratio"][1])
