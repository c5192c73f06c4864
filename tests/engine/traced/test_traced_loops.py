"""Loops that end by what runs through them, which no signal goes back through in JAX: their kernel is that of forward
differentiation. Arrays that change are refused."""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from architectures import Case, plain, points
from jacobians import close, expected
from jax import lax

import engine as kd
from engine.networks.traced.checks import check
from engine.networks.traced.kernel import by_leaf, leaf_paths, ntk
from engine.networks.traced.reading import read

X = np.asarray(points(6, 4))


def settled(w, h):
    """Halved in layers alike until it is small: for some examples once, for others more often."""
    return lax.while_loop(lambda h: jnp.sum(h**2) > 0.05, lambda h: 0.5 * jnp.tanh(h @ w), h)


def alone(p, x):
    return jax.vmap(partial(settled, p["w"]))(x) @ p["v"]


def between_products(p, x):
    h = jnp.tanh(x @ p["u"] + p["b"])
    return jnp.tanh(jax.vmap(partial(settled, p["w"]))(h) @ p["r"] + p["c"]) @ p["v"]


def in_a_scan(p, x):
    return lax.scan(lambda h, u: (jax.vmap(partial(settled, p["w"]))(h) + x @ u, None), x, p["u"])[0] @ p["v"]


def in_a_branch(p, x):
    one = lambda x: lax.cond(x[0] > 0, partial(settled, p["w"]), jnp.sin, x)  # noqa: E731
    return jax.vmap(one)(x) @ p["v"]


def of_data_alone(p, x):
    return jnp.tanh(jax.vmap(partial(settled, jnp.eye(4)))(x) @ p["w"]) @ p["v"]


def as_many_turns_as_data_say(p, x):
    def one(x):
        return lax.fori_loop(0, jnp.floor(jnp.abs(x[0]) * 3).astype(int), lambda _, h: jnp.sin(h @ p["w"]), x)

    return jax.vmap(one)(x) @ p["v"]


CASES: dict[str, tuple[Callable[[], Case], set[str]]] = {
    "alone": (lambda: plain(alone, points(6, 4), 1, w=(4, 4), v=(4, 2)), {"w"}),
    "between products": (
        lambda: plain(between_products, points(6, 4), 3, u=(4, 4), b=(4,), w=(4, 4), r=(4, 5), c=(5,), v=(5, 2)),
        {"u", "b", "w"},
    ),
    "in a scan": (lambda: plain(in_a_scan, points(6, 4), 1, w=(4, 4), u=(2, 4, 4), v=(4, 2)), {"w", "u"}),
    "in a branch": (lambda: plain(in_a_branch, points(6, 4), 1, w=(4, 4), v=(4, 2)), {"w"}),
    "of data alone": (lambda: plain(of_data_alone, points(6, 4), 2, w=(4, 4), v=(4, 2)), set()),
    "as many turns as data say": (
        lambda: plain(as_many_turns_as_data_say, points(6, 4), 1, w=(4, 4), v=(4, 2)), {"w"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_its_kernel_is_that_of_its_jacobian(name: str) -> None:
    case, forward = CASES[name][0](), CASES[name][1]
    assert close(ntk(case.apply, case.params, case.x, heads="full"), expected(case, jax.jacfwd)[1])
    plan = read(case.apply, case.params, jax.ShapeDtypeStruct(case.x.shape[1:], case.x.dtype))
    assert {leaf_paths(case.params)[i] for i in plan.forward} == forward
    assert len(plan.shapes) - len(plan.whole) - len(forward) == case.structured


def test_its_derivative_along_the_parameters() -> None:
    """Against differences of fourth order. More columns than are computed at once."""
    case = plain(alone, points(4, 5), 1, w=(5, 5), v=(5, 1))
    along = jax.tree.map(jnp.cos, case.params)

    def kernel(by: jax.Array) -> jax.Array:
        return ntk(case.apply, jax.tree.map(lambda leaf, v: leaf + by * v, case.params, along), case.x)

    K, slope = jax.jit(lambda: jax.jvp(kernel, (0.0,), (1.0,)))()
    assert close(K, expected(case, jax.jacfwd)[0])
    step = 1e-4
    near, far = kernel(step) - kernel(-step), kernel(2 * step) - kernel(-2 * step)
    assert np.max(np.abs(slope - (8 * near - far) / (12 * step))) < 1e-9 * np.max(np.abs(slope))


def test_a_loop_that_doubles_until_it_is_large() -> None:
    """f = 2^m exp(x.w), by hand: J = f x for each of two outputs; with the check of `engine.ntk`, and by leaf."""

    def apply(p, x):
        return jax.vmap(lambda x: lax.while_loop(lambda h: h.sum() < 9, lambda h: 2 * h, jnp.exp(x @ p["w"])))(x)

    w = np.asarray(points(4, 2)) / 2
    f = np.exp(X @ w)
    f *= 2.0 ** np.maximum(np.ceil(np.log2(9 / f.sum(1, keepdims=True))), 0)
    K = (f @ f.T) * (X @ X.T) / 2
    np.testing.assert_allclose(kd.ntk(apply, {"w": w}, X[:2], X[2:]), K[:2, 2:], rtol=1e-12)
    np.testing.assert_allclose(by_leaf(apply, {"w": w}, X)["w"][0], K, rtol=1e-12)


def test_examples_that_are_mixed_are_refused_and_idle_leaves_named() -> None:
    params = {"w": np.eye(4) + 0.1, "v": np.ones((4, 1)), "idle": np.ones(3)}

    def mixed(p, x):
        h = alone(p, x)
        return h + h.mean(0) - lax.stop_gradient(h.mean(0))

    def together(p, x):
        return settled(p["w"], x) @ p["v"]

    assert check(alone, params, X) == ["idle"]
    for apply, what in ((mixed, "derivatives"), (together, "outputs")):
        with pytest.raises(kd.ConfigError, match=f"gives an example other {what} beside other examples than alone"):
            check(apply, params, X)


def with_an_array_that_changes(p, x):
    """JAX's gradient by v, in a loop over the examples, is another than of all at once."""
    h = jax.new_ref(jnp.zeros((x.shape[0], 6)))
    h[:, 1:5] = jnp.tanh(x @ p["w"])
    h[:, 2] += 1.0
    return h[:, :4] @ p["v"]


def within_a_scan(p, x):
    h = jax.new_ref(x)

    def step(_: Any, i: jax.Array) -> tuple[None, None]:
        h[...] = jnp.tanh(h[...] @ p["w"])
        return None, None

    lax.scan(step, None, jnp.arange(3))
    return h[...] @ p["v"]


@pytest.mark.parametrize("apply", [with_an_array_that_changes, within_a_scan])
def test_arrays_that_change_are_refused_with_what_to_do(apply: Callable) -> None:
    with pytest.raises(kd.ConfigError, match=r"^network: keeps numbers in an array that changes .*as the carry"):
        kd.ntk(apply, {"w": np.eye(4), "v": np.ones((4, 2))}, X)
