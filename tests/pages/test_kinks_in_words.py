"""What is said of activations that are homogeneous, or have a kink, and of no others."""

import pytest

from pages.views.initial_network import Network
from pages.views.initial_words import off_critical


@pytest.mark.parametrize(
    ("activation", "sigma", "saturates"), [("relu", 2.0, False), ("leaky_relu", 2.0, False), ("abs", 2.0, False),
                                           ("linear", 2.0, False), ("tanh", 2.0, True), ("gelu", 2.0, True)]
)  # fmt: skip
def test_only_a_signal_that_can_saturate_is_said_to(activation: str, sigma: float, saturates: bool) -> None:
    said = off_critical(Network(10, (("activation", activation), ("sigma_w", sigma))), 4)
    assert ("saturates" in said) == ("small" in said) == saturates


@pytest.mark.parametrize(("activation", "factor"), [("leaky_relu", 2 * 1.0001), ("abs", 4.0)])
def test_the_factor_is_that_of_the_critical_scale(activation: str, factor: float) -> None:
    """sigma_w = 2, one hidden layer: (2/critical)^2 = 4 (1 + s^2)/2 for slope s."""
    said = off_critical(Network(10, (("activation", activation), ("sigma_w", 2.0))), 1)
    assert f"by a factor {factor:g}" in said or f"by a factor {factor:.3g}" in said
