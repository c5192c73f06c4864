"""What float32 resolves: right values from a float64 program that shares nothing with the engine (theory.md 2)."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from engine.config import RunConfig, TrainingConfig
from engine.data import generate
from engine.networks.model import apply, init, ntk
from engine.networks.parameters import ParameterPath
from engine.networks.precision import (
    LOST,
    NOISE,
    Forecast,
    Rounding,
    cast,
    foretold,
    last_bit,
    left_for_float64,
    outputs,
    rounding_of,
)
from engine.numerics import UNIT_ROUNDOFF
from engine.regimes.job import cell
from engine.schema import ConfigError
from engine.training.job import run
from engine.training.result import RunResult

CIRCLE = {"name": "circle", "size": 16, "test_size": 16}
TANH: dict[str, Any] = {
    "data": {"name": "sphere", "dim": 8, "size": 16, "test_size": 64},
    "network": {"activation": "tanh", "depth": 2, "width": 128, "centred": True},
    "training": {"max_steps": 2000},
}
GATES: dict[str, Any] = {
    "data": {"name": "sphere", "dim": 8, "size": 16, "test_size": 64},
    "network": {
        "sigma_w_readout": 1.0, "train_bias": False, "output_bias": False, "depth": 4, "width": 64, "centred": True,
    },
    "training": {"loss": "half_sum", "max_steps": 2000},
    "seeds": [0, 1],
}  # fmt: skip


def chaotic(sigma_w: float, depth: int, **training: Any) -> RunConfig:
    network = {"activation": "tanh", "width": 64, "sigma_w": sigma_w, "depth": depth}
    return RunConfig.from_dict({"data": CIRCLE, "network": network, "training": {"max_steps": 2, **training}})


def at_start(config: RunConfig, precision: str) -> Rounding:
    data = generate(config.data)
    params = init(config.network, 0, config.data.input_dim, config.data.output_dim)
    return rounding_of(config.network, params, data.x_train, data.y_train, precision)


def with_alpha(base: dict[str, Any], alpha: float) -> RunConfig:
    return RunConfig.from_dict({**base, "network": {**base["network"], "alpha": alpha}})


@pytest.mark.parametrize("precision", ["float32", "float64"])
@pytest.mark.parametrize("activation", ["relu", "gelu", "softplus"])
def test_outputs_are_those_of_the_network(precision: str, activation: str) -> None:
    config = RunConfig.from_dict({"data": CIRCLE, "network": {"activation": activation, "width": [4, 4, 6]}})
    x = generate(config.data).x_train.astype(precision)
    params = cast(init(config.network, 3, 2, 1), precision)
    found = outputs(config.network, params, x)
    assert found.dtype == precision
    np.testing.assert_allclose(found, apply(config.network, params, jnp.asarray(x)), rtol=1e-5, atol=1e-6)


def test_the_last_bit_moves_every_parameter_by_it() -> None:
    params = cast(init(with_alpha(TANH, 1.0).network, 0, 8, 1), "float64")
    moved = last_bit(params, "float32")
    for block, leaves in params.items():
        for leaf, array in leaves.items():
            np.testing.assert_allclose(np.abs(moved[block][leaf] - array), UNIT_ROUNDOFF["float32"] * np.abs(array))


@pytest.mark.parametrize("alpha", [1.0, 100.0, 1e4])
def test_noise_grows_with_the_output_scale_and_the_root_of_the_steps(alpha: float) -> None:
    config = with_alpha(TANH, alpha)
    assert at_start(config, "float32").step == pytest.approx(alpha * at_start(with_alpha(TANH, 1.0), "float32").step)
    assert Rounding(0.0, 1e-6).after(100) == pytest.approx(1e-5)


@pytest.mark.parametrize(
    ("rounding", "forecast", "left"),
    [
        (Rounding(5e-7, 2e-7), Forecast(2000, 0.01), False),
        (Rounding(2e-3, 2e-7), None, True),
        (Rounding(float("nan"), 2e-7), None, True),
        (Rounding(5e-7, 1.1 * NOISE), None, True),
        (Rounding(5e-7, 2e-6), None, False),
        (Rounding(5e-7, 2e-6), Forecast(10_000, 0.01), True),
        (Rounding(5e-7, 2e-7), Forecast(2000, 1.1 * LOST), True),
    ],
)
def test_what_float32_is_left_for(rounding: Rounding, forecast: Forecast | None, left: bool) -> None:
    assert bool(left_for_float64(rounding, forecast)) is left


def test_a_run_is_foretold_by_its_frozen_kernel() -> None:
    """One mode: (1 - .1)^n <= .1 from n = 22 on; the update there is eta sqrt(l) r, the last bit u ||theta||."""
    training = TrainingConfig.from_dict({"max_steps": 10_000})
    forecast = foretold(training, np.array([2.0]), np.array([3.0]), 0.05, {"readout": {"w": np.full(4, 5.0)}})
    assert 22 <= forecast.steps <= 24
    update = 0.05 * np.sqrt(2.0) * 3.0 * 0.9**forecast.steps
    assert forecast.lost == pytest.approx(6e-8 * 10.0 / update)


@pytest.mark.long
def test_elt_falls_as_one_over_the_output_scale() -> None:
    """4.7e-6 at 1e4 and 4.6e-8 at 1e6, of one draw; float32 gives .011 and .27. Over seeds: 2.2e-6 to 6.2e-6."""
    lower, upper = (cell(with_alpha(TANH, alpha))["result"] for alpha in (1e4, 1e6))
    assert 2e-6 < lower["elt"][0] < 7e-6
    assert upper["elt"][0] == pytest.approx(lower["elt"][0] / 100, rel=0.01)
    assert upper["bits"].tolist() == [64]
    assert upper["rounding"][0] < 0.15 * upper["elt"][0]


def test_the_laziest_networks_are_lazy() -> None:
    """Gates that do not flip: elt, steps and errors of a float64 program."""
    found = cell(with_alpha(GATES, 1e6))["result"]
    np.testing.assert_allclose(found["elt"], [8.2e-8, 9.0e-8], rtol=0.02)
    np.testing.assert_allclose(found["test_error"], [0.7923, 0.7631], atol=1e-4)
    assert found["steps"].tolist() == [21, 49]
    assert found["end"].tolist() == ["residual", "residual"]


def test_a_large_scale_trains_in_float64_and_says_so() -> None:
    network = {"depth": 2, "width": 32, "alpha": 1e4, "centred": True}
    config = RunConfig.from_dict(
        {"data": CIRCLE, "network": network, "training": {"max_steps": 2000, "checkpoints": 8}}
    )
    entries = run(config)
    result = RunResult.from_arrays(entries["result"])
    seed = result.seeds[0]
    assert seed.steps == 760
    assert seed["test_error"][-1] == pytest.approx(0.35160, abs=1e-5)
    assert result.summary["precision"] == ["float64"]
    assert "rounding in float32 would move the function" in result.summary["precision_reason"][0]
    path = ParameterPath.from_arrays(entries["parameters"], 0)
    assert {leaf.dtype for leaf in path.stacked.values()} == {np.dtype(np.float64)}


def test_a_large_weight_scale_trains_in_float64() -> None:
    config = RunConfig.from_dict(
        {
            "data": CIRCLE,
            "network": {"depth": 8, "width": 64, "sigma_w": 3, "centred": True},
            "training": {"stop_residual": None, "max_steps": 200, "checkpoints": 2},
        }
    )
    seed = RunResult.from_arrays(run(config)["result"]).seeds[0]
    assert seed["residual"][-1] == pytest.approx(0.1467, abs=5e-5)


def test_the_default_run_stays_in_float32() -> None:
    config = RunConfig.from_dict({"data": {"name": "circle"}, "training": {"max_steps": 1, "checkpoints": 2}})
    seed = RunResult.from_arrays(run(config)["result"]).seeds[0]
    assert (seed.precision, seed.precision_reason) == ("float32", "")
    assert seed["f_train"].dtype == np.float32
    assert seed.rounding is not None
    assert 0 < seed.rounding < 1e-6
    assert 0 < seed.kernel_rounding < 1e-14


def test_the_setting_is_absent_from_configs_that_leave_it_alone() -> None:
    config = chaotic(1.0, 2)
    assert "precision" not in config.to_dict()["training"]
    assert chaotic(1.0, 2, precision="float64").to_dict()["training"]["precision"] == "float64"
    assert chaotic(1.0, 2, precision="auto").hash == config.hash


def test_float32_computes_another_function_in_a_chaotic_network() -> None:
    """Apart by 36% at sigma_w 2.5, depth 64; the float64 network is determined to 1e-8."""
    config = chaotic(2.5, 64)
    data, params = generate(config.data), init(config.network, 0, 2, 1)
    exact = np.asarray(apply(config.network, cast(params, "float64"), jnp.asarray(data.x_train)))
    single = np.asarray(apply(config.network, params, jnp.asarray(data.x_train, jnp.float32)))
    apart = np.linalg.norm(single - exact) / np.linalg.norm(exact)
    assert 0.1 < apart < 1
    assert at_start(config, "float32").outputs == pytest.approx(apart, rel=0.7)
    seed = RunResult.from_arrays(run(config)["result"]).seeds[0]
    assert seed.precision == "float64"
    np.testing.assert_allclose(seed["f_train"][0], exact, rtol=1e-6)
    assert seed.rounding is not None
    assert seed.rounding < 1e-7
    with pytest.raises(ConfigError, match=r"network: float32 does not determine .*set training\.precision to float64"):
        run(chaotic(2.5, 64, precision="float32"))


@pytest.mark.parametrize("job", [run, cell])
def test_a_network_that_float64_does_not_determine_is_refused(job: Any) -> None:
    with pytest.raises(ConfigError, match=r"network: float64 does not determine the function of seed 0.*lower sigma_w"):
        job(chaotic(2.0, 256))


def longdouble_kernel(config: RunConfig, x: np.ndarray) -> np.ndarray:
    """K of tanh networks layer by layer in 80-bit arithmetic, by another formula: forward sensitivities of z_l."""
    network = config.network
    params = cast(init(network, 0, 2, 1), "longdouble")
    stack = [
        {leaf: array[i] for leaf, array in params[block].items()}
        for block in sorted(name for name in params if name != "readout")
        for i in range(len(params[block]["w"]))
    ]
    a, inputs, slopes = x.astype(np.longdouble), [], []
    for layer in [*stack, params["readout"]]:
        inputs.append(a)
        scale = np.longdouble(network.sigma_w) / np.sqrt(np.longdouble(a.shape[1]))
        z = scale * (a @ layer["w"]) + network.sigma_b * layer["b"]
        a = np.tanh(z)
        slopes.append(1 - a**2)
    K, D = np.zeros((len(x), len(x)), np.longdouble), np.ones((len(x), 1), np.longdouble)
    for layer, value, slope in zip(
        [*stack, params["readout"]][::-1], inputs[::-1], [None, *slopes[-2::-1]], strict=True
    ):
        D = D if slope is None else D * slope
        scale = np.longdouble(network.sigma_w) / np.sqrt(np.longdouble(value.shape[1]))
        K += (scale**2 * (value @ value.T) + network.sigma_b**2) * (D @ D.T)
        D = scale * (D @ layer["w"].T)
    return K


@pytest.mark.skipif(bool(np.finfo(np.longdouble).eps > 1e-18), reason="needs 80-bit arithmetic")
@pytest.mark.parametrize(("sigma_w", "depth"), [(1.0, 4), (2.5, 32)])
def test_the_noise_floor_holds_the_rounding_of_the_kernel(sigma_w: float, depth: int) -> None:
    """Against 80-bit arithmetic; p u l_1 is 1,000 times too low at sigma_w 2.5 and depth 32."""
    config = chaotic(sigma_w, depth, max_steps=1)
    x = generate(config.data).x_train
    K = np.asarray(ntk(config.network, init(config.network, 0, 2, 1), jnp.asarray(x)))
    missed = np.linalg.norm((K - longdouble_kernel(config, x)).astype(float), 2)
    result = RunResult.from_arrays(run(config)["result"])
    floor = float(result.noise_floor()[0])
    assert missed < 3 * floor
    plain = 16 * 1.1e-16 * np.linalg.norm(K, 2)
    assert floor >= plain
    if depth == 32:
        assert missed > 30 * plain
        assert floor < 30 * missed


def test_nan_stops_a_network_of_gates() -> None:
    """Outputs that overflow are not a network of zeros."""
    config = RunConfig.from_dict(
        {
            "data": CIRCLE,
            "network": {"depth": 32, "width": 16, "sigma_w": 100},
            "training": {"max_steps": 200, "checkpoints": 8},
        }
    )
    seed = RunResult.from_arrays(run(config)["result"]).seeds[0]
    assert (seed.stop_reason, seed.steps) == ("diverged", 0)
    assert not np.any(np.isfinite(seed["f_train"]))
    assert np.isnan(seed["residual"][0])
    assert cell(config)["result"]["end"].tolist() == ["diverged"]


def test_a_nan_parameter_reaches_the_output() -> None:
    config = chaotic(1.0, 2)
    network = config.network.model_copy(update={"activation": "relu"})
    params = jax.device_get(init(network, 0, 2, 1))
    params["hidden_0"]["w"] = np.array(params["hidden_0"]["w"])
    params["hidden_0"]["w"][0, 0, 3] = np.nan
    assert np.all(np.isnan(apply(network, params, jnp.ones((3, 2)))))
