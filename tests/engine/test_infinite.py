"""Infinite-width kernels: closed numbers, wide networks written here in NumPy, and operator spectra."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.special import eval_gegenbauer

from engine.data import DATASETS, generate
from engine.networks.activations import ACTIVATIONS, NUMPY
from engine.networks.infinite import nngp, ntk, operator_spectrum
from engine.networks.mlp_config import MLPConfig
from engine.schema import ConfigError

CIRCLE_NETWORK = {"depth": 1, "activation": "relu", "sigma_w_readout": 1.0, "output_bias": False}
"""f = m^{-1/2} sum a relu(w.x + b) on the unit circle, b from zero and trained."""


def network(**values):
    return MLPConfig.from_dict(values)


def data(name, **values):
    return DATASETS[name].from_dict({"name": name, **values})


def points(count, dim, seed=0):
    return np.random.default_rng(seed).normal(size=(count, dim))


# Closed numbers


def test_circle_eigenvalues():
    spectrum = operator_spectrum(network(**CIRCLE_NETWORK), data("circle"))
    expected = [0.55396355, 0.35132118, 0.07880537, 0.01125791, 0.00855601, 0.00405285]
    np.testing.assert_allclose(spectrum.eigenvalues[:6], expected, atol=5e-9)
    assert spectrum.multiplicities[:4] == (1, 2, 2, 2)
    assert spectrum.domain == "unit circle S¹, uniform"


def test_circle_profile_at_its_ends():
    antipodes = np.array([[1.0, 0.0], [-1.0, 0.0]])
    np.testing.assert_allclose(ntk(network(**CIRCLE_NETWORK), antipodes), [[1.5, 0], [0, 1.5]], atol=1e-15)


def test_circle_eigenvalues_without_bias():
    spectrum = operator_spectrum(network(**CIRCLE_NETWORK, train_bias=False), data("circle"))
    assert spectrum.eigenvalues[0] == pytest.approx(3 / np.pi**2, rel=1e-14)
    assert spectrum.eigenvalues[1] == pytest.approx(1 / 4, rel=1e-14)
    assert (np.abs(spectrum.eigenvalues[3::2]) < spectrum.noise[3::2]).all()


@pytest.mark.parametrize(("bias_init", "expected"), [("zero", 9.0), ("normal", 12.0)])
def test_two_relu_layers_at_one_point(bias_init, expected):
    """By hand, |x|^2 = n_0, sigma^2 = 2. Zero biases: Sigma = 2, 2, 2 and Theta = 3, 2+1+3 = 6, 2+1+6 = 9.
    Normal biases: Sigma = 3, 4, 5 and Theta = 3, 3+1+3 = 7, 4+1+7 = 12."""
    x = np.ones((1, 5))
    assert ntk(network(depth=2, bias_init=bias_init), x)[0, 0] == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize(("readout", "kappa"), [("linear", 1.0), ("relu", 0.5)])
@pytest.mark.parametrize("depth", [1, 4, 31])
def test_relu_diagonal_is_the_exact_mean_at_finite_width(depth, readout, kappa):
    """theory.md 3 at infinite width: E[K_w] = kappa s1 d and E[K_b] = kappa d (linear and ReLU readout)."""
    x = points(3, 6)
    d, s1 = depth + 1, 2 * (x**2).sum(axis=1) / 6
    diagonal = np.diag(ntk(network(depth=depth, readout=readout), x))
    np.testing.assert_allclose(diagonal, kappa * d * (s1 + 1), rtol=1e-12)


@pytest.mark.parametrize("depth", [1, 3])
def test_linear_network_is_a_polynomial(depth):
    """No biases: every one of the d layers contributes sigma^{2d} x.x'/n_0; with standard parameters, layer l
    contributes n_{l-1}/sigma^2 times that."""
    x, sigma = points(4, 3), 1.3
    shared = {"activation": "linear", "depth": depth, "sigma_w": sigma, "train_bias": False, "width": 50}
    unit = sigma ** (2 * depth + 2) * x @ x.T / 3
    np.testing.assert_allclose(nngp(network(**shared), x), unit, rtol=1e-12)
    np.testing.assert_allclose(ntk(network(**shared), x), (depth + 1) * unit, rtol=1e-12)
    standard = ntk(network(**shared, parameterization="standard"), x)
    np.testing.assert_allclose(standard, (3 + 50 * depth) / sigma**2 * unit, rtol=1e-12)


@pytest.mark.parametrize(
    ("parameterization", "sigma_b", "per_bias"),
    [("ntk", 0.7, 0.7**2), ("ntk", 0.0, 0.0), ("standard", 0.7, 1.0), ("standard", 0.0, 1.0)],
)
def test_trained_biases_of_a_linear_network(parameterization, sigma_b, per_bias):
    """One hidden layer: its bias reaches the output through sigma_readout, the output's own directly."""
    shared = {"activation": "linear", "depth": 1, "width": 50}
    shared |= {"sigma_w": 1.3, "sigma_w_readout": 0.9, "sigma_b": sigma_b}
    x = points(4, 3)
    with_bias, without = (
        ntk(network(**shared, parameterization=parameterization, train_bias=train), x) for train in (True, False)
    )
    np.testing.assert_allclose(with_bias - without, per_bias * (0.9**2 + 1), rtol=1e-12, atol=1e-15)


