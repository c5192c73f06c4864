"""One training point: the data, what is refused, and the exact laws at one input beside runs."""

import numpy as np
import pytest

from engine.config import RunConfig
from engine.data import generate
from engine.data.point import PointConfig
from engine.initialisation.law import exact_law
from engine.initialisation.moments import moments
from engine.initialisation.spread import initial_network
from engine.networks.parameters import ParameterPath
from engine.rkhs.config import RkhsConfig
from engine.schema import ConfigError
from engine.training.job import run
from engine.training.path import kernel_path
from engine.training.result import RunResult

POINT = {"name": "point", "dim": 4, "test_size": 6}


def config_of(data: dict | None = None, **network: object) -> RunConfig:
    return RunConfig.from_dict({"data": POINT | (data or {}), "network": {"depth": 2, "width": 16, **network}})


def problems(values: dict, kind: type = RunConfig) -> dict[str, str]:
    with pytest.raises(ConfigError) as caught:
        kind.from_dict(values)
    return {problem.field: problem.message for problem in caught.value.problems}


@pytest.mark.parametrize(("radius", "square"), [(None, 4.0), (3.0, 9.0)])
def test_the_point_and_those_held_out(radius: float | None, square: float) -> None:
    config = PointConfig.from_dict(POINT | {"radius": radius, "value": -2.0})
    data = generate(config)
    assert (data.x_train.shape, data.x_test.shape) == ((1, 4), (6, 4))
    np.testing.assert_allclose(np.sum(np.concatenate([data.x_train, data.x_test]) ** 2, axis=1), square, rtol=1e-14)
    assert np.all(data.y_train == -2)
    assert np.all(data.y_test == -2)
    assert data.notes == ()
    assert config.norm_squared == square
    other = generate(PointConfig.from_dict(POINT | {"seed": 1})).x_train
    assert not np.allclose(other, generate(PointConfig.from_dict(POINT)).x_train)


def test_a_target_of_0_is_noted_and_needs_something_to_unlearn() -> None:
    assert "target is 0" in generate(config_of().data).notes[0]
    assert "network.centred" in problems(config_of().to_dict() | {"network": {"centred": True}})
    assert config_of({"value": 1.0}, centred=True)
    assert config_of({"noise": 0.5}, centred=True)
    assert "data.size" in problems({"data": POINT | {"size": 2}})
    assert "data.target_rms" in problems({"data": POINT | {"target_rms": 1.0}})
    data = POINT | {"test_size": 64}
    assert list(problems({"run": {"data": data}}, RkhsConfig)) == ["run.data.value"]
    assert RkhsConfig.from_dict({"run": {"data": data | {"value": 1.0}}})


@pytest.mark.filterwarnings("error")
def test_what_is_relative_to_the_target_has_no_number() -> None:
    found = RunResult.from_arrays(run(config_of())["result"]).seeds[0]
    for name in ("train_error", "test_error", "cka", "alignment_train", "alignment_test"):
        assert np.isnan(found[name]).all(), name
    for name in ("loss", "residual", "drift", "lambda_max"):
        assert np.isfinite(found[name]).all(), name
    assert found.stop_reason == "residual"
    assert found["residual"][-1] <= 0.1


def test_one_linear_neuron_follows_its_closed_form() -> None:
    """f = v w.x/sqrt(n_0) with y = 0 and no biases, by the flow: K = |x|^2/n_0 (v^2 + w^2 along x), and u = w.x/|x|
    obeys u' = -f v |x|/sqrt(n_0), v' = -f u |x|/sqrt(n_0), so that u^2 - v^2 stays."""
    network = {"depth": 1, "width": 1, "activation": "linear", "train_bias": False}
    training = {"integrator": "rk4", "stability_fraction": 0.05, "precision": "float64", "checkpoints": 5}
    config = RunConfig.from_dict({"data": POINT, "network": network, "training": training})
    entries = run(config)
    path, x = ParameterPath.from_arrays(entries["parameters"], 0), generate(config.data).x_train[0]
    ends = []
    for index in (0, len(path.steps) - 1):
        params = path.at(index)
        u, v = float(params["hidden_0"]["w"][0, :, 0] @ x) / np.sqrt(x @ x), float(params["readout"]["w"][0, 0])
        ends.append(u**2 - v**2)
        K = RunResult.from_arrays(entries["result"]).seeds[0]["lambda_max"][-1 if index else 0]
        assert pytest.approx(u**2 + v**2, rel=1e-9) == K
    assert ends[1] == pytest.approx(ends[0], abs=1e-6)


def test_the_exact_laws_at_one_input_from_runs() -> None:
    """K_0 and dK/dt at t = 0 of 64 runs against Hanin and Nica's law, in standard errors."""
    config = config_of({"radius": 1.0}, width=48)
    training = {"max_steps": 1, "stop_residual": None, "checkpoints": 2, "precision": "float64"}
    config = RunConfig.from_dict(config.to_dict() | {"training": training, "seeds": list(range(64))})
    entries = run(config)
    result, data = RunResult.from_arrays(entries["result"]), generate(config.data)
    exact = moments(exact_law(initial_network(config.network, 4, 1.0)))
    K = np.array([seed["lambda_max"][0] for seed in result.seeds])
    rates = np.array(
        [
            kernel_path(config, data, ParameterPath.from_arrays(entries["parameters"], i), seed.effective_rate).slope[0]
            for i, seed in enumerate(result.seeds)
        ]
    ).ravel()
    for found, expected in ((K, np.exp(exact.log_E_K[0])), (rates, exact.E_dK(0.0)[0])):
        assert abs(found.mean() - expected) < 4 * found.std() / 8
    assert K.std() / K.mean() == pytest.approx(np.sqrt(np.expm1(exact.log_ratio[0])), rel=0.35)
