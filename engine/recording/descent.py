"""A loop that is plain gradient descent on a squared loss of exactly the training probes: what its steps are. No JAX.

f moves by -eta_eff K(*, X) r in a step, r = f - y on the training points, and by the curvature within it, the defect
(`engine.training.path.KernelPath`). Rows are training, then held-out points; [i k + h] for point i and output h.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

ASTRAY, LEAST = 0.01, 1e-5
"""Of the step, and of the outputs, that outputs may be from where the step leads: rounding of the loop is less."""


@dataclass(frozen=True, eq=False)
class Descent:
    """What is recorded of such a loop at T checkpoints, M of its p points being trained on.

    Attributes:
        rate: eta_eff.
        kernel: of all rows against those of training points.
        outputs: f.
        residual: r.
        defect: what a step adds to f beyond -eta_eff K r.
        after: outputs of the loop one step on; NaN where nobody looked.
    """

    rate: float
    kernel: Float[np.ndarray, "T n+m n"]
    outputs: Float[np.ndarray, "T n+m"]
    residual: Float[np.ndarray, "T n"]
    defect: Float[np.ndarray, "T n+m"]
    after: Float[np.ndarray, "T n+m"]

    @property
    def step(self) -> Float[np.ndarray, "T n+m"]:
        """By what a step moves the outputs."""
        return self.defect - self.rate * np.einsum("trn,tn->tr", self.kernel, self.residual)

    def missed(self) -> Float[np.ndarray, " T"]:
        """How far the outputs one step on are from where it leads, in the unit of f; NaN where nobody looked."""
        return np.linalg.norm(self.after - self.outputs - self.step, axis=1)

    def share(self) -> Float[np.ndarray, " T"]:
        """The same as a share of the step; NaN also where there is none."""
        size = np.linalg.norm(self.step, axis=1)
        return np.divide(self.missed(), size, out=np.full_like(size, np.nan), where=size > 0)

    def astray(self) -> int | None:
        """The first checkpoint after which the loop's own step was another; None where none was seen to be."""
        step, size = np.linalg.norm(self.step, axis=1), np.linalg.norm(self.outputs, axis=1)
        found = np.flatnonzero(self.missed() > ASTRAY * step + LEAST * size)
        return int(found[0]) if len(found) else None
