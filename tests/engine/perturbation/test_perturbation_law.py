"""Power laws and their crossings on synthetic errors."""

import numpy as np
import pytest

from engine.perturbation.law import crossing, fit


def runs(noise: float, seeds: int = 4) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    cells = [(width, depth) for width in (32.0, 64.0, 128.0, 256.0) for depth in (2.0, 4.0)]
    index = np.repeat(np.arange(len(cells)), seeds)
    width, depth = np.array(cells)[index].T
    error = 3 * width**-1.5 * depth**0.5 * np.exp(noise * rng.standard_normal(len(index)))
    return {"cell": index, "width": width, "depth": depth, "error": error, "beta": depth / width}


def test_an_exact_law_is_found() -> None:
    found = runs(0.0)
    law = fit(found["error"], {"width": found["width"], "depth": found["depth"]}, found["cell"])
    assert law is not None
    assert law.prefactor == pytest.approx(3)
    assert law.exponents == pytest.approx({"width": -1.5, "depth": 0.5})
    assert law.r_squared == pytest.approx(1)
    assert law.value(width=10.0, depth=4.0) == pytest.approx(3 * 10**-1.5 * 2)


def test_intervals_cover_at_their_rate() -> None:
    """95% intervals of 8 cells x 12 seeds cover the truth in most of 40 replications (binomial: at least 32)."""
    covered = 0
    base = runs(0.0, 12)
    for replication in range(40):
        rng = np.random.default_rng(replication)
        error = base["error"] * np.exp(0.3 * rng.standard_normal(len(base["error"])))
        law = fit(error, {"width": base["width"], "depth": base["depth"]}, base["cell"], bootstrap=300)
        assert law is not None
        low, high = law.intervals["width"]
        covered += low <= -1.5 <= high
    assert covered >= 32


def test_runs_without_a_value_or_on_the_floor_are_left_out() -> None:
    found = runs(0.0)
    error = found["error"].copy()
    error[:2] = [np.nan, 0.0]
    resolved = np.ones(len(error), bool)
    resolved[5] = False
    error[5] = 1e3
    law = fit(error, {"width": found["width"], "depth": found["depth"]}, found["cell"], resolved)
    assert law is not None
    assert law.left_out == 3
    assert law.exponents["width"] == pytest.approx(-1.5)


def test_nothing_is_fitted_to_one_cell_or_to_a_constant() -> None:
    found = runs(0.1)
    one = found["cell"] == 0
    assert fit(found["error"][one], {"width": found["width"][one]}, found["cell"][one]) is None
    assert fit(found["error"], {"width": np.ones(len(one))}, found["cell"]) is None
    assert fit(np.full(len(one), np.nan), {"width": found["width"]}, found["cell"]) is None


def test_crossing_beta() -> None:
    beta, cells = np.repeat([0.01, 0.02, 0.05, 0.1], 3), np.repeat(np.arange(4), 3)
    noise = np.exp(0.1 * np.random.default_rng(1).standard_normal(12))
    law = fit(2 * beta * noise, {"beta": beta}, cells)
    assert law is not None
    found = crossing(law, 0.1, beta)
    assert found is not None
    assert found.beta == pytest.approx(0.05, rel=0.1)
    assert found.interval[0] < 0.05 < found.interval[1]
    assert not found.extrapolated
    far = crossing(law, 1.0, beta)
    assert far is not None
    assert far.extrapolated
    falling = fit(1 / beta, {"beta": beta}, cells)
    assert falling is not None
    assert crossing(falling, 0.1, beta) is None
