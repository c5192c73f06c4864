"""The sampled spread: how often its interval covers, and when it is not determined."""

import jax
import numpy as np
import pytest

from engine.config import RunConfig
from engine.initialisation import sampled_spread
from engine.initialisation.brute_force import operations
from engine.initialisation.law import law_of
from engine.initialisation.sampled_spread import interval, needed, spread_at_initialisation
from engine.initialisation.sampler import draw
from engine.networks.base import NetworkConfig


@pytest.mark.long
def test_a_deep_narrow_tanh_network_is_stochastic_and_its_upper_end_is_not_known() -> None:
    """Issue 12: 512 draws read .93, 60,000 draws 1.45 +- .10."""
    run = RunConfig.from_dict(
        {
            "data": {"name": "sphere", "dim": 8, "size": 16, "test_size": 64},
            "network": {"activation": "tanh", "depth": 16, "width": 16, "sigma_w_readout": 1.0, "train_bias": False,
                        "output_bias": False, "centred": True},
        }
    )  # fmt: skip
    found = spread_at_initialisation(run)
    assert found["cv2"] == pytest.approx(1.45, abs=0.3)
    assert 1 <= found["cv2_low"] < found["cv2"]
    assert found["cv2_high"] == np.inf


def test_draws_needed_are_those_of_a_log_normal() -> None:
    """Its square has skewness (e^{4v} + 2) sqrt(e^{4v} - 1): 25 times its square by Cochran's rule."""
    v = 0.2
    K = np.exp(np.sqrt(v) * np.random.default_rng(0).standard_normal(200_000))
    square = np.exp(4 * v)
    assert needed(K) == pytest.approx(3 * 25 * (square + 2) ** 2 * (square - 1), rel=0.05)
    assert needed(np.zeros(10)) == np.inf
    assert np.isnan(interval(np.zeros(10))["cv2"])


def test_a_small_sample_of_a_heavy_tail_has_a_lower_end_only() -> None:
    law = law_of((8, *(16,) * 8, 1), norm_x_squared=8.0, train_bias=False, output_bias=False)
    found = interval(draw(law, 512, np.random.default_rng(0), first_step=False).K)
    assert found["cv2_high"] == np.inf
    assert found["cv2_low"] < 4.64  # exact


def test_the_readout_is_halved() -> None:
    K = np.random.default_rng(0).uniform(1, 2, 1000)
    whole, half = interval(K), interval(K, halved=True)
    assert half["cv2"] + 1 == pytest.approx((whole["cv2"] + 1) / 2)
    assert half["cv2_high"] + 1 == pytest.approx((whole["cv2_high"] + 1) / 2)


def test_the_interval_is_that_of_the_jackknife() -> None:
    """1.96 standard errors of ln E[K^2]/E[K]^2, from leaving each draw out once."""
    n = 4000
    K = np.exp(0.3 * np.random.default_rng(1).standard_normal(n))
    left = np.log((np.sum(K**2) - K**2) * (n - 1) / (np.sum(K) - K) ** 2)
    reach = 1.96 * np.sqrt((n - 1) * np.var(left))
    found, ratio = interval(K), np.mean(K**2) / np.mean(K) ** 2
    assert found["cv2"] == pytest.approx(ratio - 1)
    assert found["cv2_low"] + 1 == pytest.approx(ratio * np.exp(-reach), rel=reach / 100)
    assert found["cv2_high"] + 1 == pytest.approx(ratio * np.exp(reach), rel=reach / 100)


def image(side: int) -> RunConfig:
    network = {"kind": "conv", "depth": 2, "width": 16, "shape": [side, side, 1], "padding": "circular"}
    return RunConfig.from_dict({"data": {"name": "sphere", "dim": side * side, "size": 8}, "network": network})


def test_operations_are_those_of_a_step_forward_and_two_back() -> None:
    """A multiplication and an addition each; the input needs no derivative."""
    network, x = image(32).network, np.ones(1024)
    first, second = 1024 * 9 * 16, 1024 * 9 * 16 * 16
    assert operations(network, x) == pytest.approx(2 * (2 * first + 3 * second), rel=0.1)


def test_operations_are_those_of_one_network_where_many_are_computed_at_once() -> None:
    """Of each parameter what drawing it takes, and 2 forward and back."""
    network = NetworkConfig.from_dict({"kind": "resnet", "depth": 2, "width": 64})
    parameters = network.stored_count(64, 1) or 0
    normal = jax.jit(lambda key: jax.random.normal(key, (parameters,), float)).lower(jax.random.key(0))
    drawing = normal.cost_analysis()["flops"]  # type: ignore[index]
    assert operations(network, np.ones(64)) == pytest.approx(drawing + 4 * parameters, rel=0.02)


def test_no_network_is_drawn_twice() -> None:
    drawn: list[np.ndarray] = []

    def draw(count: int, seed: int) -> np.ndarray:
        drawn.append(np.exp(0.3 * np.random.default_rng(seed).standard_normal(count)))
        return drawn[-1]

    sampled_spread.sampled(draw, 20_000)
    assert len(np.unique(np.concatenate(drawn))) == sum(map(len, drawn)) > 512


def test_a_network_that_computes_much_is_drawn_less_often(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[int] = []

    def draws(network: object, x: object, count: int, seed: int) -> np.ndarray:
        drawn.append(count)
        return np.exp(np.random.default_rng(seed).standard_normal(count))

    monkeypatch.setattr(sampled_spread, "kernel_draws", draws)
    for side in (8, 32):
        run = image(side)
        drawn.clear()
        spread_at_initialisation(run)
        parameters = run.network.stored_count(side * side, 1) or 0
        most = min(1e8 // parameters, 4e10 / operations(run.network, np.ones(side * side)), 1 << 15)
        assert sum(drawn) == int(most)
