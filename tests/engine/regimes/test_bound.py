"""P2 from looks that are added until the sum is known, against sums over every step."""

from collections.abc import Callable

import numpy as np
import pytest

from engine.regimes.bound import TOLERANCE, Bound, Lazy, first_marks


def refined(size: Callable[[np.ndarray], np.ndarray], last: int, weight: np.ndarray) -> tuple[Bound, int]:
    """Looked at until nothing is wanted, and how often."""
    every = np.arange(last + 1)
    values = size(every)
    found = Bound(every, weight, {step: float(values[step]) for step in (0, *first_marks(last))})
    while wanted := found.next_steps():
        found.add({step: float(values[step]) for step in wanted})
    return found, len(found.size)


CURVES = {
    "saturating": lambda k: 1 - np.exp(-k / 30),
    "a catapult between looks": lambda k: np.exp(-(((k - 700) / 40) ** 2)) + 0.01,
    "oscillating": lambda k: 0.5 + 0.5 * np.sin(k / 9),
    "of period two": lambda k: np.where(k % 2, 1.0, 0.1),
    "growing": lambda k: np.exp(k / 100),
}


@pytest.mark.parametrize("name", CURVES)
@pytest.mark.parametrize("rate", [0.0, 0.002])
def test_it_is_within_15_percent_of_the_whole_sum(name: str, rate: float) -> None:
    last = 1900
    weight = np.exp(-rate * np.arange(last + 1))
    found, looks = refined(CURVES[name], last, weight)
    assert found.value == pytest.approx(weight @ CURVES[name](np.arange(last + 1)), rel=0.15)
    assert found.error <= TOLERANCE
    if name in ("saturating", "growing"):
        assert looks < 60


def test_looks_left_out_leave_an_estimate_that_says_so() -> None:
    """A peak of height 1 in the middle changes all of P2; the left half, looked into, is flat."""
    found = Bound(np.arange(101), np.ones(101), {0: 0.0, 50: 1.0, 100: 0.0})
    assert (found.value, found.error) == (pytest.approx(50), pytest.approx(1.0))
    assert found.next_steps() == [25, 75]
    found.add({25: 0.5})
    assert found.error == pytest.approx(0.5)
    assert found.next_steps() == [75]


def test_a_straight_line_is_known_from_its_ends() -> None:
    """Wherever between them it was looked at."""
    found = Bound(np.arange(11), np.ones(11), {0: 0.0, 2: 0.2, 10: 1.0})
    assert (found.value, found.error) == (pytest.approx(5.5), pytest.approx(0, abs=1e-15))
    assert found.next_steps() == []


def test_what_is_not_finite_is_not_refined() -> None:
    found = Bound(np.arange(5), np.ones(5), {0: 0.0, 2: np.nan, 4: 1.0})
    assert found.next_steps() == []
    assert np.isnan(found.error)


@pytest.mark.parametrize("descent", [True, False])
def test_the_weight_of_a_step(descent: bool) -> None:
    """One mode, r(0) = 2, eta_eff l = 1/2: each step of descent counts eta_eff |r_lazy| at its start, the flow's by the
    trapezoidal rule."""
    lazy = Lazy.of(np.ones(1), np.ones((1, 1)), np.array([2.0]), 0.5, 4, descent)
    k = np.arange(5)
    measure, left = ([1, 1, 1, 1, 0], 0.5**k) if descent else ([0.5, 1, 1, 1, 0.5], np.exp(-k / 2))
    np.testing.assert_allclose(lazy.weight(), 0.5 * np.array(measure) * 2 * left)
    gathered = 2 * (1 - left[-1])
    np.testing.assert_allclose(lazy.change(np.array([[1.0, 0.3], [0.3, 1.0]])), [-0.3 * gathered])
