"""Which space lies in which, and by how much. NumPy, no JAX."""

import numpy as np
from jaxtyping import Float

from engine.rkhs.gram import Gram


def inclusion_constant(inner: Float[np.ndarray, "p p"], outer: Gram, ridge: float) -> float:
    """Smallest C for which the unit ball of `inner`'s space lies in C times the unit ball of `outer`'s.

    C^2 = l_max(A + e I, B + e I), both kernels scaled to mean eigenvalue 1 and e = `ridge`: the order A <= C^2 B of
    kernels is the inclusion of their spaces (Aronszajn 1950, Theory of reproducing kernels, 7). Where there is none,
    C grows without bound as the ridge falls. NaN where noise in B decides it at this ridge, or a kernel is zero.

    Args:
        inner: the kernel matrix A.
        outer: the decomposition of B.
    """
    mean = np.trace(inner) / len(inner)
    if not 0 < mean < np.inf or not outer.determines(ridge * outer.mean):
        return float("nan")
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        shifted = outer.values / outer.mean + ridge
        whitened = outer.vectors / np.sqrt(shifted)
        relative = whitened.T @ (inner / mean) @ whitened + np.diag(ridge / shifted)
    if not np.all(np.isfinite(relative)):  # kernels near the ends of float64
        return float("nan")
    # All of them: LAPACK's search for the largest alone gives up on spectra that are nearly one value.
    return float(np.sqrt(np.linalg.eigvalsh(relative)[-1]))
