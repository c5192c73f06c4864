"""When the kernel of a run has stopped: how far its checkpoints are apart, and what the kernel of each, held fixed from
there on, makes of the rest of the run. NumPy, no JAX."""

from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Literal

import numpy as np
from jaxtyping import Float, Int

from engine.config import RunConfig
from engine.losses import LOSSES
from engine.rkhs.gram import Gram
from engine.training import diagnostics
from engine.training.diagnostics import ratio
from engine.training.frozen import frozen

Law = Literal["descent", "flow", ""]
"""What a fixed kernel does in closed form: (I - eta_eff K)^k, e^{-K t}, or nothing that is known."""

BYTES = 5 * 10**8
"""Kernels and eigenvectors held at once."""


def law_of(config: RunConfig) -> Law:
    """Of a run; empty with momentum or minibatches, which a kernel alone does not continue, where a fixed kernel is not
    linear (`TrainingConfig.is_linear`), and where the kernel that is followed is not the one that f moves by."""
    training = config.training
    if training.momentum or training.batch_size is not None or not training.is_linear or config.kernel != "ntk":
        return ""
    return "descent" if training.integrator == "gd" else "flow"


def most_followed(points: int) -> int:
    """How many checkpoints can be held with kernels on so many points."""
    return max(4, BYTES // (16 * points**2))


@dataclass(frozen=True, eq=False)
class Followed:
    """A run at S of its checkpoints, on n training points and then m held-out ones.

    Attributes:
        step, t: ascending; t = rate step, rate = eta_eff.
        law: of the run.
        kernels: traced over outputs; their training part is also decomposed, with the noise floor of the run.
        f, y: outputs and targets.
    """

    step: Int[np.ndarray, " S"]
    t: Float[np.ndarray, " S"]
    rate: float
    law: Law
    kernels: Float[np.ndarray, "S n+m n+m"]
    grams: tuple[Gram, ...]
    f: Float[np.ndarray, "S n+m k"]
    y: Float[np.ndarray, "n+m k"]
    loss: str = "half_mean"

    @property
    def size(self) -> int:
        """n."""
        return self.grams[0].size

    @cached_property
    def residual(self) -> Float[np.ndarray, "S n k"]:
        """r = dl/df on the training points: f - y for the squared losses. Of classes y is the sign of the target."""
        y = self.y[: self.size]
        y = np.sign(y) if LOSSES[self.loss].classes else y
        return np.stack([diagnostics.slope_of(self.loss, f, y) for f in self.f[:, : self.size]])

    def after(self, s: int) -> tuple[Float[np.ndarray, "r n k"], Float[np.ndarray, "r m k"]]:
        """Residual and held-out outputs at the checkpoints s, s + 1, ... had the kernel of s been held fixed there.

        From r_s and f_s: r(t) = e^{-K_s (t - t_s)} r_s and f(t) = f_s - K_s(*, X) int r, or their twins for descent.
        Outputs are taken one by one: what couples them is no part of a traced kernel.
        """
        n, gram = self.size, self.grams[s]
        left, gathered = frozen(gram.values, self.t[s:] - self.t[s], self.rate if self.law == "descent" else None)
        modes = gram.vectors.T @ self.residual[s]
        U, cross = gram.vectors, self.kernels[s][n:, :n]
        with np.errstate(over="ignore", invalid="ignore"):  # a step beyond 2/(eta_eff lambda) of this kernel
            return U @ (left[:, :, None] * modes), self.f[s, n:] - cross @ U @ (gathered[:, :, None] * modes)


def continued(run: Followed) -> dict[str, Float[np.ndarray, "S S"]]:
    """The rest of the run with the kernel held fixed: row s, column t >= s; NaN before, and where it overflows.

    Returns:
        frozen_error sum |f - y|^2/sum |y|^2 on held-out points; frozen_departure ||f_frozen - f||/||f_T - f_0|| there,
        whose last column starts with elt; frozen_residual_departure ||r_frozen - r||/||r_0|| on training points. Empty
        where the run has no `law`.
    """
    if not run.law:
        return {}
    n, count = run.size, len(run.t)
    f, y = run.f[:, n:], run.y[n:]
    moved, start = float(np.linalg.norm(f[-1] - f[0])), float(np.linalg.norm(run.residual[0]))
    names = ("frozen_error", "frozen_departure", "frozen_residual_departure")
    found = {name: np.full((count, count), np.nan) for name in names}
    for s in range(count):
        r, outputs = run.after(s)
        for later in range(s, count):
            at = later - s
            values = (
                ratio(np.sum((outputs[at] - y) ** 2), np.sum(y**2)),
                ratio(np.linalg.norm(outputs[at] - f[later]), moved),
                ratio(np.linalg.norm(r[at] - run.residual[later]), start),
            )
            for name, value in zip(names, values, strict=True):
                found[name][s, later] = value if np.isfinite(value) else np.nan
    return found


# How far two checkpoints are apart.
#
# ||K_t - K_s||^2 = ||l_t - l_s||^2 + 2 (<l_t, l_s> - <K_t, K_s>), l the eigenvalues in descending order. The first term
# is what the spectrum changed; the second is what the eigenvectors turned, never negative (von Neumann's trace
# inequality) and blind to a choice of basis within an eigenspace: 0 for K_t = c K_s, all for K_t = R K_s R^T.


def between(kernels: Float[np.ndarray, "S p p"], k: int) -> dict[str, Float[np.ndarray, "S S"]]:
    """Every pair of kernels on p points: row s, the one to compare with; column t.

    Args:
        k: dimension of the leading eigenspaces.

    Returns:
        motion_drift ||K_t - K_s||_F/||K_s||_F, its parts motion_spectrum and motion_rotation (in quadrature),
        motion_cka, motion_overlap ||U_k^T V_k||_F^2/k.
    """
    spectra = [diagnostics.spectrum(K) for K in kernels]
    centred = [diagnostics.centre(K) for K in kernels]
    shape = (len(kernels), len(kernels))
    found = {f"motion_{name}": np.empty(shape) for name in ("drift", "spectrum", "rotation", "cka", "overlap")}
    for s, t in product(range(len(kernels)), repeat=2):
        size = float(np.linalg.norm(kernels[s]))
        drift = ratio(np.linalg.norm(kernels[t] - kernels[s]), size)
        rescaled = ratio(np.linalg.norm(spectra[t][0] - spectra[s][0]), size)
        found["motion_drift"][s, t], found["motion_spectrum"][s, t] = drift, rescaled
        found["motion_rotation"][s, t] = np.sqrt(max(drift**2 - rescaled**2, 0.0)) if np.isfinite(drift) else np.nan
        both = np.linalg.norm(centred[s]) * np.linalg.norm(centred[t])
        found["motion_cka"][s, t] = ratio(np.vdot(centred[s], centred[t]), both)
        found["motion_overlap"][s, t] = diagnostics.overlap(spectra[s][1], spectra[t][1], k)
    return found


# From which checkpoint on the kernel could have been held fixed, and what that would have saved.


def stopped(departure: Float[np.ndarray, "S S"], tolerance: float) -> int | None:
    """The first checkpoint from which on every kernel, held fixed, ends within `tolerance` of the network.

    None where only the last does, which is the stop itself, or where the ends are not determined.
    """
    ends = departure[:-1, -1]
    far = np.flatnonzero(~(ends <= tolerance))
    first = int(far[-1]) + 1 if len(far) else 0
    return first if first < len(ends) else None
