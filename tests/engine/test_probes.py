"""Function and kernel at points other than the data."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from engine import infinite, jobs
from engine.config import RunConfig
from engine.cost import estimate
from engine.network import apply
from engine.parameters import ParameterPath
from engine.probes import probe_points
from engine.result import RunResult
from engine.schema import ConfigError
from engine.training import run

GAUSSIAN = {"name": "gaussian_product", "size": 12, "test_size": 16}
SETTINGS = {
    "data": GAUSSIAN,
    "network": {"depth": 2, "width": 10, "activation": "tanh", "alpha": 0.5, "centred": True},
    "training": {"max_steps": 12, "checkpoints": 4, "stop_residual": None},
    "seeds": [4],
}


def config(**more: object) -> RunConfig:
    return RunConfig.from_dict({**SETTINGS, **more})


@pytest.fixture(scope="module")
def entries() -> dict:
    return dict(run(config(probes=8, probe_radius=1.5)))


def test_points_lie_on_a_circle_of_the_first_two_inputs() -> None:
    points = probe_points(config(data={**GAUSSIAN, "dim": 5}, probes=4, probe_radius=2.0))
    np.testing.assert_allclose(points[:, :2], [[2, 0], [0, 2], [-2, 0], [0, -2]], atol=1e-15)
    assert points.shape == (4, 5)
    assert np.all(points[:, 2:] == 0)
    assert probe_points(config()).shape == (0, config().data.input_dim)


def test_they_are_the_network_of_the_stored_parameters(entries: dict) -> None:
    asked, (seed,) = config(probes=8, probe_radius=1.5), RunResult.from_arrays(entries["result"]).seeds
    parameters, x = ParameterPath.from_arrays(entries["parameters"], 0), jnp.asarray(probe_points(asked))

    def f(params: object) -> jax.Array:
        return 0.5 * apply(asked.network, params, x)[:, 0]  # type: ignore[arg-type]

    start = jax.tree.map(lambda leaf: leaf.astype(np.float64), parameters.at(0))
    for place, step in enumerate(seed["step"]):
        if step not in parameters.steps:
            continue
        kept = parameters.at(int(np.flatnonzero(parameters.steps == step)[0]))
        params = jax.tree.map(lambda leaf: leaf.astype(np.float64), kept)
        J = jax.tree.leaves(jax.jacrev(f)(params))
        J = np.concatenate([np.asarray(leaf).reshape(8, -1) for leaf in J], axis=1)
        np.testing.assert_allclose(seed["probe_kernel"][place], J @ J.T, rtol=1e-10, atol=1e-12)
        np.testing.assert_allclose(seed["f_probe"][place][:, 0], f(params) - f(start), atol=2e-6)
    assert np.abs(seed["f_probe"][-1]).max() > 1e-3


def test_the_rest_of_the_run_does_not_change(entries: dict) -> None:
    (bare,), (seed,) = (RunResult.from_arrays(found).seeds for found in (run(config())["result"], entries["result"]))
    assert set(seed.arrays) - set(bare.arrays) == {"f_probe", "probe_kernel"}
    for name in bare.arrays:
        np.testing.assert_allclose(seed[name], bare[name], rtol=1e-5, atol=1e-6)


def test_the_limit_stands_beside_them(entries: dict) -> None:
    asked, result = config(probes=8, probe_radius=1.5), RunResult.from_arrays(entries["result"])
    points = probe_points(asked)
    np.testing.assert_allclose(result.limit_probe_profile, infinite.ntk(asked.network, points)[0], rtol=1e-12)


def test_runs_without_keep_their_key_and_cost() -> None:
    assert "probe" not in config().canonical()
    assert jobs.key("run", config(probes=0, probe_radius=1)) == jobs.key("run", config())
    assert estimate(config(probes=64)).kernel_flops > estimate(config()).kernel_flops


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"probes": -1}, "probes: -1 given; at least 0"),
        ({"probes": 257}, "probes: 257 given; at most 256"),
        ({"probe_radius": 2}, "probe_radius: there are no probe points"),
        ({"probes": 8, "probe_radius": 0}, "probe_radius: 0 given; more than 0"),
        ({"probes": 8, "data": {"name": "sphere", "dim": 1}}, "dim"),
    ],
)
def test_what_makes_no_sense_is_refused(more: dict, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        config(**more)


def test_one_input_has_no_circle() -> None:
    table = "a,b\n" + "\n".join(f"{i},{i * i % 7}" for i in range(12))
    with pytest.raises(ConfigError, match="need two inputs"):
        config(data={"name": "csv", "content": table, "target": "b", "inputs": "a"}, probes=8)
