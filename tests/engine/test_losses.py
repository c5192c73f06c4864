"""Losses beyond the squared one and weight decay: against optax, scikit-learn, SciPy's flows and closed forms."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import jax
import jax.flatten_util
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import scipy.integrate
import sklearn.metrics

from engine.config import RunConfig
from engine.data import generate
from engine.data.two_moons import TwoMoonsConfig
from engine.losses import LOSSES, in_units, learned, margins, missed
from engine.networks.model import apply, init
from engine.networks.parameters import ParameterPath
from engine.rkhs.motion import Followed
from engine.schema import ConfigError
from engine.training.job import run
from engine.training.path import kernel_path
from engine.training.result import RunResult, SeedResult
from engine.training.walk import effective_rates

CLASSES = ("logistic", "squared_hinge", "hinge")
MOONS = {"name": "two_moons", "size": 12, "test_size": 24}
THREE = {"name": "wine", "size": 12, "test_size": 24, "classes": None}
NETWORK = {"depth": 2, "width": 16, "activation": "erf"}


def config_of(loss: str, data: dict | None = None, network: dict | None = None, **training: Any) -> RunConfig:
    stop = {"max_steps": 30, "stop_residual": None, "checkpoints": 4, "precision": "float64"}
    return RunConfig.from_dict(
        {"data": data or MOONS, "network": NETWORK | (network or {}), "training": stop | {"loss": loss} | training}
    )


def result_of(config: RunConfig) -> tuple[SeedResult, ParameterPath]:
    entries = run(config)
    return RunResult.from_arrays(entries["result"]).seeds[0], ParameterPath.from_arrays(entries["parameters"], 0)


# The losses themselves.


def outputs(k: int, size: float = 2.0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(k)
    y = rng.choice([-1.0, 1.0], (6, 1)) if k == 1 else 2 * np.eye(k)[rng.integers(0, k, 6)] - 1
    return size * rng.standard_normal((6, k)), y


def of_optax(loss: str, f: Any, y: Any) -> Any:
    """l of each point, by optax."""
    if loss == "logistic":
        binary = optax.losses.sigmoid_binary_cross_entropy
        return binary(f, (y + 1) / 2)[:, 0] if f.shape[1] == 1 else optax.losses.softmax_cross_entropy(f, (y + 1) / 2)
    each = optax.losses.hinge_loss(f, y)
    return jnp.sum(each if loss == "hinge" else each**2 / 2, axis=1)


@pytest.mark.parametrize("k", [1, 3])
@pytest.mark.parametrize("loss", CLASSES)
def test_values_and_slopes_are_those_of_optax(loss: str, k: int) -> None:
    f, y = outputs(k)
    np.testing.assert_allclose(LOSSES[loss].value(f, y, np).sum(axis=1), of_optax(loss, f, y), rtol=1e-12)
    slope = jax.grad(lambda f: jnp.sum(of_optax(loss, f, y)))(jnp.asarray(f))
    np.testing.assert_allclose(LOSSES[loss].slope(f, y, np), slope, rtol=1e-11, atol=1e-15)
    np.testing.assert_array_equal(LOSSES[loss].slope(jnp.asarray(f), y, jnp).shape, f.shape)


@pytest.mark.parametrize("k", [1, 4])
@pytest.mark.parametrize("loss", CLASSES)
def test_no_curvature_is_above_that_of_the_loss(loss: str, k: int) -> None:
    """The bound is reached: by logistic at f = 0 (one output), by softmax between two classes that share everything."""
    f, y = outputs(k)
    if k > 1:
        f[0] = [0.0, 0.0, -40.0, -40.0]
    f[-1] *= 0
    hessian = jax.vmap(jax.hessian(lambda f, y: jnp.sum(of_optax(loss, f[None], y[None]))))(jnp.asarray(f), y)
    largest = np.linalg.eigvalsh(np.asarray(hessian)).max()
    assert largest == pytest.approx(LOSSES[loss].curvature[k > 1], abs=1e-9)


@pytest.mark.parametrize("k", [1, 3])
def test_logistic_keeps_its_digits_far_out(k: int) -> None:
    """At a logit of 50 the probability of the others is e^-50 times (k - 1, or 1), at -1000 all of it."""
    f, y = np.zeros((2, k)), -np.ones((2, k))
    f[0, 0], f[1, 0], y[:, 0] = 50.0, -1000.0, 1.0
    found, others = LOSSES["logistic"].slope(f, y, np), max(k - 1, 1)
    assert found[0, 0] == pytest.approx(-others * np.exp(-50.0), rel=1e-12)
    assert found[1, 0] == pytest.approx(-1.0)
    assert LOSSES["logistic"].value(f, y, np)[1].sum() == pytest.approx(1000 + np.log(others))


def test_errors_and_margins_are_those_of_scikit_learn() -> None:
    f, y = outputs(1)
    p = 1 / (1 + np.exp(-f[:, 0]))
    assert missed("logistic", f, y) == pytest.approx(4 * sklearn.metrics.brier_score_loss(y[:, 0], p, pos_label=1))
    assert np.mean(margins(f, y) > 0) == sklearn.metrics.accuracy_score(y[:, 0], np.sign(f[:, 0]))
    several, classes = outputs(3)
    softmax = np.exp(several) / np.exp(several).sum(axis=1, keepdims=True)
    brier, even = (np.sum((one - (classes > 0)) ** 2) for one in (softmax, np.full((6, 3), 1 / 3)))
    assert missed("logistic", several, classes) == pytest.approx(brier / even)
    best = sklearn.metrics.top_k_accuracy_score(classes.argmax(axis=1), several, k=1, labels=range(3))
    assert np.mean(margins(several, classes) > 0) == pytest.approx(best)
    assert all(missed(loss, 0 * f, y) == 1 for loss in LOSSES)
    assert missed("hinge", 7 * y, y) == 0


def test_a_guess_has_the_units_of_the_targets() -> None:
    """Certain outputs give the targets themselves, in whatever units: of one output, of several, centred or not."""
    y = np.array([[0.3], [-0.3], [0.3]])
    np.testing.assert_allclose(in_units("logistic", 100 * np.sign(y), y), y)
    three = 1.7 * (np.eye(3) - 1 / 3)
    np.testing.assert_allclose(in_units("logistic", 100 * np.eye(3), three), three, atol=1e-12)
    np.testing.assert_array_equal(in_units("mean", three, y), three)


def test_classes_are_read_from_labels_or_from_two_values() -> None:
    data = generate(TwoMoonsConfig.from_dict({**MOONS, "target_rms": 3.0}))
    signs = 2.0 * data.labels_train[:, None] - 1
    np.testing.assert_array_equal(learned("hinge", data).y_train, signs)
    np.testing.assert_array_equal(learned("hinge", replace(data, labels_train=None)).y_train, signs)
    assert learned("mean", data) is data
    uneven = replace(data, y_train=np.linspace(-1, 1, 12)[:, None], labels_train=None)
    with pytest.raises(ConfigError, match="hinge is a loss of classes, but the targets take more values than two"):
        learned("hinge", uneven)


# Training, against loops and flows that share nothing with the engine but the network's function.


def whole(config: RunConfig) -> tuple[Callable, Any, Any, Any, Callable]:
    """theta -> f, x, y, theta_0 (flat, float64), and what makes a tree of theta."""
    data, k = learned(config.training.loss, generate(config.data)), config.data.output_dim
    params = jax.tree.map(partial(jnp.asarray, dtype=jnp.float64), init(config.network, 0, config.data.input_dim, k))
    h_0 = apply(config.network, params, data.x_train) if config.network.centred else 0.0
    theta, tree = jax.flatten_util.ravel_pytree(params)

    def f(theta: Any, x: Any = data.x_train, h_0: Any = h_0) -> Any:
        return config.network.alpha * (apply(config.network, tree(theta), x) - h_0)

    return f, jnp.asarray(data.x_train), jnp.asarray(data.y_train), theta, tree


def written(config: RunConfig, f: Any, y: Any) -> Any:
    """The loss as the settings say it, without weight decay."""
    squares = {"half_mean": 0.5 / len(y), "mean": 1 / len(y), "half_sum": 0.5}
    if config.training.loss in squares:
        return squares[config.training.loss] * jnp.sum((f - y) ** 2)
    return jnp.mean(of_optax(config.training.loss, f, y))


CASES = [
    *((loss, data, {}) for loss in CLASSES for data in (MOONS, THREE)),
    ("logistic", MOONS, {"momentum": 0.7, "weight_decay": 3e-3}),
    ("squared_hinge", THREE, {"batch_size": 5, "weight_decay": 1e-2}),
    ("mean", MOONS, {"momentum": 0.5, "weight_decay": 1e-2}),
    ("half_sum", MOONS, {"weight_decay": 0.1}),
]


@pytest.mark.parametrize(("loss", "data", "more"), CASES)
def test_descent_is_that_of_optax(loss: str, data: dict, more: dict) -> None:
    eta = 0.02 if loss == "half_sum" else 0.2
    config = config_of(loss, data, learning_rate=eta, allow_unstable=True, **more)
    _compare_with_optax(config, eta)


def test_a_residual_network_decays_too() -> None:
    config = config_of("logistic", learning_rate=0.2, weight_decay=1e-2)
    network = {"kind": "resnet", "depth": 2, "width": 16, "activation": "erf"}
    _compare_with_optax(RunConfig.from_dict({**config.to_dict(), "network": network}), 0.2)


def _compare_with_optax(config: RunConfig, eta: float) -> None:
    seed, path = result_of(config)
    f, x, y, theta, _ = whole(config)
    training, size = config.training, len(x)

    def value(theta: Any, chosen: Any) -> Any:
        return written(config, f(theta, x[chosen]), y[chosen])

    descent = optax.chain(
        optax.add_decayed_weights(training.weight_decay), optax.sgd(eta, training.momentum or None)
    )  # PyTorch's SGD adds weight decay so, too
    state, gradient = descent.init(theta), jax.jit(jax.grad(value))
    for step in range(30):
        order = jax.random.permutation(jax.random.fold_in(jax.random.fold_in(jax.random.key(0), 1), step), size)
        chosen = order[: training.batch_size] if training.batch_size else order
        update, state = descent.update(gradient(theta, chosen), state, theta)
        theta = optax.apply_updates(theta, update)
    np.testing.assert_allclose(seed["f_train"][-1], f(theta), atol=1e-9)
    np.testing.assert_allclose(jax.flatten_util.ravel_pytree(path.at(len(path.steps) - 1))[0], theta, atol=1e-9)
    assert seed["loss"][-1] == pytest.approx(float(value(theta, np.arange(size))), rel=1e-9)
    scale = {"half_sum": 1.0, "mean": 2 / size}.get(training.loss, 1 / size)
    assert seed["t"][-1] == pytest.approx(30 * eta * scale)


@pytest.mark.parametrize(
    ("loss", "decay"), [("logistic", 0.0), ("logistic", 0.02), ("squared_hinge", 0.0), ("half_mean", 0.05)]
)
def test_runge_kutta_follows_the_flow_of_the_loss(loss: str, decay: float) -> None:
    """theta' = -M grad L in t, by SciPy's DOP853."""
    config = config_of(loss, integrator="rk4", stability_fraction=0.05, max_steps=12, weight_decay=decay)
    seed, _ = result_of(config)
    f, x, y, theta, _ = whole(config)

    def value(theta: Any) -> Any:
        return len(x) * (written(config, f(theta), y) + decay / 2 * jnp.sum(theta**2))

    down = jax.jit(jax.grad(lambda theta: -value(theta)))
    flow = scipy.integrate.solve_ivp(
        lambda t, theta: np.asarray(down(theta)), (0, seed.t_stop), theta, method="DOP853", rtol=1e-10, atol=1e-12
    )
    np.testing.assert_allclose(seed["f_train"][-1], f(flow.y[:, -1]), atol=2e-7)


def test_a_lazy_network_follows_its_frozen_kernel_under_logistic_loss() -> None:
    """f' = -K_0 dl/df, integrated by SciPy from the Jacobian at the start, at an output scale of 1,000."""
    config = config_of("logistic", network={"alpha": 1000.0, "centred": True}, integrator="rk4", max_steps=60)
    seed, _ = result_of(config)
    f, _, y, theta, _ = whole(config)
    J = np.asarray(jax.jacrev(lambda theta: f(theta)[:, 0])(theta))

    def force(t: float, f: np.ndarray) -> np.ndarray:
        return J @ J.T @ (y[:, 0] / (1 + np.exp(y[:, 0] * f)))

    lazy = scipy.integrate.solve_ivp(force, (0, seed.t_stop), np.zeros(len(y)), rtol=1e-10, atol=1e-12)
    assert np.abs(lazy.y[:, -1]).max() > 0.5
    np.testing.assert_allclose(seed["f_train"][-1][:, 0], lazy.y[:, -1], atol=2e-3)


