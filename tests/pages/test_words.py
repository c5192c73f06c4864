import math

import pytest

from engine.schema import Problem
from pages.charts.words import (
    are,
    change,
    duration,
    listing,
    middle,
    number,
    percent,
    plain,
    sentence,
    signed,
    size,
    spread,
)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"), (0.617, "0.617"), (12345.6, "12,346"), (1.23e-5, "1.23·10⁻⁵"), (2e17, "2.00·10¹⁷"), (-3.0, "−3"),
        (-8154.6, "−8,155"), (-1.23e-5, "−1.23·10⁻⁵"), (math.nan, "—"), (None, "—"), (math.inf, "—"), (100.0, "100"),
    ],
)  # fmt: skip
def test_number(value, text):
    assert number(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.27, "27%"),
        (0.004, "0.4%"),
        (1.5, "150%"),
        (0, "0%"),
        (9.9, "990%"),
        (23.4, "23×"),
        (2.1e-7, "2.1·10⁻⁵%"),
        (-2.1e-7, "−2.1·10⁻⁵%"),
        (-0.27, "−27%"),
        (-0.004, "−0.4%"),
        (-23.4, "−23×"),
        (2.28777e15, "2.3·10¹⁵×"),
        (math.nan, "—"),
    ],
)
def test_percent(value, text):
    assert percent(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.42, "0.4 s"), (12, "12 s"), (180, "3 min"), (7200, "2 h"), (172800, "48 h")]
)
def test_duration(seconds, text):
    assert duration(seconds) == text


@pytest.mark.parametrize(("count", "text"), [(1500, "1.5 kB"), (430e6, "430 MB"), (1.2e9, "1.2 GB"), (8e10, "80 GB")])
def test_size(count, text):
    assert size(count) == text


@pytest.mark.parametrize(
    ("start", "end", "text"),
    [
        (1.04, 1.05, "1.04 → 1.05"), (0.2, 0.9, "0.2 → 0.9"), (0.5, 0.5, "0.5 → 0.5"), (math.nan, 1, "— → 1"),
        (1.0, 1.1, "1 → 1.1"), (0.6171, 0.6174, "0.6171 → 0.6174"),
    ],
)  # fmt: skip
def test_a_change_has_the_digits_that_show_it(start, end, text):
    assert change(start, end) == text


@pytest.mark.parametrize(
    ("value", "places", "text"), [(-0.884, 2, "−0.88"), (0.884, 2, "0.88"), (-0.004, 2, "0.00"), (-1234.5, 0, "−1,234")]
)
def test_signed(value, places, text):
    assert signed(value, places) == text


def test_spread_and_middle():
    assert spread([1.0, 3.0, 2.0]) == "2 (1 to 3)"
    assert spread([1.0]) == "1"
    assert spread([None, math.nan]) == "—"
    assert middle([None, 2.0]) == 2.0
    assert math.isnan(middle([]))


def test_listing():
    assert [listing(words) for words in ([], ["a"], ["a", "b"], ["a", "b", "c"])] == ["", "a", "a and b", "a, b and c"]


def test_what_a_person_typed_is_no_markdown():
    assert plain("a_b $x$ :red[x]") == r"a\_b \$x\$ \:red\[x\]"
    assert sentence(Problem("network.width", "0 given")) == r"network\.width\: 0 given"


def test_one_is_and_two_are():
    assert [are(count) for count in (0, 1, 2)] == ["are", "is", "are"]