# Wide networks

WIDTH, DRAWS = 640, 48
X = np.array([[1.2, -0.3, 0.4, 0.8], [0.5, 0.9, -0.2, 0.6], [-0.4, 0.3, 0.9, -1.5]])


@pytest.fixture(scope="module")
def draws():
    """Standard normal weights and biases of networks with two hidden layers, shared by all settings."""
    rng = np.random.default_rng(11)
    shapes = ((WIDTH, X.shape[1]), (WIDTH, WIDTH), (1, WIDTH))
    return [
        [(rng.standard_normal(shape, dtype=np.float32), rng.standard_normal(shape[0])) for shape in shapes]
        for _ in range(DRAWS)
    ]


def backpropagated(config, weights):
    """Kernel of the gradients and covariance of the output given the hidden layers, of one network, by backprop."""
    row, x, standard = ACTIVATIONS[config.activation], X, config.parameterization == "standard"
    fan_ins, sizes = (X.shape[1], WIDTH, WIDTH), (config.sigma_w, config.sigma_w, config.sigma_w_readout)
    signals, inputs = [x], []
    for layer, ((w, b), sigma, fan_in) in enumerate(zip(weights, sizes, fan_ins, strict=True)):
        has_bias = config.bias_init == "normal" and (layer < 2 or config.output_bias)
        inputs.append(signals[-1] @ (w.T * (sigma / np.sqrt(fan_in))) + config.sigma_b * has_bias * b)
        signals.append(row.value(inputs[-1], NUMPY))
    delta = (inputs[-1] > 0).astype(float) if config.readout == "relu" else np.ones_like(inputs[-1])
    kernel = np.zeros((len(X), len(X)))
    for layer in (2, 1, 0):
        w, sigma, fan_in = weights[layer][0], sizes[layer], fan_ins[layer]
        backward = delta @ delta.T
        kernel += (1.0 if standard else sigma**2 / fan_in) * (signals[layer] @ signals[layer].T) * backward
        if config.train_bias and (layer < 2 or config.output_bias):
            kernel += (1.0 if standard else config.sigma_b**2) * backward
        if layer:
            delta = delta @ w * (sigma / np.sqrt(fan_in)) * row.derivative(inputs[layer - 1], NUMPY)
    covariance = config.sigma_w_readout**2 / WIDTH * signals[2] @ signals[2].T
    covariance += config.sigma_b**2 if config.bias_init == "normal" and config.output_bias else 0
    return config.alpha**2 * kernel, config.alpha**2 * covariance


def assert_within_standard_errors(samples, expected, most=4.5):
    samples = np.array(samples)
    error = samples.std(axis=0, ddof=1) / np.sqrt(len(samples))
    z = (samples.mean(axis=0) - expected) / error
    assert np.abs(z).max() < most, z


SETTINGS = [
    {"bias_init": "zero", "train_bias": True, "output_bias": True},
    {"bias_init": "zero", "train_bias": False, "output_bias": True},
    {"bias_init": "normal", "train_bias": False, "output_bias": True, "sigma_w_readout": 0.6},
    {"bias_init": "normal", "train_bias": True, "output_bias": False, "alpha": 0.5},
    {"bias_init": "normal", "train_bias": True, "output_bias": True, "parameterization": "standard"},
    {"bias_init": "zero", "train_bias": True, "output_bias": True, "parameterization": "standard", "sigma_b": 0.0},
]


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: "-".join(map(str, setting.values())))
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_wide_networks(activation, setting, draws):
    config = network(
        **{"activation": activation, "depth": 2, "width": WIDTH, "sigma_w": 1.2, "sigma_b": 0.7, **setting}
    )
    kernels, covariances = zip(*(backpropagated(config, weights) for weights in draws), strict=True)
    upper = np.triu_indices(len(X))
    assert_within_standard_errors([kernel[upper] for kernel in kernels], ntk(config, X)[upper])
    assert_within_standard_errors([covariance[upper] for covariance in covariances], nngp(config, X)[upper])


