from itertools import combinations

import numpy as np
import pytest

from pages.charts import theme

GROUNDS = ("#ffffff", "#0e1117")
TOGETHER = [
    ("kernel", "kernel_0", "infinite", "noise_floor"),
    ("target", "network", "train"),
    ("train_error", "test_error"),
    ("alignment_train", "alignment_test"),
    ("drift", "shape_drift"),
    ("lambda_max", "stability"),
    ("mode_residual", "kernel_0"),
]
"""Names drawn in one chart."""

# Machado, Oliveira and Fernandes 2009, severity 1, on linear RGB.
DEFICIENT = {
    "protan": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deutan": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
}
TO_XYZ = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]


def _linear(colour: str) -> np.ndarray:
    channel = np.array([int(colour[k : k + 2], 16) for k in (1, 3, 5)]) / 255
    return np.where(channel <= 0.04045, channel / 12.92, ((channel + 0.055) / 1.055) ** 2.4)


def _contrast(one: str, other: str) -> float:
    light, dark = sorted(
        (float(np.dot([0.2126, 0.7152, 0.0722], _linear(colour))) for colour in (one, other)), reverse=True
    )
    return (light + 0.05) / (dark + 0.05)


def _lab(linear: np.ndarray) -> np.ndarray:
    x, y, z = np.cbrt(np.array(TO_XYZ) @ np.clip(linear, 0, 1) / [0.9505, 1.0, 1.089])
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("ground", GROUNDS)
@pytest.mark.parametrize("colour", sorted({*theme.COLOURS.values(), *theme.ORDERED}))
def test_every_colour_stands_out_on_light_and_dark(ground, colour):
    assert _contrast(colour, ground) >= 3


@pytest.mark.parametrize("sight", [None, *DEFICIENT])
@pytest.mark.parametrize("names", TOGETHER)
def test_colours_of_one_chart_differ_for_every_sight(sight, names):
    seen = np.array(DEFICIENT[sight]) if sight else np.eye(3)
    for one, other in combinations(sorted({theme.COLOURS[name] for name in names}), 2):
        assert np.linalg.norm(_lab(seen @ _linear(one)) - _lab(seen @ _linear(other))) > 12, (one, other)


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
