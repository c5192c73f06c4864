"""Sample means, their errors and flags."""

from fractions import Fraction

import numpy as np
import pytest
from initialisation_oracles import Enumeration

from engine.initialisation.estimates import (
    Estimate,
    Tally,
    columns,
    draws_for_interval,
    estimates,
    rate_trusted,
    ratio_trusted,
    trusted,
)
from engine.initialisation.higher_moments import log_skewness_of_ratio
from engine.initialisation.law import law_of
from engine.initialisation.moments import moments
from engine.initialisation.sampler import draw, draw_chunks


def test_chunks_do_not_matter():
    rng = np.random.default_rng(0)
    values = rng.standard_normal((2, 1000)) + 1e6
    tally = Tally(("a", "b"))
    for part in np.split(values, [10, 11, 500], axis=1):
        tally.add({"a": part[0], "b": part[1]})
    tally.add({"a": np.empty(0), "b": np.empty(0)})
    assert tally.mean == pytest.approx(values.mean(axis=1), rel=1e-14)
    assert tally.covariance == pytest.approx(np.cov(values) / 1000, rel=1e-6)
    low, high = Estimate(1.0, 0.5, 10).interval
    assert (low, high) == pytest.approx((1 - 0.98, 1 + 0.98), abs=1e-3)


def test_flags_follow_depth():
    """The same draws: believed at small beta, not at large."""
    shallow, deep = law_of((10, *[64] * 4, 1)), law_of((10, *[64] * 64, 1))
    assert trusted(shallow, 100_000, 2)
    assert not trusted(deep, 100_000, 2)
    assert not trusted(shallow, 5, 1)
    for beta, seen in ((0.05, True), (0.5, False)):
        assert trusted(law_of((10, *[128] * round(128 * beta), 1)), 1_000_000, 2) is seen


def test_all_estimates():
    law = law_of((3, 5, 4, 1), readout="relu")
    draws = draw(law, 50_000, np.random.default_rng(0))
    tally = Tally(tuple(columns(draws, 0.5)))
    tally.add(columns(draws, 0.5))
    found = estimates(tally, law)
    exact = moments(law)
    expected = {name: float(np.exp(getattr(exact, f"log_{name}")[0])) for name in ("E_K", "E_K2", "E_Kb2", "E_gHg")}
    expected |= {"ratio": float(np.exp(exact.log_ratio[0])), "E_dK": float(exact.E_dK(0.5)[0])}
    for name, value in expected.items():
        assert abs(found[name].mean - value) < 4.5 * found[name].standard_error, name
    assert found["E_K"].trusted is True
    assert found["E_gHg"].trusted is None
    assert all(estimate.trusted is None for estimate in estimates(tally, None).values())


def test_draws_for_an_interval_are_cochran_s():
    """25 g^2, g the skewness of K from its exact moments."""
    oracle = Enumeration((3, 2, 2, 1))
    m1, m2, m3 = (float(oracle.kernel_moment(order)) for order in (1, 2, 3))
    skewness = (m3 - 3 * m2 * m1 + 2 * m1**3) / (m2 - m1**2) ** 1.5
    assert np.exp(draws_for_interval(law_of((3, 2, 2, 1)), 1)) == pytest.approx(25 * skewness**2, rel=1e-9)


def test_a_ratio_has_the_skewness_of_its_own_influence():
    """(K/m1)^2 - 2 (m2/m1^2) K/m1 from exact moments of an enumeration, and sqrt(8) where K is nearly normal."""
    oracle = Enumeration((3, 2, 2, 1))
    m = [Fraction(1), *(Fraction(oracle.kernel_moment(order)) for order in range(1, 7))]
    slope = 2 * m[2] / m[1]
    first = m[2] - slope * m[1]
    second = m[4] - 2 * slope * m[3] + slope**2 * m[2]
    third = m[6] - 3 * slope * m[5] + 3 * slope**2 * m[4] - slope**3 * m[3]
    skewness = float(third - 3 * first * second + 2 * first**3) / float(second - first**2) ** 1.5
    assert np.exp(log_skewness_of_ratio(law_of((3, 2, 2, 1)))) == pytest.approx(skewness, rel=1e-9)
    assert np.exp(log_skewness_of_ratio(law_of((10, 100_000, 1)))) == pytest.approx(8**0.5)
    assert log_skewness_of_ratio(law_of((10, *[16] * 400, 1))) == np.inf


def test_a_ratio_and_a_rate_need_more_draws_than_their_moments():
    law = law_of((10, 64, 64, 64, 64, 1))
    assert [trusted(law, 99, 1), trusted(law, 100, 1)] == [False, True]
    found = {
        draws: (trusted(law, draws, 2), ratio_trusted(law, draws), rate_trusted(law, draws)) for draws in (300, 3000)
    }
    assert found == {300: (True, False, False), 3000: (True, True, False)}


def test_errors_of_ratios_are_those_of_the_jackknife():
    draws = draw(law_of((10, 64, 64, 1)), 20_000, np.random.default_rng(0))
    found, n, K = columns(draws, 0.0), 20_000, draws.K
    tally = Tally(tuple(found))
    tally.add(found)
    m1, m2, m4 = ((np.sum(K**power) - K**power) / (n - 1) for power in (1, 2, 4))  # each draw left out once
    ratios = {"ratio": m2 / m1**2, "mc_draws_for_5pct_E_K2": 400 * (m4 / m2**2 - 1)}
    for name, values in ratios.items():
        error = np.sqrt((n - 1) * np.var(values))
        assert estimates(tally, None)[name].standard_error == pytest.approx(error, rel=0.02), name


@pytest.mark.long
def test_flags_tell_when_intervals_cover():
    """Where the flag says so, 95% intervals of E[K^2] cover at least 93% of the time; far from it they do not."""
    for depth, draws, believed in ((3, 4000, True), (24, 4000, False)):
        law = law_of((10, *[32] * depth, 1))
        exact, covered = float(np.exp(moments(law).log_E_K2[0])), 0
        assert trusted(law, draws, 2) is believed
        for seed in range(500):
            K2 = np.concatenate([c.K for c in draw_chunks(law, draws, seed, first_step=False)]) ** 2
            low, high = Estimate(K2.mean(), K2.std() / np.sqrt(draws), draws).interval
            covered += bool(low <= exact <= high)
        assert (covered >= 465) is believed
