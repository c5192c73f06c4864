"""Spaces of a run that learned classes: the network by its guess, no frequencies foretold in closed form."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from engine.config import RunConfig
from engine.data import generate
from engine.networks.model import apply
from engine.networks.parameters import ParameterPath
from engine.rkhs.config import RkhsConfig
from engine.rkhs.job import compare
from engine.rkhs.result import RkhsResult
from engine.training.job import run

SMALL = {"grid": 64, "sample": 64, "sizes": [8, 16], "draws": 4}
VALUES = {
    "data": {"name": "circle", "target": "sign", "size": 12, "test_size": 24, "target_rms": 3.0},
    "network": {"depth": 1, "width": 16, "centred": True},
    "training": {"loss": "logistic", "max_steps": 40, "checkpoints": 4, "stop_residual": None},
}


@pytest.fixture(scope="module")
def result() -> RkhsResult:
    config = RkhsConfig.from_dict({"run": VALUES, "options": SMALL})
    return RkhsResult.from_arrays(dict(compare(config)["result"]))


def logits(x: np.ndarray) -> np.ndarray:
    """f at the stop, from the parameters of the run."""
    config = RunConfig.from_dict(VALUES)
    path = ParameterPath.from_arrays(run(config)["parameters"], 0)
    first, last = (
        jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.float64), path.at(at)) for at in (0, len(path.steps) - 1)
    )
    return np.asarray(apply(config.network, last, x) - apply(config.network, first, x))


def test_the_network_is_compared_by_its_probability(result: RkhsResult) -> None:
    """Targets are -3 and 3: the guess is 3 (2 p - 1), and the error relative to them 4 mean (1 - p)^2."""
    data, seed = generate(RunConfig.from_dict(VALUES).data), result.seeds[0]
    f, sign = logits(data.x_test)[:, 0], np.sign(data.y_test[:, 0])
    missed = 1 / (1 + np.exp(sign * f))
    assert seed["network_error"][-1] == pytest.approx(4 * np.mean(missed**2), rel=1e-6)
    angle = result["curve_angle"]
    f = logits(np.stack([np.cos(angle), np.sin(angle)], axis=1))[:, 0]
    np.testing.assert_allclose(seed["curve_network"][-1], 3 * (2 / (1 + np.exp(-f)) - 1), atol=1e-6)


def test_the_frequencies_are_those_of_what_drives_the_network(result: RkhsResult) -> None:
    """At the start f = 0, so that dl/df is -1/2 and 1/2: half a square wave, of frequencies 1, 3, 5 alone."""
    seed = result.seeds[0]
    start = dict(zip(result["frequencies"], seed["frequency_residual"][0], strict=False))
    assert np.linalg.norm(seed["frequency_residual"][0]) == pytest.approx(1.0)
    assert max(start[k] for k in (2, 4)) < 1e-12
    assert start[1] > start[3] > 0.1
    assert "frequency_foretold" not in seed
