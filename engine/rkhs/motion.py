"""When the kernel of a run has stopped: how far its checkpoints are apart, and what the kernel of each, held fixed from
there on, makes of the rest of the run. NumPy, no JAX."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Literal

import numpy as np
from jaxtyping import Float, Int

from engine.config import RunConfig
from engine.losses import LOSSES, in_units
from engine.rkhs.gram import Gram
from engine.training import diagnostics
from engine.training.diagnostics import ratio
from engine.training.frozen import frozen, stepped

Law = Literal["descent", "flow", ""]
"""How a fixed kernel moves f, by -eta_eff K r a step or by f' = -K r; or nothing that is known."""

BYTES = 5 * 10**8
"""Kernels and eigenvectors held at once."""
ENTRIES = 2 * 10**11
"""Of kernels, read in all for the steps of those that have no closed form."""
CHECK_EVERY = 1000
"""Steps between two looks whether they are still wanted."""


def law_of(config: RunConfig) -> Law:
    """Of a run; empty with momentum, minibatches or weight decay, which a kernel alone does not continue, and where the
    kernel that is followed is not the one that f moves by."""
    training = config.training
    beyond = training.momentum or training.batch_size is not None or training.weight_decay
    if beyond or config.kernel != "ntk":
        return ""
    return "descent" if training.integrator == "gd" else "flow"


def most_followed(points: int, size: int = 0, steps: int = 0) -> int:
    """How many checkpoints can be followed with kernels on so many points.

    Args:
        size, steps: training points and steps of a run by a loss without a closed form.
    """
    held = BYTES // (16 * points**2)
    return max(4, min(held, ENTRIES // (steps * size**2)) if steps * size else held)


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
        """r = dl/df on the training points: f - y for the squared losses."""
        return np.stack([diagnostics.slope_of(self.loss, f, self.learned) for f in self.f[:, : self.size]])

    @property
    def closed(self) -> bool:
        """Whether r = f - y, so that a fixed kernel has a closed form."""
        return not LOSSES[self.loss].classes

    @property
    def learned(self) -> Float[np.ndarray, "n k"]:
        """The targets of the training points as the loss takes them: of classes their signs."""
        return self.y[: self.size] if self.closed else np.sign(self.y[: self.size])

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

    def rest(self, waiting: Callable[[], None] = lambda: None) -> Iterator[tuple[int, int, np.ndarray, np.ndarray]]:
        """s, t >= s, residual and held-out outputs at t had the kernel of s been held fixed there, of all pairs.

        In closed form (`after`), or by the loss's own r in the steps of the run.

        Args:
            waiting: called meanwhile; may raise.
        """
        if self.closed:
            for s in range(len(self.t)):
                yield from ((s, s + i, r, f) for i, (r, f) in enumerate(zip(*self.after(s), strict=True)))
            return
        yield from ((s, s, self.residual[s], self.f[s, self.size :]) for s in range(len(self.t)))
        yield from self._stepped(waiting)

    def _stepped(self, waiting: Callable[[], None]) -> Iterator[tuple[int, int, np.ndarray, np.ndarray]]:
        """As `rest`, for t > s: from checkpoint to checkpoint all kernels before it go on together."""
        n, learned, descent = self.size, self.learned, self.law == "descent"
        gathered = np.zeros(self.f[:, :n].shape)
        for last, steps in enumerate(np.diff(self.step)):
            f, own, kernels = self.f[: last + 1], gathered[: last + 1], self.kernels[: last + 1, :, :n]
            inner = np.ascontiguousarray(kernels[:, :n])
            with np.errstate(over="ignore", invalid="ignore"):  # a step beyond the stability limit of this kernel
                for step in range(steps):
                    if step % CHECK_EVERY == 0:
                        waiting()
                    own[:] = stepped(self.loss, inner, f[:, :n], learned, own, self.rate, descent)
                now = f - kernels @ own
            for s in range(last + 1):
                yield s, last + 1, diagnostics.slope_of(self.loss, now[s, :n], learned), now[s, n:]


def continued(run: Followed, waiting: Callable[[], None] = lambda: None) -> dict[str, Float[np.ndarray, "S S"]]:
    """The rest of the run with the kernel held fixed: row s, column t >= s; NaN before, and where it overflows.

    Args:
        waiting: called meanwhile; may raise.

    Returns:
        frozen_error sum |g - y|^2/sum |y|^2 on held-out points, g = f or its guess of a loss of classes;
        frozen_departure ||f_frozen - f||/||f_T - f_0|| there, whose last column starts with elt;
        frozen_residual_departure ||r_frozen - r||/||r_0|| on training points. Empty where the run has no `law`.
    """
    if not run.law:
        return {}
    n, count = run.size, len(run.t)
    f, y = run.f[:, n:], run.y[n:]
    moved, start = float(np.linalg.norm(f[-1] - f[0])), float(np.linalg.norm(run.residual[0]))
    names = ("frozen_error", "frozen_departure", "frozen_residual_departure")
    found = {name: np.full((count, count), np.nan) for name in names}
    for s, later, r, outputs in run.rest(waiting):
        with np.errstate(over="ignore", invalid="ignore"):
            values = (
                ratio(np.sum((in_units(run.loss, outputs, run.y[:n]) - y) ** 2), np.sum(y**2)),
                ratio(np.linalg.norm(outputs - f[later]), moved),
                ratio(np.linalg.norm(r - run.residual[later]), start),
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