@pytest.mark.parametrize(("part", "other"), [("readout", "hidden_0"), ("hidden", "readout")])
def test_a_part_that_does_not_train_does_not_decay(part: str, other: str) -> None:
    _, path = result_of(config_of("hinge", network={"train": part}, weight_decay=0.1, learning_rate=0.1, max_steps=8))
    first, last = path.at(0), path.at(len(path.steps) - 1)
    np.testing.assert_array_equal(first[other]["w"], last[other]["w"])
    own = "readout" if part == "readout" else "hidden_0"
    assert np.abs(last[own]["w"] - first[own]["w"]).max() > 0.01


def test_biases_that_do_not_train_do_not_decay() -> None:
    """Weights shrink, biases that stay stay."""
    network = {"train_bias": False, "bias_init": "normal", "readout": "relu", "width": 1, "depth": 1, "sigma_b": 0.01}
    config = config_of("hinge", network=network, weight_decay=0.5, learning_rate=0.1, allow_unstable=True, max_steps=8)
    _, path = result_of(config)
    first, last = path.at(0), path.at(len(path.steps) - 1)
    np.testing.assert_array_equal(first["hidden_0"]["b"], last["hidden_0"]["b"])
    assert np.abs(last["hidden_0"]["w"] - first["hidden_0"]["w"]).max() > 0.05


