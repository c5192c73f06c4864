"""The job end to end on small runs: its numbers from independent derivatives, the container, what goes wrong."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from engine.config import RunConfig
from engine.data import generate
from engine.networks.model import apply
from engine.networks.parameters import ParameterPath
from engine.progress import Cancelled, Progress
from engine.rkhs.config import RkhsConfig
from engine.rkhs.gram import FLAGS, RIDGES
from engine.rkhs.job import compare
from engine.rkhs.points import nested
from engine.rkhs.result import SETS, RkhsResult
from engine.schema import ConfigError
from engine.training.job import run

SMALL = {"grid": 64, "sample": 64, "sizes": [8, 16], "draws": 4}
VALUES = {
    "data": {"name": "sphere", "dim": 3, "size": 12, "test_size": 24, "target": "x0+x1x2"},
    "network": {"depth": 2, "width": 16, "activation": "relu", "train_bias": False, "output_bias": False, "alpha": 0.3},
    "training": {"loss": "half_sum", "max_steps": 60, "checkpoints": 6, "stop_residual": 0.2},
    "seeds": [0, 3],
}


def computed(run: dict, **options: object) -> RkhsResult:
    config = RkhsConfig.from_dict({"run": run, "options": {**SMALL, **options}})
    return RkhsResult.from_arrays(dict(compare(config)["result"]))


@pytest.fixture(scope="module")
def result() -> RkhsResult:
    return computed(VALUES)


@pytest.fixture(scope="module")
def parameters() -> ParameterPath:
    """Of the second seed."""
    return ParameterPath.from_arrays(run(RunConfig.from_dict(VALUES))["parameters"], 1)


def derivatives(params: dict, x: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """f, its Jacobian (p, parameters) by reverse differentiation, and the parameters, all of alpha h in float64."""
    network = RunConfig.from_dict(VALUES).network
    theta = jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.float64), params)

    def f(theta: dict) -> jax.Array:
        return network.alpha * apply(network, theta, jnp.asarray(x))[:, 0]

    J = jax.jacrev(f)(theta)
    flat = np.concatenate([np.asarray(leaf).ravel() for leaf in jax.tree.leaves(theta)])
    return (
        np.asarray(f(theta)),
        np.concatenate([np.asarray(j).reshape(len(x), -1) for j in jax.tree.leaves(J)], 1),
        flat,
    )


def test_norms_and_errors_from_jacobians(result: RkhsResult, parameters: ParameterPath) -> None:
    data, seed = generate(RunConfig.from_dict(VALUES).data), result.seeds[1]
    f_0 = derivatives(parameters.at(0), np.concatenate([data.x_train, data.x_test]))[0]
    np.testing.assert_array_equal(seed["step"], parameters.steps)
    for at in (0, len(parameters.steps) - 1):
        f, J, _ = derivatives(parameters.at(at), np.concatenate([data.x_train, data.x_test]))
        K, y = J @ J.T, data.y_test[:, 0]
        raw = y @ np.linalg.solve(K[12:, 12:], y)
        assert seed["held_out/target_norm"][at] == pytest.approx(raw, rel=1e-6)
        S = np.trace(K[12:, 12:]) / 24 * raw / (y @ y)
        assert seed["held_out/target_S"][at] == pytest.approx(S, rel=1e-6)
        jitter = 1e-10 * np.trace(K[:12, :12]) / 12 * np.eye(12)
        prediction = f_0[12:] + K[12:, :12] @ np.linalg.solve(K[:12, :12] + jitter, data.y_train[:, 0] - f_0[:12])
        assert seed["K_t_error"][at] == pytest.approx(np.sum((prediction - y) ** 2) / (y @ y), rel=1e-6)
        assert seed["network_error"][at] == pytest.approx(np.sum((f[12:] - y) ** 2) / (y @ y), rel=1e-6)
        moved = f[12:] - f_0[12:]
        expected = moved @ np.linalg.solve(K[12:, 12:], moved)
        assert seed["held_out/function_norm"][at] == pytest.approx(expected, rel=1e-6)


def test_the_trained_function_lies_in_its_own_space(result: RkhsResult, parameters: ParameterPath) -> None:
    """theory.md 5: f = <grad f, theta>/(L + 1) without biases, so ||f_T||^2 in H_T is at most ||theta||^2/(L + 1)^2."""
    config, seed = RunConfig.from_dict(VALUES), result.seeds[1]
    grids = nested(config.data, generate(config.data), 64)
    f, J, theta = derivatives(parameters.at(-1), grids.x)
    np.testing.assert_allclose(J @ theta / 3, f, atol=1e-10)
    norms = seed["grid_norm"][1, 1]
    assert np.all(np.diff(norms) > 0)
    assert norms[-1] <= theta @ theta / 9
    assert norms[-1] == pytest.approx(f @ np.linalg.solve(J @ J.T, f), rel=1e-5)
    np.testing.assert_array_equal(seed["grid_sizes"], [16, 32, 64])
    assert seed.growth("H_T", "function").exponent < seed.growth("H_0", "function").exponent
    assert seed.growth("H_0", "noise").exponent > 1


def test_at_the_start_both_spaces_are_one(result: RkhsResult) -> None:
    for seed in result.seeds:
        for where in SETS:
            np.testing.assert_allclose(seed[f"{where}/H_t_in_H_0"][0], 1.0, rtol=1e-9)
            np.testing.assert_allclose(seed[f"{where}/H_0_in_H_t"][0], 1.0, rtol=1e-9)
            np.testing.assert_allclose(seed[f"{where}/angles"][0], 0.0, atol=1e-6)
            assert seed[f"{where}/cka"][0] == pytest.approx(1.0)
            assert np.all(seed[f"{where}/H_t_in_H_0"][-1] > 1)
            np.testing.assert_allclose(seed[f"{where}/target_power"].sum(axis=1), 1.0)
            np.testing.assert_allclose(seed[f"{where}/mode_strength"].mean(axis=1), 1.0)
            trace = seed[f"{where}/trace_mean"] * seed[f"{where}/eigenvalues"].shape[1]
            np.testing.assert_allclose(seed[f"{where}/eigenvalues"].sum(axis=1), trace)
        np.testing.assert_array_equal(seed["mode_position"][0], np.arange(8))
        np.testing.assert_allclose(seed["across_t_in_0"][0], seed["across_0_in_0"][0])


def test_norms_across_spaces(result: RkhsResult, parameters: ParameterPath) -> None:
    """K_T's interpolant of the training targets on all 36 points, and its norm in H_0 at equal trace."""
    data, seed = generate(RunConfig.from_dict(VALUES).data), result.seeds[1]
    x = np.concatenate([data.x_train, data.x_test])
    (f_0, J_0, _), (_, J, _) = derivatives(parameters.at(0), x), derivatives(parameters.at(-1), x)
    s = J @ J[:12].T @ np.linalg.solve(J[:12] @ J[:12].T, data.y_train[:, 0] - f_0[:12])
    K_0 = J_0 @ J_0.T / np.sum(J_0**2) * 36
    for at, ridge in enumerate(RIDGES[:-1]):
        expected = s @ np.linalg.solve(K_0 + ridge * np.eye(36), s) / (s @ s)
        assert seed["across_t_in_0"][-1, at] == pytest.approx(expected, rel=1e-5)
    for name in ("t_in_t", "t_in_0", "0_in_t", "0_in_0"):
        assert np.all(np.diff(seed[f"across_{name}"], axis=1) >= 0)


