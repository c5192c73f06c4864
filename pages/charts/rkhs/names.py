"""What curves of the path of RKHSs are called, and their colours, the same in every chart.

Grey is of H_0, blue of H_t, orange of infinite width; vermilion is of the network itself.
"""

from pages import theme

SPACE, START, LIMIT = "H_t", "H_0", "infinite width"
TARGET_IN_SPACE, FUNCTION, FUNCTION_AT_START = "target in H_t", "f_t − f_0 in H_t", "f_t − f_0 in H_0"
OUTWARD, INWARD = "ball of H_t in H_0", "ball of H_0 in H_t"
ACROSS = {
    "across_t_in_t": "K_t's in H_t",
    "across_t_in_0": "K_t's in H_0",
    "across_0_in_t": "K_0's in H_t",
    "across_0_in_0": "K_0's in H_0",
}
"""Interpolants and the space whose norm they are given, by entry."""
NETWORK, KERNEL, KERNEL_0, KERNEL_LIMIT, TARGET = "network f_t", "K_t", "K_0", "K_∞", "target"
HELD_OUT, TRAIN = "held-out points", "training points"

COLOURS = {
    SPACE: theme.COLOURS["kernel"],
    START: theme.COLOURS["kernel_0"],
    LIMIT: theme.COLOURS["infinite"],
    TARGET_IN_SPACE: theme.COLOURS["kernel"],
    FUNCTION: theme.COLOURS["network"],
    FUNCTION_AT_START: theme.VIOLET,
    OUTWARD: theme.COLOURS["kernel"],
    INWARD: theme.COLOURS["kernel_0"],
    ACROSS["across_t_in_t"]: theme.COLOURS["kernel"],
    ACROSS["across_t_in_0"]: theme.VIOLET,
    ACROSS["across_0_in_t"]: theme.GREEN,
    ACROSS["across_0_in_0"]: theme.COLOURS["kernel_0"],
    NETWORK: theme.COLOURS["network"],
    KERNEL: theme.COLOURS["kernel"],
    KERNEL_0: theme.COLOURS["kernel_0"],
    KERNEL_LIMIT: theme.COLOURS["infinite"],
    TARGET: theme.COLOURS["target"],
    HELD_OUT: theme.COLOURS["test"],
    TRAIN: theme.COLOURS["train"],
}
"""Label -> colour."""
DASHED = (START, LIMIT, KERNEL_0, KERNEL_LIMIT)
"""References, which do not move."""
