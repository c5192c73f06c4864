"""Residual and convolutional networks whose output scale is tied to the width, and of which a part alone trains."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import engine as kd
from engine.config import RunConfig
from engine.data import generate
from engine.initialisation.sampled_spread import measured_beta
from engine.networks import model
from engine.networks.base import NetworkConfig
from engine.networks.infinite import nngp, ntk
from engine.networks.parameters import ParameterPath
from engine.networks.precision import rounding_of
from engine.networks.resnet_config import ResNetConfig
from engine.training.job import trained

SHAPE = (4, 4, 1)
KINDS = {
    "resnet": {"kind": "resnet", "depth": 2, "width": 5, "activation": "erf"},
    "conv": {"kind": "conv", "depth": 3, "width": 3, "activation": "tanh", "shape": SHAPE},
    "flattened": {"kind": "conv", "depth": 1, "width": 3, "activation": "tanh", "pooling": "flatten", "shape": SHAPE},
}
PARTS = ("readout", "hidden")
WIDTH = {"resnet": 5, "conv": 3, "flattened": 3}
"""On which the scale stands: of convolutions the channels, however many positions the readout sees."""


def outputs(name: str, params: dict, x: jax.Array) -> jax.Array:
    """h, written anew."""
    values, readout = KINDS[name], params["readout"]
    if name == "resnet":
        sigma = np.sqrt(np.pi) / 2
        a = x @ params["hidden_0"]["w"][0] / np.sqrt(x.shape[1]) + params["hidden_0"]["b"][0]
        for w, b in zip(params["hidden_1"]["w"], params["hidden_1"]["b"], strict=True):
            a = a + (sigma * jax.scipy.special.erf(a) @ w / np.sqrt(5) + b) / np.sqrt(2)
        return a @ readout["w"] / np.sqrt(5) + readout["b"]
    side = int(x.shape[1] ** 0.5)
    a = x.reshape(-1, side, side, 1)
    for block in sorted(set(params) - {"readout"}):
        for w, b in zip(params[block]["w"], params[block]["b"], strict=True):
            z = jax.lax.conv_general_dilated(a, w, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"))
            a = jnp.tanh(z / np.sqrt(9 * a.shape[-1]) + b)
    pooled = a.reshape(len(x), -1) / side if values.get("pooling") == "flatten" else a.mean((1, 2))
    return pooled @ readout["w"] / np.sqrt(3) + readout["b"]


def split(params: dict, part: str) -> tuple[dict, dict]:
    """What trains, and the rest."""
    own = {block: leaves for block, leaves in params.items() if (block == "readout") == (part == "readout")}
    return own, {block: leaves for block, leaves in params.items() if block not in own}


def drawn(name: str, outputs: int = 2, **more: object) -> tuple[NetworkConfig, dict, jax.Array]:
    """A network, float64 parameters none of which is 0, and points."""
    network, rng = NetworkConfig.from_dict({**KINDS[name], **more}), np.random.default_rng(1)
    params = jax.tree.map(
        lambda leaf: leaf + 0.1 * rng.standard_normal(leaf.shape), model.init(network, 0, 16, outputs)
    )
    return network, params, jnp.asarray(rng.standard_normal((4, 16)))


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("name", KINDS)
def test_kernels_are_those_of_the_jacobian_by_what_trains(name: str, part: str) -> None:
    """Full, between points, by layer; and the conjugate one, which is the readout's whatever trains."""
    network, params, x = drawn(name, train=part, alpha=2.0, alpha_exponent=1.0)
    own, rest = split(params, part)
    J = jax.jacrev(lambda own: outputs(name, {**own, **rest}, x).reshape(-1))(own)
    J = jnp.concatenate([leaf.reshape(8, -1) for leaf in jax.tree.leaves(J)], 1)
    K = 4 / WIDTH[name] * J @ J.T
    close = partial(np.testing.assert_allclose, rtol=0, atol=1e-12 * float(jnp.abs(K).max()))
    close(model.ntk(network, params, x, heads="full"), K)
    close(model.ntk(network, params, x[:1], x[1:], heads="full"), K[:2, 2:])
    mean = (K[::2, ::2] + K[1::2, 1::2]) / 2
    layers = model.layer_kernels(network, params, np.asarray(x))
    close(layers.sum(0), mean)
    assert len(layers) == {"resnet": 4, "conv": 4, "flattened": 2}[name]
    assert [bool(np.any(layer)) for layer in layers] == [part == "hidden"] * (len(layers) - 1) + [part == "readout"]
    v = params["readout"]["w"]
    a = jax.jacrev(lambda v: outputs(name, {**params, "readout": {**params["readout"], "w": v}}, x)[:, 0])(v)
    conjugate = 4 / WIDTH[name] * a[:, :, 0] @ a[:, :, 0].T
    np.testing.assert_allclose(kd.ntk(network, params, x, kernel="conjugate"), conjugate, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("name", ["resnet", "conv"])
def test_a_run_is_that_of_an_independent_loop(name: str, part: str) -> None:
    """optax on what trains alone; what stays is what it was, the layers' shares are those of what trains."""
    network = {**KINDS[name], "train": part, "alpha": 2.0, "alpha_exponent": 0.5}
    network |= {"shape": (8, 8, 1)} if name == "conv" else {}
    values = {"data": {"name": "digits", "size": 8, "test_size": 8}, "network": network}
    steps = {"learning_rate": 0.02, "max_steps": 15, "stop_residual": None, "loss": "half_sum", "precision": "float64"}
    config = RunConfig.from_dict({**values, "training": {**steps, "checkpoints": 3}})
    data, (result, parameters) = generate(config.data), trained(config)
    stored = ParameterPath.from_arrays(parameters, 0)
    own, rest = split(stored.at(0), part)
    x, y, scale = jnp.asarray(data.x_train), jnp.asarray(data.y_train), 2.0 * WIDTH[name] ** -0.25

    def f(own: dict) -> jax.Array:
        return scale * outputs(name, {**own, **rest}, x)

    optimiser = optax.sgd(0.02)
    state, step = optimiser.init(own), jax.jit(jax.grad(lambda own: jnp.sum((f(own) - y) ** 2) / 2))
    for _ in range(15):
        updates, state = optimiser.update(step(own), state)
        own = optax.apply_updates(own, updates)
    np.testing.assert_allclose(result.seeds[0]["f_train"][-1], f(own), rtol=1e-9, atol=1e-9)
    for block, leaves in stored.at(-1).items():
        assert all(np.array_equal(leaf, stored.at(0)[block][which]) for which, leaf in leaves.items()) == (
            block in rest
        )
    shares = result.seeds[0]["layer_share"][0]
    assert np.count_nonzero(shares) == (1 if part == "readout" else len(shares) - 1)
    assert config.parameter_count == sum(leaf.size for leaf in jax.tree.leaves(own))
    if part == "readout":
        assert np.all(result.seeds[0]["drift"] == 0)


def test_infinite_kernels_of_residual_networks_add_up() -> None:
    """Theta of all is that of the readout and of the hidden layers; of the readout, without biases, the NNGP kernel."""
    x = np.random.default_rng(0).standard_normal((3, 4))
    for shared in ({}, {"train_bias": False, "bias_init": "normal"}, {"branch_scale": "1", "output_bias": False}):
        parts = [ntk(ResNetConfig.from_dict({**shared, "train": part}), x) for part in ("readout", "hidden", "all")]
        np.testing.assert_allclose(parts[0] + parts[1], parts[2], rtol=1e-12)
    network = ResNetConfig.from_dict({"train": "readout", "train_bias": False, "alpha": 2.0})
    np.testing.assert_allclose(ntk(network, x), nngp(network, x), rtol=1e-12)


def test_the_scale_of_infinite_kernels_is_that_of_the_width() -> None:
    x = np.random.default_rng(0).standard_normal((3, 4))
    plain, tied = (ResNetConfig.from_dict({"width": 16, "alpha_exponent": s}) for s in (0.0, 1.0))
    np.testing.assert_allclose(16 * ntk(tied, x), ntk(plain, x), rtol=1e-12)


@pytest.mark.parametrize("kind", ["resnet", "conv"])
def test_where_the_start_lies(kind: str) -> None:
    of = partial(dict, kind=kind)
    assert NetworkConfig.from_dict(of(train="readout")).spans_start
    assert not NetworkConfig.from_dict(of(train="hidden")).spans_start
    assert NetworkConfig.from_dict(of(train="hidden", centred=True)).spans_start
    assert not NetworkConfig.from_dict(of(train="readout", train_bias=False, bias_init="normal")).spans_start


@pytest.mark.parametrize("output_bias", [True, False])
def test_the_start_is_where_it_is_said_to_lie(output_bias: bool) -> None:
    """Random biases that stay, 2 features of 6 points: K = a a^T reaches f_0 = a v, but for a bias of the output."""
    values = {"kind": "resnet", "width": 2, "train": "readout", "train_bias": False, "bias_init": "normal"}
    network = NetworkConfig.from_dict({**values, "output_bias": output_bias})
    x = np.random.default_rng(0).standard_normal((6, 3))
    params = jax.tree.map(lambda leaf: jnp.asarray(leaf, float), model.init(network, 0, 3))
    K, f = model.ntk(network, params, x), np.asarray(model.apply(network, params, x))
    values, vectors = np.linalg.eigh(K)
    left = vectors[:, values < 1e-9 * values[-1]].T @ f
    assert (np.linalg.norm(left) < 1e-9 * np.linalg.norm(f)) == network.spans_start == (not output_bias)


@pytest.mark.parametrize("kind", ["resnet", "conv"])
def test_what_is_left_at_its_default_is_not_written(kind: str) -> None:
    network = NetworkConfig.from_dict({"kind": kind})
    assert not {"train", "alpha_exponent"} & set(network.to_dict())
    written = NetworkConfig.from_dict({"kind": kind, "train": "hidden", "alpha_exponent": 1.0})
    assert [*written.to_dict()][-2:] == ["alpha_exponent", "train"]
    assert NetworkConfig.from_dict(written.to_dict()) == written


def test_a_beta_is_measured_of_networks_that_have_none_and_train_whole() -> None:
    data = {"name": "circle", "size": 4, "test_size": 4}
    for network in ({"width": 4}, {"kind": "resnet", "train": "readout", "width": 4}):
        assert measured_beta(RunConfig.from_dict({"data": data, "network": network})) == {}


@pytest.mark.parametrize("kind", ["mlp", "resnet"])
def test_the_last_bit_is_that_of_what_trains(kind: str) -> None:
    """Hidden weights of 0 leave h = b, of the readout: its last bit moves h where it trains, and nothing else does."""
    x, y = np.ones((1, 3)), np.zeros((1, 1))
    steps = {}
    for part in ("all", "hidden"):
        network = NetworkConfig.from_dict({"kind": kind, "depth": 1, "width": 4, "train": part, "bias_init": "normal"})
        params = jax.tree.map(lambda leaf: 0 * np.asarray(leaf), model.init(network, 0, 3))
        params["readout"] = {"w": np.ones((4, 1), np.float32), "b": np.ones(1, np.float32)}
        steps[part] = rounding_of(network, params, x, y, "float32").step
    assert steps == {"all": pytest.approx(2.0**-24, rel=1e-2), "hidden": 0.0}
