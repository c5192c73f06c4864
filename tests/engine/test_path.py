"""The kernel path against Jacobians, finite differences, a solved network, and polynomials it must reproduce."""

from math import factorial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import solve_ivp

from engine.config import RunConfig
from engine.cost import PATH_BYTES, path_bytes
from engine.data import Dataset, generate
from engine.networks.mlp_config import MLPConfig
from engine.networks.model import apply, init
from engine.networks.parameters import ParameterPath, flattened
from engine.perturbation.expansion import expand
from engine.perturbation.frame import Frame, refined
from engine.perturbation.propagator import propagate
from engine.schema import ConfigError
from engine.training.job import run
from engine.training.path import KernelPath, bernstein, kernel_path
from engine.training.result import RunResult

VALUES = {
    "data": {"name": "circle", "size": 5, "test_size": 6, "frequencies": [1]},
    "network": {"depth": 2, "width": 7, "activation": "tanh", "sigma_w": 1.2, "alpha": 1.5, "centred": True},
    "training": {"max_steps": 12, "stop_residual": None, "checkpoints": 6, "stability_fraction": 0.1},
}


def config_of(**training: object) -> RunConfig:
    return RunConfig.from_dict({**VALUES, "training": {**VALUES["training"], **training}})


def derived(config: RunConfig, **options: bool) -> tuple[KernelPath, RunResult, Dataset, ParameterPath]:
    entries, data = run(config), generate(config.data)
    result, parameters = RunResult.from_arrays(dict(entries["result"])), ParameterPath.from_arrays(
        entries["parameters"], 0
    )  # fmt: skip
    path = kernel_path(config, data, parameters, result.seeds[0].effective_rate, data.x_test[:4], **options)
    return path, result, data, parameters


def jacobian(network: MLPConfig, params: dict, x: np.ndarray) -> np.ndarray:
    """(p k, parameters) of alpha h, by reverse differentiation."""
    found = jax.jacrev(lambda params: network.alpha * apply(network, params, jnp.asarray(x)))(params)
    p = len(x) * params["readout"]["w"].shape[-1]
    return np.concatenate([np.asarray(leaf).reshape(p, -1) for leaf in jax.tree.leaves(found)], axis=1)


@pytest.fixture(scope="module")
def flow() -> tuple[KernelPath, RunResult, Dataset, ParameterPath]:
    return derived(config_of(integrator="rk4"))


def test_outputs_and_kernels_are_those_of_the_run(flow: tuple) -> None:
    path, result, _, _ = flow
    seed = result.seeds[0]
    np.testing.assert_allclose(path.t, seed["t"], rtol=1e-12)
    np.testing.assert_allclose(path.f[:, :5], seed["f_train"][:, :, 0], atol=3e-6)
    np.testing.assert_allclose(path.f_held_out, seed["f_test"][:, :4, 0], atol=3e-6)
    values = np.linalg.eigvalsh(path.train)[:, ::-1]
    np.testing.assert_allclose(values, seed["eigenvalues"], atol=1e-10 * values.max())
    assert np.array_equal(path.train, path.train.transpose(0, 2, 1))


def test_rows_are_products_of_jacobians(flow: tuple) -> None:
    path, _, data, parameters = flow
    params = jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.float64), parameters.at(3))
    J = jacobian(config_of().network, params, np.concatenate([data.x_train, data.x_test[:4]]))
    np.testing.assert_allclose(path.kernel[3], J @ J[:5].T, rtol=1e-10, atol=1e-12)


def test_slope_is_the_derivative_along_the_flow(flow: tuple) -> None:
    """Central differences of K along theta' = -J^T r, with the Jacobians of an independent derivative."""
    path, _, data, parameters = flow
    network = config_of().network
    params = jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.float64), parameters.at(2))
    x = np.concatenate([data.x_train, data.x_test[:4]])
    J = jacobian(network, params, data.x_train)
    flat, tree = jax.tree.flatten(params)
    sizes = np.cumsum([leaf.size for leaf in flat])[:-1]
    velocity = np.split(-J.T @ path.residual[2], sizes)
    h, kernels = 1e-5, []
    for sign in (1, -1):
        moved = [leaf + sign * h * v.reshape(leaf.shape) for leaf, v in zip(flat, velocity, strict=True)]
        K = jacobian(network, jax.tree.unflatten(tree, moved), x)
        kernels.append(K @ K[:5].T)
    expected = (kernels[0] - kernels[1]) / (2 * h)
    np.testing.assert_allclose(path.slope[2], expected, atol=1e-7 * np.abs(expected).max())


