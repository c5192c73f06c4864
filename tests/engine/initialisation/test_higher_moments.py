"""Third and fourth moments and beyond, against the reference, enumeration, and each other at great depth."""

import json
import math
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from initialisation_oracles import Enumeration

from engine.initialisation.higher_moments import (
    log_draws_by_depth,
    log_moment,
    log_relative_variance,
    log_skewness,
    log_terms_by_depth,
    required_draws,
)
from engine.initialisation.law import law_of
from engine.initialisation.layer_sums import Shapes
from engine.initialisation.moments import moments, moments_of_shapes

ROWS = json.loads((Path(__file__).parent / "hanin_nica.json").read_text())["rows"]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{'-'.join(map(str, row['widths'][:6]))}-{row['readout']}")
def test_reference_rows(row):
    law = law_of(row["widths"], readout=row["readout"], norm_x_squared=row["norm_x_squared"])
    for order, name in enumerate(("E_K", "E_K2", "E_K3", "E_K4"), start=1):
        assert np.exp(log_moment(law, order)) == pytest.approx(row[name], rel=1e-10)
    assert np.exp(required_draws(law, 0.05)) == pytest.approx(row["mc_draws_for_5pct_E_K2"], rel=1e-10)


@pytest.mark.parametrize("readout", ["linear", "relu"])
@pytest.mark.parametrize("widths", [(3, 1), (2, 1, 1), (2, 1, 2, 1), (3, 3, 2, 1), (3, 2, 1, 2, 1)], ids=str)
def test_enumeration(widths, readout):
    oracle = Enumeration(widths, readout, norm=Fraction(2, 3))
    law = law_of(widths, readout=readout, norm_x_squared=2 / 3)
    for order in (1, 2, 3, 4):
        assert np.exp(log_moment(law, order)) == pytest.approx(float(oracle.kernel_moment(order)), rel=1e-13)


def test_enumeration_of_the_sixth_moment():
    assert np.exp(log_moment(law_of((2, 2, 2, 1)), 6)) == pytest.approx(
        float(Enumeration((2, 2, 2, 1)).kernel_moment(6)), rel=1e-12
    )


def test_enumeration_of_reductions():
    r, bias = [Fraction(2), Fraction(1, 3), Fraction(5)], Fraction(4)
    for readout in ("linear", "relu"):
        oracle = Enumeration((3, 2, 2, 1), readout, r=r, bias=bias, output_bias=Fraction(0))
        law = law_of(
            (3, 2, 2, 1),
            readout=readout,
            sigma_w=[math.sqrt(2 * v) for v in r],
            sigma_b=2.0,
            output_bias=False,
            alpha=0.5,
        )
        for order in (1, 2, 3, 4):
            expected = float(oracle.kernel_moment(order)) * 0.25**order
            assert np.exp(log_moment(law, order)) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("widths", [(10, *[8] * 512, 1), (10, *[1, 5, 300] * 200, 1), (4, *[1] * 1000, 1)], ids=len)
@pytest.mark.parametrize("readout", ["linear", "relu"])
def test_two_roads_to_the_second_moment_at_depth(widths, readout):
    """The recursion at orders 1 and 2 against the closed forms, which are checked by themselves."""
    law = law_of(widths, readout=readout, sigma_w=1.3)
    found = moments(law)
    assert log_moment(law, 1) == pytest.approx(found.log_E_K[0], abs=1e-10)
    assert log_moment(law, 2) == pytest.approx(found.log_E_K2[0], abs=1e-10)


@pytest.mark.parametrize("width", [1, 2, 16, 300])
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"readout": "relu", "sigma_w": 1.3, "sigma_w_readout": 0.7, "alpha": 0.5},
        {"sigma_w": 1.0, "output_bias": False},
        {"train_bias": False, "sigma_w": 0.3},
    ],
    ids=str,
)
def test_one_network_that_grows_has_the_moments_of_each(width, settings):
    """Its terms by depth against the sums over layers, which are checked by themselves."""
    law, depths = law_of((10, width, 1), **settings), np.array([1, 2, 3, 8, 40, 41, 500])
    found = moments_of_shapes(law, Shapes.equal(depths, width, law.n_0))
    bias, weights = log_terms_by_depth(law, 1, width, depths)
    np.testing.assert_allclose(bias, found.log_E_Kb, atol=1e-10)
    np.testing.assert_allclose(weights, found.log_E_Kw, atol=1e-10)
    bias2, mixed, weights2 = log_terms_by_depth(law, 2, width, depths)
    np.testing.assert_allclose(bias2, found.log_E_Kb2, atol=1e-10)
    np.testing.assert_allclose(mixed, np.log(2) + found.log_E_KwKb, atol=1e-10)
    np.testing.assert_allclose(weights2, found.log_E_Kw2, atol=1e-10)
    alone = [law_of((10, *[width] * depth, 1), **settings) for depth in depths]
    fourth = np.logaddexp.reduce(log_terms_by_depth(law, 4, width, depths))
    np.testing.assert_allclose(fourth, [log_moment(one, 4) for one in alone], atol=1e-10)
    draws = log_draws_by_depth(law, 0.05, 2, width, depths)
    np.testing.assert_allclose(draws, [required_draws(one, 0.05) for one in alone], atol=1e-8)


def test_great_depth_does_not_overflow():
    orders = [log_moment(law_of((10, *[16] * 5000, 1)), order) for order in (2, 3, 4, 6)]
    assert np.all(np.isfinite(orders))
    # log-convexity of moments in the order
    assert orders[1] - orders[0] < orders[2] - orders[1]


@pytest.mark.parametrize(("beta", "draws"), [(0.125, 7e2), (0.25, 4e3), (0.5, 2e5), (1.0, 2e9), (2.0, 5e17)])
def test_draws_that_plain_monte_carlo_needs(beta, draws):
    """docs/figures.md, for n = 128, n_0 = 10, one digit."""
    found = np.exp(required_draws(law_of((10, *[128] * round(128 * beta), 1)), 0.05))
    assert found == pytest.approx(draws, rel=0.3)


def test_skewness():
    """Of K itself, from enumerated central moments."""
    oracle = Enumeration((3, 2, 2, 1))
    m1, m2, m3 = (float(oracle.kernel_moment(order)) for order in (1, 2, 3))
    expected = (m3 - 3 * m1 * m2 + 2 * m1**3) / (m2 - m1**2) ** 1.5
    assert np.exp(log_skewness(law_of((3, 2, 2, 1)), 1)) == pytest.approx(expected, rel=1e-10)
    assert log_skewness(law_of((10, *[4] * 400, 1)), 2) > 500


def test_unreasonable_orders_are_refused():
    with pytest.raises(ValueError, match="order 0"):
        log_moment(law_of((3, 2, 1)), 0)


def test_the_variance_of_a_plain_estimate_by_enumeration():
    oracle = Enumeration((3, 2, 2, 1))
    variance = float(oracle.kernel_moment(4)) / float(oracle.kernel_moment(2)) ** 2 - 1
    found = np.exp(log_relative_variance(law_of((3, 2, 2, 1)), power=2))
    assert found == pytest.approx(variance, rel=1e-10)
