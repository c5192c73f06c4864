"""The measured beta of a network of one's own: of one whose beta is known, where its depth is given."""

from typing import Any

import numpy as np
import pytest

from engine.config import RunConfig
from engine.initialisation.measured_beta import measured
from engine.initialisation.spread import MEASURED_BETA, exact_spread, initial_network
from engine.networks.mlp_config import MLPConfig
from engine.problems import ConfigError
from engine.training.job import trained

CIRCLE = {"name": "circle", "size": 4, "test_size": 4, "frequencies": [1], "amplitudes": [1.0]}
TRAINING = {"max_steps": 2, "stop_residual": None, "checkpoints": 2}


def config_of(data: dict, network: dict, **arguments: Any) -> RunConfig:
    network = {"kind": "module", "name": "own_nets:critical", "arguments": arguments, **network}
    return RunConfig.from_dict({"data": data, "network": network, "training": TRAINING, "store_parameters": False})


def test_the_fully_connected_network_written_again_has_its_own_beta() -> None:
    result, _ = trained(config_of(CIRCLE, {"counted_depth": 2}, depth=2, width=24))
    at, low, high = (float(result[name]) for name in MEASURED_BETA)
    assert low < 2 / 24 < high
    assert 0.85 * 2 / 24 < at < 1.15 * 2 / 24
    without = {"depth": 2, "width": 24, "train_bias": False, "output_bias": False}
    exact = exact_spread(initial_network(MLPConfig.from_dict(without), 2, 1.0))
    assert float(result["initial_cv2"]) == pytest.approx(exact, rel=0.1)
    assert result.numbers()["measured_beta"] == [at, low, high]


def test_of_several_outputs_it_is_that_of_the_first() -> None:
    digits = {"name": "digits", "classes": None, "size": 12, "test_size": 12}
    found = measured(config_of(digits, {"counted_depth": 1}, depth=1, width=16, outputs=10), 64 * 16 + 16 * 10)
    at, low, high = (float(found[name]) for name in MEASURED_BETA)
    assert low < 1 / 16 < high
    assert np.isfinite(at)


def test_where_no_depth_is_given_none_is_measured() -> None:
    assert measured(config_of(CIRCLE, {}, depth=2, width=32)) == {}
    assert "counted_depth" not in config_of(CIRCLE, {}).to_dict()["network"]  # keys of before stay


@pytest.mark.parametrize("given", [0, 1.5, "two", 10**6])
def test_a_depth_is_a_whole_number(given: Any) -> None:
    with pytest.raises(ConfigError, match=r"network\.counted_depth"):
        config_of(CIRCLE, {"counted_depth": given})
