"""Every bound above what it bounds: on random paths, where the solution is exact, and on real runs."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from perturbation_oracles import made_path, random_kernels

from engine.perturbation.bounds import Bounds
from engine.perturbation.config import PerturbationConfig
from engine.perturbation.expansion import expand
from engine.perturbation.frame import Frame
from engine.perturbation.job import perturb
from engine.perturbation.propagator import propagate
from engine.perturbation.result import PerturbationResult
from engine.training.path import KernelPath

ROUNDING = 1e-6
"""Of float32 training, relative to ||r(0)||; alpha multiplies it."""


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**31), st.floats(0.01, 1.0), st.floats(0.1, 30.0), st.booleans())
def test_bounds_hold_on_random_paths(seed: int, drift: float, top: float, slopes: bool) -> None:
    rng = np.random.default_rng(seed)
    t = np.concatenate([[0.0], np.sort(rng.uniform(0.05, 2.0, 4))])
    values = top * np.array([1.0, 0.3, 0.1, 1e-3, 0.0])
    kernels = random_kernels(rng, 5, 5, 2, values, drift)
    path = made_path(t, kernels, rng.standard_normal(5), np.gradient(kernels, t, axis=0) if slopes else None)
    frame = Frame.of(path)
    # A cubic through positive kernels may dip below zero between them, where no contraction is promised.
    lowest = min(np.linalg.eigvalsh(K).min() for K in path.at(np.linspace(0, t[-1], 80))[:, :5])
    if lowest < -1e-10 * top:
        return
    found, (full, _) = expand(frame), propagate(path)
    errors = [np.linalg.norm(full - found.modes[: m + 1].sum(axis=0) @ frame.vectors.T, axis=1) for m in range(3)]
    slack = 1e-8 * frame.scale
    for m, error in enumerate(errors):
        assert np.all(found.bounds[f"remainder_{m}"] >= error - slack)
    for name in ("P2", "P3", "P4", "groenwall"):
        assert np.all(found.bounds[name] >= errors[0] - slack), name
    tighter = ("P4", "P3", "P2", "groenwall")
    for below, above in pairwise(tighter):
        assert np.all(found.bounds[below] <= found.bounds[above] * (1 + 1e-6) + slack), (below, above)


def run_of(activation: str, integrator: str, **network: float | bool) -> PerturbationResult:
    run = {
        "data": {"name": "circle", "size": 6, "test_size": 6, "frequencies": [1]},
        "network": {"depth": 2, "width": 10, "activation": activation, **network},
        "training": {"integrator": integrator, "checkpoints": 10, "max_steps": 60, "stop_residual": None},
        "seeds": [0, 1, 2],
    }
    config = PerturbationConfig.from_dict({"run": run, "options": {"predict": False, "held_out": 4}})
    return PerturbationResult.from_arrays(dict(perturb(config)["result"]))


@pytest.mark.parametrize(
    ("activation", "integrator", "network"),
    [("relu", "rk4", {"alpha": 0.3}), ("tanh", "gd", {"centred": True}), ("erf", "rk4", {"alpha": 100.0})],
)
def test_p2_lies_above_the_measured_error(activation: str, integrator: str, network: dict) -> None:
    """At every checkpoint of narrow runs, from far beyond lazy to so lazy that rounding and integrator show."""
    result = run_of(activation, integrator, **network)
    for seed in result.seeds:
        error, bound = seed.error("order_0"), seed.bound("P2")
        rounding = ROUNDING * max(1.0, result.config.run.network.alpha)
        assert len(error) >= 10
        assert np.all(bound >= error - rounding)
        if activation != "relu":
            assert np.all(seed.error("full") <= 1.5 * seed.floor + seed["quadrature_error"][3] + rounding)


def test_nothing_is_bounded_before_the_first_step() -> None:
    kernels = random_kernels(np.random.default_rng(0), 1, 3, 0, np.array([1.0, 0.5, 0.1]), 0.0)
    bounds = Bounds(Frame.of(made_path(np.zeros(1), kernels, np.ones(3))), 2)
    assert set(bounds.arrays()) == {"P2", "P3", "P4", "groenwall", "remainder_0", "remainder_1", "remainder_2"}
    assert all(values.tolist() == [0.0] for values in bounds.arrays().values())


def test_every_step_of_the_flow_adds_its_defect() -> None:
    """A kernel that stays, and ten steps of .1 that each miss the flow by .01: nothing else lies between r and r0."""
    t = np.array([0.0, 0.5, 1.0])
    made = made_path(t, np.full((3, 1, 1), 2.0), np.ones(1))
    path = KernelPath(**{**vars(made), "rate": 0.1, "steps": np.array([0, 5, 10]), "defect": np.full((3, 1), 0.01)})
    bounds = expand(Frame.of(path)).bounds
    for name in ("P2", "P3", "remainder_0", "remainder_2"):
        np.testing.assert_allclose(bounds[name], [0.0, 0.05, 0.1], rtol=1e-9, err_msg=name)
    # P4 is damped by lambda_min = 2: v' = -2 v + .1.
    np.testing.assert_allclose(bounds["P4"], 0.05 * (1 - np.exp(-2 * t)), rtol=1e-9, atol=1e-15)
    np.testing.assert_array_equal(bounds["groenwall"], 0.0)


def test_p4_of_one_point_is_the_error_itself() -> None:
    """K = 1 + 6 t: r0 = e^-t, r = e^(-t - 3 t^2), and v' = -K v + (K - 1) r0 has the solution r0 - r."""
    t = np.array([0.0, 0.5, 1.0])
    bounds = expand(Frame.of(made_path(t, (1 + 6 * t)[:, None, None], np.ones(1)))).bounds
    np.testing.assert_allclose(bounds["P4"], np.exp(-t) - np.exp(-t - 3 * t**2), rtol=1e-6)
