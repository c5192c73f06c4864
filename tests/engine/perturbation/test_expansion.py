"""Orders 0 to 2 and the whole propagator against a fine reference integrator and closed sums."""

import numpy as np
import pytest
from augmented import augmented
from perturbation_oracles import made_path, random_kernels, reference
from scipy.special import gammainc

from engine.perturbation.expansion import coupling, expand
from engine.perturbation.frame import Frame
from engine.perturbation.propagator import propagate
from engine.training.path import KernelPath

STIFF = {"soft": [4.0, 2.0, 1.0, 0.1, 1e-3, 0.0], "stiff": [100.0, 10.0, 1.0, 0.1, 0.0, 0.0]}
T = np.array([0.0, 0.1, 0.3, 1.0, 3.0])


def path_of(kind: str, *, slopes: bool = False) -> KernelPath:
    """l_max dt up to 8 or 200."""
    rng = np.random.default_rng(5)
    kernels = random_kernels(rng, len(T), 6, 3, np.array(STIFF[kind]), 0.3)
    rates = np.gradient(kernels, T, axis=0) if slopes else None
    return made_path(T, kernels, rng.standard_normal(6), rates)


@pytest.mark.parametrize(("kind", "slopes"), [("soft", False), ("stiff", False), ("soft", True)])
def test_against_a_fine_integrator(kind: str, slopes: bool) -> None:
    path = path_of(kind, slopes=slopes)
    frame = Frame.of(path)
    found, (r, held_out) = expand(frame), reference(path)
    np.testing.assert_allclose(found.modes @ frame.vectors.T, r[:3], atol=1e-10)
    np.testing.assert_allclose(found.held_out, held_out[:3], atol=1e-10)
    full, full_held_out = propagate(path)
    np.testing.assert_allclose(full, r[3], atol=1e-8)
    np.testing.assert_allclose(full_held_out, held_out[3], atol=1e-8)


@pytest.mark.parametrize("kind", ["soft", "stiff"])
def test_two_independent_solutions_agree(kind: str) -> None:
    """The augmented linear system, and the closed integrals mode by mode."""
    frame = Frame.of(path_of(kind))
    found = expand(frame)
    modes, held_out = augmented(frame)
    np.testing.assert_allclose(found.modes, modes, atol=1e-12)
    np.testing.assert_allclose(found.held_out, held_out, atol=1e-12)
    np.testing.assert_allclose(coupling(frame).sum(axis=2), found.modes[1], atol=1e-12)


def test_a_model_linear_in_its_parameters_has_order_zero_only() -> None:
    kernels = np.repeat(random_kernels(np.random.default_rng(2), 1, 6, 3, np.array(STIFF["soft"]), 0.0), 5, axis=0)
    path = made_path(T, kernels, np.arange(1.0, 7.0))
    frame = Frame.of(path)
    found = expand(frame)
    assert np.all(found.modes[1:] == 0)
    assert np.all(found.held_out[1:] == 0)
    assert all(np.all(bound == 0) for bound in found.bounds.values())
    full, full_held_out = propagate(path)
    np.testing.assert_allclose(full, found.modes[0] @ frame.vectors.T, atol=1e-12)
    np.testing.assert_allclose(full_held_out, found.held_out[0], atol=1e-12)


def commuting(values: np.ndarray, t: np.ndarray) -> tuple[KernelPath, np.ndarray]:
    """Delta K_t = U diag(d t) U^T with d = lambda/4 + .01, and held-out rows that stay; also d.

    Matrices of norm 1e8 are left diagonal: rounding of a rotated one would move its small eigenvalues by 1e-8.
    """
    rng = np.random.default_rng(3)
    U = np.eye(len(values))
    if values[0] < 1e6:
        U, _ = np.linalg.qr(rng.standard_normal((len(values), len(values))))
    d, c = values / 4 + 0.01, rng.uniform(1, 2, len(values))
    kernels = np.stack([(U * (values + d * time)) @ U.T for time in t])
    held_out = np.repeat(rng.standard_normal((1, 2, len(values))), len(t), axis=0)
    return made_path(t, np.concatenate([kernels, held_out], axis=1), U @ c), d


@pytest.mark.parametrize("top", [1.0, 300.0, 1e8])
def test_commuting_changes_sum_in_closed_form(top: float) -> None:
    """r_m = (-d t^2/2)^m/m! e^{-l t} c, whole: e^{-l t - d t^2/2} c; its integral is an incomplete gamma function."""
    values, t = np.array([top, 1.0, 1e-3, 0.0]), np.array([0.0, 0.5, 1.0])
    path, d = commuting(values, t)
    frame = Frame.of(path)
    c, found = frame.start, expand(frame)  # eigenvectors with the frame's signs
    np.testing.assert_allclose(frame.eigenvalues, values, atol=1e-12)
    x = d * t[:, None] ** 2 / 2
    decay = np.exp(-values * t[:, None])
    for m, factorial in ((1, 1), (2, 2)):
        np.testing.assert_allclose(found.modes[m], (-x) ** m / factorial * decay * c, atol=1e-11)
    with np.errstate(divide="ignore", invalid="ignore"):
        integral = -d * gammainc(3, values * t[:, None]) / values**3
    gathered = np.where(values < 1e-2, -d * t[:, None] ** 3 / 6 * (1 - 0.75 * values * t[:, None]), integral)
    np.testing.assert_allclose(found.held_out[1], -(gathered * c) @ frame.held_out.T, rtol=1e-5, atol=1e-9)
    full, _ = propagate(path)
    np.testing.assert_allclose(full @ frame.vectors, np.exp(-values * t[:, None] - x) * c, atol=1e-8)


def test_one_checkpoint_is_enough() -> None:
    kernels = random_kernels(np.random.default_rng(0), 1, 4, 2, np.array([2.0, 1.0, 0.1, 0.0]), 0.0)
    path = made_path(np.zeros(1), kernels, np.ones(4))
    found = expand(Frame.of(path))
    assert found.modes.shape == (3, 1, 4)
    assert found.held_out.shape == (3, 1, 2)
    assert propagate(path)[0].shape == (1, 4)


def test_the_augmented_system_refuses_a_cubic_path() -> None:
    with pytest.raises(ValueError, match="needs linear interpolation"):
        augmented(Frame.of(path_of("soft", slopes=True)))
