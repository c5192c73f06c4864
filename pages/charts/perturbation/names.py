"""What curves of a perturbation are called, and their colours, the same in every chart."""

from pages import theme

CURVES = {
    "network": "network",
    "order_0": "order 0 (lazy)",
    "order_1": "orders 0–1",
    "order_2": "orders 0–2",
    "full": "whole propagator",
}
"""By the names of `engine.perturbation.result.CURVES`."""
BOUNDS = {
    "P2": "bound P2",
    "P3": "estimate P3",
    "P4": "estimate P4",
    "groenwall": "Grönwall",
    "remainder_0": "after order 0",
    "remainder_1": "after order 1",
    "remainder_2": "after order 2",
}
"""By the names of `engine.perturbation.result.BOUNDS`."""
MEASURED, FORETOLD, TAYLOR_1, TAYLOR_2 = "measured", "leading order", "Taylor, t", "Taylor, t²"
FLOOR = "floor of the steps"

COLOURS = {
    CURVES["network"]: theme.COLOURS["network"],
    CURVES["order_0"]: theme.COLOURS["kernel_0"],
    CURVES["order_1"]: theme.SKY,
    CURVES["order_2"]: theme.VIOLET,
    CURVES["full"]: theme.GREEN,
    FLOOR: theme.COLOURS["noise_floor"],
    BOUNDS["P2"]: theme.CRIMSON,
    BOUNDS["P3"]: theme.ORANGE,
    BOUNDS["P4"]: theme.PINK,
    BOUNDS["groenwall"]: theme.BLUE,
    BOUNDS["remainder_0"]: theme.COLOURS["kernel_0"],
    BOUNDS["remainder_1"]: theme.SKY,
    BOUNDS["remainder_2"]: theme.VIOLET,
    MEASURED: theme.COLOURS["drift"],
    FORETOLD: theme.ORANGE,
    TAYLOR_1: theme.PINK,
    TAYLOR_2: theme.SKY,
}
"""Label -> colour. A remainder has the colour of its order."""
DASHED = (*BOUNDS.values(), FLOOR, TAYLOR_1, TAYLOR_2)