def test_neighbours_agree_with_slopes(flow: tuple) -> None:
    """A cubic from values and slopes meets a checkpoint left out far better than a line."""
    path = flow[0]
    half, _ = path.halved()
    missed = [np.abs(half.using(kind).at(path.t[[3]])[0] - path.kernel[3]).max() for kind in ("hermite", "linear")]
    assert missed[0] < 0.1 * missed[1]
    assert path.interpolation_error() < 0.1 * path.using("linear").interpolation_error()


def test_defects_are_what_a_step_adds(flow: tuple) -> None:
    """Descent: f(theta + eta v) - f + eta K r, of second order in eta; Runge-Kutta: far smaller."""
    path, _, data, parameters = derived(config_of(integrator="gd"))
    assert path.descent
    # From one checkpoint to the next step, in the numbers of the run itself.
    pairs = np.flatnonzero(np.diff(path.steps) == 1)
    assert len(pairs) > 2
    for k in pairs:
        step = path.f[k + 1] - path.f[k] + path.rate * path.kernel[k] @ path.residual[k]
        np.testing.assert_allclose(path.defect[k], step, atol=2e-6)
    config = config_of(integrator="gd")
    half = kernel_path(config, data, parameters, path.rate / 2, data.x_test[:4])
    np.testing.assert_allclose(path.defect / half.defect, 4.0, rtol=0.3)
    assert np.abs(flow[0].defect).max() < 1e-3 * np.abs(path.defect).max()


def test_the_defect_of_runge_kutta_is_the_error_of_one_step() -> None:
    """Where all but the output's bias is zero only that one trains: K = (alpha sigma_b)^2 everywhere, and f falls to
    the mean of y, which is 0, as e^-z over the time z/(n K); one step makes 1 - z + z^2/2 - z^3/6 + z^4/24 of it."""
    network = {"depth": 1, "width": 3, "activation": "erf", "sigma_b": 0.4, "alpha": 1.5}
    config = RunConfig.from_dict({**VALUES, "network": network, "training": {"integrator": "rk4"}})
    data, z = generate(config.data), 0.1
    params = jax.tree.map(lambda leaf: np.zeros((1, *leaf.shape)), init(config.network, 0, 2))
    params["readout"]["b"] += 1.0
    path = kernel_path(config, data, ParameterPath(np.array([0]), flattened(params)), z / (5 * 0.6**2), data.x_test)
    np.testing.assert_allclose(path.kernel[0], 0.6**2, rtol=1e-12)
    np.testing.assert_allclose(path.f[0], 0.6, rtol=1e-12)
    error = 0.6 * (sum((-z) ** p / factorial(p) for p in range(5)) - np.exp(-z))
    np.testing.assert_allclose(path.defect[0], error, rtol=0.05)


def test_many_outputs_use_the_full_kernel() -> None:
    """Rows [i k + h]: f' = -K r over points and outputs together, so that a tiny step has a defect of second order."""
    content = "u,v,y,z\n" + "\n".join(f"{a},{a * a},{a},{1 - a}" for a in np.linspace(-1, 1, 7))
    data_values = {"name": "csv", "content": content, "target": ["y", "z"], "size": 4, "test_size": 3}
    network = {"depth": 1, "width": 6, "activation": "erf"}
    config = RunConfig.from_dict({**VALUES, "data": data_values, "network": network})
    data = generate(config.data)
    params = init(config.network, 0, 2, 2)
    stacked = {path: np.asarray(array)[None] for path, array in flattened(params).items()}
    path = kernel_path(config, data, ParameterPath(np.array([0]), stacked), 1e-3, data.x_test)
    J = jacobian(config.network, jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.float64), params),
                 np.concatenate([data.x_train, data.x_test]))  # fmt: skip
    np.testing.assert_allclose(path.kernel[0], J @ J[:8].T, rtol=1e-9, atol=1e-10)
    assert path.residual.shape == (1, 8)
    np.testing.assert_array_equal(path.y, data.y_train.ravel())


