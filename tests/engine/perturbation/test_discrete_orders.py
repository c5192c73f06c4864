"""The analogues for descent against sums written out, and against a real descent of a linear model."""

import numpy as np
import pytest
from perturbation_oracles import made_path, random_kernels

from engine.perturbation.expansion import step_through
from engine.perturbation.frame import Frame
from engine.training.path import KernelPath

RATE = 0.3
STEPS = np.array([0, 1, 2, 5, 12])


@pytest.fixture
def path() -> KernelPath:
    rng = np.random.default_rng(8)
    kernels = random_kernels(rng, len(STEPS), 5, 3, np.array([4.0, 1.0, 0.3, 1e-2, 0.0]), 0.3)
    made = made_path(RATE * STEPS, kernels, rng.standard_normal(5), descent=True)
    return KernelPath(**{**vars(made), "defect": 0.01 * rng.standard_normal((len(STEPS), 8))})


def at_steps(path: KernelPath) -> tuple[np.ndarray, np.ndarray]:
    """Kernel and defect at every step."""
    steps = np.arange(STEPS[-1] + 1)
    defect = np.stack([np.interp(steps, STEPS, column) for column in path.defect.T], axis=1)
    return path.at(np.minimum(RATE * steps, path.t[-1])), defect


def test_orders_are_the_discrete_duhamel_sums(path: KernelPath) -> None:
    """rm_k = -eta sum_j (I - eta K_0)^{k-1-j} Delta K_j r(m-1)_j, and held out the sum of what each step adds."""
    K, _ = at_steps(path)
    frame, n, count = Frame.of(path), 5, STEPS[-1] + 1
    damping = np.eye(n) - RATE * K[0, :n]
    power = [np.linalg.matrix_power(damping, k) for k in range(count)]
    r = np.zeros((3, count, n))
    for k in range(count):
        r[0, k] = power[k] @ path.residual[0]
        for m in (1, 2):
            terms = [power[k - 1 - j] @ (K[j] - K[0])[:n] @ r[m - 1, j] for j in range(k)]
            r[m, k] = -RATE * np.sum(terms, axis=0) if k else 0
    held_out = np.zeros((3, count, 3))
    for m in range(3):
        change = (K - K[0])[:, n:]
        added = [K[0, n:] @ r[m, j] + (change[j] @ r[m - 1, j] if m else 0) for j in range(count)]
        held_out[m, 1:] = -RATE * np.cumsum(added, axis=0)[:-1]
    found, _, _ = step_through(frame)
    np.testing.assert_allclose(found.modes @ frame.vectors.T, r[:, STEPS], atol=1e-13)
    np.testing.assert_allclose(found.held_out, held_out[:, STEPS], atol=1e-12)


def test_whole_product_and_floor(path: KernelPath) -> None:
    """With its defects added at every step the product is the run: the floor is the difference."""
    K, defect = at_steps(path)
    frame = Frame.of(path)
    plain = run = np.concatenate([path.residual[0], np.zeros(3)])
    kept_plain, kept_run = [], []
    for k in range(STEPS[-1] + 1):
        if k in STEPS:
            kept_plain.append(plain)
            kept_run.append(run)
        plain = plain - RATE * K[k] @ plain[:5]
        run = run - RATE * K[k] @ run[:5] + defect[k]
    kept_plain, kept_run = np.array(kept_plain), np.array(kept_run)
    found, full, full_held_out = step_through(frame)
    np.testing.assert_allclose(full @ frame.vectors.T, kept_plain[:, :5], atol=1e-13)
    np.testing.assert_allclose(full_held_out, kept_plain[:, 5:], atol=1e-13)
    gap = kept_run - kept_plain
    np.testing.assert_allclose(found.floor[:, :5] @ frame.vectors.T, gap[:, :5], atol=1e-13)
    np.testing.assert_allclose(found.floor[:, 5:], gap[:, 5:], atol=1e-13)
    # Bounds of descent hold for the run itself, defects and all.
    error = np.linalg.norm(kept_run[:, :5] - found.modes[0] @ frame.vectors.T, axis=1)
    for name in ("P2", "P3", "P4", "remainder_0"):
        assert np.all(found.bounds[name] >= error - 1e-12), name
    two = np.linalg.norm(kept_run[:, :5] - found.modes.sum(axis=0) @ frame.vectors.T, axis=1)
    assert np.all(found.bounds["remainder_2"] >= two - 1e-12)


def test_a_linear_model_is_its_order_zero() -> None:
    """f = Phi w trained by descent: the kernel Phi Phi^T stays, and order 0 is the run to rounding."""
    rng = np.random.default_rng(4)
    features, y = rng.standard_normal((9, 20)) / 5, rng.standard_normal(6)
    w, outputs = rng.standard_normal(20), []
    for k in range(STEPS[-1] + 1):
        f = features @ w
        if k in STEPS:
            outputs.append(f)
        w = w - RATE * features[:6].T @ (f[:6] - y)
    outputs = np.array(outputs)
    kernel = features @ features[:6].T
    path = made_path(RATE * STEPS, np.repeat(kernel[None], len(STEPS), axis=0), outputs[0, :6] - y, descent=True)
    frame = Frame.of(path)
    found, full, _ = step_through(frame)
    np.testing.assert_allclose(found.modes[0] @ frame.vectors.T, outputs[:, :6] - y, atol=1e-12)
    np.testing.assert_allclose(outputs[0, 6:] + found.held_out[0], outputs[:, 6:], atol=1e-12)
    np.testing.assert_allclose(full, found.modes[0], atol=1e-12)
    assert np.all(found.modes[1:] == 0)


def test_a_bound_grows_where_descent_is_unstable() -> None:
    """One mode: eta K_0 = .5, then 3 from the first step on, so that r_k = .5 (-2)^(k-1) beside r0_k = .5^k."""
    steps = np.arange(7)
    kernels = np.where(steps == 0, 0.5, 3.0)[:, None, None]
    path = made_path(steps.astype(float), kernels, np.ones(1), descent=True)
    found, full, _ = step_through(Frame.of(path))
    run = np.where(steps == 0, 1.0, 0.5 * (-2.0) ** (steps - 1))
    np.testing.assert_allclose(full[:, 0] * np.sign(full[0, 0]), run)
    error = np.abs(run - 0.5**steps)
    # Each step adds ||Delta K|| |r0| and doubles what there is.
    p2 = [2.5 * sum(0.5**j * 2.0 ** (k - 1 - j) for j in range(1, k)) for k in steps]
    np.testing.assert_allclose(found.bounds["P2"], p2)
    for name in ("P2", "P3", "P4", "remainder_0"):
        assert np.all(found.bounds[name] >= error - 1e-12), name
