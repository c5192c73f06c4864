"""The defensive importance sampler against exact second moments, and its refusals."""

import numpy as np
import pytest

from engine.initialisation.law import law_of
from engine.initialisation.moments import moments
from engine.initialisation.sampler import _active, second_moment
from engine.schema import ConfigError


@pytest.mark.parametrize(
    "widths", [(10, *[64] * 64, 1), (10, *[128] * 64, 1), (3, 5, 4, 7, 1), (2, 1, 1), (3, 2, 2, 1), (4, 1)], ids=len
)
@pytest.mark.parametrize("readout", ["linear", "relu"])
def test_estimates_are_exact_within_errors(widths, readout):
    law = law_of(widths, readout=readout, sigma_b=0.7, alpha=1.5)
    found = second_moment(law, 40_000, seed=1)
    exact = np.exp(moments(law).log_E_K2[0])
    if len(widths) == 2:  # everything is integrated out
        assert found.value == pytest.approx(exact, rel=1e-12)
    else:
        assert abs(found.value - exact) < 4.5 * found.standard_error
        assert found.standard_error < 0.05 * exact
    assert found.trusted


def test_off_critical_and_no_output_bias():
    law = law_of((3, 4, 6, 5, 1), sigma_w=[1.0, 2.0, 0.7, 1.1], output_bias=False)
    found = second_moment(law, 100_000, seed=0)
    assert abs(found.value - np.exp(moments(law).log_E_K2[0])) < 4.5 * found.standard_error


@pytest.mark.long
@pytest.mark.parametrize("seed", range(5))
def test_within_5_percent_at_beta_1(seed):
    law = law_of((10, *[64] * 64, 1))
    found = second_moment(law, 2_000_000, seed)
    assert found.value == pytest.approx(np.exp(moments(law).log_E_K2[0]), rel=0.05)
    assert found.effective_sample_size > 1000


def test_refused_above_its_reach():
    with pytest.raises(ConfigError, match="beta 2 is above"):
        second_moment(law_of((10, *[8] * 16, 1)), 1000, 0)


def test_overflow_is_refused():
    with pytest.raises(ConfigError, match="sigma_w"):
        second_moment(law_of((10, *[200] * 150, 1), sigma_w=50.0), 1000, 0)


@pytest.mark.parametrize("n", [1, 2, 3, 8])
def test_tilted_binomial(n):
    """m with pmf binom(n, m) m (m + 2), normalised, by chi-square test over its values."""
    rng = np.random.default_rng(n)
    drawn = np.bincount(_active(n, np.ones(50_000, bool), rng), minlength=n + 1)
    m = np.arange(n + 1)
    weights = np.array([float(np.prod([(n - i) / (i + 1) for i in range(k)])) for k in m]) * m * (m + 2)
    expected = 50_000 * weights / weights.sum()
    assert drawn[0] == 0
    likely = expected > 0
    statistic = np.sum((drawn[likely] - expected[likely]) ** 2 / expected[likely])
    assert statistic < n + 5 * np.sqrt(2 * n) + 5


def test_progress_is_told():
    told = []
    second_moment(law_of((3, 4, 1)), 20_000, 0, told.append)
    assert told[-1] == 1.0
    assert told == sorted(told)
