"""`kd.watch` in loops of JAX, flax linen and nnx: kernels against Jacobians, classes and losses, when it records."""

from collections.abc import Callable
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from recorded_loops import HELD_OUT, Nnx, X, Y, linear, of, watched

import engine as kd
from engine.recording.probes import Probes
from engine.schema import ConfigError

pytestmark = pytest.mark.usefixtures("folder")


def jacobian_kernel(apply: Callable, params: Any, x: np.ndarray) -> np.ndarray:
    """(1/k) sum_o J_o J_o^T by reverse mode, a row for each example."""
    wide = jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.float64), params)
    jacobian = jax.jacrev(apply)(wide, jnp.asarray(x, jnp.float64))
    flat = [leaf.reshape(len(x), leaf.shape[1], -1) for leaf in jax.tree.leaves(jacobian)]
    return sum(np.einsum("iop,jop->ij", leaf, leaf) / leaf.shape[1] for leaf in flat)


def test_a_linear_network_has_the_kernel_of_its_inputs_at_every_step() -> None:
    params = {"w": jnp.ones((3, 1))}
    with kd.watch("linear", linear, X, Y, held_out=HELD_OUT) as watch:
        for step in range(20):
            watch(step, params, t=0.1 * step, loss=1.0 / (1 + step))
            params = {"w": params["w"] * 0.9}
    found, seed = of(watch.result), watch.result.seeds[0]
    np.testing.assert_allclose(found.kernel, np.broadcast_to(X @ X.T, found.kernel.shape), atol=1e-13)
    for at, step in enumerate(found.step):
        np.testing.assert_allclose(found.outputs[at], 0.9**step * X.sum(1, keepdims=True), rtol=1e-12)
    np.testing.assert_allclose(found.t, 0.1 * found.step)
    np.testing.assert_allclose(seed["loss"], 1 / (1 + found.step))
    np.testing.assert_allclose(seed["drift"], 0, atol=1e-15)
    expected = np.linalg.eigvalsh(X[:10] @ X[:10].T)[::-1]
    np.testing.assert_allclose(seed["eigenvalues"][-1][:3], expected[:3], rtol=1e-12)


class Linen(nn.Module):
    outputs: int = 1

    @nn.compact
    def __call__(self, x: Any) -> Any:
        return nn.Dense(self.outputs)(nn.tanh(nn.Dense(5)(x)))


@pytest.mark.parametrize("outputs", [1, 3])
def test_of_linen_it_is_that_of_jacobians(outputs: int) -> None:
    net, y = Linen(outputs), np.tile(Y, outputs)
    params = net.init(jax.random.key(0), X)
    with kd.watch("linen", net.apply, X, y, held_out=HELD_OUT, params=params) as watch:
        watch(0, params)
    K = jacobian_kernel(net.apply, params, X)
    np.testing.assert_allclose(of(watch.result).kernel[0], K, atol=1e-12 * K.max())


def test_of_nnx_it_is_that_of_what_trains_and_the_module_is_read_as_it_stands() -> None:
    module = Nnx(2)
    graph, _, rest = nnx.split(module, nnx.Param, ...)

    def apply(params: Any, x: Any) -> Any:
        return nnx.merge(graph, params, rest)(x)

    kernels = []
    with kd.watch("nnx", module, X, np.tile(Y, 2), held_out=HELD_OUT) as watch:
        for step in range(2):
            watch(step)
            kernels.append(jacobian_kernel(apply, nnx.state(module, nnx.Param), X))
            module.readout.kernel[...] = 1.5 * module.readout.kernel[...]
    found = of(watch.result).kernel
    np.testing.assert_allclose(found, kernels, atol=1e-12 * np.max(kernels))
    assert np.abs(found[1] - found[0]).max() > 0.1


def test_running_averages_of_flax_are_no_parameters() -> None:
    class Normed(nn.Module):
        @nn.compact
        def __call__(self, x: Any) -> Any:
            return nn.Dense(1)(nn.BatchNorm(use_running_average=True)(x))

    net = Normed()
    variables = net.init(jax.random.key(0), X)
    with kd.watch("normed", net.apply, X, Y, held_out=HELD_OUT) as watch:
        watch(0, variables)
    still = {"batch_stats": jax.tree.map(lambda leaf: jnp.asarray(leaf, float), variables["batch_stats"])}
    K = jacobian_kernel(lambda params, x: net.apply({"params": params} | still, x), variables["params"], X)
    np.testing.assert_allclose(of(watch.result).kernel[0], K, atol=1e-12 * K.max())


