"""The kernel of any function against Jacobians by reverse differentiation, which know nothing of its products."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from architectures import CASES, Case, linen, ours, plain, points
from flax_networks import Convolutional
from jacobians import close, expected

from engine.networks import model
from engine.networks.gram import Heads
from engine.networks.mlp_config import MLPConfig
from engine.networks.traced import units
from engine.networks.traced.kernel import _ntk, by_leaf, ntk, rows_that_fit
from engine.networks.traced.reading import read

SLOW = {
    "convolutions with LayerNorm", "convolutions with GroupNorm", "odd convolutions", "transformer", "nested scan",
    "LSTM", "nnx: convolution, normalisation, a layer twice", "nnx: attention", "ensemble", "scan with remat",
    "our MLP, erf, standard, mixed widths", "local convolution", "residual",
}  # fmt: skip


@pytest.mark.parametrize("name", [pytest.param(name, marks=[pytest.mark.whole] * (name in SLOW)) for name in CASES])
def test_agrees_with_the_jacobian(name: str) -> None:
    case = CASES[name]()
    trace, full = expected(case)
    m, k = len(case.x) // 2, len(full) // len(trace)

    @jax.jit
    def kernels(params, x):
        one = partial(ntk, case.apply, params)
        leaves = by_leaf(case.apply, params, x)
        return one(x), one(x, heads="full"), one(x[:m], x[m:]), one(x[:m], x[m:], heads="full"), leaves

    found = kernels(case.params, case.x)
    assert close(found[0], trace)
    assert close(found[1], full)
    assert close(found[2], trace[:m, m:])
    assert close(found[3], full[: m * k, m * k :])
    assert close(sum(part.sum(0) for part in found[4].values()), trace)
    assert len(found[4]) == len(jax.tree.leaves(case.params))


@pytest.mark.parametrize("name", CASES)
def test_leaves_that_meet_data_in_products_only_are_structured(name: str) -> None:
    case = CASES[name]()
    plan = plan_of(case)
    assert len(plan.shapes) - len(plan.whole) == case.structured


def plan_of(case: Case):
    return read(case.apply, case.params, jax.ShapeDtypeStruct(case.x.shape[1:], case.x.dtype))


def equations(depth: int) -> int:
    """Of the program of a kernel, with those of the programs in it."""
    case = ours(1, 6, depth=depth, width=5)
    return str(jax.make_jaxpr(lambda params: ntk(case.apply, params, case.x))(case.params)).count(" = ")


def test_programs_do_not_grow_with_depth() -> None:
    assert equations(4) == equations(40)


CONVOLUTION = linen(Convolutional(), points(9, 8, 8, 2), 6)


@pytest.mark.parametrize("heads", ["trace", "full"])
def test_blocks_of_rows_change_nothing(heads: Heads) -> None:
    case = ours(2, 6, depth=2, width=8)
    x = points(13, 4)
    whole = np.asarray(ntk(case.apply, case.params, x, heads=heads))
    assert close(ntk(case.apply, case.params, x, heads=heads, rows=4), whole)
    n = 8 * (2 if heads == "full" else 1)
    assert close(ntk(case.apply, case.params, x[:8], x[8:], heads=heads, rows=4), whole[:n, n:])


def test_blocks_of_rows_take_parameters_of_another_precision_than_the_points() -> None:
    """Convolutions, whose operands must have one type."""
    narrow = jax.tree.map(lambda leaf: leaf.astype(np.float32), CONVOLUTION.params)
    found = ntk(CONVOLUTION.apply, narrow, CONVOLUTION.x, heads="full", rows=4)
    assert close(found, ntk(CONVOLUTION.apply, narrow, CONVOLUTION.x, heads="full"))


def test_products_of_pairs_and_columns_in_chunks_give_one_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    """However the Gram of a convolution is taken."""
    trace, full = expected(CONVOLUTION)
    for name, value in (("_pairs_cost_less", lambda *_: True), ("_pairs_cost_less", lambda *_: False),
                        ("CHUNK_BYTES", 10_000)):  # fmt: skip
        monkeypatch.setattr(units, name, value)
        _ntk.clear_cache()
        assert close(ntk(CONVOLUTION.apply, CONVOLUTION.params, CONVOLUTION.x), trace)
        assert close(ntk(CONVOLUTION.apply, CONVOLUTION.params, CONVOLUTION.x, heads="full"), full)
    _ntk.clear_cache()


MOVED = (
    "our MLP, erf, standard, mixed widths", "low-rank adapters", "recurrence with a learned start",
    "local convolution", "transformer", "LSTM", "nested scan",
)  # fmt: skip


@pytest.mark.parametrize("name", [pytest.param(name, marks=[pytest.mark.whole] * (name in SLOW)) for name in MOVED])
def test_its_derivative_along_the_parameters(name: str) -> None:
    """jvp, which K'_t is made of, against differences of fourth order, where nothing has a kink: through scans,
    products and Jacobians. What has a `custom_vjp` has a kernel, and in JAX no jvp.
    """
    case = CASES[name]()
    rng, step = np.random.default_rng(2), 1e-4
    direction = jax.tree.map(lambda leaf: jnp.asarray(rng.standard_normal(leaf.shape)), case.params)

    def moved(by: float) -> np.ndarray:
        params = jax.tree.map(lambda leaf, v: leaf + by * v, case.params, direction)
        return np.asarray(ntk(case.apply, params, case.x, heads="full"))

    K, slope = jax.jit(
        lambda params, along: jax.jvp(lambda p: ntk(case.apply, p, case.x, heads="full"), (params,), (along,))
    )(case.params, direction)
    assert close(K, moved(0))
    near, far = moved(step) - moved(-step), moved(2 * step) - moved(-2 * step)
    differences = (8 * near - far) / (12 * step)
    assert np.max(np.abs(slope - differences)) < 1e-9 * np.max(np.abs(differences))


def test_precisions() -> None:
    case = ours(1, 6, depth=3, width=64)
    exact = np.asarray(ntk(case.apply, case.params, points(40, 4)))
    for precision, error, dtype in (("mixed", 1e-6, np.float64), ("float32", 2e-6, np.float32)):
        found = np.asarray(ntk(case.apply, case.params, points(40, 4), precision=precision))
        assert found.dtype == dtype
        assert 0 < np.max(np.abs(found - exact)) < error * np.max(exact)


def test_float64_without_64_bit_jax_is_refused() -> None:
    case = ours(1, 6, depth=1, width=3)
    jax.config.update("jax_enable_x64", False)
    try:
        with pytest.raises(RuntimeError, match="jax_enable_x64"):
            ntk(case.apply, case.params, case.x)
    finally:
        jax.config.update("jax_enable_x64", True)


def test_it_is_the_kernel_of_the_layerwise_one() -> None:
    """Panels of symmetry included: more points than a panel has."""
    network = MLPConfig.from_dict({"depth": 3, "width": 9, "alpha": 0.3})
    params, x = model.init(network, 0, 4, 3), points(2 * 128 + 3, 4)
    found = ntk(lambda params, x: network.alpha * model.apply(network, params, x), params, x)
    assert close(found, np.asarray(model.ntk(network, params, x)))
    assert np.array_equal(found, found.T)


def test_each_layer_of_a_stack_has_its_own_part() -> None:
    """By the layers' own Jacobians; a leaf that nothing reads has a part of zero."""
    case = ours(2, 6, depth=4, width=5)
    J = jax.jit(jax.jacrev(lambda params: case.apply(params, case.x)))(case.params)["hidden_1"]["w"]
    rows = np.moveaxis(np.asarray(J), 2, 0).reshape(3, *J.shape[:2], -1)
    found = by_leaf(lambda params, x: case.apply(params["used"], x), {"used": case.params, "idle": case.x}, case.x)
    assert close(found["used/hidden_1/w"], np.einsum("lihp,ljhp->lij", rows, rows) / 2)
    assert found["used/readout/w"].shape == (1, 6, 6)
    assert not found["idle"].any()


def test_the_readout_alone_gives_the_conjugate_kernel() -> None:
    """The Gram of the last features; and its bias adds one."""
    case = plain(lambda p, x: jnp.tanh(x @ p["w"]) @ p["v"] + p["b"], points(6, 4), 3, w=(4, 5), v=(5, 2), b=(2,))
    features = np.tanh(np.asarray(case.x) @ np.asarray(case.params["w"]))
    for paths, constant in (({"v"}, 0), ({"v", "b"}, 1)):
        assert close(ntk(case.apply, case.params, case.x, trained=frozenset(paths)), features @ features.T + constant)


def test_leaves_that_are_not_floating_are_constants() -> None:
    case = plain(lambda p, x: (x @ p["w"]) * p["by"], points(4, 3), 1, w=(3, 2))
    params = case.params | {"by": jnp.asarray(3)}
    assert close(ntk(case.apply, params, case.x), 9 * np.asarray(case.x) @ np.asarray(case.x).T)


def test_fewer_examples_are_held_where_each_takes_more() -> None:
    small, large = (rows_that_fit(CONVOLUTION.apply, CONVOLUTION.params, points(2, side, side, 2), jnp.dtype("float64"))
                    for side in (8, 32))  # fmt: skip
    assert 12 < small / large < 20
