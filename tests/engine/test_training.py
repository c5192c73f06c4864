"""Training against independent loops, closed forms and its own promises."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from engine.config import RunConfig
from engine.data import generate, spread
from engine.networks.model import apply, init
from engine.networks.parameters import ParameterPath, StateStore, capacity
from engine.progress import Cancelled, Progress, silent
from engine.schema import ConfigError
from engine.training.job import run
from engine.training.result import RunResult
from engine.training.trajectory import Trajectory, log_ticks

SMALL = {
    "data": {"name": "circle", "size": 8, "test_size": 12, "frequencies": [1]},
    "network": {"depth": 2, "width": 16, "activation": "erf", "centred": True},
    "training": {"max_steps": 40, "stop_residual": None, "checkpoints": 5},
}


def config_of(**changes: dict) -> RunConfig:
    values = {name: dict(section) for name, section in SMALL.items()}
    for name, change in changes.items():
        values[name] = {**values[name], **change} if isinstance(change, dict) else change
    return RunConfig.from_dict(values)


def result_of(config: RunConfig) -> RunResult:
    return RunResult.from_arrays(run(config)["result"])


def descend(config: RunConfig, eta: float, steps: int, momentum: float = 0.0) -> np.ndarray:
    """Outputs on the training points after `steps` of plain descent on the loss as written, in float64."""
    network, data = config.network, generate(config.data)
    x, y = jnp.asarray(data.x_train), jnp.asarray(data.y_train)
    scale = {"half_mean": 0.5 / len(x), "mean": 1 / len(x), "half_sum": 0.5}[config.training.loss]
    params = jax.tree.map(lambda leaf: leaf.astype(jnp.float64), init(network, config.seeds[0], x.shape[1], y.shape[1]))
    h_0 = apply(network, params, x) if network.centred else 0.0

    def f(params: dict) -> jax.Array:
        return network.alpha * (apply(network, params, x) - h_0)

    gradient = jax.jit(jax.grad(lambda params: scale * jnp.sum((f(params) - y) ** 2)))
    velocity = jax.tree.map(jnp.zeros_like, params)
    for _ in range(steps):
        velocity = jax.tree.map(lambda v, g: momentum * v + g, velocity, gradient(params))
        params = jax.tree.map(lambda p, v: p - eta * v, params, velocity)
    return np.asarray(f(params))


@pytest.mark.parametrize("loss", ["half_mean", "mean", "half_sum"])
def test_descent_is_descent_on_the_loss_as_written(loss: str) -> None:
    eta = {"half_mean": 0.2, "mean": 0.1, "half_sum": 0.025}[loss]
    config = config_of(training={"loss": loss, "learning_rate": eta})
    seed = result_of(config).seeds[0]
    assert seed.learning_rate == pytest.approx(eta)
    assert seed["t"][-1] == pytest.approx(40 * {"half_mean": eta / 8, "mean": 2 * eta / 8, "half_sum": eta}[loss])
    assert seed.t_stop == seed["t"][-1]
    np.testing.assert_allclose(seed["f_train"][-1], descend(config, eta, 40), atol=2e-5)
    r = seed["f_train"][-1] - generate(config.data).y_train
    weight = {"half_mean": 0.5 / 8, "mean": 1 / 8, "half_sum": 0.5}[loss]
    assert seed["loss"][-1] == pytest.approx(weight * np.sum(r**2), rel=1e-6)


def test_another_loss_at_the_same_stability_fraction_is_the_same_run() -> None:
    """What the conventions panel says: eta changes, nothing else does."""
    seeds = [result_of(config_of(training={"loss": loss})).seeds[0] for loss in ("half_mean", "mean", "half_sum")]
    for other in seeds[1:]:
        for name in ("t", "f_train", "residual", "lambda_max"):
            np.testing.assert_allclose(other[name], seeds[0][name], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose([seed.learning_rate / seed.effective_rate for seed in seeds], [8, 4, 1])


def test_momentum_and_output_scale() -> None:
    config = config_of(network={"alpha": 0.5}, training={"learning_rate": 0.3, "momentum": 0.6})
    seed = result_of(config).seeds[0]
    np.testing.assert_allclose(seed["f_train"][-1], descend(config, 0.3, 40, momentum=0.6), atol=2e-5)


def test_biases_that_start_at_scale_zero_train() -> None:
    """One step of a linear network by hand: f = (x W + b) v + c, b = -eta_eff sum_i r_i v, c = -eta_eff sum_i r_i."""
    network = {"depth": 1, "activation": "linear", "parameterization": "standard", "sigma_b": 0.0, "centred": False}
    training = {"max_steps": 1, "checkpoints": 2, "precision": "float64", "learning_rate": 0.01, "loss": "half_sum"}
    config = config_of(network=network, training=training)
    entries = run(config)
    path, data = ParameterPath.from_arrays(entries["parameters"], 0), generate(config.data)
    before, after = path.at(0), path.at(1)
    W, v = before["hidden_0"]["w"][0], before["readout"]["w"]
    r = data.x_train @ W @ v - data.y_train
    assert not np.any(before["hidden_0"]["b"])
    assert not np.any(before["readout"]["b"])
    np.testing.assert_allclose(after["hidden_0"]["b"][0], -0.01 * (r @ v.T).sum(axis=0), rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(after["readout"]["b"], -0.01 * r.sum(axis=0), rtol=1e-12, atol=1e-15)
    own = {**config.to_dict(), "network": {**config.to_dict()["network"], "sigma_b": 0.3}}
    np.testing.assert_array_equal(
        result_of(RunConfig.from_dict(own)).seeds[0]["f_train"], entries["result"]["seed0/f_train"]
    )


def test_linearised_dynamics_of_a_very_wide_scale() -> None:
    """Large alpha: f follows (I - eta_eff K_0)^k y to the order of the drift (Chizat, Oyallon and Bach)."""
    config = config_of(network={"alpha": 300.0}, training={"stability_fraction": 0.25})
    seed = result_of(config).seeds[0]
    y = generate(config.data).y_train
    network, data = config.network, generate(config.data)
    params = jax.tree.map(lambda leaf: leaf.astype(jnp.float64), init(network, 0, 2, 1))
    J = jax.jacrev(lambda params: 300.0 * apply(network, params, jnp.asarray(data.x_train))[:, 0])(params)
    rows = np.concatenate([np.asarray(leaf).reshape(8, -1) for leaf in jax.tree.leaves(J)], axis=1)
    K = rows @ rows.T
    step = np.eye(8) - seed.effective_rate * K
    expected = y - np.linalg.matrix_power(step, 40) @ y
    assert seed["drift"][-1] < 1e-3
    np.testing.assert_allclose(seed["f_train"][-1], expected, atol=2e-3)


def test_runge_kutta_follows_the_flow() -> None:
    """rk4 with steps h agrees with descent with steps h/200, whose error is of first order."""
    config = config_of(training={"integrator": "rk4", "stability_fraction": 0.25, "max_steps": 4})
    seed = result_of(config).seeds[0]
    fine = descend(config, 8 * seed.effective_rate / 200, 800)
    rough = descend(config, 8 * seed.effective_rate, 4)
    assert np.abs(seed["f_train"][-1] - fine).max() < 0.02 * np.abs(rough - fine).max()


def test_minibatches_follow_the_full_gradient_on_average() -> None:
    """The minibatch gradient is unbiased: with a small step many batches move f as the full set does."""
    full = result_of(config_of(training={"learning_rate": 0.01, "max_steps": 300})).seeds[0]
    batches = result_of(config_of(training={"learning_rate": 0.01, "max_steps": 300, "batch_size": 2})).seeds[0]
    assert full["residual"][-1] < 0.9
    np.testing.assert_allclose(batches["f_train"][-1], full["f_train"][-1], atol=0.1)
    assert not np.array_equal(batches["f_train"][-1], full["f_train"][-1])


def test_checkpoints_are_enough_distinct_and_hold_both_ends() -> None:
    config = config_of(training={"checkpoints": 20, "stop_residual": 0.3, "max_steps": 5000}, seeds=[0, 1])
    result = result_of(config)
    for seed in result.seeds:
        steps = seed["step"]
        assert seed.stop_reason == "residual"
        assert len(set(steps)) == len(steps) >= 20
        assert steps[0] == 0
        assert steps[-1] == seed.steps
        assert seed["residual"][-1] <= 0.3 < seed["residual"][-2]
        assert np.all(np.diff(steps) > 0)
        np.testing.assert_allclose(seed["t"], seed.effective_rate * steps)
        assert seed.effective_rate * seed["lambda_max"][0] == pytest.approx(0.5)


def test_checkpoints_added_afterwards_lie_on_the_trajectory() -> None:
    """Twice as many checkpoints: those that both runs hold are the same to the last bit."""
    few = result_of(config_of(training={"checkpoints": 6, "max_steps": 100})).seeds[0]
    many = result_of(config_of(training={"checkpoints": 50, "max_steps": 100})).seeds[0]
    common, i, j = np.intersect1d(few["step"], many["step"], return_indices=True)
    assert len(common) >= 5
    np.testing.assert_array_equal(few["f_test"][i], many["f_test"][j])


def test_short_runs_keep_every_step() -> None:
    seed = result_of(config_of(training={"checkpoints": 64, "max_steps": 7})).seeds[0]
    assert seed["step"].tolist() == list(range(8))
    assert seed.stop_reason == "max_steps"


def test_divergence_is_a_result() -> None:
    config = config_of(training={"stability_fraction": 5.0, "allow_unstable": True, "max_steps": 2000})
    result = result_of(config_of(network={"activation": "relu"}, training=config.training.to_dict()))
    assert result.seeds[0].stop_reason == "diverged"
    assert result.summary["stop_reason"] == ["diverged"]


def test_a_residual_on_the_stop_to_the_last_bit_is_at_its_stop() -> None:
    """The program compares with the stop rounded to float32; the host did not, and went on for ever."""
    config = config_of(training={"precision": "float32"})
    trajectory = Trajectory(config, generate(config.data), 0, silent)
    trajectory.run()
    last, start = float(trajectory.state.residual), trajectory.reference.residual  # type: ignore[union-attr]
    stop = last * (1 - 1e-9) / start
    seed = result_of(config_of(training={"precision": "float32", "max_steps": 80, "stop_residual": stop})).seeds[0]
    assert (seed.stop_reason, seed.steps) == ("residual", 40)


def test_a_dead_network_is_a_result() -> None:
    """Width 1 and depth 60: every ReLU network of this size has a layer that passes nothing."""
    settings = {"depth": 60, "width": 1, "activation": "relu", "sigma_b": 0, "train_bias": False, "output_bias": False}
    seed = result_of(config_of(network={**settings, "centred": False})).seeds[0]
    assert seed.stop_reason == "dead"
    assert seed.steps == 0
    assert seed["lambda_max"].tolist() == [0.0]


def test_the_kernel_is_measured_between_spread_out_test_points() -> None:
    """Profile and alignment at t = 0 from the Jacobian of the whole network, at 64 of 130 test points."""
    config = config_of(data={"test_size": 130}, training={"max_steps": 1})
    seed, data = result_of(config).seeds[0], generate(config.data)
    some = spread(130, 64)
    assert len(set(some)) == 64
    assert some[-1] > 120
    x = jnp.asarray(np.concatenate([data.x_train[:1], data.x_test[some]]))
    params = jax.tree.map(lambda leaf: leaf.astype(jnp.float64), init(config.network, 0, 2, 1))
    J = jax.jit(jax.jacrev(lambda params: apply(config.network, params, x)[:, 0]))(params)
    rows = np.concatenate([np.asarray(leaf).reshape(65, -1) for leaf in jax.tree.leaves(J)], axis=1)
    np.testing.assert_allclose(seed["profile"][0], (rows @ rows.T)[0, 1:], rtol=1e-9)
    H = np.eye(64) - 1 / 64
    K, y = H @ (rows @ rows.T)[1:, 1:] @ H, H @ data.y_test[some]
    expected = (y.T @ K @ y).item() / np.linalg.norm(K) / np.sum(y**2)
    assert seed["alignment_test"][0] == pytest.approx(expected, rel=1e-9)


def test_the_stability_limit_is_two_over_the_top_eigenvalue() -> None:
    """eta_eff lambda_max(K_0) < 2, and eta_eff = eta/M: 1% below it is a run, 1% above it is none."""
    limit = 2 * 8 / result_of(config_of(training={"max_steps": 1})).seeds[0]["lambda_max"][0]
    below = result_of(config_of(training={"learning_rate": 0.99 * limit, "max_steps": 1})).seeds[0]
    assert below.effective_rate * below["lambda_max"][0] == pytest.approx(1.98)
    with pytest.raises(ConfigError, match="is at or beyond the stability limit"):
        run(config_of(training={"learning_rate": 1.01 * limit, "max_steps": 1}))


def test_an_unstable_learning_rate_is_refused_with_its_limit() -> None:
    with pytest.raises(
        ConfigError, match=r"training\.learning_rate: 1000 is at or beyond the stability limit .*allow_unstable"
    ):
        run(config_of(training={"learning_rate": 1000.0}))


def test_progress_reports_each_checkpoint_and_cancels() -> None:
    seen: list[Progress] = []
    result = RunResult.from_arrays(run(config_of(seeds=[3, 4]), seen.append)["result"])
    rows = [row for progress in seen for row in progress.rows]
    assert sorted((row["seed"], row["step"]) for row in rows) == [
        (seed.seed, step) for seed in result.seeds for step in seed["step"]
    ]
    assert all(0 <= progress.fraction <= 1 for progress in seen)

    def stop(progress: Progress) -> None:
        if progress.fraction > 0.2:
            raise Cancelled

    with pytest.raises(Cancelled):
        run(config_of(seeds=[3, 4]), stop)


def test_parameters_are_those_of_the_checkpoints() -> None:
    config = config_of(network={"centred": False}, seeds=[0, 7])
    entries = run(config)
    result, data = RunResult.from_arrays(entries["result"]), generate(config.data)
    for index, seed in enumerate(result.seeds):
        path = ParameterPath.from_arrays(entries["parameters"], index)
        assert path.steps.tolist() == seed["step"].tolist()
        for i in (0, len(path.steps) - 1):
            f = apply(config.network, path.at(i), jnp.asarray(data.x_test, jnp.float32))
            np.testing.assert_allclose(f, seed["f_test"][i], atol=1e-5)
    assert all(array.dtype == np.float32 for name, array in entries["parameters"].items() if name.count("/") == 2)
    assert "parameters" not in run(config_of(store_parameters=False))


def test_large_parameters_keep_fewer_checkpoints() -> None:
    small, large = config_of(), config_of(network={"width": 1000}, seeds=[0, 1, 2])
    assert capacity(small) > 1000
    assert capacity(large) == 200_000_000 // (4 * large.parameter_count * 3) < 20
    assert capacity(config_of(network={"width": 60000})) == 2
    store = StateStore(3)
    for step in (0, 1, 2, 50, 100):
        store.add(step, step)
    assert sorted(store.states)[0] == 0
    assert sorted(store.states)[-1] == 100
    assert len(store.states) == 3
    assert store.before(99)[0] <= 99


def test_ten_outputs() -> None:
    """lambda_max is that of the full kernel; the spectrum is the traced one's."""
    digits = {"name": "digits", "size": 30, "test_size": 20, "classes": None}
    values = {**SMALL, "data": digits, "network": {**SMALL["network"], "activation": "relu", "alpha": 0.7}}
    config = RunConfig.from_dict(values)
    seed, data = result_of(config).seeds[0], generate(config.data)
    params = jax.tree.map(lambda leaf: leaf.astype(jnp.float64), init(config.network, 0, 64, 10))
    J = jax.jit(jax.jacrev(lambda params: 0.7 * apply(config.network, params, jnp.asarray(data.x_train))))(params)
    J = np.concatenate([np.asarray(leaf).reshape(30, 10, -1) for leaf in jax.tree.leaves(J)], axis=2)
    rows = J.reshape(300, -1)
    assert seed["lambda_max"][0] == pytest.approx(np.linalg.eigvalsh(rows @ rows.T)[-1], rel=1e-5)
    traced = np.einsum("ihp,jhp->ij", J, J) / 10
    np.testing.assert_allclose(seed["eigenvalues"][0], np.linalg.eigvalsh(traced)[::-1], rtol=1e-8, atol=1e-8)
    assert seed["test_accuracy"][-1] >= seed["test_accuracy"][0]


