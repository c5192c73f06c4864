"""`engine.ntk` of any function, and its parts by leaf."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from architectures import CASES, points

import engine as kd
from engine.networks import model
from engine.networks.mlp_config import MLPConfig

X = np.asarray(points(6, 4))
N = {"depth": 3, "width": 5, "alpha": 0.5}


def apply(params, x):
    return jnp.tanh(x @ params["w"]) @ params["v"]


def parameters() -> dict:
    rng = np.random.default_rng(1)
    return {"w": rng.standard_normal((4, 5)), "v": rng.standard_normal((5, 2))}


def test_of_a_function_written_out_by_hand() -> None:
    """J by w is v (1 - tanh^2) x^T, J by v the features; float64 whatever precision JAX is in."""
    p = parameters()
    features = np.tanh(X @ p["w"])
    by_w = p["v"].T[None, :, None, :] * (1 - features**2)[:, None, None, :] * X[:, None, :, None]
    full = np.einsum("ihab,jgab->ihjg", by_w, by_w) + np.einsum("hg,ij->ihjg", np.eye(2), features @ features.T)
    jax.config.update("jax_enable_x64", False)
    try:
        found, other = kd.ntk(apply, p, X, full=True), kd.ntk(apply, p, X[:2], X[2:])
    finally:
        jax.config.update("jax_enable_x64", True)
    np.testing.assert_allclose(found, full.reshape(12, 12), rtol=1e-12)
    np.testing.assert_allclose(other, np.einsum("ihjh->ij", full)[:2, 2:] / 2, rtol=1e-12)
    for rows in (1, 4, 6, 100):
        np.testing.assert_allclose(kd.ntk(apply, p, X, full=True, rows=rows), full.reshape(12, 12), rtol=1e-12)


def test_a_config_and_its_apply_function_have_one_kernel() -> None:
    params = kd.init(N, seed=0, input_dim=4, output_dim=2)

    def outputs(params, x):
        return 0.5 * model.apply(MLPConfig.from_dict(N), params, x)

    for full in (False, True):
        np.testing.assert_allclose(
            kd.ntk(outputs, params, X, full=full), kd.ntk(N, params, X, full=full), rtol=1e-11, atol=1e-13
        )


def test_parts_add_up() -> None:
    params = kd.init(N, seed=0, input_dim=4, output_dim=2)
    found = kd.ntk_by_leaf(N, params, X, X[:2])
    assert {path: len(part) for path, part in found.items()} == {
        "hidden_0/w": 1, "hidden_0/b": 1, "hidden_1/w": 2, "hidden_1/b": 2, "readout/w": 1, "readout/b": 1,
    }  # fmt: skip
    np.testing.assert_allclose(sum(part.sum(0) for part in found.values()), kd.ntk(N, params, X, X[:2]), rtol=1e-12)


def test_the_conjugate_kernel_of_a_config_is_the_gram_of_its_last_features() -> None:
    """c^2 a.a', with alpha^2: for two hidden layers written out in NumPy."""
    network = {"depth": 2, "width": 7, "activation": "tanh", "alpha": 0.5, "sigma_w": 1.0}
    params = kd.init(network, seed=2, input_dim=4)
    a = X
    for name, size in (("hidden_0", 4), ("hidden_1", 7)):
        a = np.tanh(a @ np.asarray(params[name]["w"][0], float) / np.sqrt(size))
    np.testing.assert_allclose(kd.ntk(network, params, X, kernel="conjugate"), 0.25 * a @ a.T / 7, rtol=1e-12)


def test_tokens_are_whole_numbers() -> None:
    case = CASES["transformer"]()
    K = kd.ntk(case.apply, case.params, np.asarray(case.x).tolist())
    assert np.array_equal(K, K.T)
    assert np.linalg.eigvalsh(K).min() > 0


def test_dead_leaves_are_said() -> None:
    with pytest.warns(UserWarning, match="do not depend on idle: that part of the kernel is zero"):
        kd.ntk(apply, {**parameters(), "idle": np.ones(3)}, X)


class Unhashable:
    __hash__ = None  # type: ignore[assignment]

    def __call__(self, params, x):
        return apply(params, x)


def test_functions_without_a_hash() -> None:
    np.testing.assert_array_equal(kd.ntk(Unhashable(), parameters(), X), kd.ntk(apply, parameters(), X))


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: kd.ntk(apply, parameters(), None), "x: None given; an array of real numbers"),
        (lambda: kd.ntk(apply, parameters(), 3.0), r"x: of shape \(\); \(n, \.\.\.\) is needed"),
        (lambda: kd.ntk(apply, parameters(), X, X[:, :2]), r"other: of shape \(6, 2\); \(n, 4\) is needed"),
        (lambda: kd.ntk(apply, parameters(), X, np.ones((2, 4), int)), "other: of type int64, x of float64"),
        (lambda: kd.ntk(apply, parameters(), X * np.nan), "x: has an entry that is not finite"),
        (lambda: kd.ntk(apply, parameters(), X, kernel="nngp"), "kernel: 'nngp' is unknown. Allowed: ntk, conjugate"),
        (lambda: kd.ntk(apply, parameters(), X, rows=0), "rows: 0 given"),
        (lambda: kd.ntk(apply, parameters(), X, ful=True), "ful: .*Did you mean 'full'"),
        (lambda: kd.ntk(apply, parameters(), X, kernel="conjugate"), "readout: is missing"),
        (lambda: kd.ntk(apply, parameters(), X, kernel="conjugate", readout=["u"]), "readout: 'u' given; there is no"),
        (lambda: kd.ntk(apply, parameters(), X, readout=["v"]), "readout: is for kernel=\"conjugate\" alone"),
        (lambda: kd.ntk(lambda p, x: x.sum(), parameters(), X), "network: gives outputs of shape"),
        (lambda: kd.ntk(apply, parameters(), X * 1e200, check=False), "x: the kernel is not finite"),
    ],
)  # fmt: skip
def test_a_bad_argument_gets_our_own_error(call, words: str) -> None:
    with pytest.raises(kd.ConfigError, match=f"^{words}"):
        call()
