"""The network of the frozen kernel along a run: its outputs at the stop, and the weights of P2."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from engine.training.frozen import frozen

MOST_TIMES = 2049
"""Times at which the lazy network is followed; a run of fewer steps has it at each."""


@dataclass(frozen=True, eq=False)
class Lazy:
    """For as many steps as the run took.

    Attributes:
        vectors, modes: eigenvectors of K_0, and of r(0) along them.
        steps: from the start to the stop, `MOST_TIMES` at most.
        rate: of a step.
        descent: or the flow.
        decay, gathered: what is left of each mode at each step, and its time integral.
    """

    vectors: Float[np.ndarray, "n n"]
    modes: Float[np.ndarray, " n"]
    steps: Int[np.ndarray, " s"]
    rate: float
    descent: bool
    decay: Float[np.ndarray, "s n"]
    gathered: Float[np.ndarray, "s n"]

    @classmethod
    def of(
        cls,
        values: Float[np.ndarray, " n"],
        vectors: Float[np.ndarray, "n n"],
        r_0: Float[np.ndarray, " n"],
        rate: float,
        steps: int,
        descent: bool,
    ) -> "Lazy":
        """From the spectrum of K_0."""
        at = np.unique(np.linspace(0, steps, min(steps + 1, MOST_TIMES)).round().astype(np.int64))
        found = frozen(np.maximum(values, 0), rate * at, rate if descent else None)
        return cls(vectors, vectors.T @ r_0, at, rate, descent, *found)

    def change(self, K_0: Float[np.ndarray, "p p"]) -> Float[np.ndarray, " m"]:
        """Of the outputs up to the stop, on held-out points: those of K_0 that come after the training points."""
        n = len(self.modes)
        return -K_0[n:, :n] @ (self.vectors @ (self.gathered[-1] * self.modes))

    def weight(self) -> Float[np.ndarray, " s"]:
        """P2 = sum weight ||Delta K||: a step of descent counts at its start; the flow by the trapezoidal rule."""
        gaps = np.diff(self.steps)
        measure = np.zeros(len(self.steps))
        if self.descent and np.all(gaps == 1):
            measure[:-1] = 1
        else:
            measure[:-1] += gaps / 2
            measure[1:] += gaps / 2
        return self.rate * measure * np.linalg.norm(self.decay * self.modes, axis=1)
