"""What is said of a kernel: drift, alignment, spectra, eigenspaces. NumPy float64 on the host, no JAX.

Every function takes Gram matrices on one set of p points, shape (p, p), symmetric. Definitions: theory as in
each docstring; `engine.quantities` carries them to the pages.
"""

import numpy as np
from jaxtyping import Float

from engine.numerics import without_rounding

Gram = Float[np.ndarray, "p p"]

HELD_OUT = 64
"""Held-out points (evenly spread over the test set) at which the kernel of a run is measured."""
SHOWN = 32
"""Points (evenly spread along the display order) whose kernel a heatmap holds."""
OVERLAP_SIZES = (1, 2, 4, 8, 16, 32, 64)
"""The k of leading eigenspaces that are compared, those below the number of points."""


def spectrum(K: Gram) -> tuple[Float[np.ndarray, " p"], Gram]:
    """Eigenvalues, descending, and eigenvectors as columns in the same order. All NaN where K is not finite."""
    if not np.all(np.isfinite(K)):
        return np.full(len(K), np.nan), np.full(K.shape, np.nan)
    values, vectors = np.linalg.eigh(K)
    return values[::-1], vectors[:, ::-1]


def drift(K: Gram, K_0: Gram) -> float:
    """||K - K_0||_F / ||K_0||_F. NaN where K_0 = 0."""
    return ratio(np.linalg.norm(K - K_0), np.linalg.norm(K_0))


def shape_drift(K: Gram, K_0: Gram) -> float:
    """|| K/||K|| - K_0/||K_0|| ||_F: what is left of the drift once rescaling is taken out. In [0, 2]."""
    size, size_0 = np.linalg.norm(K), np.linalg.norm(K_0)
    return float(np.linalg.norm(K / size - K_0 / size_0)) if size > 0 and size_0 > 0 else float("nan")


def centre(K: Gram) -> Gram:
    """H K H with H = I - 1 1^T/p; zero for what rounding leaves of a constant."""
    return without_rounding(K - K.mean(0) - K.mean(1)[:, None] + K.mean(), K)


def cka(K: Gram, K_0: Gram) -> float:
    """Centred kernel alignment <HKH, HK_0H>/(||HKH|| ||HK_0H||) (Cortes et al., arXiv 1203.0550). In [0, 1]."""
    A, B = centre(K), centre(K_0)
    return ratio(np.vdot(A, B), np.linalg.norm(A) * np.linalg.norm(B))


def alignment(K: Gram, y: Float[np.ndarray, "p k"]) -> float:
    """Centred kernel-target alignment: the CKA of K with y y^T (k outputs: with their sum)."""
    y = without_rounding(y - y.mean(0), y)
    return ratio(np.vdot(y, centre(K) @ y), np.linalg.norm(centre(K)) * np.linalg.norm(y.T @ y))


def overlap(U: Float[np.ndarray, "p p"], V: Float[np.ndarray, "p p"], k: int) -> float:
    """||U_k^T V_k||_F^2/k of the leading k eigenvectors: 1 for equal spaces, k/p by chance."""
    return float(np.sum((U[:, :k].T @ V[:, :k]) ** 2) / k)


def overlaps(U: Float[np.ndarray, "p p"], V: Float[np.ndarray, "p p"]) -> Float[np.ndarray, " k"]:
    """`overlap` at each of `OVERLAP_SIZES` below p."""
    return np.array([overlap(U, V, k) for k in OVERLAP_SIZES if k < len(U)])


def mode_amplitudes(U: Float[np.ndarray, "p p"], r: Float[np.ndarray, "p k"]) -> Float[np.ndarray, " p"]:
    """Size of the residual along each eigenvector (k outputs in quadrature)."""
    return np.linalg.norm(U.T @ r, axis=1)


def ratio(numerator: float | np.number | np.bool, denominator: float | np.number | np.bool) -> float:
    """numerator/denominator, NaN unless the denominator is positive."""
    return float(numerator / denominator) if denominator > 0 else float("nan")
