"""Drift under gradient flow: an exactly solvable network, the first-step extrapolation, and stiff networks."""

import numpy as np
import pytest
import scipy.integrate

from engine.initialisation import first_step
from engine.initialisation.first_step import batch, drifts
from engine.initialisation.law import InitialNetwork


def run(setting, target, times, draws, points=1):
    x, y = batch(setting, points, target, 0)
    chunks = list(drifts(setting, x, y, times, draws, 3))
    joined = {name: np.concatenate([getattr(c, name) for c in chunks], axis=-1) for name in ("K", "change", "residual")}
    return joined | {"rate": np.concatenate([c.rate for c in chunks])}


def test_a_linear_network_has_an_ordinary_equation():
    """One hidden layer at one x: with s = sigma^2|x|^2/n_0 and c^2 = sigma^2/n_1,

    f' = -K (f - y) and K' = 4 c^2 s (y - f) f: a pair of equations in (f, K) alone.
    """
    setting = InitialNetwork.from_dict({"widths": [2, 3, 1], "activation": "linear", "sigma_b": 0.0, "sigma_w": 1.5})
    times, y = (0.05, 0.3, 1.0), 2.0
    found = run(setting, y, times, 6)
    c2 = 1.5**2 / 3

    def slope(t, state):
        f, K = state
        s = 1.5**2 / 2
        return [-K * (f - y), 4 * c2 * s * (y - f) * f]

    assert found["residual"].shape == found["change"].shape == (3, 6)
    for i in range(6):
        K_0, rate = found["K"][i], found["rate"][i]
        # K' = 4 c2 s (y - f) f gives f(0) from the rate; two roots, one of them fits the residual.
        roots = np.roots([-1, y, -rate / (4 * c2 * 1.5**2 / 2)]).real
        fits = []
        for f_0 in roots:
            path = scipy.integrate.solve_ivp(slope, (0, 1), [f_0, K_0], t_eval=times, rtol=1e-10, atol=1e-12).y
            fits.append(
                max(
                    np.max(np.abs(path[1] - K_0 - found["change"][:, i])),
                    np.max(np.abs((path[0] - y) / (f_0 - y) - found["residual"][:, i])),
                )
            )
        assert min(fits) < 1e-4 * K_0


def test_early_drift_is_the_rate():
    setting = InitialNetwork.from_dict({"widths": [3, 12, 8, 1], "activation": "erf"})
    found = run(setting, 0.5, (1e-4, 2e-4), 50, points=2)
    for t, change in zip((1e-4, 2e-4), found["change"], strict=True):
        assert change == pytest.approx(t * found["rate"], rel=0.05, abs=1e-3 * np.abs(t * found["rate"]).max())


def test_steps_are_fine_enough(monkeypatch):
    setting = InitialNetwork.from_dict({"widths": [3, 10, 10, 1], "activation": "tanh"})
    coarse = run(setting, 1.0, (0.1, 2.0), 10)
    monkeypatch.setattr(first_step, "STEP", 0.05)
    monkeypatch.setattr(first_step, "CALL_COST", 1.0)  # and one step per call
    fine = run(setting, 1.0, (0.1, 2.0), 10)
    assert coarse["change"] == pytest.approx(fine["change"], rel=1e-3, abs=1e-5)


def test_stiff_networks_are_left_out_not_followed(monkeypatch):
    monkeypatch.setattr(first_step, "MAX_STEPS", 60)
    setting = InitialNetwork.from_dict({"widths": [3, 4, 4, 1]})
    found = run(setting, 0.5, (1.0, 2.0), 40)
    stiff = found["K"] * 2.0 > first_step.STEP * 60
    assert 0 < stiff.sum() < 40
    assert np.array_equal(np.isnan(found["change"][0]), stiff)
