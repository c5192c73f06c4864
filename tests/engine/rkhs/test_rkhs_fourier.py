"""The circle by frequency: kernels with known modes, the operator's closed forms of theory.md 7, the loss that pairs of
frequencies sum to, and densities."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.linalg import expm

from engine.config import RunConfig
from engine.data import generate
from engine.data.circle import CircleConfig
from engine.networks import infinite
from engine.networks.mlp_config import MLPConfig
from engine.networks.model import apply
from engine.networks.parameters import ParameterPath
from engine.rkhs.config import RkhsConfig
from engine.rkhs.fourier import Foretold, Frequencies
from engine.rkhs.gram import Gram
from engine.rkhs.job import compare
from engine.rkhs.motion import Followed
from engine.rkhs.result import RkhsResult
from engine.training.job import run as train

FACTS = (0.55396355, 0.35132118, 0.07880537, 0.01125791, 0.00855601, 0.00405285)
"""theory.md 7: eigenvalues on S^1 for k = 0 .. 5, of the network below."""
ONE_LAYER = MLPConfig.from_dict({"depth": 1, "width": 64, "sigma_w_readout": 1.0, "output_bias": False})
LIGHT = {"grid": 64, "sample": 64, "sizes": [8], "draws": 4}


def grid(M: int) -> np.ndarray:
    return 2 * np.pi * np.arange(M) / M


def circle(**settings: object) -> CircleConfig:
    return CircleConfig.from_dict({"size": 64, "test_size": 64, **settings})


def wave(k: int, M: int, phase: float = 0.0) -> np.ndarray:
    """Of norm 1 for 0 < k < M/2."""
    return np.sqrt(2 / M) * np.cos(k * grid(M) + phase)


@pytest.mark.parametrize("M", [2, 3, 8, 12, 13, 33, 34, 64])
@pytest.mark.parametrize("random", [False, True])
def test_projections_sum_to_one_and_hold_their_frequencies(M: int, random: bool) -> None:
    angle = np.sort(2 * np.pi * np.random.default_rng(M).uniform(size=M)) if random else grid(M)
    found = Frequencies.of(angle)
    whole = np.concatenate(found.blocks, axis=1)
    np.testing.assert_allclose(whole @ whole.T, np.eye(M), atol=1e-12)
    for at, k in enumerate(found.numbers):
        lower = np.concatenate(found.blocks[: at + 1], axis=1)
        np.testing.assert_allclose(lower @ (lower.T @ np.cos(k * angle)), np.cos(k * angle), atol=1e-8)
    if not random:
        np.testing.assert_array_equal(found.numbers, np.arange(min(16, M // 2) + 1))
        for k, block in zip(found.numbers, found.own, strict=True):
            np.testing.assert_allclose(block @ (block.T @ np.cos(k * angle)), np.cos(k * angle), atol=1e-12)


def test_frequencies_that_points_cannot_tell_are_left_to_the_rest() -> None:
    """Six points of which two coincide carry five functions: up to frequency 2."""
    angle = np.array([0.0, 0.0, 1.0, 2.0, 3.0, 4.0])
    found = Frequencies.of(angle)
    np.testing.assert_array_equal(found.numbers, [0, 1, 2])
    assert found.blocks[-1].shape == (6, 1)


def test_closed_form_of_one_layer() -> None:
    M, data = 64, circle()
    at = Frequencies.of(grid(M))
    foretold = Foretold.of(ONE_LAYER, data, at, infinite.ntk(ONE_LAYER, generate(data).x_train))
    np.testing.assert_allclose(foretold.operator[:6] / M, FACTS, rtol=1e-6)
    expected = np.repeat(FACTS, [1, 2, 2, 2, 2, 2])
    np.testing.assert_allclose(foretold.spectrum[:11] / M, expected, rtol=1e-6)


def test_at_infinite_width_a_grid_has_fourier_s_eigenspaces() -> None:
    """The kernel matrix is circulant: eigenvalues are the discrete Fourier transform of its first row, and M lambda_k
    with its aliases k + j M."""
    M, data = 64, circle()
    K, at = infinite.ntk(ONE_LAYER, generate(data).x_train), Frequencies.of(grid(M))
    np.testing.assert_allclose(at.strength(K), np.fft.fft(K[0]).real[:17], rtol=1e-10)
    many = infinite.operator_spectrum(ONE_LAYER, data, 40 * M).eigenvalues
    folded = [M * (many[k::M].sum() + many[M - k :: M].sum()) for k in range(1, 17)]
    np.testing.assert_allclose(at.strength(K)[1:], folded, rtol=3e-3)  # the sum ends at k + 40 M
    np.testing.assert_allclose(at.leakage(K), 0.0, atol=1e-12)
    np.testing.assert_allclose(at.angles(Gram.of(K))[1:], 0.0, atol=1e-7)


def test_a_mode_turned_out_of_its_frequency() -> None:
    """5 u u^T + 3 v v^T, v = cos x sine_1 + sin x cosine_3 beside u = cosine_1: frequency 1 is off by angles 0 and x.

    P_1 K P_1 = diag(5, 3 cos^2 x), and K sine_1 = 3 cos x v leaks 3 cos x sin x of it.
    """
    M, x = 16, 0.3
    u, v = wave(1, M), np.cos(x) * wave(1, M, np.pi / 2) + np.sin(x) * wave(3, M)
    K, at = 5 * np.outer(u, u) + 3 * np.outer(v, v), Frequencies.of(grid(M))
    np.testing.assert_allclose(at.angles(Gram.of(K))[1], [0.0, x], atol=1e-7)
    np.testing.assert_allclose(at.strength(K)[[1, 3]], [(5 + 3 * np.cos(x) ** 2) / 2, 3 * np.sin(x) ** 2 / 2])
    made = np.sqrt(25 + 9 * np.cos(x) ** 2)
    np.testing.assert_allclose(at.leakage(K)[1], 3 * np.cos(x) * np.sin(x) / made)
    assert np.isnan(at.leakage(K)[2])
    assert np.isnan(at.angles(Gram.of(K))[0, 1])
    r = 2 * wave(1, M, np.pi / 2) + 0.5 * wave(3, M)
    power = at.power(K, r[:, None])
    assert power[1, 1] == pytest.approx(4 * 3 * np.cos(x) ** 2)
    assert power[1, 3] == pytest.approx(2 * 0.5 * 3 * np.cos(x) * np.sin(x))
    assert power[3, 3] == pytest.approx(0.25 * 3 * np.sin(x) ** 2)
    assert power.sum() == pytest.approx(r @ K @ r)


def test_pairs_of_all_frequencies_sum_to_what_the_loss_loses() -> None:
    """r^T K_t r = -M dL/dt (half_mean, flow): against the loss itself at parameters a little to either side.

    theta' = -J^T r = -M grad L in the time of the flow; the loss is taken from the network's outputs, by no kernel.
    """
    values = {
        "data": {"name": "circle", "size": 40, "test_size": 24, "frequencies": [1, 3], "density": 0.4},
        "network": {"depth": 2, "width": 32, "activation": "erf"},
        "training": {"integrator": "rk4", "max_steps": 30, "checkpoints": 6, "stop_residual": 0.2},
    }
    found = RkhsResult.from_arrays(dict(compare(RkhsConfig.from_dict({"run": values, "options": LIGHT}))["result"]))
    config = RunConfig.from_dict(values)
    data, parameters = generate(config.data), ParameterPath.from_arrays(train(config)["parameters"], 0)
    x, y = jnp.asarray(data.x_train), jnp.asarray(data.y_train)

    def loss(theta: dict) -> jax.Array:
        return jnp.sum((apply(config.network, theta, x) - y) ** 2) / (2 * len(x))

    seed, h = found.seeds[0], 1e-5
    np.testing.assert_array_equal(seed["step"][seed["followed"]], parameters.steps)
    assert seed["frequency_power"].shape[1:] == (18, 18)  # 0 .. 16, and the rest of 20
    for at in range(len(parameters.steps)):
        theta = jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.float64), parameters.at(at))
        slope = jax.tree.map(lambda g: -len(x) * g, jax.grad(loss)(theta))
        ahead, behind = (loss(jax.tree.map(lambda p, v, e=e: p + e * h * v, theta, slope)) for e in (1, -1))
        rate = -len(x) * float(ahead - behind) / (2 * h)
        assert seed["frequency_power"][at].sum() == pytest.approx(rate, rel=1e-6)


def test_the_rate_is_that_of_the_trained_loss() -> None:
    """Along a run of tiny Runge-Kutta steps: the loss of the run itself, a step before and a step after."""
    values = {
        "data": {"name": "circle", "size": 16, "test_size": 24, "frequencies": [1, 3]},
        "network": {"depth": 1, "width": 32, "activation": "erf"},
        "training": {
            "integrator": "rk4", "max_steps": 2, "checkpoints": 3, "stop_residual": None, "stability_fraction": 0.002,
            "precision": "float64",
        },
    }  # fmt: skip
    config = RunConfig.from_dict(values)
    result = train(config)["result"]
    loss, t = result["seed0/loss"], result["seed0/t"]
    assert len(t) == 3
    found = RkhsResult.from_arrays(dict(compare(RkhsConfig.from_dict({"run": values, "options": LIGHT}))["result"]))
    rate = -16 * (loss[2] - loss[0]) / (t[2] - t[0])
    assert found.seeds[0]["frequency_power"][1].sum() == pytest.approx(rate, rel=1e-4)


def alone(K: np.ndarray, y: np.ndarray, law: str, rate: float, step: np.ndarray) -> Followed:
    """A run from f = 0 whose kernel is K throughout; only its start is read here."""
    n = len(K)
    return Followed(
        step, rate * step, rate, law, K[None], (Gram.of(K),), np.zeros((1, n, 1)), y  # pyright: ignore[reportArgumentType]
    )  # fmt: skip


@pytest.mark.parametrize("law", ["flow", "descent"])
def test_what_infinite_width_foretells(law: str) -> None:
    """On a grid e^{-M lambda_k t}, each frequency by itself; on random points the whole matrix's exponential."""
    step, rate = np.array([0, 5, 60]), 0.005
    for points in ("grid", "random"):
        config = circle(points=points, frequencies=[1, 3], size=48)
        data = generate(config)
        K, at = infinite.ntk(ONE_LAYER, data.x_train), Frequencies.of(data.angle_train)
        foretold = Foretold.of(ONE_LAYER, config, at, K)
        found = foretold.residuals(alone(K, data.y_train, law, rate, step), at)
        for row, n in enumerate(step):
            if points == "grid":
                damping = 48 * rate * np.array(FACTS)
                left = np.exp(-n * damping) if law == "flow" else (1 - damping) ** n
                start = np.array([0, np.linalg.norm(data.y_train) / np.sqrt(2), 0] * 2)[:6]
                start[[1, 3]], start[[0, 2, 4, 5]] = np.linalg.norm(data.y_train) / np.sqrt(2), 0
                np.testing.assert_allclose(found[row, :6], left * start, rtol=1e-5, atol=1e-9)
            else:
                step_matrix = expm(-n * rate * K) if law == "flow" else np.linalg.matrix_power(np.eye(48) - rate * K, n)
                np.testing.assert_allclose(found[row], at.sizes(step_matrix @ data.y_train)[:-1], atol=1e-9)
    assert foretold.residuals(alone(K, data.y_train, "", rate, step), at) is None


