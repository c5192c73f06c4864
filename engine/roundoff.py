"""What floating point leaves: the noise floor of eigenvalues, and values that are rounding of others. No JAX."""

import numpy as np
from jaxtyping import Float

UNIT_ROUNDOFF = {"float64": 1.1e-16, "mixed": 6e-8, "float32": 6e-8}


WARNED, REFUSED = 1e-3, 0.1
"""Relative error of a network's outputs at t = 0 that a page warns of, and from which no run is made."""


NOTHING = 1e-12
"""Values whose root mean square is at most this share of what they come from are rounding."""


def noise_floor(
    eigenvalues: Float[np.ndarray, "... p"], precision: str = "float64", rounding: float = 0.0
) -> Float[np.ndarray, "..."]:
    """p u lambda_1: eigenvalues (descending) below it are rounding noise of a kernel of this precision.

    Args:
        rounding: the kernel's own, relative to lambda_1, where it was measured: the floor where it is higher.
    """
    return max(eigenvalues.shape[-1] * UNIT_ROUNDOFF[precision], rounding) * np.abs(eigenvalues[..., 0])


def without_rounding(values: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """`values`, or zeros where they are rounding of values such as those in `scale`: a ratio over them is undefined."""
    size = _rms(values)
    return np.zeros_like(values) if np.isfinite(size) and size <= NOTHING * _rms(scale) else values


def _rms(values: np.ndarray) -> float:
    return float(np.linalg.norm(values) / np.sqrt(max(np.size(values), 1)))
