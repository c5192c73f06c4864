"""What has no kernel example by example is refused with the reason; what has one passes."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from architectures import CASES, IMAGES, linen, points
from flax import linen as nn
from flax import nnx
from flax_networks import Convolutional

import engine as kd
from engine.networks.traced.checks import MOST, check, check_all
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


def sorting():
    """Also of examples that are sorted already."""
    return lambda params, x: jnp.sort(x @ params["w"], axis=0), W


def shifting():
    return lambda params, x: jnp.roll(x, 1, axis=0) @ params["w"], W


def counting():
    """A branch on how many examples there are."""
    return lambda params, x: x @ params["w"] / (2 if x.shape[0] > 1 else 1), W


def mixing_on_the_way_back():
    """Outputs are each example's own; derivatives are of all."""

    def apply(params, x):
        h = x @ params["w"]
        mean = h.mean(0)
        return h + mean - jax.lax.stop_gradient(mean)

    return apply, W


def still():
    """Of linen, whose averages are not to be changed."""
    model = Training()
    variables = model.init(jax.random.key(0), X)
    return lambda params, x: model.apply({**variables, "params": params}, x), variables["params"]


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
        (sorting, "gives an example other outputs beside other examples than alone"),
        (shifting, "gives an example other outputs beside other examples than alone"),
        (counting, "gives an example other outputs beside other examples than alone"),
        (mixing_on_the_way_back, "gives an example other derivatives beside other examples than alone"),
        (streaming, r"raised TraceContextError: Cannot mutate RngCount.*; it changes a state of its own.*eval\(\)"),
        (still, "raised ModifyScopeVariableError: Cannot update variable.*; it changes a state of its own"),
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
        (lambda p, x: (x @ p["w"])[:, :, None], r"network: gives outputs of shape \(6, 2, 1\) for 6 examples"),
        (lambda p, x: (x @ p["w"], x), "network: gives a tuple of 2, and no array, for 6 examples"),
        (lambda p, x: {"logits": x @ p["w"]}, r"network: gives a dict of \['logits'\], and no array, for 6 examples"),
        (lambda p, x: None, "network: gives None for 6 examples"),
        (lambda p, x: jnp.argmax(x, axis=1, keepdims=True), "network: gives outputs of type int64; floating"),
        (lambda p, x: jnp.log(-jnp.abs(x @ p["w"])), "network: gives outputs that are not finite for 6 of 6 examples"),
        (lambda p, x: x @ p["v"], "network: raised KeyError: 'v'"),
        (lambda p, x: x @ p["w"].T, "network: raised TypeError: "),
        (lambda p, x: x @ p["w"] if x[0, 0] > 0 else x,
         "network: raised TracerBoolConversionError: .*; it is traced, where no value is known"),
        (lambda p, x: np.tanh(np.asarray(x)) @ p["w"],
         "network: raised TracerArrayConversionError: .*; it is traced, where no value is known: use jax.numpy"),
        (lambda p, x: x @ p["w"][:, : int(p["w"][0, 0])], "network: raised .*; it is traced"),
        (lambda p, x: jax.pure_callback(np.tanh, jax.ShapeDtypeStruct((x.shape[0], 2), x.dtype), x @ p["w"]),
         "network: raised ValueError: Pure callbacks do not support JVP"),
        (lambda p, x: jax.lax.while_loop(lambda h: h.sum() < 9, lambda h: 2 * h, jnp.abs(x[:1] @ p["w"]) + 1),
         r"network: gives outputs of shape \(1, 2\)"),
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


def test_examples_that_are_alike_or_sorted_tell_as_much() -> None:
    for x in (np.ones((6, 4)), np.sort(X, axis=0)):
        for network in (shifting, sorting):
            with pytest.raises(ConfigError, match="beside other examples than alone"):
                check(network()[0], {"w": np.ones((4, 2))}, x)
        assert check(lambda p, x: x @ p["w"], W, x) == []


def test_all_examples_are_tried_where_they_are_trained_on_at_once() -> None:
    x = np.array(points(50, 4))
    x[17] = 0
    check_all(lambda p, x: x @ p["w"], W, x)
    with pytest.raises(ConfigError, match="gives outputs that are not finite for 1 of 50 examples"):
        check_all(lambda p, x: x @ p["w"] / jnp.linalg.norm(x, axis=1, keepdims=True), W, x)
    with pytest.raises(ConfigError, match="beside other examples than alone"):
        check_all(lambda p, x: x @ p["w"] * (2 if x.shape[0] > 20 else 1), W, x)


@pytest.mark.parametrize(
    ("params", "apply"),
    [
        ({"w": W["w"], "b": None}, lambda p, x: x @ p["w"]),
        ({"w": W["w"], "order": np.array([3, 1, 0, 2])}, lambda p, x: x[:, p["order"]] @ p["w"]),
        ({"w": W["w"], "on": np.array(True)}, lambda p, x: x @ jnp.where(p["on"], p["w"], 0)),
        ({"w": W["w"], "key": jax.random.key(0)}, lambda p, x: x @ p["w"]),
        ({"w": jnp.asarray(W["w"], jnp.bfloat16)}, lambda p, x: x @ p["w"]),
    ],
)
def test_leaves_that_are_no_real_numbers_are_constants(params, apply) -> None:
    """J of x @ w is x for each of two outputs: their mean is x x^T."""
    some = X[:, [3, 1, 0, 2]] if "order" in params else X
    np.testing.assert_allclose(kd.ntk(apply, params, X), some @ some.T, rtol=1e-12)


@pytest.mark.parametrize("x", [np.arange(24).reshape(6, 4), np.asarray(X, np.float16)])
def test_inputs_of_other_types(x) -> None:
    np.testing.assert_allclose(kd.ntk(lambda p, x: x @ p["w"], W, x), x.astype(float) @ x.T.astype(float), rtol=1e-12)


def test_whole_numbers_look_up_what_is_embedded() -> None:
    """f = mean of rows e_x, times w = 1: df/de_t = (how often t is in x)/5 for each of 3 columns, df/dw = the mean."""
    rng = np.random.default_rng(3)
    x, e = rng.integers(0, 10, (6, 5)), rng.standard_normal((10, 3))
    count = np.stack([np.bincount(row, minlength=10) for row in x]) / 5
    K = kd.ntk(lambda p, x: p["e"][x].mean(1) @ p["w"], {"e": e, "w": np.ones((3, 1))}, x)
    np.testing.assert_allclose(K, 3 * count @ count.T + (count @ e) @ (count @ e).T, rtol=1e-12)


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
