"""Delta K from initialisation: directional derivatives against differences, and the limits where it must be exact."""

from collections.abc import Callable
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree
from scipy.integrate import solve_ivp

from engine.config import RunConfig
from engine.data import Dataset, generate
from engine.networks.model import apply
from engine.networks.parameters import ParameterPath
from engine.perturbation.frame import Frame
from engine.perturbation.prediction import Prediction, _fourth, _third, predict
from engine.training.job import run
from engine.training.path import KernelPath, kernel_path
from engine.training.result import RunResult


def trained(alpha: float, max_steps: int = 60) -> tuple[RunConfig, KernelPath, Dataset, ParameterPath]:
    config = RunConfig.from_dict(
        {
            "data": {"name": "circle", "size": 4, "test_size": 2, "frequencies": [1]},
            "network": {"depth": 2, "width": 5, "activation": "erf", "alpha": alpha, "centred": True},
            "training": {
                "integrator": "rk4",
                "max_steps": max_steps,
                "stop_residual": None,
                "checkpoints": 20,
                "stability_fraction": 0.1,
            },
        }
    )
    entries, data = run(config), generate(config.data)
    rate = RunResult.from_arrays(dict(entries["result"])).seeds[0].effective_rate
    parameters = ParameterPath.from_arrays(entries["parameters"], 0)
    return config, kernel_path(config, data, parameters, rate), data, parameters


def errors(path: KernelPath, change: np.ndarray, t: np.ndarray) -> np.ndarray:
    true = path.at(t) - path.train[0]
    return np.linalg.norm(change - true, axis=(1, 2)) / np.linalg.norm(true, axis=(1, 2))


@pytest.fixture(scope="module")
def lazy_run() -> tuple[RunConfig, KernelPath, Dataset, ParameterPath, Prediction]:
    config, path, data, parameters = trained(30.0)
    return config, path, data, parameters, predict(config.network, parameters.at(0), data.x_train, Frame.of(path))


def test_tensors_of_the_hierarchy(lazy_run: tuple) -> None:
    """O3 and O4 contracted, against differences of fourth order of Jacobians formed whole."""
    config, _, data, parameters, _ = lazy_run
    network, x = config.network, jnp.asarray(data.x_train)
    params = jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.float64), parameters.at(0))
    flat, unravel = ravel_pytree(params)
    q, r = np.random.default_rng(0).standard_normal((2, 4))
    derivative = jax.jit(jax.jacrev(lambda theta: network.alpha * apply(network, unravel(theta), x)[:, 0]))

    def jacobian(theta: np.ndarray) -> np.ndarray:
        return np.asarray(derivative(theta))

    def along(function: Callable[[np.ndarray], np.ndarray], theta: np.ndarray, direction: np.ndarray) -> np.ndarray:
        h = 1e-4
        near, far = (function(theta + s * h * direction) - function(theta - s * h * direction) for s in (1, 2))
        return (8 * near - far) / (12 * h)

    def kernel(theta: np.ndarray) -> np.ndarray:
        return jacobian(theta) @ jacobian(theta).T

    def contracted(theta: np.ndarray) -> np.ndarray:
        return along(kernel, theta, -jacobian(theta).T @ r)

    flat = np.asarray(flat)
    third, fourth = contracted(flat), along(contracted, flat, -jacobian(flat).T @ q)
    np.testing.assert_allclose(_third(network, params, x, r), third, atol=1e-6 * np.abs(third).max())
    np.testing.assert_allclose(_fourth(network, params, x, q, r), fourth, atol=1e-4 * np.abs(fourth).max())


def test_leading_order_is_exact_in_the_lazy_limit(lazy_run: tuple) -> None:
    """Delta K/K falls as 1/alpha and the formula's relative error with it, at every t, long after Taylor has failed."""
    config, path, data, _, far = lazy_run
    assert errors(path, far.leading, far.t).max() < 0.05
    _, near_path, _, parameters = trained(10.0)
    near = predict(
        config.network.model_copy(update={"alpha": 10.0}), parameters.at(0), data.x_train, Frame.of(near_path)
    )
    ratio = errors(near_path, near.leading, near.t)[-1] / errors(path, far.leading, far.t)[-1]
    assert 2 < ratio < 4.5
    assert far.t[-1] > 8 * far.range
    assert errors(path, far.taylor_1, far.t)[-1] > 1


def test_taylor_holds_early(lazy_run: tuple) -> None:
    """Order by order in t: at t = range/50 the first is off by a few percent, the second by its square."""
    config, path, data, parameters, _ = lazy_run
    early = Frame.of(path.subset(np.array([0, 1])))
    found = predict(config.network, parameters.at(0), data.x_train, early)
    first, second = errors(path, found.taylor_1, found.t)[0], errors(path, found.taylor_2, found.t)[0]
    x = found.t[0] / found.range
    assert x < 0.3
    assert first < x
    assert second < 0.5 * x**2 + 1e-3
    np.testing.assert_allclose(found.range, 1 / np.linalg.eigvalsh(path.train[0])[-1])


def test_the_second_order_of_taylor_leaves_the_third(lazy_run: tuple) -> None:
    """Against K_t - K_0 of the flow of the parameters, integrated to 1e-12: halving t takes an eighth of the error."""
    config, path, data, parameters, found = lazy_run
    flat, unravel = ravel_pytree(jax.tree.map(np.float64, parameters.at(0)))

    @jax.jit
    def outputs(theta: np.ndarray) -> jax.Array:
        params = unravel(jnp.asarray(theta))
        return config.network.alpha * apply(config.network, params, jnp.asarray(data.x_train))[:, 0]

    derivative, h_0 = jax.jit(jax.jacrev(outputs)), outputs(flat)

    def velocity(_: float, theta: np.ndarray) -> np.ndarray:
        return -np.asarray(derivative(theta)).T @ (np.asarray(outputs(theta) - h_0) - path.y)

    def missed(t: float) -> float:
        theta = solve_ivp(velocity, (0, t), flat, method="DOP853", rtol=1e-12, atol=1e-13).y[:, -1]
        J, J_0 = np.asarray(derivative(theta)), np.asarray(derivative(flat))
        frame = Frame.of(replace(path.subset(np.array([0, 1])), t=np.array([0, t])))
        second = predict(config.network, parameters.at(0), data.x_train, frame).taylor_2[-1]
        return float(np.linalg.norm(second - (J @ J.T - J_0 @ J_0.T)))

    assert missed(0.05 * found.range) / missed(0.025 * found.range) == pytest.approx(8, rel=0.05)


def test_times_double_up_to_the_end(lazy_run: tuple) -> None:
    _, path, _, _, found = lazy_run
    np.testing.assert_allclose(found.t[1:] / found.t[:-1], 2.0)
    assert found.t[-1] == pytest.approx(path.t[-1])
    assert found.t[0] <= found.range
