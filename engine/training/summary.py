"""What is said of a measured checkpoint, whoever measured it. NumPy float64, no JAX."""

from typing import Any, Protocol

import numpy as np
from jaxtyping import Float

from engine.data import Dataset, spread
from engine.training import diagnostics
from engine.training.diagnostics import SCALARS, SHOWN, Checkpoint, Measurement, Reference


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
    residual = np.linalg.norm(diagnostics.slope_of(loss, taken.f_train, data.y_train))
    return Reference(taken.kernel, diagnostics.spectrum(taken.kernel)[1], float(residual), taken.probe_kernel)


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
        "mode_residual": diagnostics.mode_amplitudes(start.vectors, at.residual) / start.residual,
        "overlap": diagnostics.overlaps(start.vectors, vectors),
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