@pytest.mark.parametrize("density", [0.0, 0.3, 0.9])
def test_points_of_a_density_are_its_quantiles(density: float) -> None:
    data = generate(circle(size=100, test_size=75, density=density))
    for angle in (data.angle_train, data.angle_test):
        assert np.all(np.diff(angle) > 0)
    before = (data.angle_train + density * np.sin(data.angle_train)) / (2 * np.pi)
    np.testing.assert_allclose(before, np.arange(100) / 100, atol=1e-14)
    np.testing.assert_allclose(np.arctan2(*data.x_train.T[::-1]) % (2 * np.pi), data.angle_train, atol=1e-14)
    random = generate(circle(size=4000, points="random", density=density))
    # E[cos] = a/2 with variance at most 1/2.
    assert np.mean(np.cos(random.angle_train)) == pytest.approx(density / 2, abs=4 * np.sqrt(0.5 / 4000))


def test_a_density_is_said_refused_beyond_its_range_and_left_out_at_zero() -> None:
    assert "density (1 + 0.3 cos θ)/2π" in circle(density=0.3).domain
    assert circle().domain == "unit circle S¹, uniform"
    assert "density" not in circle().to_dict()
    assert circle().hash == CircleConfig.from_dict({"size": 64, "test_size": 64, "density": 0.0}).hash
    with pytest.raises(ValueError, match="density"):
        circle(density=1.0)
    assert infinite.operator_spectrum(ONE_LAYER, circle(density=0.3)) is None


