"""A kernel held fixed by a loss of classes: against SciPy's solver, single steps, and networks whose kernel stands
still."""

from typing import Any

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.special import expit, softmax

from engine.progress import Cancelled
from engine.rkhs.config import RkhsConfig
from engine.rkhs.gram import Gram
from engine.rkhs.job import compare
from engine.rkhs.motion import CHECK_EVERY, Followed, Law, continued, law_of, most_followed
from engine.rkhs.result import RkhsResult

N, M = 5, 3
SCALE = 3.0
"""Of the targets as the pages have them; the losses take -1 and 1."""


def slope(loss: str, f: np.ndarray, y: np.ndarray) -> np.ndarray:
    """dl/df, written again."""
    if loss == "logistic":
        return softmax(f, axis=1) - (y > 0) if f.shape[1] > 1 else -y * expit(-y * f)
    return -y * (np.maximum(1 - y * f, 0) if loss == "squared_hinge" else y * f < 1)


def followed(loss: str, law: Law, outputs: int, rate: float, step: Any = (0, 3, 10, 40)) -> Followed:
    rng, count = np.random.default_rng(0), len(step)
    roots = rng.standard_normal((count, N + M, N + M + 4))
    K = roots @ roots.transpose(0, 2, 1) / (N + M)
    classes = np.arange(N + M) % max(outputs, 2)
    signs = 2.0 * (classes[:, None] == np.arange(outputs)) - 1 if outputs > 1 else 2.0 * classes[:, None] - 1
    f, grams = rng.standard_normal((count, N + M, outputs)), tuple(Gram.of(one[:N, :N]) for one in K)
    return Followed(np.array(step), rate * np.array(step), rate, law, K, grams, f, SCALE * signs, loss)


CASES = [("logistic", 1), ("logistic", 3), ("squared_hinge", 1), ("squared_hinge", 3)]


@pytest.mark.parametrize(("loss", "outputs"), CASES)
def test_along_the_flow_it_is_what_scipy_integrates(loss: str, outputs: int) -> None:
    run = followed(loss, "flow", outputs, 0.004, (0, 15, 50, 200))
    signs = np.sign(run.y)
    found = {(s, later): (r, held_out) for s, later, r, held_out in run.rest()}
    assert len(found) == 10
    for s in range(3):

        def moved(_: float, f: np.ndarray, s: int = s) -> np.ndarray:
            now = f.reshape(N + M, outputs)
            return -(run.kernels[s][:, :N] @ slope(loss, now[:N], signs[:N])).ravel()

        solved = solve_ivp(moved, run.t[[s, 3]], run.f[s].ravel(), "DOP853", run.t[s:], rtol=1e-11, atol=1e-12)
        for later, values in enumerate(solved.y.T, start=s):
            f = values.reshape(N + M, outputs)
            exact = 1e-6 if loss == "squared_hinge" else 1e-9  # its slope has kinks
            np.testing.assert_allclose(found[s, later][1], f[N:], atol=exact)
            np.testing.assert_allclose(found[s, later][0], slope(loss, f[:N], signs[:N]), atol=exact)


@pytest.mark.parametrize(("loss", "outputs"), [*CASES, ("hinge", 1), ("hinge", 3)])
def test_by_descent_it_takes_the_steps_of_the_run(loss: str, outputs: int) -> None:
    run = followed(loss, "descent", outputs, rate=0.3)
    signs = np.sign(run.y)
    for s, later, r, held_out in run.rest():
        f = run.f[s].copy()
        for _ in range(run.step[later] - run.step[s]):
            f -= 0.3 * run.kernels[s][:, :N] @ slope(loss, f[:N], signs[:N])
        np.testing.assert_allclose(held_out, f[N:], atol=1e-10)
        np.testing.assert_allclose(r, slope(loss, f[:N], signs[:N]), atol=1e-10)


def test_its_error_is_that_of_the_probability() -> None:
    """Over targets -3 and 3: 4 mean (1 - p)^2, as the network's own."""
    run = followed("logistic", "descent", 1, rate=0.3)
    ends = {(s, later): held_out for s, later, _, held_out in run.rest()}
    found = continued(run)
    missed = expit(-np.sign(run.y[N:]) * ends[1, 3])
    assert found["frozen_error"][1, 3] == pytest.approx(4 * np.mean(missed**2))
    departure = np.linalg.norm(ends[1, 3] - run.f[3, N:]) / np.linalg.norm(run.f[3, N:] - run.f[0, N:])
    assert found["frozen_departure"][1, 3] == pytest.approx(departure)
    for values in found.values():
        assert np.isnan(values[np.tril_indices(4, -1)]).all()
        assert np.isfinite(values[np.triu_indices(4)]).all()


def test_what_overflows_is_no_number() -> None:
    run = followed("squared_hinge", "descent", 1, rate=1e200)
    assert np.isnan(continued(run)["frozen_departure"][0, -1])


def test_it_can_be_called_off() -> None:
    looks = []

    def waiting() -> None:
        looks.append(1)
        if len(looks) > 2:
            raise Cancelled

    with pytest.raises(Cancelled):
        continued(followed("logistic", "descent", 1, 1e-4, (0, 10, 10 * CHECK_EVERY)), waiting)
    assert len(looks) == 3


def test_long_runs_are_followed_at_fewer_checkpoints() -> None:
    assert most_followed(320, 64, 20_000) == most_followed(320)
    assert most_followed(1280, 1024, 20_000) == 9  # 2 10^11 entries of kernels of 1,024^2, read 20,000 times
    assert most_followed(1280, 1024, 10**6) == 4


CIRCLE = {"name": "circle", "target": "sign", "size": 12, "test_size": 24}
BLOBS = {"name": "digits", "classes": None, "size": 24, "test_size": 24}
READOUT = [
    (CIRCLE, {"loss": "logistic"}),
    (CIRCLE, {"loss": "squared_hinge", "integrator": "rk4"}),
    (BLOBS, {"loss": "logistic", "integrator": "rk4"}),
    (BLOBS, {"loss": "hinge"}),
]


@pytest.mark.parametrize(("data", "training"), READOUT)
def test_where_the_readout_alone_trains_it_is_the_run_itself(data: dict, training: dict) -> None:
    """f is linear in what trains, so that the kernel stands still; each of several outputs has a kernel of its own."""
    training = {**training, "precision": "float64", "max_steps": 30, "checkpoints": 4, "stop_residual": None}
    run = {"data": data, "network": {"depth": 1, "width": 16, "train": "readout"}, "training": training}
    asked = RkhsConfig.from_dict({"run": run, "options": {"grid": 64, "sample": 64, "sizes": [8], "draws": 4}})
    assert law_of(asked.run) in ("descent", "flow")
    seed = RkhsResult.from_arrays(dict(compare(asked)["result"])).seeds[0]
    assert np.linalg.norm(seed["frozen_error"][0, -1] - seed["frozen_error"][0, 0]) > 0.01  # it learned something
    pairs = np.triu_indices(len(seed["followed"]))
    for name in ("frozen_departure", "frozen_residual_departure"):
        np.testing.assert_allclose(seed[name][pairs], 0.0, atol=1e-9)
    np.testing.assert_allclose(seed["frozen_error"][0], seed["network_error"][seed["followed"]], rtol=1e-9)
    assert seed.stopped(1e-6) == 0


def test_weight_decay_has_no_law() -> None:
    training = {"loss": "logistic", "weight_decay": 0.1}
    values = {"data": CIRCLE, "network": {"depth": 1, "width": 16}, "training": training}
    assert law_of(RkhsConfig.from_dict({"run": values}).run) == ""