@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_relu_readout_is_the_mean_over_its_random_limit(activation, draws):
    """Readouts are redrawn many times per network: whether the output neuron is on is a coin toss per draw."""
    config = network(activation=activation, depth=2, width=WIDTH, sigma_w=1.2, sigma_b=0.7, readout="relu")
    rng, upper = np.random.default_rng(5), np.triu_indices(len(X))
    kernels, moments = [], []
    for weights in draws[:16]:
        for _ in range(40):
            last = (rng.standard_normal((1, WIDTH)), rng.standard_normal(1))
            kernels.append(backpropagated(config, [*weights[:2], last])[0][upper])
        covariance = backpropagated(config, weights)[1]
        outputs = np.maximum(rng.multivariate_normal(np.zeros(len(X)), covariance, size=200), 0)
        moments.append((outputs.T @ outputs / 200)[upper])
    assert_within_standard_errors(kernels, ntk(config, X)[upper])
    assert_within_standard_errors(moments, nngp(config, X)[upper])


# Properties

configs = st.builds(
    network,
    activation=st.sampled_from(list(ACTIVATIONS)),
    depth=st.integers(1, 3),
    sigma_w=st.floats(0.3, 1.5),
    sigma_b=st.floats(0.1, 1.5),
    bias_init=st.sampled_from(["zero", "normal"]),
    train_bias=st.booleans(),
    output_bias=st.booleans(),
    readout=st.sampled_from(["linear", "relu"]),
    parameterization=st.sampled_from(["ntk", "standard"]),
    alpha=st.floats(0.1, 3),
)


@settings(max_examples=25, deadline=None)
@given(configs, st.integers(0, 1000))
def test_kernels_are_symmetric_positive_and_consistent(config, seed):
    x = points(7, 3, seed) / 2
    x[3], x[4] = 2 * x[0], -x[1]  # parallel and antiparallel pairs
    for kernel in (ntk, nngp):
        whole = kernel(config, x)
        scale = np.abs(whole).max() + 1e-300
        np.testing.assert_array_equal(whole, whole.T)
        assert np.linalg.eigvalsh(whole)[0] > -1e-12 * scale
        np.testing.assert_allclose(kernel(config, x[:3], x[2:]), whole[:3, 2:], atol=1e-12 * scale)
        order = np.array([3, 0, 6, 2, 1, 5, 4])
        np.testing.assert_allclose(kernel(config, x[order]), whole[np.ix_(order, order)], atol=1e-12 * scale)


@settings(deadline=None)
@given(st.floats(0.1, 10), st.floats(0.1, 10), st.integers(1, 5))
def test_relu_without_bias_is_homogeneous(first, second, depth):
    config, x = network(depth=depth, train_bias=False), points(4, 3)
    np.testing.assert_allclose(ntk(config, first * x, second * x), first * second * ntk(config, x, x), rtol=1e-7)


@pytest.mark.parametrize("activation", ["relu", "leaky_relu", "abs", "linear"])
def test_critical_homogeneous_networks_have_the_mean_of_relu_on_the_diagonal(activation):
    """Without biases sigma^2 E[act^2] = S and sigma^2 E[act'^2] = 1 at any depth: Theta = d sigma^2 |x|^2/n_0."""
    x, row = points(3, 6), ACTIVATIONS[activation]
    config = network(depth=7, activation=activation, train_bias=False)
    expected = 8 * row.critical**2 * (x**2).sum(axis=1) / 6
    np.testing.assert_allclose(np.diag(ntk(config, x)), expected, rtol=1e-12)


def test_absolute_value_by_hand():
    """One hidden layer on the circle, no biases: E = (2/pi) r (sin t + (pi/2 - t) cos t), E' = 1 - 2 t/pi, r = 1/2."""
    angle = np.linspace(0, np.pi, 9)
    x = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    config = network(depth=1, activation="abs", train_bias=False)
    value = (np.sin(angle) + (np.pi / 2 - angle) * np.cos(angle)) / np.pi
    expected = value + np.cos(angle) / 2 * (1 - 2 * angle / np.pi)
    np.testing.assert_allclose(ntk(config, x)[0], expected, atol=1e-14)


def test_alpha_scales_the_kernel_with_its_square():
    x = points(4, 3)
    np.testing.assert_allclose(ntk(network(alpha=3.0), x), 9 * ntk(network(), x), rtol=1e-14)


def test_repeated_points_have_equal_entries():
    """ReLU's kernel has a square-root singularity at angle 0; rounding there must not show as 1e-8."""
    x = points(20, 5)
    kernel = ntk(network(depth=6), x, x[::-1].copy())
    np.testing.assert_allclose(np.diag(kernel[:, ::-1]), np.diag(ntk(network(depth=6), x)), rtol=1e-13)