def linear_network(n: int) -> tuple[RunConfig, np.ndarray]:
    """f(x) = n^{-1/2} sum_i a_i w_i x on one input: two layers, linear, no biases."""
    x = np.array([-1.5, -0.5, 0.5, 1.5, -1.0, 1.0])
    content = "x,y\n" + "\n".join(f"{a},{1.7 * a + 0.1 * a**3}" for a in x)
    network = {"depth": 1, "width": n, "activation": "linear", "sigma_w": 1.0, "sigma_b": 0, "train_bias": False}
    values = {
        "data": {"name": "csv", "content": content, "size": 4, "test_size": 2, "target_rms": None},
        "network": {**network, "output_bias": False},
        "training": {"integrator": "rk4", "loss": "half_sum", "stability_fraction": 0.05, "max_steps": 40,
                     "stop_residual": None, "checkpoints": 20},
    }  # fmt: skip
    return RunConfig.from_dict(values), x


@pytest.mark.parametrize("n", [3, 20])
def test_two_layer_linear_network(n: int) -> None:
    """Solved: with u = a.w/sqrt(n), S = (|a|^2 + |w|^2)/n, A = |x|^2 and B = x.y,

    u' = -S (A u - B), S^2 - 4 u^2/n is conserved, and K_t = S x x^T (Saxe et al., arXiv 1312.6120, gives its kind).
    """
    config, _ = linear_network(n)
    path, _, data, parameters = derived(config)
    x, y = data.x_train[:, 0], data.y_train[:, 0]
    w, a = parameters.at(0)["hidden_0"]["w"].ravel().astype(float), parameters.at(0)["readout"]["w"].ravel()
    u_0, S_0 = a @ w / np.sqrt(n), (a @ a + w @ w) / n
    conserved = S_0**2 - 4 * u_0**2 / n
    A, B = x @ x, x @ y

    def strength(u: np.ndarray) -> np.ndarray:
        return np.sqrt(conserved + 4 * u**2 / n)

    def velocity(t: float, state: np.ndarray) -> list[float]:
        u, S = state[0], strength(state[0])
        return [-S * (A * u - B), A * (S - S_0)]

    solved = solve_ivp(velocity, (0, path.t[-1]), [u_0, 0.0], method="DOP853", t_eval=path.t, rtol=1e-12, atol=1e-14)
    u, growth = solved.y
    S = strength(u)
    assert np.ptp(S) > 0.02 * S[0]
    np.testing.assert_allclose(path.train, S[:, None, None] * np.outer(x, x), rtol=2e-5, atol=2e-5)
    np.testing.assert_allclose(path.f[:, :4], u[:, None] * x, atol=2e-5)
    slope = 4 * u / n / S * (-S * (A * u - B))
    np.testing.assert_allclose(
        path.slope[:, :4], slope[:, None, None] * np.outer(x, x), atol=2e-4 * np.abs(slope).max()
    )
    # All kernels commute: along x the orders are (-growth)^m/m! e^{-A S_0 t}, elsewhere nothing moves.
    found, frame = expand(Frame.of(path)), Frame.of(path)
    along = (found.modes @ frame.vectors.T) @ x / np.sqrt(A)
    lazy = (path.residual[0] @ x / np.sqrt(A)) * np.exp(-A * S_0 * path.t)
    for m, factor in enumerate((1, -growth, growth**2 / 2)):
        np.testing.assert_allclose(along[m], factor * lazy, atol=1e-4 * np.abs(lazy).max())
    whole, _ = propagate(path)
    np.testing.assert_allclose(whole, u[:, None] * x - y, atol=1e-4 * np.abs(lazy).max())


