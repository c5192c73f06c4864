"""The beta that is measured: of networks whose beta is known, how often its interval covers it; and of others."""

import numpy as np
import pytest

from engine.config import RunConfig
from engine.initialisation.brute_force import kernel_draws
from engine.initialisation.law import law_of
from engine.initialisation.sampled_spread import interval, measured_beta
from engine.initialisation.sampler import draw
from engine.initialisation.spread import MEASURED_BETA, betas, exact_spread, initial_network
from engine.networks.mlp_config import MLPConfig
from engine.training.job import trained

BIASES = {"train_bias": False, "output_bias": False}


@pytest.mark.parametrize("biases", [BIASES, {"sigma_b": 0.5}], ids=["no biases", "biases"])
@pytest.mark.parametrize(("depth", "width"), [(1, 30), (4, 37), (8, 100), (3, 6)])
def test_the_exact_spread_of_a_network_gives_its_beta_back(depth: int, width: int, biases: dict) -> None:
    network = MLPConfig.from_dict({"depth": depth, "width": width, **biases})
    cv2 = exact_spread(initial_network(network, 8, 5.0))
    found = betas({"cv2": cv2, "cv2_low": 0.9 * cv2, "cv2_high": 1.1 * cv2}, network, 8, 5.0)  # type: ignore[operator]
    assert found["measured_beta"] == pytest.approx(depth / width, rel=1e-3)
    assert found["measured_beta_low"] < depth / width < found["measured_beta_high"]


@pytest.mark.parametrize(
    ("depth", "width", "draws"), [(2, 40, 4000), pytest.param(4, 80, 4000, marks=pytest.mark.long)]
)
def test_the_interval_covers_as_often_as_it_says(depth: int, width: int, draws: int) -> None:
    """95%, over 400 samples of the exact law, each of so many networks: within three standard errors of .95, and .93
    where the normal interval of a ratio falls a little short (tests/engine/regimes/test_coverage.py)."""
    law = law_of((8, *(width,) * depth, 1), norm_x_squared=8.0, **BIASES)
    network = MLPConfig.from_dict({"depth": depth, "width": width, **BIASES})
    rng, covered, trusted = np.random.default_rng(0), 0, 0
    for _ in range(400):
        found = betas(interval(draw(law, draws, rng, first_step=False).K), network, 8, 8.0)
        trusted += np.isfinite(found["measured_beta"])
        covered += found["measured_beta_low"] <= depth / width <= found["measured_beta_high"]
    assert trusted == 400
    assert 0.915 <= covered / 400 <= 0.985


def test_networks_that_are_drawn_have_the_beta_that_they_have() -> None:
    network = MLPConfig.from_dict({"depth": 2, "width": 32, **BIASES})
    x = np.full(4, 0.8)
    found = betas(interval(kernel_draws(network, x, 6000, 0)), network, 4, float(x @ x))
    assert found["measured_beta_low"] < 2 / 32 < found["measured_beta_high"]
    assert found["measured_beta_high"] - found["measured_beta_low"] < 0.4 * 2 / 32


def test_what_the_draws_do_not_determine_has_no_beta() -> None:
    network = MLPConfig.from_dict({"depth": 8, "width": 16, **BIASES})
    law = law_of((8, *(16,) * 8, 1), norm_x_squared=8.0, **BIASES)
    few = interval(draw(law, 512, np.random.default_rng(0), first_step=False).K)
    assert np.isnan(list(betas(few, network, 8, 8.0).values())).all()
    far = {"cv2": 1e9, "cv2_low": 1e8, "cv2_high": 1e10}  # beyond width 1
    assert np.isnan(list(betas(far, network, 8, 8.0).values())).all()
    tiny = betas({"cv2": 1e-3, "cv2_low": -1e-3, "cv2_high": 3e-3}, network, 8, 8.0)
    assert tiny["measured_beta_low"] == 0 < tiny["measured_beta"] < tiny["measured_beta_high"]


def test_a_convolution_of_one_pixel_has_the_beta_of_the_network_that_it_is() -> None:
    """The image has one of the 9 taps: at 3 times the critical sigma_w it is the fully connected network. At this
    |x| and sigma_b another |x|^2, or a bias on its output, would move beta by a third or more."""
    network = {
        "kind": "conv", "shape": [1, 1, 2], "depth": 1, "width": 64, "sigma_w": 3 * 2**0.5, "sigma_w_readout": 2**0.5,
        "sigma_b": 30.0, "output_bias": False,
    }  # fmt: skip
    data = {"name": "sphere", "dim": 2, "radius": 40.0, "size": 4, "test_size": 4, "target": "harmonic"}
    found = measured_beta(RunConfig.from_dict({"data": data, "network": network}))
    at, low, high = (float(found[name]) for name in MEASURED_BETA)
    assert low < 1 / 64 < high
    assert 0.75 / 64 < at < 1.25 / 64


def test_a_run_of_a_residual_network_has_a_measured_beta_below_depth_over_width() -> None:
    """Branches of 1/sqrt(L) spread the kernel less than layers do; a fully connected network has a beta of its own."""
    network = {"kind": "resnet", "depth": 4, "width": 32, **BIASES}
    data = {"name": "circle", "size": 4, "test_size": 4, "frequencies": [1], "amplitudes": [1.0]}
    training = {"max_steps": 2, "stop_residual": None, "checkpoints": 2}
    config = RunConfig.from_dict({"data": data, "network": network, "training": training, "store_parameters": False})
    result, _ = trained(config)
    at, low, high = (float(result[name]) for name in MEASURED_BETA)
    assert 0 < low < at < high < 4 / 32
    numbers = result.numbers()
    assert numbers["beta"] is None
    assert numbers["measured_beta"] == [at, low, high]
    assert measured_beta(RunConfig.from_dict({"data": data})) == {}
