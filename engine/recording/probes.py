"""What is said of a recording's checkpoints, as of those of a run: `engine.training.diagnostics` on what was recorded.
NumPy, no JAX."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
from jaxtyping import Float

from engine.data import Dataset, spread
from engine.losses import learned
from engine.recording.config import Loss, named
from engine.training.diagnostics import HELD_OUT, Measurement, Reference, reference_of, summarise

OF_OUTPUTS = ("residual", "train_error", "test_error", "mode_residual", "f_train", "f_test")
"""What compares outputs with targets: left out where these have other units."""


@dataclass(frozen=True, eq=False)
class Probes:
    """What a loop learned, at its probe points: those trained on, then those held out.

    Attributes:
        held_out: how many, the last.
        loss: None where the loop did not say.
    """

    targets: Float[np.ndarray, "p k"]
    labels: np.ndarray | None
    held_out: int
    loss: Loss | None

    @property
    def train(self) -> int:
        """M."""
        return len(self.targets) - self.held_out

    @property
    def comparable(self) -> bool:
        """Whether outputs are compared with targets."""
        return self.loss != "other"

    def dataset(self) -> Dataset:
        """As of a run, without inputs: those were not recorded."""
        M = self.train
        labels = (None, None) if self.labels is None else (self.labels[:M], self.labels[M:])
        nothing = np.zeros((M, 0)), np.zeros((self.held_out, 0))
        y = self.targets.copy()
        return Dataset(nothing[0], y[:M], nothing[1], y[M:], "", labels_train=labels[0], labels_test=labels[1])

    def learned(self) -> Dataset:
        """As the loss takes it (`engine.losses.learned`). Raises `ConfigError`: a loss of classes, without any."""
        return learned(named(self.loss), self.dataset())

    def measurement(self, kernel: Float[np.ndarray, "p p"], outputs: Float[np.ndarray, "p k"]) -> Measurement:
        """A checkpoint as a run has it."""
        M, f, none = self.train, outputs, np.zeros((0, 0))
        chosen = M + spread(self.held_out, HELD_OUT)
        held_out = kernel[np.ix_(chosen, chosen)]
        return Measurement(f[:M], f[M:], kernel[:M, :M], held_out, kernel[0, chosen], none, none)

    def diagnose(
        self, kernel: Float[np.ndarray, "p p"], outputs: Float[np.ndarray, "p k"], start: Reference | None
    ) -> tuple[dict[str, np.ndarray], Reference]:
        """What is said of a checkpoint, and of the first one what later ones are compared with."""
        data, taken, loss = self.learned(), self.measurement(kernel, outputs), named(self.loss)
        start = start or reference_of(data, taken, loss)
        config: Any = SimpleNamespace(training=SimpleNamespace(loss=loss), probes=None)
        with np.errstate(all="ignore"):  # a loop that diverges, a residual that is zero at the start
            found = summarise(config, data, taken, start)
        left_out = {"loss"} | (set() if self.comparable else set(OF_OUTPUTS))
        return {name: value for name, value in found.items() if name not in left_out}, start


def stacked(rows: Sequence[Mapping[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """Over the checkpoints."""
    return {name: np.stack([row[name] for row in rows]) for name in rows[0]}