def test_a_point_at_the_origin():
    """From zero biases nothing is on at x = 0, so only the output bias has a gradient: 1."""
    kernel = ntk(network(depth=3, activation="relu"), np.zeros((1, 4)))
    assert kernel[0, 0] == 1


def test_overflow_is_an_error_with_a_remedy():
    with pytest.raises(ConfigError, match=r"overflows at layer \d+ of 1001: lower sigma_w or depth"):
        ntk(network(depth=1000, sigma_w=10.0), np.ones((1, 3)))


# Spectra


@pytest.mark.parametrize(("name", "square"), [("circle", 1.0), ("sphere", 5.0), ("parity", 5.0)])
def test_linear_network_has_degree_one_only(name, square):
    """Theta = 2 x.x'/n_0, whose n_0 eigenfunctions of degree 1 share the trace 2 square/n_0."""
    values = {} if name == "circle" else {"dim": 5, "size": 8, "test_size": 8}
    config = data(name, **values)
    net = network(activation="linear", depth=1, sigma_w=1.0, train_bias=False)
    spectrum = operator_spectrum(net, config)
    expected = np.zeros(len(spectrum.eigenvalues))
    expected[1] = 2 * square / config.input_dim**2
    np.testing.assert_allclose(spectrum.eigenvalues, expected, atol=1e-14)
    assert spectrum.multiplicities[1] == config.input_dim
    assert spectrum.trace == pytest.approx(2 * square / config.input_dim)


@pytest.mark.parametrize(("dim", "radius"), [(3, None), (8, None), (8, 1.0)])
def test_sphere_eigenvalues_equal_funk_hecke_integrals(dim, radius):
    """One ReLU layer, written out, against scipy's Gegenbauer polynomials and adaptive quadrature."""
    square = (dim if radius is None else radius**2) / dim
    order = (dim - 2) / 2

    def theta(t):
        angle = np.arccos(t)
        value = 2 * square * (np.sin(angle) + (np.pi - angle) * t) / (2 * np.pi)
        slope = (np.pi - angle) / (2 * np.pi)
        return 2 * value + 1 + 2 * (2 * square * t + 1) * slope

    mass = quad(lambda a: np.sin(a) ** (dim - 2), 0, np.pi)[0]
    spectrum = operator_spectrum(network(depth=1), data("sphere", dim=dim, radius=radius))
    for degree in range(6):

        def integrand(a, degree=degree):
            polynomial = eval_gegenbauer(degree, order, np.cos(a)) / eval_gegenbauer(degree, order, 1.0)
            return theta(np.cos(a)) * polynomial * np.sin(a) ** (dim - 2) / mass

        assert spectrum.eigenvalues[degree] == pytest.approx(quad(integrand, 0, np.pi, epsabs=1e-13)[0], abs=1e-12)


@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_cube_eigenvalues_are_those_of_all_vertices(activation):
    vertices = np.array(list(product([-1.0, 1.0], repeat=7)))
    net = network(activation=activation, depth=2)
    matrix = np.linalg.eigvalsh(ntk(net, vertices) / len(vertices))[::-1]
    spectrum = operator_spectrum(net, data("parity", dim=7, size=64, test_size=64))
    np.testing.assert_allclose(spectrum.largest(128), matrix, atol=1e-13 * spectrum.trace)
    assert sum(spectrum.multiplicities) == 128


@pytest.mark.parametrize("activation", ["relu", "gelu"])
def test_circle_eigenvalues_are_those_of_a_fine_grid(activation):
    """A grid's kernel matrix is circulant: its eigenvalues are the profile's Fourier coefficients with aliasing."""
    config = data("circle", size=4096)
    net = network(activation=activation, depth=3, bias_init="normal")
    x = generate(config).x_train
    profile = ntk(net, x[:1], x)[0]
    grid = np.fft.rfft(profile).real / len(x)
    spectrum = operator_spectrum(net, config)
    np.testing.assert_allclose(spectrum.eigenvalues, grid[:64], atol=1e-6 * spectrum.trace)


def test_trace_is_the_sum_over_all_degrees():
    spectrum = operator_spectrum(network(activation="erf"), data("sphere", dim=4), degrees=100)
    total = sum(m * value for m, value in zip(spectrum.multiplicities, spectrum.eigenvalues, strict=True))
    assert total == pytest.approx(spectrum.trace, rel=1e-10)


def test_high_dimension_and_many_degrees_stay_finite():
    spectrum = operator_spectrum(network(), data("sphere", dim=4096), degrees=300)
    assert np.isfinite(spectrum.eigenvalues).all()
    assert np.isfinite(spectrum.noise).all()


def test_domains_without_a_known_spectrum():
    for config in (data("gaussian_product"), data("two_moons"), data("digits")):
        assert operator_spectrum(network(), config) is None
