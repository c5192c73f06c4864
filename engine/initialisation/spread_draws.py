"""How many networks are drawn for a spread that has no exact law, at most. No JAX."""

import numpy as np

PARAMETERS = 10**8
"""Drawn in all for one cell, at most."""
OPERATIONS = 4e10
"""Of all draws at most: a convolution uses a parameter at every position."""
MOST_DRAWS = 1 << 15
FEWEST_DRAWS = 64
"""Of networks so large that the parameters allow no more: they are near their limit, unless very deep."""


def most_draws(parameters: int, operations: float = 1.0) -> int:
    """Of networks of so many parameters, and operations where these are more than a few for each."""
    return int(np.clip(min(PARAMETERS // parameters, OPERATIONS / operations), FEWEST_DRAWS, MOST_DRAWS))