def test_the_slope_of_the_kernel_is_along_the_flow_of_the_loss() -> None:
    """K'_t of logistic loss with weight decay against a difference of kernels along theta' itself."""
    config = config_of("logistic", integrator="rk4", stability_fraction=0.1, max_steps=3, weight_decay=0.02)
    seed, path = result_of(config)
    data = learned("logistic", generate(config.data))
    found = kernel_path(config, data, path, seed.effective_rate)
    f, x, y, theta, _ = whole(config)
    down = jax.grad(lambda theta: -len(x) * (written(config, f(theta), y) + 0.01 * jnp.sum(theta**2)))(theta)

    def kernel(theta: Any) -> Any:
        J = jax.jacrev(lambda theta: f(theta)[:, 0])(theta)
        return J @ J.T

    h = 1e-4
    slope = (kernel(theta + h * down) - kernel(theta - h * down)) / (2 * h)
    np.testing.assert_allclose(found.slope[0], slope, rtol=1e-5, atol=1e-6 * np.abs(slope).max())


def test_the_loss_falls_by_the_kernel_of_the_residual() -> None:
    """-dS/dt = r^T K r along the flow, r = dl/df: at logistic loss too."""
    config = config_of("logistic")
    f, _, y, theta, _ = whole(config)
    J = np.asarray(jax.jacrev(lambda theta: f(theta)[:, 0])(theta))
    r = LOSSES["logistic"].slope(np.asarray(f(theta)), y, np)
    S = jax.grad(lambda theta: jnp.sum(of_optax("logistic", f(theta), y)))(theta)
    assert float((r.T @ J @ J.T @ r)[0, 0]) == pytest.approx(float(S @ S), rel=1e-10)
    gram: Any = type("Gram", (), {"size": len(y)})
    run = Followed(np.arange(1), np.zeros(1), 0.1, "", J @ J.T, (gram,), np.asarray(f(theta))[None], 3 * y, "logistic")
    np.testing.assert_allclose(run.residual[0], r)


