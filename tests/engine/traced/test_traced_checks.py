"""What has no kernel example by example is refused with the reason; what has one passes."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from architectures import CASES, IMAGES, Convolutional, linen, points
from flax import linen as nn
from flax import nnx

from engine.networks.traced.checks import MOST, check
from engine.problems import ConfigError

X = np.asarray(points(6, 4))
W = {"w": np.ones((4, 2))}


@pytest.mark.parametrize(
    "name",
    [
        "dense",
        "batch normalisation by running averages",
        "transformer",
        "custom derivatives",
        "nested scan",
        "branches",
    ],
)
def test_networks_of_one_example_at_a_time_pass(name: str) -> None:
    case = CASES[name]()
    assert check(case.apply, case.params, np.asarray(case.x)) == []


class Training(nn.Module):
    """Batch normalisation by the batch's own mean."""

    @nn.compact
    def __call__(self, x):
        return nn.Dense(1)(nn.BatchNorm(use_running_average=False)(nn.Dense(6)(x)))


class Dropping(nn.Module):
    @nn.compact
    def __call__(self, x):
        return nn.Dense(1)(nn.Dropout(0.5, deterministic=False)(nn.Dense(16)(x)))


def normalising():
    model = Training()
    variables = model.init(jax.random.key(0), X)

    def apply(params, x):
        return model.apply({**variables, "params": params}, x, mutable=["batch_stats"])[0]

    return apply, variables["params"]


def dropping():
    """By a fixed key: the same at every call."""
    model = Dropping()
    params = model.init({"params": jax.random.key(0), "dropout": jax.random.key(1)}, X)["params"]
    return partial(_drop, model), params


def _drop(model, params, x):
    return model.apply({"params": params}, x, rngs={"dropout": jax.random.key(3)})


def drawing():
    """Anew at every call."""
    stream = np.random.default_rng(5)
    return lambda params, x: x @ params["w"] * (1 + stream.random()), W


def streaming():
    """From a stream of nnx, which moves on as it is read."""
    drop, stream = nnx.Dropout(0.5), nnx.Rngs(5)
    return lambda params, x: drop(x, rngs=stream) @ params["w"], W


def attending():
    """Attention over the batch, as between points of a cloud."""
    return lambda params, x: jax.nn.softmax(x @ x.T) @ x @ params["w"], W


def centred():
    return lambda params, x: (x - x.mean(0)) @ params["w"], W


@pytest.mark.parametrize(
    ("network", "reason"),
    [
        (normalising, "gives an example other outputs beside other examples than alone"),
        (dropping, "gives an example other outputs beside other examples than alone"),
        (attending, "gives an example other outputs beside other examples than alone"),
        (centred, "gives an example other outputs beside other examples than alone"),
        (drawing, "gives other outputs when it is called again: it draws at random"),
        (streaming, "raised TraceContextError: Cannot mutate RngCount"),
    ],
)
@pytest.mark.parametrize("size", [6, 1])
def test_mixed_examples_and_random_numbers_are_refused(network, reason: str, size: int) -> None:
    """Also of one example alone."""
    apply, params = network()
    with pytest.raises(ConfigError, match=f"^network: {reason}"):
        check(apply, params, X[:size])


@pytest.mark.parametrize(
    ("apply", "name"),
    [
        (lambda p, x: (x.astype(jnp.bfloat16) @ p["w"].astype(jnp.bfloat16)).astype(jnp.float64), "bfloat16"),
        (lambda p, x: jnp.tanh((x @ p["w"]).astype(jnp.float32)), "float32"),
        (lambda p, x: jax.lax.fori_loop(0, 2, lambda _, h: h.astype(jnp.float16).astype(h.dtype), x) @ p["w"],
         "float16"),
        (lambda p, x: jax.lax.dot(x, p["w"], preferred_element_type=jnp.float32), "float32"),
        (lambda p, x: jax.lax.reduce_precision(x, 8, 10) @ p["w"], "19 bits"),
    ],
)  # fmt: skip
def test_fewer_bits_on_the_way_are_refused(apply, name: str) -> None:
    with pytest.raises(ConfigError, match=f"^network: rounds to {name} on the way"):
        check(apply, W, X)