def test_a_drawn_interpolant_passes_through_the_targets() -> None:
    """On the circle the curve holds the training points where its grid does."""
    network = {"depth": 2, "width": 64, "activation": "erf", "alpha": 0.5}
    data = {"name": "circle", "size": 12, "test_size": 24, "frequencies": [1, 2]}
    circle = computed({**VALUES, "data": data, "network": network, "seeds": [0]})
    seed, target = circle.seeds[0], circle["curve_target"]
    np.testing.assert_allclose(seed["curve_K_t"][:, ::8], np.tile(target[::8], (len(seed["t"]), 1)), atol=1e-4)
    np.testing.assert_allclose(seed["curve_K_inf"][::8], target[::8], atol=1e-4)
    # Leading eigenfunctions are normed on held-out points, of which 24 of the 96 drawn lie half a step away.
    sizes = np.mean(seed["curve_modes"][:, :3] ** 2, axis=2)
    np.testing.assert_allclose(sizes, 1.0, atol=0.05)


def test_summary_has_the_keys_asked_for(result: RkhsResult) -> None:
    summary = json.loads(json.dumps(result.summary, allow_nan=False))
    assert summary["seeds"] == [0, 3]
    for name in ("S_start", "S_end", "decay_exponent", "test_error", "flags", "H_t_in_H_0", "H_0_in_H_t"):
        assert len(summary[name]) == 2
    assert list(summary["H_t_in_H_0"][0]) == [f"{ridge:g}" for ridge in RIDGES]
    assert set(summary["test_error"][0]) == {"network", "K_0", "K_T", "K_inf"}
    assert all(error > 0 for error in summary["test_error"][1].values())
    assert all(flag in FLAGS for flag in summary["flags"][0].values())
    assert summary["S_start"][0] / summary["S_end"][0] == pytest.approx(result.seeds[0].cheaper())
    # 24 points are too few for a power law, and it says so.
    assert all(isinstance(value, float) or value for value in summary["decay_exponent"])