def test_diagnostics_of_classes() -> None:
    config = config_of("logistic", THREE)
    seed, _ = result_of(config)
    data = learned("logistic", generate(config.data))
    f = seed["f_test"][-1].astype(np.float64)
    softmax = np.exp(f) / np.exp(f).sum(axis=1, keepdims=True)
    labels = data.labels_test
    assert seed["test_loss"][-1] == pytest.approx(sklearn.metrics.log_loss(labels, softmax, labels=range(3)))
    assert seed["test_accuracy"][-1] == sklearn.metrics.accuracy_score(labels, f.argmax(axis=1))
    own = np.sort(np.where(data.y_train > 0, -np.inf, seed["f_train"][-1]), axis=1)[:, -1]
    assert seed["margin"][-1] == pytest.approx((seed["f_train"][-1][data.y_train > 0] - own).min())
    r = [LOSSES["logistic"].slope(seed["f_train"][at].astype(float), data.y_train, np) for at in (0, -1)]
    assert seed["residual"][-1] == pytest.approx(np.linalg.norm(r[1]) / np.linalg.norm(r[0]))
    np.testing.assert_allclose(np.linalg.norm(seed["mode_residual"], axis=1), seed["residual"], rtol=1e-9)
    plain, _ = result_of(config_of("mean", THREE))
    assert "test_loss" not in plain
    assert "margin" not in plain