def polynomial_path(degree: int, kind: str = "hermite") -> tuple[KernelPath, np.ndarray]:
    rng = np.random.default_rng(degree)
    coefficients = rng.standard_normal((degree + 1, 3, 2))
    t = np.array([0.0, 0.2, 0.5, 1.3, 2.0])
    kernel = np.stack([sum(c * s**p for p, c in enumerate(coefficients)) for s in t])
    slope = np.stack([sum(p * c * s ** (p - 1) for p, c in enumerate(coefficients) if p) for s in t])
    f = np.zeros((5, 3))
    steps = np.array([0, 2, 5, 13, 20])
    path = KernelPath(t, steps, 0.1, False, kernel, slope, f, np.zeros(2), f, kind)  # type: ignore[arg-type]
    return path, coefficients


@pytest.mark.parametrize(("degree", "kind"), [(3, "hermite"), (1, "linear"), (0, "linear")])
def test_interpolation_reproduces_polynomials(degree: int, kind: str) -> None:
    path, coefficients = polynomial_path(degree, kind)
    times = np.linspace(0, 2, 23)
    expected = np.stack([sum(c * s**p for p, c in enumerate(coefficients)) for s in times])
    np.testing.assert_allclose(path.at(times), expected, atol=1e-13)
    assert path.interpolation_error() < 1e-13


@pytest.mark.parametrize("kind", ["hermite", "linear"])
def test_refining_changes_nothing(kind: str) -> None:
    path, _ = polynomial_path(5, kind)
    finer, checkpoints = refined(path, 3)
    np.testing.assert_array_equal(finer.t[checkpoints], path.t)
    assert len(finer.t) == 17
    assert np.all(np.diff(finer.t) > 0)
    probe = (finer.t[1:] + finer.t[:-1]) / 2
    np.testing.assert_allclose(finer.at(probe), path.at(probe), atol=1e-12)


def test_estimated_and_true_interpolation_error_agree() -> None:
    """K = K_0 (1 + sin t) on even checkpoints: the estimate from halving is the true error within a factor of 3."""
    t = np.linspace(0, 3, 13)
    base = np.array([[2.0, 0.5], [0.5, 1.0]])
    kernel, slope = (np.multiply.outer(values, base) for values in (1 + np.sin(t), np.cos(t)))
    f, probe = np.zeros((13, 2)), np.linspace(0, 3, 400)
    true = np.multiply.outer(1 + np.sin(probe), base)
    for kind in ("hermite", "linear"):
        path = KernelPath(t, np.arange(13), 0.25, False, kernel, slope, f, np.zeros(2), f, kind)  # type: ignore[arg-type]
        error = np.linalg.norm(path.at(probe) - true, axis=(1, 2)).max() / np.linalg.norm(base)
        assert error / 3 < path.interpolation_error() < 3 * error


def test_what_is_refused() -> None:
    path, _ = polynomial_path(1)
    with pytest.raises(ValueError, match="outside the run"):
        path.at(np.array([2.1]))
    with pytest.raises(ValueError, match="needs slopes"):
        KernelPath(path.t, path.steps, 0.1, False, path.kernel, None, path.f, path.y, path.defect)
    data = {"name": "circle", "size": 3000, "test_size": 8}
    config = RunConfig.from_dict({"data": data, "network": {"depth": 1, "width": 2}})
    assert path_bytes(8, 3000, 0) > PATH_BYTES
    stacked = {"hidden_0/w": np.zeros((8, 1, 2, 2))}
    with pytest.raises(ConfigError, match="GB are allowed: lower it"):
        kernel_path(config, generate(config.data), ParameterPath(np.arange(8), stacked), 0.1)


def test_bernstein_polynomials_are_positive_and_sum_to_one() -> None:
    found = bernstein(np.linspace(0, 1, 50), 3)
    assert np.all(found >= 0)
    np.testing.assert_allclose(found.sum(axis=0), 1.0, atol=1e-15)
