"""Residual and convolutional networks: configs, outputs, kernels, training, against independent programs."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import linen as nn
from jax.flatten_util import ravel_pytree

import engine as kd
from engine.config import RunConfig
from engine.data import generate
from engine.networks import model
from engine.networks.base import NetworkConfig
from engine.networks.parameters import ParameterPath
from engine.schema import ConfigError
from engine.texts import read
from engine.training.job import trained
from engine.training.path import kernel_path

SHAPE = (4, 6, 2)
KINDS = {
    "resnet": {"kind": "resnet", "depth": 3, "width": 5, "activation": "erf"},
    "resnet of one block": {"kind": "resnet", "depth": 1, "width": 4, "branch_scale": "1", "output_bias": False},
    "resnet whose biases stay": {"kind": "resnet", "depth": 2, "width": 4, "train_bias": False, "bias_init": "normal"},
    "conv": {"kind": "conv", "depth": 3, "width": 3, "activation": "gelu"},
    "conv with strides and norms": {
        "kind": "conv", "depth": 3, "width": 3, "stride": (1, 2, 1), "norm": "layer", "activation": "tanh",
        "alpha": 0.5,
    },
    "conv, circular, flattened": {
        "kind": "conv", "depth": 2, "width": 3, "stride": 3, "padding": "circular", "pooling": "flatten",
        "bias_init": "normal", "train_bias": False,
    },
}  # fmt: skip


def made(name: str, outputs: int = 2) -> tuple[NetworkConfig, dict, jax.Array]:
    """A network, float64 parameters none of which is 0 or 1, and points."""
    network = NetworkConfig.from_dict(KINDS[name]).on(SHAPE)
    rng = np.random.default_rng(0)
    params = model.init(network, 0, 48, outputs)
    params = jax.tree.map(lambda leaf: jnp.asarray(leaf) + 0.1 * rng.standard_normal(leaf.shape), params)
    return network, params, jnp.asarray(rng.standard_normal((5, 48)))


def by_hand(network: NetworkConfig, params: dict, x: jax.Array) -> jax.Array:
    """J, (n k, parameters), by automatic differentiation."""
    J = jax.jacrev(lambda params: network.alpha * model.apply(network, params, x))(params)
    return jnp.concatenate([leaf.reshape(x.shape[0] * leaf.shape[1], -1) for leaf in jax.tree.leaves(J)], 1)


@pytest.mark.parametrize("name", KINDS)
def test_kernels_are_those_of_the_jacobian(name: str) -> None:
    """Full, between points, the mean over outputs, and the sum of the layers."""
    network, params, x = made(name)
    J = by_hand(network, params, x)
    K = J @ J.T
    close = partial(np.testing.assert_allclose, rtol=0, atol=1e-12 * float(jnp.abs(K).max()))
    close(model.ntk(network, params, x, heads="full"), K)
    close(model.ntk(network, params, x[:2], x[2:], heads="full"), K[:4, 4:])
    mean = (K[::2, ::2] + K[1::2, 1::2]) / 2
    layers = model.layer_kernels(network, params, np.asarray(x))
    close(layers.sum(0), mean)
    assert len(layers) == {"resnet": 5, "resnet of one block": 3, "resnet whose biases stay": 4}.get(
        name, network.depth + 1
    )


@pytest.mark.parametrize("name", KINDS)
def test_parameters_are_counted(name: str) -> None:
    network, params, _ = made(name)
    frozen = {"b"} if not network.train_bias else set()  # type: ignore[attr-defined]
    leaves = jax.tree_util.tree_leaves_with_path(params)
    trained = sum(leaf.size for path, leaf in leaves if path[-1].key not in frozen)
    assert network.parameter_count(48, 2) == trained


def test_a_residual_network_computes_what_it_says() -> None:
    network, params, x = made("resnet")
    first, blocks, last = params["hidden_0"], params["hidden_1"], params["readout"]
    a = x @ first["w"][0] / np.sqrt(48) + first["b"][0]
    for w, b in zip(blocks["w"], blocks["b"], strict=True):
        a = a + (network.sigma_w * jax.scipy.special.erf(a) @ w / np.sqrt(5) + b) / np.sqrt(3)  # type: ignore[attr-defined]
    h = a @ last["w"] / np.sqrt(5) + last["b"]
    np.testing.assert_allclose(model.apply(network, params, x), h, rtol=1e-12)


# Flax's circular padding does not depend on the stride, as that of SAME and ours do.
@pytest.mark.parametrize(
    ("padding", "stride", "pooling"),
    [("zero", 1, "average"), ("zero", 2, "flatten"), ("zero", 3, "average"), ("circular", 1, "flatten")],
)
def test_convolutions_are_those_of_flax(padding: str, stride: int, pooling: str) -> None:
    values = {
        "kind": "conv", "depth": 2, "width": 3, "activation": "tanh", "stride": stride, "padding": padding,
        "pooling": pooling, "sigma_w_readout": 1.3, "sigma_b": 0.6, "bias_init": "normal",
    }  # fmt: skip
    network = NetworkConfig.from_dict(values).on(SHAPE)
    params = jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.float64), model.init(network, 0, 48, 2))
    x = jnp.asarray(np.random.default_rng(0).standard_normal((5, 48)))
    a = x.reshape(5, *SHAPE)
    convolve = nn.Conv(3, (3, 3), stride, padding={"zero": "SAME", "circular": "CIRCULAR"}[padding], use_bias=False)
    leaves = [params[name] for name in sorted(params) if name != "readout"]
    for layer in leaves:
        for w, b in zip(layer["w"], layer["b"], strict=True):
            z = convolve.apply({"params": {"kernel": w}}, a)
            a = jnp.tanh(network.sigma_w * z / np.sqrt(9 * a.shape[-1]) + 0.6 * b)  # type: ignore[attr-defined]
    positions = a.shape[1] * a.shape[2]
    pooled = a.mean((1, 2)) if pooling == "average" else a.reshape(5, -1) / np.sqrt(positions)
    h = 1.3 * pooled @ params["readout"]["w"] / np.sqrt(3) + 0.6 * params["readout"]["b"]
    np.testing.assert_allclose(model.apply(network, params, x), h, rtol=1e-12)


def test_a_norm_is_that_of_flax() -> None:
    """Over the positions and channels of each example, with a gain and a shift for each channel."""
    values = {"kind": "conv", "depth": 1, "width": 3, "norm": "layer", "activation": "linear", "sigma_b": 0}
    network = NetworkConfig.from_dict({**values, "sigma_w": 3.0, "sigma_w_readout": 1.0}).on(SHAPE)
    rng = np.random.default_rng(2)
    params = jax.tree.map(lambda leaf: jnp.asarray(rng.standard_normal(leaf.shape)), model.init(network, 0, 48, 1))
    own, x = params["hidden_0"], jnp.asarray(rng.standard_normal((5, 48)) + 1)
    convolve, norm = nn.Conv(3, (3, 3), use_bias=False), nn.LayerNorm(reduction_axes=(1, 2, 3), use_fast_variance=False)
    z = convolve.apply({"params": {"kernel": own["w"][0]}}, x.reshape(5, *SHAPE)) / np.sqrt(2)
    a = norm.apply({"params": {"scale": 1 + own["gain"][0], "bias": own["shift"][0]}}, z)
    h = a.mean((1, 2)) @ params["readout"]["w"] / np.sqrt(3)
    np.testing.assert_allclose(model.apply(network, params, x), h, rtol=1e-10)


def test_a_circular_convolution_follows_a_shifted_image() -> None:
    """With the mean over positions the outputs do not see the shift; with zero padding they do."""
    x = np.random.default_rng(0).standard_normal((3, *SHAPE))
    moved = np.roll(x, (1, 2), (1, 2))
    values = {"kind": "conv", "depth": 2, "width": 4}
    params = jax.tree.map(lambda leaf: leaf.astype(np.float64), kd.init(values, 0, SHAPE))
    circular, zero = (NetworkConfig.from_dict({**values, "padding": p, "shape": SHAPE}) for p in ("circular", "zero"))
    f, g = (model.apply(circular, params, image.reshape(3, -1)) for image in (x, moved))
    np.testing.assert_allclose(f, g, rtol=1e-12)
    f, g = (model.apply(zero, params, image.reshape(3, -1)) for image in (x, moved))
    assert np.abs(f - g).max() > 1e-2


def test_a_norm_makes_a_network_forget_the_scale_of_an_image() -> None:
    network, params, x = made("conv with strides and norms")
    params["hidden_0"]["b"] *= 0
    np.testing.assert_allclose(model.apply(network, params, 3 * x), model.apply(network, params, x), rtol=1e-4)


# Initialisation.


def linear_mean(depth: int, s: float, sigma_w: float, sigma_r: float, q: float) -> float:
    """E K_0(x, x) of a linear residual network without biases, at any width; q = |x|^2/n_0.

    The square of the signal grows by 1 + c at each block, c = (s sigma_w)^2, and so does that of its derivative on the
    way back; the weights before a block, its own and those after it are independent.
    """
    c = (s * sigma_w) ** 2
    ends = 2 * (1 + c) ** depth
    return sigma_r**2 * q * (ends + depth * c * (1 + c) ** (depth - 1))


@pytest.mark.parametrize("branch_scale", ["1/sqrt(L)", "1"])
def test_the_mean_kernel_of_a_linear_residual_network_is_exact(branch_scale: str) -> None:
    values = {
        "kind": "resnet", "depth": 4, "width": 6, "activation": "linear", "sigma_w": 0.8, "sigma_w_readout": 1.5,
        "train_bias": False, "branch_scale": branch_scale,
    }  # fmt: skip
    network = NetworkConfig.from_dict(values)
    x = jnp.asarray([[1.0, -2.0, 0.5]])
    expected = linear_mean(4, network.branch, 0.8, 1.5, 5.25 / 3)  # type: ignore[attr-defined]
    keys = jax.random.split(jax.random.key(3), 4000)
    draw = jax.jit(jax.vmap(lambda key: model.ntk(network, model.draw(network, key, 3, 1, jnp.float64), x)[0, 0]))
    K = np.asarray(draw(keys))
    assert abs(K.mean() - expected) < 4 * K.std() / np.sqrt(len(K))
    np.testing.assert_allclose(kd.infinite_ntk(values, x)[0, 0], expected, rtol=1e-12)


def test_the_limit_of_residual_networks_is_that_of_wide_ones() -> None:
    """ReLU, with biases: the closed recursion against the mean over networks, whose outputs have its covariance."""
    values = {"kind": "resnet", "depth": 3, "bias_init": "normal", "sigma_b": 0.5}
    network = NetworkConfig.from_dict({**values, "width": 128})
    x = np.random.default_rng(0).standard_normal((4, 8))

    @jax.jit
    @jax.vmap
    def drawn(key: jax.Array) -> tuple[jax.Array, jax.Array]:
        params = model.draw(network, key, 8, 1, jnp.float64)
        return model.ntk(network, params, x), model.apply(network, params, x)[:, 0]

    K, f = map(np.asarray, drawn(jax.random.split(jax.random.key(0), 128)))
    error = K.std(0) / np.sqrt(len(K))
    assert np.all(np.abs(K.mean(0) - kd.infinite_ntk(values, x)) < 4 * error + 0.02 * np.abs(K.mean(0)))
    products = f[:, :, None] * f[:, None, :]
    error = products.std(0) / np.sqrt(len(f))
    assert np.all(np.abs(products.mean(0) - kd.nngp(values, x)) < 4 * error)


def test_without_its_branches_a_residual_network_is_linear() -> None:
    """sigma_w near 0: h = sigma_r v.W x/sqrt(n n_0), whose kernel is |a|^2/n + x.x'/n_0 |v|^2/n times sigma_r^2."""
    values = {"kind": "resnet", "depth": 2, "width": 7, "sigma_w": 1e-9, "sigma_w_readout": 1.3, "train_bias": False}
    x, params = np.random.default_rng(0).standard_normal((3, 4)), kd.init(values, 0, 4)
    a = x @ np.asarray(params["hidden_0"]["w"][0], np.float64) / 2
    v = np.asarray(params["readout"]["w"], np.float64)
    expected = 1.3**2 * (a @ a.T + x @ x.T / 4 * np.sum(v**2)) / 7
    np.testing.assert_allclose(kd.ntk(values, params, x), expected, rtol=1e-6)


