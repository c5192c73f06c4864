"""What is said of a checkpoint and its kernel: errors, drift, alignment, spectra, eigenspaces. NumPy float64, no JAX.

Gram matrices are those of one set of p points, shape (p, p), symmetric. The definitions are in the docstrings, and for
the pages in `engine.quantities`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple, Protocol

import numpy as np
from jaxtyping import Float

from engine.data import Dataset, spread
from engine.losses import LOSSES, margins, missed
from engine.numerics import without_rounding

Gram = Float[np.ndarray, "p p"]

LAYER_POINTS = 32
"""Training points (evenly spread) at which the kernel of each layer is measured."""
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


def layer_shares(kernels: Float[np.ndarray, "d p p"]) -> Float[np.ndarray, " d"]:
    """tr K^l / tr K of the kernels K^l of the layers, whose sum is K. NaN where K = 0."""
    traces = np.einsum("lii->l", kernels)
    return np.array([ratio(trace, traces.sum()) for trace in traces])


def layer_drifts(kernels: Float[np.ndarray, "d p p"], start: Float[np.ndarray, "d p p"]) -> Float[np.ndarray, " d"]:
    """`drift` of the kernel of each layer."""
    return np.array([drift(K, K_0) for K, K_0 in zip(kernels, start, strict=True)])


def mode_amplitudes(U: Float[np.ndarray, "p p"], r: Float[np.ndarray, "p k"]) -> Float[np.ndarray, " p"]:
    """Size of the residual along each eigenvector (k outputs in quadrature)."""
    return np.linalg.norm(U.T @ r, axis=1)


def ratio(numerator: float | np.number | np.bool, denominator: float | np.number | np.bool) -> float:
    """numerator/denominator, NaN unless the denominator is positive."""
    return float(numerator / denominator) if denominator > 0 else float("nan")


def normalised_error(f: Float[np.ndarray, "p k"], y: Float[np.ndarray, "p k"]) -> float:
    """sum |f - y|^2 / sum |y|^2; NaN where y = 0."""
    return ratio(np.sum((f.astype(np.float64) - y) ** 2), np.sum(y**2))


def slope_of(loss: str, f: Float[np.ndarray, "p k"], y: Float[np.ndarray, "p k"]) -> Float[np.ndarray, "p k"]:
    """r = dl/df in float64."""
    return LOSSES[loss].slope(f.astype(np.float64), y, np)


# A checkpoint of a seed, and every number that is said of it.


class Measurement(NamedTuple):
    """The network and its kernel at one checkpoint, on the host (float64; outputs in the precision of the training).

    `profile` is the kernel between the first training point and the held-out ones.
    """

    f_train: Float[np.ndarray, "M k"]
    f_test: Float[np.ndarray, "M_test k"]
    kernel: Float[np.ndarray, "M M"]
    held_out_kernel: Float[np.ndarray, "m m"]
    profile: Float[np.ndarray, " m"]
    probe_f: Float[np.ndarray, "probes k"]
    probe_kernel: Float[np.ndarray, "probes probes"]


class Reference(NamedTuple):
    """What later checkpoints of a seed are compared with: the state at t = 0."""

    kernel: Float[np.ndarray, "M M"]
    vectors: Float[np.ndarray, "M M"]
    residual: float
    probe_kernel: Float[np.ndarray, "probes probes"]


@dataclass(frozen=True)
class Checkpoint:
    """What was measured at a checkpoint and at t = 0, and what there was to learn."""

    data: Dataset
    loss: str
    now: Measurement
    start: Reference

    @cached_property
    def residual(self) -> Float[np.ndarray, "M k"]:
        """r = dl/df on the training points: f - y for the squared losses."""
        return slope_of(self.loss, self.now.f_train, self.data.y_train)

    @cached_property
    def modes(self) -> tuple[Float[np.ndarray, " M"], Float[np.ndarray, "M M"]]:
        """`spectrum` of the kernel."""
        return spectrum(self.now.kernel)


def loss(at: Checkpoint) -> float:
    """The loss of the run on the training points, without what weight decay adds."""
    row = LOSSES[at.loss]
    return row.scale(len(at.residual)) * np.sum(row.value(at.now.f_train.astype(np.float64), at.data.y_train, np))


def held_out_loss(at: Checkpoint) -> float | None:
    """The mean over held-out points of a loss of classes."""
    f, y, row = at.now.f_test.astype(np.float64), at.data.y_test, LOSSES[at.loss]
    return float(np.sum(row.value(f, y, np)) / len(y)) if row.classes else None


def margin(at: Checkpoint) -> float | None:
    """The smallest of `engine.losses.margins` over training points, of a loss of classes."""
    f, y = at.now.f_train.astype(np.float64), at.data.y_train
    return float(np.min(margins(f, y))) if LOSSES[at.loss].classes else None


def held_out_alignment(at: Checkpoint) -> float:
    """`alignment` over the held-out points of the kernel."""
    return alignment(at.now.held_out_kernel, at.data.y_test[spread(len(at.data.x_test), HELD_OUT)])


def accuracy(at: Checkpoint) -> float | None:
    """Fraction of held-out points whose class is predicted: the largest output, or the sign of a single one."""
    if LOSSES[at.loss].classes:
        return float(np.mean(margins(at.now.f_test, at.data.y_test) > 0))
    if at.data.labels_test is None:
        return None
    f = at.now.f_test
    predicted = f.argmax(axis=1) if f.shape[1] > 1 else (f[:, 0] > 0).astype(int)
    return float(np.mean(predicted == at.data.labels_test))


def probe_drift(at: Checkpoint) -> float | None:
    """`drift` on the probe points."""
    return drift(at.now.probe_kernel, at.start.probe_kernel) if len(at.now.probe_kernel) else None


SCALARS: dict[str, Callable[[Checkpoint], float | np.floating | None]] = {
    "loss": loss,
    "residual": lambda at: np.linalg.norm(at.residual) / at.start.residual,
    "train_error": lambda at: missed(at.loss, at.now.f_train, at.data.y_train),
    "test_error": lambda at: missed(at.loss, at.now.f_test, at.data.y_test),
    "test_accuracy": accuracy,
    "test_loss": held_out_loss,
    "margin": margin,
    "drift": lambda at: drift(at.now.kernel, at.start.kernel),
    "shape_drift": lambda at: shape_drift(at.now.kernel, at.start.kernel),
    "cka": lambda at: cka(at.now.kernel, at.start.kernel),
    "alignment_train": lambda at: alignment(at.now.kernel, at.data.y_train),
    "alignment_test": held_out_alignment,
    "lambda_max": lambda at: at.modes[0][0],
    "probe_drift": probe_drift,
}
"""Every diagnostic that is one number per checkpoint, by its name in `engine.quantities`; None where a run has none.
`lambda_max` is that of the shown kernel; with several outputs, or where another kernel than the neural tangent one is
followed, `engine.training.trajectory` puts that of the whole neural tangent kernel."""

OPTIONAL = ("test_accuracy", "test_loss", "margin", "probe_drift")
"""Those of `SCALARS` that may be None."""


# What is said of a measured checkpoint, whoever measured it. NumPy float64, no JAX.


class Loss(Protocol):
    @property
    def loss(self) -> str: ...


class Summarised(Protocol):
    """What of a run its checkpoints are summarised by: `engine.config.RunConfig` has it."""

    @property
    def training(self) -> Loss: ...
    @property
    def probes(self) -> Any: ...


def reference_of(data: Dataset, taken: Measurement, loss: str = "half_mean") -> Reference:
    """The reference that a measurement at t = 0 gives."""
    residual = np.linalg.norm(slope_of(loss, taken.f_train, data.y_train))
    return Reference(taken.kernel, spectrum(taken.kernel)[1], float(residual), taken.probe_kernel)


def summarise(config: Summarised, data: Dataset, taken: Measurement, start: Reference) -> dict[str, np.ndarray]:
    """The diagnostics of one checkpoint by name (`engine.quantities`), compared with t = 0.

    Args:
        data: as the loss of the run takes them (`engine.losses.learned`).
    """
    at = Checkpoint(data, config.training.loss, taken, start)
    shown = shown_order(data, start.vectors[:, 0])
    values, vectors = at.modes
    found = {name: value for name, diagnostic in SCALARS.items() if (value := diagnostic(at)) is not None}
    found |= {
        "eigenvalues": values,
        "mode_residual": mode_amplitudes(start.vectors, at.residual) / start.residual,
        "overlap": overlaps(start.vectors, vectors),
        "kernel_shown": taken.kernel[np.ix_(shown, shown)],
    }
    if data.angle_test is not None:
        found["profile"] = taken.profile
    outputs = {"f_train": taken.f_train, "f_test": taken.f_test}
    if config.probes:
        found["probe_kernel"] = taken.probe_kernel
        outputs["probe_f"] = taken.probe_f
    return {name: np.asarray(value, np.float64) for name, value in found.items()} | outputs


def shown_order(data: Dataset, top_vector: Float[np.ndarray, " M"]) -> np.ndarray:
    """Training points of the heatmap: by angle on the circle, else by label, then by the top eigenvector of K_0."""
    if data.angle_train is not None:
        order = np.argsort(data.angle_train)
    else:
        label = data.labels_train if data.labels_train is not None else np.sign(data.y_train[:, 0])
        order = np.lexsort((top_vector, label))
    return order[spread(len(order), SHOWN)]