def test_to_frame(result: RkhsResult) -> None:
    frame = result.to_frame()
    assert len(frame) == 2 * sum(len(seed["t"]) for seed in result.seeds)
    assert set(frame["set"]) == set(SETS)
    assert set(frame["target_flag"]) <= set(FLAGS)
    start = frame[frame.t == 0]
    np.testing.assert_allclose(start["H_t_in_H_0_0.01"], 1.0, rtol=1e-9)
    assert frame.error_K_inf.nunique() == 2  # of y - f_0, which is each seed's own
    with pytest.raises(ValueError, match="read-only"):
        result.seeds[0]["t"][0] = 1


def test_few_parameters_leave_functions_outside_the_span() -> None:
    """A network of 8 parameters on 64 points: rank 8 at most, the target outside H_0, its norm not determined."""
    network = {"depth": 1, "width": 2, "activation": "erf", "train_bias": False, "output_bias": False}
    found = computed({**VALUES, "network": network, "seeds": [0]})
    seed = found.seeds[0]
    assert np.all(seed["grid_rank"] <= 8)
    assert np.all(seed["grid_outside"][:, 0] > 0.1)
    assert np.all(np.isnan(seed["grid_norm"][:, 0]))
    assert found.summary["S_start"] == [None]
    assert found.summary["flags"][0]["S_start"] == "rank-deficient"
    assert found.summary["H_t_in_H_0"][0]["0"] is None
    assert found.summary["H_t_in_H_0"][0]["0.01"] > 0
    assert "above the noise floor" in found.summary["decay_exponent"][0]


@pytest.mark.filterwarnings("ignore:overflow")  # of the run's own diagnostics
@pytest.mark.parametrize(
    ("network", "training", "reason"),
    [
        ({"depth": 40, "width": 1, "sigma_b": 0}, {}, "dead"),
        ({}, {"learning_rate": 1e3, "allow_unstable": True}, "diverged"),
        ({"depth": 12, "activation": "linear"}, {"learning_rate": 1e9, "allow_unstable": True}, "diverged"),
    ],
)
def test_dead_and_diverged_runs_are_results(network: dict, training: dict, reason: str) -> None:
    values = {**VALUES, "network": {**VALUES["network"], **network}, "training": {**VALUES["training"], **training}}
    found = computed({**values, "seeds": [0]})
    assert found.summary["stop_reason"] == [reason]
    json.dumps(found.summary, allow_nan=False)
    assert len(found.to_frame()) == 2 * len(found.seeds[0]["t"]) > 0


def test_ten_outputs() -> None:
    data = {"name": "digits", "size": 30, "test_size": 20, "classes": None}
    found = computed({**VALUES, "data": data, "seeds": [0]}, times=2)
    errors = found.summary["test_error"][0]
    assert 0 < errors["K_0"] < 1.5
    assert len(found["curve_angle"]) == 0


def test_large_spectra_on_request() -> None:
    found = computed({**VALUES, "seeds": [0]}, large=2048)
    values = found.seeds[0]["large_eigenvalues"]
    assert values.shape == (2, 32)
    assert np.all(np.diff(values, axis=1) <= 0)
    # Per point they are those of a small sample, up to what 64 points say.
    small = found.seeds[0]["held_out/eigenvalues"][0, 0] / 24
    assert values[0, 0] / found.seeds[0]["large_size"] == pytest.approx(small, rel=0.3)


def test_progress_rises_and_cancels() -> None:
    seen = []

    def until_spaces(progress: Progress) -> None:
        seen.append(progress.fraction)
        if "spaces" in progress.message:
            raise Cancelled

    with pytest.raises(Cancelled):
        compare(RkhsConfig.from_dict({"run": {**VALUES, "seeds": [0]}, "options": SMALL}), until_spaces)
    assert seen == sorted(seen)
    assert seen[-1] > 0.3


@pytest.mark.parametrize(
    ("run", "options", "words"),
    [
        ({"data": {**VALUES["data"], "size": 1500}}, {}, r"run\.data\.size: 1500 .*lower it"),
        ({"data": {**VALUES["data"], "test_size": 8}}, {}, r"run\.data\.test_size: 8 held-out.*raise it"),
        ({"network": {"width": 20_000}}, {"large": 20_000}, r"options\.large: .*GB.*lower it"),
        ({}, {"grid": 100}, r"options\.grid"),
        ({}, {"large": 500}, r"options\.large"),
    ],
)
def test_what_is_refused(run: dict, options: dict, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        RkhsConfig.from_dict({"run": {**VALUES, **run}, "options": options})
    config = RkhsConfig.from_dict({"run": VALUES})
    assert RkhsConfig.from_dict(config.to_dict()) == config
