"""Pairs of checkpoints against kernels that are known, and a kernel held fixed against matrix exponentials, single
steps, and the perturbation's own order 0."""

import numpy as np
import pytest
from scipy.linalg import expm

from engine.perturbation.config import PerturbationConfig
from engine.perturbation.job import perturb
from engine.perturbation.result import PerturbationResult
from engine.rkhs.config import RkhsConfig
from engine.rkhs.gram import Gram
from engine.rkhs.job import compare
from engine.rkhs.motion import Followed, Law, between, continued, law_of, most_followed, stopped
from engine.rkhs.result import RkhsResult
from engine.training import diagnostics

LIGHT = {"grid": 64, "sample": 64, "sizes": [8], "draws": 4}
N, M = 5, 3


def kernels(count: int, rng: np.random.Generator, size: int = N + M) -> np.ndarray:
    roots = rng.standard_normal((count, size, size + 4))
    return roots @ roots.transpose(0, 2, 1) / size


def turn(angle: float, size: int = N + M) -> np.ndarray:
    """A rotation of the first two coordinates."""
    R = np.eye(size)
    R[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    return R


def test_distance_splits_into_spectrum_and_rotation() -> None:
    """diag(a, b) turned by x: <K, K'> falls by (a - b)^2 sin^2 x, so the rotation is sqrt 2 |a - b| |sin x|."""
    K = np.diag([3.0, 2.0, 1.0, 1.0, 0.5, 0.2, 0.1, 0.1])
    size, R = np.linalg.norm(K), turn(0.3)
    found = between(np.stack([K, 2 * K, R @ K @ R.T, 2 * R @ K @ R.T]), 2)
    np.testing.assert_allclose(found["motion_drift"][0, 1], 1.0)
    np.testing.assert_allclose(found["motion_spectrum"][0], [0, 1, 0, 1], atol=1e-12)
    turned = np.sqrt(2) * np.sin(0.3) / size
    # Two kernels of twice the size: 2 (<l, 2 l> - <K, 2 R K R^T>) is twice that of one.
    np.testing.assert_allclose(found["motion_rotation"][0], [0, 0, turned, np.sqrt(2) * turned], atol=1e-7)
    np.testing.assert_allclose(found["motion_rotation"][1, 3], turned, rtol=1e-9)
    np.testing.assert_allclose(found["motion_overlap"][0], 1.0)
    np.testing.assert_allclose(
        found["motion_drift"] ** 2, found["motion_spectrum"] ** 2 + found["motion_rotation"] ** 2, atol=1e-14
    )


def test_a_basis_within_an_eigenspace_does_not_count() -> None:
    """Two equal eigenvalues turned among themselves are the same kernel; of a 2-dimensional space, half is left."""
    K, R = np.diag([2.0, 2.0, 1.0, 0.5, 0.5, 0.1, 0.1, 0.1]), turn(1.0)
    np.testing.assert_allclose(between(np.stack([K, R @ K @ R.T]), 2)["motion_rotation"], 0.0, atol=1e-7)
    swapped = np.diag([2.0, 0.1, 1.0, 0.5, 0.5, 2.0, 0.1, 0.1])
    assert between(np.stack([K, swapped]), 2)["motion_overlap"][0, 1] == pytest.approx(0.5)


def test_pairs_agree_with_what_is_said_of_one_kernel() -> None:
    three = kernels(3, np.random.default_rng(0))
    found = between(three, 3)
    for s in range(3):
        for t in range(3):
            assert found["motion_drift"][s, t] == pytest.approx(diagnostics.drift(three[t], three[s]))
            assert found["motion_cka"][s, t] == pytest.approx(diagnostics.cka(three[t], three[s]))
    np.testing.assert_allclose(np.diag(found["motion_rotation"]), 0.0)
    np.testing.assert_allclose(np.diag(found["motion_overlap"]), 1.0)
    zero = between(np.zeros((2, 3, 3)), 1)
    assert np.isnan(zero["motion_drift"]).all()
    assert np.isnan(zero["motion_rotation"]).all()


def followed(law: Law, K: np.ndarray, f: np.ndarray, y: np.ndarray, rate: float = 0.02) -> Followed:
    step = np.array([0, 3, 10])
    grams = tuple(Gram.of(one[:N, :N]) for one in K)
    return Followed(step, rate * step, rate, law, K, grams, f, y)


@pytest.mark.parametrize("law", ["flow", "descent"])
@pytest.mark.parametrize("outputs", [1, 2])
def test_a_fixed_kernel_goes_on_by_its_own_law(law: Law, outputs: int) -> None:
    """From each checkpoint: the flow by the exponential of the whole linear system, descent step by step."""
    rng = np.random.default_rng(1)
    K, f, y = kernels(3, rng), rng.standard_normal((3, N + M, outputs)), rng.standard_normal((N + M, outputs))
    run = followed(law, K, f, y)
    for s in range(3):
        r, held_out = run.after(s)
        columns = np.zeros((N + M, N + M))
        columns[:, :N] = K[s][:, :N]
        for at, later in enumerate(range(s, 3)):
            state = f[s] - np.concatenate([y[:N], np.zeros((M, outputs))])
            if law == "flow":
                state = expm(-columns * (run.t[later] - run.t[s])) @ state
            else:
                for _ in range(run.step[later] - run.step[s]):
                    state = state - run.rate * columns @ state
            np.testing.assert_allclose(r[at], state[:N], atol=1e-12)
            np.testing.assert_allclose(held_out[at], state[N:], atol=1e-12)


def test_errors_of_a_fixed_kernel_are_over_the_network_s_way() -> None:
    rng = np.random.default_rng(2)
    K, f, y = kernels(3, rng), rng.standard_normal((3, N + M, 1)), rng.standard_normal((N + M, 1))
    run = followed("flow", K, f, y)
    found = continued(run)
    r, held_out = run.after(1)
    error = np.sum((held_out[1] - y[N:]) ** 2) / np.sum(y[N:] ** 2)
    assert found["frozen_error"][1, 2] == pytest.approx(error)
    departure = np.linalg.norm(held_out[1] - f[2, N:]) / np.linalg.norm(f[2, N:] - f[0, N:])
    assert found["frozen_departure"][1, 2] == pytest.approx(departure)
    residual = np.linalg.norm(r[1] - (f[2, :N] - y[:N])) / np.linalg.norm(f[0, :N] - y[:N])
    assert found["frozen_residual_departure"][1, 2] == pytest.approx(residual)
    for values in found.values():
        assert np.all(np.isnan(values[np.tril_indices(3, -1)]))
    np.testing.assert_allclose(np.diag(found["frozen_departure"]), 0.0, atol=1e-14)
    assert continued(followed("", K, f, y)) == {}


def test_a_kernel_that_stands_still_is_followed_exactly() -> None:
    rng = np.random.default_rng(3)
    (K,), y = kernels(1, rng), rng.standard_normal((N + M, 1))
    columns = np.zeros((N + M, N + M))
    columns[:, :N] = K[:, :N]
    t, start = 0.02 * np.array([0, 3, 10]), rng.standard_normal((N + M, 1))
    target = np.concatenate([y[:N], np.zeros((M, 1))])
    f = np.stack([target + expm(-columns * time) @ (start - target) for time in t])
    found = continued(followed("flow", np.stack([K] * 3), f, y))
    for name in ("frozen_departure", "frozen_residual_departure"):
        np.testing.assert_allclose(found[name][np.triu_indices(3)], 0.0, atol=1e-12)
    assert stopped(found["frozen_departure"], 1e-6) == 0


def test_a_step_beyond_the_limit_of_a_fixed_kernel_is_no_number() -> None:
    rng = np.random.default_rng(4)
    K = np.stack([1e300 * np.eye(N + M)] * 3)
    f, y = rng.standard_normal((3, N + M, 1)), rng.standard_normal((N + M, 1))
    found = continued(followed("descent", K, f, y))
    assert np.isnan(found["frozen_residual_departure"][0, 2])


@pytest.mark.parametrize(
    ("ends", "expected"),
    [
        ([0.05, 0.02, 0.0], 0),
        ([0.5, 0.05, 0.0], 1),
        ([0.05, 0.5, 0.05, 0.0], 2),  # not 0: a later one ends far away
        ([0.5, 0.5, 0.0], None),
        ([np.nan, 0.05, 0.0], 1),
        ([0.05, np.nan, 0.0], None),
        ([0.0], None),
    ],
)
def test_the_kernel_has_stopped_where_every_later_one_will_do(ends: list[float], expected: int | None) -> None:
    departure = np.full((len(ends), len(ends)), 9.0)
    departure[:, -1] = ends
    assert stopped(departure, 0.1) == expected


CIRCLE = {"name": "circle", "size": 12, "test_size": 24, "frequencies": [1, 3]}
NETWORK = {"depth": 2, "width": 32, "activation": "erf"}


@pytest.mark.parametrize("integrator", ["gd", "rk4"])
def test_from_the_start_it_is_the_order_0_of_the_perturbation(integrator: str) -> None:
    """Another program: the kernel path, its frame and the closed form of order 0, on the same run."""
    training = {"integrator": integrator, "max_steps": 60, "checkpoints": 8, "stop_residual": 0.3}
    run = {"data": CIRCLE, "network": NETWORK, "training": training, "seeds": [2]}
    spaces = RkhsResult.from_arrays(
        dict(compare(RkhsConfig.from_dict({"run": run, "options": {**LIGHT, "held_out": 24}}))["result"])
    )
    options = {"held_out": 24, "predict": False}
    asked = PerturbationConfig.from_dict({"run": run, "options": options})
    expansion = PerturbationResult.from_arrays(dict(perturb(asked)["result"])).seeds[0]
    seed, kept = spaces.seeds[0], expansion.at_checkpoint
    np.testing.assert_allclose(seed.t_followed, expansion["t"][kept], rtol=1e-12)
    np.testing.assert_allclose(
        seed["frozen_residual_departure"][0], expansion.error("order_0")[kept], rtol=1e-6, atol=1e-9
    )
    network, order_0 = (expansion["outputs_held_out"][at][-1] for at in (0, 1))
    start = expansion["outputs_held_out"][0][0]
    elt = np.linalg.norm(order_0 - network) / np.linalg.norm(network - start)
    assert seed["frozen_departure"][0, -1] == pytest.approx(elt, rel=1e-6)
    np.testing.assert_allclose(np.diag(seed["frozen_error"]), seed["network_error"][seed["followed"]], rtol=1e-9)
    np.testing.assert_allclose(seed["held_out/motion_cka"][:, 0], seed["held_out/cka"][seed["followed"]], rtol=1e-9)
    assert seed.steps_left[0] == 1.0
    assert seed.steps_left[-1] == 0.0
    found = spaces.summary["stopped"][0]
    at = seed.stopped()
    assert (found is None) == (at is None)


def test_momentum_and_minibatches_have_no_law() -> None:
    for more, law in (
        ({"momentum": 0.5}, ""),
        ({"batch_size": 4}, ""),
        ({"integrator": "rk4"}, "flow"),
        ({}, "descent"),
    ):
        training = {"max_steps": 8, "checkpoints": 4, **more}
        config = RkhsConfig.from_dict(
            {"run": {"data": CIRCLE, "network": NETWORK, "training": training}, "options": LIGHT}
        )
        assert law_of(config.run) == law
        if more == {"momentum": 0.5}:
            found = RkhsResult.from_arrays(dict(compare(config)["result"]))
            assert "frozen_error" not in found.seeds[0]
            assert "frequency_foretold" not in found.seeds[0]
            assert found.seeds[0].stopped() is None
            assert found.summary["stopped"] == [None]


@pytest.mark.parametrize("kernel", ["conjugate", "infinite_ntk", "infinite_nngp"])
def test_a_kernel_that_f_does_not_move_by_has_no_law(kernel: str) -> None:
    run = {"data": CIRCLE, "network": NETWORK, "kernel": kernel}
    assert law_of(RkhsConfig.from_dict({"run": run}).run) == ""


def test_large_kernels_are_followed_at_fewer_checkpoints() -> None:
    """Not more than half a gigabyte of kernels and eigenvectors."""
    assert most_followed(320) > 200
    assert most_followed(2048) == 7
    assert most_followed(20_000) == 4