def test_function_and_kernel_are_followed_on_probes() -> None:
    """Against autodiff at the parameters of the checkpoints; nothing else of the run changes."""
    plain = config_of(network={"output_bias": False})
    config = RunConfig.from_dict({**plain.to_dict(), "probes": {"name": "circle", "size": 5, "points": "random"}})
    entries = run(config)
    result, path = RunResult.from_arrays(entries["result"]), ParameterPath.from_arrays(entries["parameters"], 0)
    seed, x = result.seeds[0], jnp.asarray(generate(config.probes).x_train)
    at = {step: place for place, step in enumerate(seed["step"].tolist())}

    def f(params: dict) -> jax.Array:
        return apply(config.network, params, x)[:, 0]

    def wide(index: int) -> dict:
        return jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.float64), path.at(index))

    for index, step in enumerate(path.steps.tolist()):
        J = np.concatenate([np.asarray(leaf).reshape(5, -1) for leaf in jax.tree.leaves(jax.jacrev(f)(wide(index)))], 1)
        np.testing.assert_allclose(seed["probe_kernel"][at[step]], J @ J.T, rtol=1e-10)
        np.testing.assert_allclose(seed["probe_f"][at[step], :, 0], f(wide(index)) - f(wide(0)), atol=1e-5)
    K = seed["probe_kernel"]
    drift = np.linalg.norm(K[-1] - K[0]) / np.linalg.norm(K[0])
    assert seed["probe_drift"][-1] == pytest.approx(drift, rel=1e-12)
    assert result.summary["probe_drift"] == [pytest.approx(drift, rel=1e-12)]
    without = RunResult.from_arrays(run(plain)["result"])
    assert "probe_drift" not in without.summary
    assert set(seed.arrays) - set(without.seeds[0].arrays) == {"probe_drift", "probe_kernel", "probe_f"}
    for name, array in without.seeds[0].arrays.items():
        np.testing.assert_allclose(seed[name], array, rtol=1e-6, atol=1e-6, err_msg=name)


@pytest.mark.parametrize(("count", "last"), [(5, 40), (64, 20000), (64, 7), (1, 1), (300, 100000)])
def test_log_ticks(count: int, last: int) -> None:
    ticks = log_ticks(count, last)
    assert ticks[0] == 1
    assert ticks[-1] == last or last == 1
    assert np.all(np.diff(ticks) > 0)
    assert len(ticks) >= min(count, last)