# Training.

DIGITS = {"name": "digits", "size": 8, "test_size": 16}


def run_of(network: dict, **training: object) -> RunConfig:
    values = {"data": DIGITS, "network": network, "training": {"checkpoints": 4, "precision": "float64", **training}}
    return RunConfig.from_dict(values)


@pytest.mark.parametrize(
    "network",
    [
        {"kind": "resnet", "depth": 2, "width": 6, "activation": "erf", "centred": True},
        {"kind": "conv", "depth": 2, "width": 3, "stride": 2, "activation": "tanh"},
    ],
    ids=["resnet", "conv"],
)
def test_a_run_is_that_of_an_independent_loop(network: dict) -> None:
    """optax on the same parameters, the loss written anew; its kernel path is that of the Jacobian there."""
    config = run_of(network, learning_rate=0.02, max_steps=20, stop_residual=None, loss="mean")
    data = generate(config.data)
    result, parameters = trained(config)
    seed, stored = result.seeds[0], ParameterPath.from_arrays(parameters, 0)
    net, params = config.network, stored.at(0)
    x, y = jnp.asarray(data.x_train), jnp.asarray(data.y_train)
    h_0 = model.apply(net, params, x) if net.centred else 0.0
    optimiser = optax.sgd(0.02)
    state = optimiser.init(params)
    step = jax.jit(jax.grad(lambda params: jnp.mean((net.alpha * (model.apply(net, params, x) - h_0) - y) ** 2)))
    for _ in range(20):
        updates, state = optimiser.update(step(params), state)
        params = optax.apply_updates(params, updates)
    np.testing.assert_allclose(seed["f_train"][-1], model.apply(net, params, x) - h_0, rtol=1e-9, atol=1e-9)
    K = model.ntk(net, params, x)
    np.testing.assert_allclose(seed["eigenvalues"][-1], np.linalg.eigvalsh(K)[::-1], atol=1e-9 * np.abs(K).max())
    path = kernel_path(config, data, stored, seed.effective_rate, data.x_test[:2])
    flat, tree = ravel_pytree(jax.tree.map(jnp.asarray, stored.at(-1)))
    points, step = jnp.concatenate([x, data.x_test[:2]]), 1e-4
    J = by_hand(net, tree(flat), points)
    np.testing.assert_allclose(path.kernel[-1], J @ J[:8].T, rtol=1e-9, atol=1e-9)

    def kernel(s: float) -> np.ndarray:
        moved = by_hand(net, tree(flat - s * J[:8].T @ path.residual[-1]), points)
        return np.asarray(moved @ moved[:8].T)

    K_dot = (8 * (kernel(step) - kernel(-step)) - (kernel(2 * step) - kernel(-2 * step))) / (12 * step)
    assert np.all(np.isfinite(path.slope[-1]))  # type: ignore[index]
    np.testing.assert_allclose(K_dot, path.slope[-1], rtol=1e-6, atol=1e-6 * np.abs(K_dot).max())  # type: ignore[index]


