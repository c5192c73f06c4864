"""Norms of the same function in several spaces. NumPy, no JAX.

Kernels are compared at equal trace: cK has the same functions as K with squared norms divided by c.
"""

import numpy as np
from jaxtyping import Float

from engine.rkhs.gram import Gram, Solved


def scale_free(gram: Gram, y: Float[np.ndarray, "p k"], solved: Solved) -> float:
    """S = (tr K/p) y^T K^-1 y/||y||^2, given `solved` = `gram.norm(y)`: 1 for K = c I, whatever c and y."""
    size = np.sum(y**2)
    return float(gram.mean * solved.value / size) if size > 0 else float("nan")


def softened(gram: Gram, f: Float[np.ndarray, "p k"], ridge: float) -> float:
    """S with a ridge of that many mean eigenvalues: f^T (K/(tr K/p) + ridge I)^-1 f/||f||^2.

    Finite also for functions outside the space. NaN where noise decides it, or f or K is zero.
    """
    size = np.sum(f**2)
    added = ridge * gram.mean
    if size == 0 or not gram.determines(added):
        return float("nan")
    return gram.mean * gram.quadratic(f, added) / float(size)
