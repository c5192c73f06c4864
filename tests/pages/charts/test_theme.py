import numpy as np
import pytest

from pages.charts import theme


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (1e-4, 1.0, [1e-4, 1e-3, 1e-2, 0.1, 1]),
        (0.09, 1.2, [0.1, 0.2, 0.5, 1]),
        (1e-16, 100, [1e-15, 1e-12, 1e-9, 1e-6, 1e-3, 1]),
        (0.81, 1.1, [0.9, 1.0, 1.1]),
    ],
)
def test_ticks_of_a_log_axis(low, high, expected):
    assert theme.ticks(low, high) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("value", "text"), [(1e-3, "10⁻³"), (2e-5, "2·10⁻⁵"), (0.05, "0.05"), (100, "100"), (1e4, "10⁴")]
)
def test_numbers_of_a_log_axis(value, text):
    assert theme.power(value) == text


@pytest.mark.parametrize("values", [[], [np.nan], [0.0, -1.0], [5.0], [1e-30, 1e30]])
def test_a_log_domain_is_positive_and_ordered(values):
    low, high = theme.log_domain(np.array(values, float))
    assert 0 < low < high


@pytest.mark.parametrize("values", [[], [np.nan], [0.0], [5.0, 5.0], [-1.0, 1.0]])
def test_a_linear_domain_is_ordered(values):
    low, high = theme.linear_domain(np.array(values, float))
    assert low < high
