"""Scaling limits against their closed forms in 60 digits, and against wide exact values."""

from decimal import Decimal, getcontext

import numpy as np
import pytest

from engine.initialisation import moments as limit_of
from engine.initialisation.law import law_of
from engine.initialisation.moments import moments

getcontext().prec = 60


@pytest.mark.parametrize("beta", [1e-9, 1e-4, 0.01, 0.3, 0.999, 1.001, 3.0, 50.0])
def test_closed_forms_in_many_digits(beta):
    b = Decimal(beta)
    grown = (5 * b).exp()
    weights = Decimal(1) / 3 + 2 / (9 * b) - (1 - (-6 * b).exp()) / (27 * b * b)
    bias = 2 * (1 - (1 + 5 * b) / grown) / (25 * b * b)
    low = Decimal(11) / 225 + b / 5 + (1 - (-b).exp()) / 9
    mixed = (b / 15 + Decimal(11) / 225 - low / grown) / (b * b)
    assert limit_of.weight_prefactor(np.array(beta)) == pytest.approx(float(weights), rel=1e-13)
    assert limit_of.bias_prefactor(np.array(beta)) == pytest.approx(float(bias), rel=1e-13)
    assert limit_of.mixed_prefactor(np.array(beta)) == pytest.approx(float(mixed), rel=1e-13)


def test_at_zero_all_is_one():
    for part in (limit_of.weight_prefactor, limit_of.bias_prefactor, limit_of.mixed_prefactor):
        assert part(np.array(0.0)) == pytest.approx(1.0, rel=1e-14)


@pytest.mark.parametrize("readout", ["linear", "relu"])
@pytest.mark.parametrize("beta", [0.1, 0.5, 1.0])
def test_wide_networks_approach_it_at_rate_one_over_width(beta, readout):
    gaps = []
    for width in (1000, 2000):
        found = moments(law_of((10, *[width] * round(beta * width), 1), readout=readout))
        limit = limit_of.log_ratio(np.array(beta), 0.2) + (np.log(2) if readout == "relu" else 0)
        gaps.append(float(found.log_ratio[0] - limit))
    assert abs(gaps[0]) < 0.02
    assert gaps[1] / gaps[0] == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize(("beta", "prefactor"), [(0.125, 0.68), (0.25, 0.47), (0.5, 0.25), (1.0, 0.10), (2.0, 0.037)])
def test_the_prefactor_of_exp_5_beta(beta, prefactor):
    """docs/figures.md: n = 512, n_0 = 10, |x| = 1, linear."""
    found = moments(law_of((10, *[512] * round(512 * beta), 1)))
    assert np.exp(found.log_ratio[0] - 5 * beta) == pytest.approx(prefactor, abs=0.006)
    assert limit_of.prefactor(np.array(beta), 0.2) == pytest.approx(prefactor, abs=0.006)


def test_rates_of_the_paper():
    assert limit_of.hanin_nica_log_ratio(np.array(0.5)) == 2.5
    assert np.exp(limit_of.hanin_nica_log_drift(np.array(5), np.array(0.5), 10)) == pytest.approx(0.25 * np.exp(2.5))
    assert limit_of.hanin_nica_log_drift(np.array(1), np.array(0.0), 10) == -np.inf