def test_float32_on_the_way_passes_for_a_float32_kernel() -> None:
    def apply(params, x):
        return jnp.tanh(x.astype(jnp.float32) @ params["w"].astype(jnp.float32))

    assert check(apply, W, X, "float32") == []
    with pytest.raises(ConfigError, match=r'rounds to float32 on the way.*, or give precision="float32"'):
        check(apply, W, X)
    with pytest.raises(ConfigError, match="rounds to float16 on the way: a float32 kernel"):
        check(lambda params, x: apply(params, x).astype(jnp.float16), W, X, "float32")
    with pytest.raises(ConfigError, match="beside other examples"):
        check(lambda params, x: apply(params, x - x.mean(0)), W, X, "float32")


def test_a_layer_with_a_precision_of_its_own_is_refused() -> None:
    model = nn.Dense(2, dtype=jnp.float32)
    params = model.init(jax.random.key(0), X)["params"]
    with pytest.raises(ConfigError, match="rounds to float32"):
        check(lambda params, x: model.apply({"params": params}, x), params, X)


@pytest.mark.parametrize(
    ("apply", "words"),
    [
        (lambda p, x: (x @ p["w"])[:, 0], r"network: gives outputs of shape \(6,\) for 6 examples; \(6, k\) is needed"),
        (lambda p, x: (x @ p["w"]).T, r"network: gives outputs of shape \(2, 6\)"),
        (lambda p, x: x @ p["w"][:, :0], r"network: gives outputs of shape \(6, 0\)"),
        (lambda p, x: (x @ p["w"], x), "network: gives .* for 6 examples"),
        (lambda p, x: None, "network: gives None for 6 examples"),
        (lambda p, x: jnp.argmax(x, axis=1, keepdims=True), "network: gives outputs of type int64; floating"),
        (lambda p, x: jnp.log(-jnp.abs(x @ p["w"])), "x: the outputs are not finite"),
        (lambda p, x: x @ p["v"], "network: raised KeyError: 'v'"),
        (lambda p, x: x @ p["w"].T, "network: raised TypeError: "),
        (lambda p, x: x @ p["w"] if x[0, 0] > 0 else x, "network: raised TracerBoolConversionError: "),
        (lambda p, x: jax.lax.while_loop(lambda h: h.sum() < 9, lambda h: 2 * h, jnp.abs(x[:1] @ p["w"]) + 1),
         r"network: gives outputs of shape \(1, 2\)"),
        (jax.vmap(lambda p, x: jax.lax.while_loop(lambda h: h.sum() < 9, lambda h: 2 * h, jnp.exp(x @ p["w"])),
                  in_axes=(None, 0)), "network: raised ValueError: Reverse-mode differentiation does not work"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_the_outputs_is_said(apply, words: str) -> None:
    with pytest.raises(ConfigError, match=f"^{words}") as caught:
        check(apply, W, X)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("params", [{}, None, {"w": "text"}, {"w": np.ones((4, 2)) * 1j}, {"w": W["w"], "n": 3}, 1.0])
def test_params_are_arrays(params) -> None:
    with pytest.raises(ConfigError, match=r"^params: .* given; (arrays|at .* an array) of real numbers"):
        check(lambda p, x: x @ p["w"], params, X)


def test_leaves_that_the_outputs_do_not_depend_on_are_named() -> None:
    def apply(p, x):
        return jax.nn.relu(x @ p["w"] - 1e3) @ p["dead"]["v"] + jax.lax.stop_gradient(p["still"]) + x @ p["live"]

    idle = {"dead": {"v": np.ones((2, 1))}, "still": np.ones(1), "unread": np.ones(3)}
    assert check(apply, {**W, **idle, "live": np.ones((4, 1))}, X) == ["dead/v", "still", "unread", "w"]


def test_few_examples_are_tried() -> None:
    """However many there are."""
    sizes = []

    def apply(params, x):
        sizes.append(x.shape[0])
        return x @ params["w"]

    check(apply, W, np.asarray(points(1000, 4)))
    assert max(sizes) <= MOST


def test_a_convolution_passes() -> None:
    case = linen(Convolutional(partial(nn.GroupNorm, num_groups=2)), IMAGES, 6)
    assert check(case.apply, case.params, np.asarray(case.x)) == []