def test_a_stop_by_residual_is_of_the_slope() -> None:
    seed, _ = result_of(config_of("squared_hinge", stop_residual=0.3, max_steps=2000))
    assert seed.stop_reason == "residual"
    assert 0.2 < seed["residual"][-1] <= 0.3


# Steps and their limits.


@pytest.mark.parametrize(
    ("loss", "data", "c"),
    [
        ("half_mean", MOONS, 1),
        ("logistic", MOONS, 0.25),
        ("logistic", THREE, 0.5),
        ("squared_hinge", THREE, 1),
        ("hinge", MOONS, 1),
    ],
)
def test_the_stability_fraction_is_of_the_steepest_curvature(loss: str, data: dict, c: float) -> None:
    for decay in (0.0, 0.3):
        config = config_of(loss, data, stability_fraction=0.4, weight_decay=decay)
        assert effective_rates(config, np.array(5.0)) == pytest.approx(0.8 / (5 * c + 12 * decay))


def test_a_step_at_the_limit_is_refused() -> None:
    """eta_eff (c lambda_max + d) >= 2; nothing of the hinge, which has no curvature."""
    for loss, c in (("half_sum", 1.0), ("logistic", 0.25)):
        config = config_of(loss, weight_decay=0.5)
        scale, d = {"half_sum": (1.0, 0.5), "logistic": (1 / 12, 6.0)}[loss]
        limit = 2 / (scale * (5 * c + d))
        for factor, fits in ((0.999, True), (1.001, False)):
            training = {**config.training.model_dump(), "stability_fraction": None, "learning_rate": factor * limit}
            tried = RunConfig.from_dict({**config.to_dict(), "training": training})
            if fits:
                assert effective_rates(tried, np.array(5.0)) == pytest.approx(factor * limit * scale)
                continue
            with pytest.raises(ConfigError, match=r"steepest curvature of the loss\) = .*: lower it"):
                effective_rates(tried, np.array(5.0))
    with pytest.raises(ConfigError, match=r"puts eta_eff times the steepest curvature = 2.4 at or beyond .* 2: lower"):
        config_of("logistic", stability_fraction=1.2)
    assert config_of("hinge", stability_fraction=1.2).training.stability_limit == np.inf