@pytest.mark.parametrize("density", [0.0, 0.3, 0.9])
def test_the_operator_of_a_density(density: float) -> None:
    """Against the eigenvalues of 1,500 of its quantiles, and without a density against the uniform operator."""
    deep = MLPConfig.from_dict({"depth": 2, "width": 64})
    found = infinite.crowded_spectrum(deep, density, 12)
    K = infinite.ntk(deep, generate(circle(size=1500, density=density)).x_train)
    np.testing.assert_allclose(found, np.linalg.eigvalsh(K)[::-1][:12] / 1500, rtol=2e-4)
    if density == 0:
        np.testing.assert_allclose(found, infinite.operator_spectrum(deep, circle()).largest(12), rtol=1e-9)
    else:
        assert np.all(np.diff(found) < 0)  # the pairs of the uniform circle are apart


def test_a_density_lets_frequencies_leak_at_infinite_width() -> None:
    at = {a: generate(circle(density=a)) for a in (0.0, 0.5)}
    leaks = {a: Frequencies.of(d.angle_train).leakage(infinite.ntk(ONE_LAYER, d.x_train)) for a, d in at.items()}
    assert leaks[0.0][:4].max() < 1e-12
    assert leaks[0.5][:4].min() > 0.02


def test_only_the_circle_is_seen_by_frequency() -> None:
    def computed(data: dict, network: dict) -> RkhsResult:
        run = {"data": data, "network": network, "training": {"max_steps": 4, "checkpoints": 3}}
        return RkhsResult.from_arrays(dict(compare(RkhsConfig.from_dict({"run": run, "options": LIGHT}))["result"]))

    sphere = computed({"name": "sphere", "dim": 3, "size": 8, "test_size": 16}, {"width": 8, "depth": 1})
    assert "frequencies" not in sphere
    assert "frequency_power" not in sphere.seeds[0]
    found = computed({"name": "circle", "size": 12, "test_size": 24, "frequencies": [1]}, {"width": 8, "depth": 1})
    np.testing.assert_array_equal(found["frequencies"], np.arange(7))
    json.dumps(found.summary, allow_nan=False)
    seed = found.seeds[0]
    np.testing.assert_allclose(np.sum(seed["frequency_residual"][0] ** 2), 1.0)
    np.testing.assert_allclose(seed["frequency_foretold"][0], seed["frequency_residual"][0, :-1])