# Classes, and losses in which outputs are no targets.


def test_classes_are_targets_one_hot_and_softmax_is_compared_with_them() -> None:
    classes = np.arange(16) % 3
    params = {"w": jnp.asarray(np.random.default_rng(1).standard_normal((3, 3)))}
    with kd.watch("classes", linear, X, classes, held_out=HELD_OUT, loss="logistic") as watch:
        watch(0, params)
    h = X @ np.asarray(params["w"])
    p = np.exp(h) / np.exp(h).sum(1, keepdims=True)
    y, seed = np.eye(3)[classes], watch.result.seeds[0]
    brier = np.sum((p - y)[10:] ** 2) / np.sum((1 / 3 - y[10:]) ** 2)
    np.testing.assert_allclose(seed["test_error"][0], brier, rtol=1e-12)
    np.testing.assert_allclose(seed["test_loss"][0], -np.mean(np.log(np.sum(p * y, 1))[10:]), rtol=1e-12)
    np.testing.assert_allclose(seed["test_accuracy"][0], np.mean(h[10:].argmax(1) == classes[10:]))


def test_two_classes_of_one_output_are_told_by_its_sign() -> None:
    probes = Probes(np.array([[1.0], [-1], [1], [-1]]), np.array([1, 0, 1, 0]), 2, "logistic")
    h, K = np.array([[2.0], [-1], [3], [0.5]]), np.eye(4)
    found, start = probes.diagnose(K, h, None)
    assert found["test_accuracy"] == 0.5
    own = np.array([1 / (1 + np.exp(-2.0)), 1 / (1 + np.exp(-1.0))])
    np.testing.assert_allclose(start.residual, np.linalg.norm(1 - own), rtol=1e-14)


def test_a_loss_of_classes_needs_classes() -> None:
    with pytest.raises(ConfigError, match="logistic is a loss of classes: give class numbers"):
        watched(linear, y=Y + 0.1, loss="logistic")


def test_of_another_loss_nothing_is_compared_with_targets() -> None:
    with kd.watch("other", linear, X, Y, held_out=HELD_OUT, loss="other") as watch:
        watch(0, {"w": jnp.ones((3, 1))})
    seed = watch.result.seeds[0]
    assert "drift" in seed
    assert "alignment_test" in seed
    assert not [name for name in ("loss", "residual", "train_error", "test_error", "mode_residual") if name in seed]


# When it records.


def test_steps_are_log_spaced_and_the_last_is_there() -> None:
    with kd.watch("steps", linear, X, Y, held_out=HELD_OUT) as watch:
        for step in range(1000):
            watch(step, {"w": jnp.ones((3, 1))})
    steps = of(watch.result).step
    assert steps[:4].tolist() == [0, 1, 2, 3]
    assert steps[-1] == 999
    grown = (steps[1:-1] + 1) / (steps[:-2] + 1)
    assert grown[steps[:-2] > 20].max() < 1.2
    assert len(steps) < 60


def test_steps_that_are_told_are_those() -> None:
    with kd.watch("told", linear, X, Y, held_out=HELD_OUT, steps=[3, 50, 7]) as watch:
        for step in range(100):
            watch(step, {"w": jnp.ones((3, 1))})
    assert of(watch.result).step.tolist() == [0, 3, 7, 50]


def test_too_many_are_thinned_and_both_ends_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.recording.watch.MOST_CHECKPOINTS", 10)
    with kd.watch("thinned", linear, X, Y, held_out=HELD_OUT) as watch:
        for step in range(400):
            watch(step, {"w": jnp.ones((3, 1))})
    steps = of(watch.result).step
    assert len(steps) <= 12
    assert steps[0] == 0
    assert steps[-1] == 399


def test_kernels_of_many_points_take_bounded_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.recording.targets.MOST_VALUES", 12 * 16**2)
    with kd.watch("bounded", linear, X, Y, held_out=HELD_OUT) as watch:
        for step in range(400):
            watch(step, {"w": jnp.ones((3, 1))})
            assert len(watch._rows) <= 13
    assert len(of(watch.result).step) <= 14