def test_beyond_the_stability_limit_is_refused_and_diverges() -> None:
    network = {"kind": "conv", "depth": 1, "width": 3, "stride": 4, "activation": "tanh"}
    with pytest.raises(ConfigError, match="at or beyond the stability limit"):
        trained(run_of(network, learning_rate=1e3))
    far, _ = trained(run_of(network, stability_fraction=3.0, allow_unstable=True, max_steps=300, stop_residual=None))
    near, _ = trained(run_of(network, stability_fraction=0.9, max_steps=300, stop_residual=None))
    assert near.seeds[0]["residual"][-1] < 1
    assert not far.seeds[0]["residual"][-1] < 1


# What is refused.


@pytest.mark.parametrize(
    ("data", "network", "said"),
    [
        (
            {"name": "circle"},
            {"kind": "conv"},
            "network.kind: conv takes images; these inputs have no height and width",
        ),
        (DIGITS, {"kind": "conv", "stride": [1, 2]}, "network.stride: 2 strides for depth 3"),
        (DIGITS, {"kind": "conv", "shape": [8, 8]}, "network.shape: .* is needed"),
        (
            DIGITS,
            {"kind": "conv", "shape": [8, 8, 3]},
            r"network.shape: \[8, 8, 3\] given, but an input is \[8, 8, 1\]",
        ),
        (DIGITS, {"kind": "covn"}, "network.kind: 'covn' is unknown. Did you mean 'conv'"),
        (DIGITS, {"kind": "resnet", "branch_scale": 2}, "network.branch_scale: 2 is unknown"),
        (DIGITS, {"kind": "resnet", "readout": "relu"}, "network.readout: no such setting"),
        (DIGITS, {"kind": "conv", "width": [8, 8]}, "network.width: .* a whole number is needed"),
    ],
)
def test_what_a_kind_does_not_take_is_refused_at_its_field(data: dict, network: dict, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        RunConfig.from_dict({"data": data, "network": network})


@pytest.mark.parametrize("name", KINDS)
def test_configs_round_trip(name: str) -> None:
    config = RunConfig.from_dict({"data": DIGITS, "network": KINDS[name]})
    assert RunConfig.from_dict(config.to_dict()) == config
    assert RunConfig.from_dict(read(config.to_yaml())).hash == config.hash


def test_the_face_takes_images() -> None:
    images = np.random.default_rng(0).standard_normal((3, 8, 8, 1))
    values = {"kind": "conv", "depth": 1, "width": 4, "stride": 4}
    params = kd.init(values, 0, (8, 8, 1))
    K = kd.ntk(values, params, images)
    np.testing.assert_array_equal(K, kd.ntk({**values, "shape": (8, 8, 1)}, params, images.reshape(3, 64)))
    features = kd.ntk(values, params, images, kernel="conjugate")
    assert np.all(np.linalg.eigvalsh(K - features) > -1e-12)
    assert set(kd.ntk_by_leaf(values, params, images)) == {"hidden_0/b", "hidden_0/w", "readout/b", "readout/w"}
    with pytest.raises(ConfigError, match=r"network.kind: conv takes images"):
        kd.ntk(values, params, images.reshape(3, 64))
    np.testing.assert_array_equal(
        kd.infinite_ntk(values, images, images[:2]),
        kd.infinite_ntk({**values, "shape": (8, 8, 1)}, images.reshape(3, 64), images[:2].reshape(2, 64)),
    )
    for limit in (kd.infinite_ntk, kd.nngp):
        with pytest.raises(ConfigError, match=r"network.kind: conv takes images"):
            limit(values, images.reshape(3, 64))
    with pytest.raises(ConfigError, match=r"network.kind: a kernel at infinite width that depends on the angle"):
        kd.operator_spectrum({**values, "shape": (1, 2, 1)}, {"name": "circle"})
    flat = {"depth": 1, "width": 4}
    mlp = kd.init(flat, 0, (8, 8, 1))
    np.testing.assert_array_equal(kd.ntk(flat, mlp, images), kd.ntk(flat, mlp, images.reshape(3, 64)))
