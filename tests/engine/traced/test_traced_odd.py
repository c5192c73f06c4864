"""What JAX allows and few networks do: its kernel is that of its Jacobian, or it is refused in words."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from architectures import Case, plain, points
from jacobians import close, expected
from jax import lax
from jax.experimental import io_callback

import engine as kd
from engine.networks.traced.kernel import by_leaf, ntk

X = np.asarray(points(6, 4))
P = {"w": np.asarray(points(4, 5)), "v": np.asarray(points(5, 2))}


def transposed_by_reshape(p, x):
    """One leaf, reshaped as it lies and transposed first."""
    h = jnp.tanh(x @ lax.reshape(p["u"], (4, 4)))
    return jnp.tanh(h @ lax.reshape(p["u"], (4, 4), dimensions=(1, 0))) @ p["v"]


def bias_of_batch_and_of_features(p, x):
    """One bias, along an axis that one product has as batch, and the other as feature."""
    h = lax.dot_general(p["w"], x, (((1,), (2,)), ((0,), (1,))))
    z = lax.dot_general(p["u"], jnp.tanh(x.sum(1)), (((1,), (1,)), ((), ())))
    return (jnp.tanh(h + p["b"][:, None]) * jnp.sin(z + p["b"][:, None])).T @ p["v"]


def bias_of_batches_in_two_orders(p, x):
    h = lax.dot_general(p["w"], x, (((2,), (3,)), ((0, 1), (1, 2))))
    z = lax.dot_general(p["u"], x, (((2,), (3,)), ((1, 0), (1, 2))))
    b = p["b"][:, :, None]
    return (jnp.tanh(h + b) * jnp.sin(z + b)).reshape(9, -1).T @ p["v"]


def number_as_bias(p, x):
    """Added to all features, and to one output."""
    return jnp.tanh(x @ p["w"] + p["b"]) @ p["v"] + p["b"]


def empty_leaf(p, x):
    return jnp.tanh(x @ jnp.concatenate([p["w"], p["e"]])) @ p["v"]


def on_the_host(h: jax.Array, **how: Any) -> jax.Array:
    return jax.pure_callback(np.tanh, jax.ShapeDtypeStruct(h.shape, h.dtype), h, **how)


@jax.custom_jvp
def host_tanh(h):
    return on_the_host(h)


host_tanh.defjvp(lambda at, along: (host_tanh(*at), (1 - host_tanh(*at) ** 2) * along[0]))


def features_of_the_host(p, x):
    """A function of one array at once: JAX has no rule for many."""
    return host_tanh(x @ p["w"]) @ p["v"]


def ordered(p, x):
    made = io_callback(np.tanh, jax.ShapeDtypeStruct(x.shape, x.dtype), x, ordered=True)
    return jnp.tanh(made @ p["w"]) @ p["v"]


CASES: dict[str, Callable[[], Case]] = {
    "a reshape that transposes": lambda: plain(transposed_by_reshape, points(6, 4), 1, u=(2, 8), v=(4, 2)),
    "a bias of batch and of features": lambda: plain(
        bias_of_batch_and_of_features, points(6, 3, 4), 3, w=(3, 4), u=(3, 4), b=(3,), v=(3, 2)
    ),
    "a bias of batches in two orders": lambda: plain(
        bias_of_batches_in_two_orders, points(6, 3, 3, 4), 3, w=(3, 3, 4), u=(3, 3, 4), b=(3, 3), v=(9, 2)
    ),
    "a number as bias": lambda: plain(number_as_bias, points(6, 4), 2, w=(4, 5), b=(), v=(5, 1)),
    "an empty leaf": lambda: plain(empty_leaf, points(6, 4), 2, w=(4, 5), e=(0, 5), v=(5, 2)),
    "features of the host": lambda: plain(features_of_the_host, points(6, 4), 2, w=(4, 5), v=(5, 2)),
    "an ordered callback": lambda: plain(ordered, points(6, 4), 2, w=(4, 5), v=(5, 2)),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_its_kernel_is_that_of_its_jacobian(name: str) -> None:
    case = CASES[name]()
    trace, full = expected(case)
    leaves = by_leaf(case.apply, case.params, case.x)
    assert close(sum(part.sum(0) for part in leaves.values()), trace)
    assert close(ntk(case.apply, case.params, case.x, heads="full"), full)
    assert close(ntk(case.apply, case.params, case.x[:2], case.x[2:]), trace[:2, 2:])


def backwards(by: Callable[[jax.Array], jax.Array]) -> Callable:
    """A network whose signals go back through a function."""

    @jax.custom_vjp
    def tanh(h):
        return jnp.tanh(h)

    tanh.defvjp(lambda h: (jnp.tanh(h), h), lambda h, g: (by(g) * jnp.sin(h),))
    return lambda p, x: tanh(x @ p["w"]) @ p["v"]


def test_signals_may_go_back_through_the_host() -> None:
    case = plain(backwards(jnp.tanh), points(6, 4), 2, w=(4, 5), v=(5, 2))
    assert close(ntk(backwards(on_the_host), case.params, case.x, heads="full"), expected(case)[1])


def test_leaves_whose_paths_would_be_one_have_a_part_each() -> None:
    params = {"a/b": P["w"], "a": {"b": P["v"]}, "c": np.ones(2)}

    def apply(p, x):
        return jnp.tanh(x @ p["a/b"]) @ p["a"]["b"] + p["c"]

    parts = kd.ntk_by_leaf(apply, params, X)
    assert list(parts) == ["['a']['b']", "['a/b']", "c"]
    features = np.tanh(X @ P["w"])
    np.testing.assert_allclose(parts["['a']['b']"][0], features @ features.T, rtol=1e-12)
    np.testing.assert_allclose(sum(part.sum(0) for part in parts.values()), kd.ntk(apply, params, X), rtol=1e-12)


class Scaled:
    by = 1.0

    def __call__(self, p, x):
        return self.by * jnp.tanh(x @ p["w"]) @ p["v"]


def test_a_function_is_read_as_it_stands() -> None:
    """What it holds may have changed since its last kernel; without `check` it is the one that was read before."""
    apply = Scaled()
    before, part = kd.ntk(apply, P, X), kd.ntk_by_leaf(apply, P, X)["v"]
    apply.by = 3.0
    np.testing.assert_allclose(kd.ntk(apply, P, X), 9 * before, rtol=1e-12)
    np.testing.assert_allclose(kd.ntk_by_leaf(apply, P, X)["v"], 9 * part, rtol=1e-12)
    again = kd.ntk(apply, P, X, check=False)
    apply.by = 1.0
    np.testing.assert_array_equal(kd.ntk(apply, P, X, check=False), again)


@pytest.mark.parametrize("dtype", [np.uint8, np.int32, np.int64])
def test_pictures_of_whole_numbers_are_scaled_in_float64(dtype: type) -> None:
    """JAX alone divides small integers in float32."""
    pictures = np.arange(24).reshape(6, 4).astype(dtype)
    found = kd.ntk(lambda p, x: (x / 255) @ p["w"], {"w": P["w"]}, pictures)
    wide = pictures.astype(float) / 255
    np.testing.assert_allclose(found, wide @ wide.T, rtol=1e-13)


def test_whole_numbers_that_the_function_itself_scales_in_float32_are_said_to_be_rounded() -> None:
    """Not to be mixed, as by batch normalisation."""
    pictures = np.random.default_rng(0).integers(0, 255, (6, 4))

    def apply(p, x):
        h = jnp.tanh(x.astype(jnp.float32) / 255 @ p["w"].astype(jnp.float32)) * x.shape[0] / x.shape[0]
        return h @ p["v"]

    with pytest.raises(kd.ConfigError, match="rounds to float32 on the way"):
        kd.ntk(apply, P, pictures)


def test_bfloat16_examples_are_real_numbers() -> None:
    some = jnp.asarray(X, jnp.bfloat16)
    found = kd.ntk(lambda p, x: x @ p["w"], {"w": P["w"]}, some)
    np.testing.assert_allclose(found, np.asarray(some, float) @ np.asarray(some, float).T, rtol=1e-12)


@pytest.mark.parametrize(
    ("apply", "params", "words"),
    [
        (lambda p, x: on_the_host(x @ p["w"], vmap_method="broadcast_all"), P,
         "network: raised ValueError: Pure callbacks do not support JVP.*use `jax.custom_jvp`"),
        (lambda p, x: lax.psum(x @ p["w"], "nowhere"), P, "network: raised NameError: Found an unbound axis name"),
        (lambda p, x: x @ p["w"], {"w": P["w"].astype(np.longdouble)}, "params: .* given; at w .* of at most 64 bits"),
        (lambda p, x: jnp.abs(x @ p["w"]), {"w": 1j * P["w"], "v": P["v"]}, "params: .* given; at w .* real numbers"),
    ],
)  # fmt: skip
def test_what_has_no_kernel_is_refused_in_words(apply: Callable, params: Any, words: str) -> None:
    with pytest.raises(kd.ConfigError, match=f"^{words}"):
        kd.ntk(apply, params, X)


def test_an_error_of_the_kernel_alone_is_said_in_words() -> None:
    """Without `check`: what JAX cannot differentiate."""
    with pytest.raises(kd.ConfigError, match=r"^network: raised ValueError: Pure callbacks do not support JVP"):
        kd.ntk(lambda p, x: on_the_host(x @ p["w"]), P, X, check=False)
