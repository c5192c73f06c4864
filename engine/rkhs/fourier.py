"""A kernel on the circle seen through Fourier frequencies, which a rotation-invariant kernel on a uniform grid has for
eigenfunctions. NumPy and SciPy, no JAX.

P_k projects on the span of cos k theta and sin k theta at the points, orthogonalised to all lower frequencies: on a
uniform grid that is Fourier's own basis; on other points it is that of trigonometric polynomials orthogonal under
the points' own measure. What lies above the highest frequency kept is one block of its own, so that the P sum to I.
"""

from dataclasses import dataclass

import numpy as np
import scipy.linalg
from jaxtyping import Float, Int

from engine.data.circle import CircleConfig
from engine.networks.activations import EPS
from engine.networks.base import NetworkConfig
from engine.networks.infinite import Name, crowded_spectrum, operator_spectrum
from engine.rkhs.gram import Gram
from engine.rkhs.motion import Followed
from engine.training.diagnostics import ratio
from engine.training.frozen import frozen

HIGHEST = 16
"""The highest frequency kept apart."""
DEPENDENT = 1e-6
"""A column whose part beyond the lower frequencies is a smaller share of it depends on them at these points."""


@dataclass(frozen=True, eq=False)
class Frequencies:
    """An orthonormal basis of functions on M points of the circle, in blocks.

    Attributes:
        numbers: frequencies 0, 1, ... that have a block.
        blocks: for each its basis (M, 1 or 2), and last that of all the rest (M, possibly 0).
    """

    numbers: Int[np.ndarray, " F"]
    blocks: tuple[Float[np.ndarray, "M d"], ...]

    @classmethod
    def of(cls, angle: Float[np.ndarray, " M"], highest: int = HIGHEST) -> "Frequencies":
        """By QR of 1, cos theta, sin theta, cos 2 theta, ...; frequencies that the points cannot tell are left out."""
        M = len(angle)
        last = min(highest, M // 2)
        order = [0, *(k for k in range(1, last + 1) for _ in range(2))]
        waves = [np.ones(M), *(wave(k * angle) for k in range(1, last + 1) for wave in (np.cos, np.sin))]
        if 2 * last == M:  # the sine vanishes on a uniform grid, and M columns suffice on any
            order, waves = order[:-1], waves[:-1]
        Q, R = np.linalg.qr(np.stack(waves, axis=1), mode="complete")
        known = np.abs(np.diag(R)) > DEPENDENT * np.linalg.norm(R, axis=0)
        count = len(known) if known.all() else int(np.argmin(known))
        numbers = np.array(order[:count])
        kept = [k for k in range(last + 1) if np.sum(numbers == k) == order.count(k)]
        blocks = [Q[:, : len(numbers)][:, numbers == k] for k in kept]
        return cls(np.array(kept), (*blocks, Q[:, sum(block.shape[1] for block in blocks) :]))

    @property
    def own(self) -> tuple[Float[np.ndarray, "M d"], ...]:
        """The blocks of single frequencies."""
        return self.blocks[:-1]

    def strength(self, K: Float[np.ndarray, "M M"]) -> Float[np.ndarray, " F"]:
        """tr(P_k K)/dim P_k: M lambda_k where the frequency is an eigenfunction, lambda_k of the operator."""
        return np.array([np.vdot(Q, K @ Q) / Q.shape[1] for Q in self.own])

    def leakage(self, K: Float[np.ndarray, "M M"]) -> Float[np.ndarray, " F"]:
        """||(I - P_k) K P_k||_F/||K P_k||_F: how much of what K makes of a frequency is of other frequencies.

        NaN where K makes nothing of it beyond rounding.
        """
        rounding = len(K) * EPS * np.linalg.norm(K)

        def leaked(Q: Float[np.ndarray, "M d"]) -> float:
            made = K @ Q
            size = np.linalg.norm(made)
            return ratio(np.linalg.norm(made - Q @ (Q.T @ made)), size if size > rounding else 0.0)

        return np.array([leaked(Q) for Q in self.own])

    def angles(self, gram: Gram) -> Float[np.ndarray, "F 2"]:
        """Principal angles, ascending, in radians, to the eigenvectors above the noise that hold most of a frequency.

        As many eigenvectors as the frequency has dimensions; NaN where there is no second angle, or too few of them.
        """
        found = np.full((len(self.own), 2), np.nan)
        V = gram.vectors[:, : gram.rank]
        for row, Q in enumerate(self.own):
            d = Q.shape[1]
            if V.shape[1] >= d:
                most = np.sort(np.argsort(-np.sum((Q.T @ V) ** 2, axis=0), kind="stable")[:d])
                found[row, :d] = np.sort(scipy.linalg.subspace_angles(Q, V[:, most]))
        return found

    def parts(self, r: Float[np.ndarray, "M k"]) -> list[Float[np.ndarray, "M k"]]:
        """P_k r of every block, the rest last."""
        return [Q @ (Q.T @ r) for Q in self.blocks]

    def sizes(self, r: Float[np.ndarray, "M k"]) -> Float[np.ndarray, " F+1"]:
        """||P_k r||, the rest last."""
        return np.array([np.linalg.norm(Q.T @ r) for Q in self.blocks])

    def power(self, K: Float[np.ndarray, "M M"], r: Float[np.ndarray, "M k"]) -> Float[np.ndarray, "F+1 F+1"]:
        """<P_k r, K P_l r>, the rest last: its sum is r^T K r = -d(||r||^2/2)/dt under the flow, -M dL/dt of half_mean.

        The diagonal is what each frequency loses by itself, the rest what pairs of them exchange.
        """
        parts = np.stack(self.parts(r))
        found = np.einsum("aik,bik->ab", parts, K @ parts)
        return (found + found.T) / 2


# What a run on the circle shows of it, and what infinite width foretells.


@dataclass(frozen=True, eq=False)
class Foretold:
    """Of a kernel of the network at infinite width.

    Attributes:
        operator: M lambda_k in closed form, by frequency; NaN where the density is not uniform.
        spectrum: M times the operator's leading eigenvalues, descending, whatever the density.
        kernel: at the training points; None where it overflows.
        uniform: the points are a uniform grid, where frequencies decay each by itself.
    """

    operator: Float[np.ndarray, " F"]
    spectrum: Float[np.ndarray, " M"]
    kernel: Float[np.ndarray, "M M"] | None
    uniform: bool

    @classmethod
    def of(
        cls,
        network: NetworkConfig,
        data: CircleConfig,
        at: Frequencies,
        kernel: Float[np.ndarray, "M M"] | None,
        name: Name = "ntk",
    ) -> "Foretold":
        M, uniform = data.size, operator_spectrum(network, data, HIGHEST + 1, name)
        operator = np.full(len(at.numbers), np.nan) if uniform is None else M * uniform.eigenvalues[at.numbers]
        on_grid = data.points == "grid" and uniform is not None
        return cls(operator, M * crowded_spectrum(network, data.density, M, name), kernel, on_grid)

    def residuals(self, run: Followed, at: Frequencies) -> Float[np.ndarray, "S F"] | None:
        """||P_k r|| from the run's own r(0): e^{-M lambda_k t} ||P_k r(0)|| on a uniform grid.

        On other points ||P_k e^{-K_inf t} r(0)||. For descent (1 - eta_eff l)^n stands in the place of e^{-l t}. None
        where there is no closed form or no kernel.
        """
        rate = run.rate if run.law == "descent" else None
        if not (run.law and run.closed) or (self.kernel is None and not self.uniform):
            return None
        if self.uniform:
            return frozen(self.operator, run.t, rate)[0] * at.sizes(run.residual[0])[:-1]
        gram = Gram.of(self.kernel)  # pyright: ignore[reportArgumentType] - not None here
        left = frozen(gram.values, run.t, rate)[0][:, :, None] * (gram.vectors.T @ run.residual[0])
        return np.array([at.sizes(r)[:-1] for r in gram.vectors @ left])


def frequency_arrays(run: Followed, at: Frequencies, foretold: Foretold, drives: bool = True) -> dict[str, np.ndarray]:
    """What `engine.rkhs.result.SeedSpaces` holds of one seed on the circle, as `frequency_...`, at S checkpoints.

    Args:
        drives: whether r' = -K r, so that r^T K r is what the loss goes by.
    """
    n, start = run.size, float(np.linalg.norm(run.residual[0]))
    kernels = run.kernels[:, :n, :n]
    found = {
        "strength": [at.strength(K) for K in kernels],
        "leakage": [at.leakage(K) for K in kernels],
        "angles": [at.angles(gram) for gram in run.grams],
        "residual": [at.sizes(r) / (start or np.nan) for r in run.residual],
    }
    if drives:
        found["power"] = [at.power(K, r) for K, r in zip(kernels, run.residual, strict=True)]
    residuals = foretold.residuals(run, at)
    if residuals is not None:
        found["foretold"] = list(residuals / (start or np.nan))
    return {f"frequency_{name}": np.stack(values) for name, values in found.items()}


def limit(at: Frequencies, foretold: Foretold) -> dict[str, np.ndarray]:
    """What all seeds share: `frequencies`; `frequency_operator` M lambda_k and `operator_eigenvalues`, of the operator;
    `frequency_limit`, the strength in K_inf at these points."""
    arrays = {"frequencies": at.numbers, "frequency_operator": foretold.operator}
    arrays["operator_eigenvalues"] = foretold.spectrum
    return arrays | ({} if foretold.kernel is None else {"frequency_limit": at.strength(foretold.kernel)})
