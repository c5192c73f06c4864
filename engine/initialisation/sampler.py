"""Draws of (f, K_w, K_b, g^T H g) at one input from their exact law: O(depth) per draw whatever the width.

A Gaussian W_l splits into its part along a_{l-1}, fixed by z_l, and an independent part; and z_l . delta_l = f by
homogeneity (theory.md 3). So a layer of n neurons enters only through m ~ Bin(n, 1/2) living ones, X ~ chi2(m),
and the 2 x 2 Wishart matrix with m - 1 degrees of freedom that carries (delta_l, q_l) through the independent part.

Run from the output to the input, in units that remove S_l: with c = sigma^2/n and tau = c X,

    psi = f/sqrt(S):    psi' = sqrt(tau) psi           k = sum S_j D_j/S:      k' = D' + tau k
    D = u^2:            D' = c (psi^2 + W_11)          h = sum w_j D_j:        h' = w D' + A h
    R = delta.q/sqrt(S): R' = c sqrt(tau) (psi k + W_12)
    S-weighted and plain sums of R: a' = R' + tau^(3/2) a,  b' = R' + sqrt(tau) b

W is drawn from its Cholesky factor (Bartlett), so Q - R^2/D never cancels. Every few layers powers of two are taken
out of psi, D, k, R, a per draw, so depth 10^4 neither underflows on the way nor overflows; results below
1e-308 are returned as 0. NumPy's generators are used: faster here than jitted JAX on a CPU.
"""
# ruff: noqa: N802, N815 - the field's symbols

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from engine.initialisation.law import Law

CHUNK = 1 << 14
"""Draws at once: the working arrays stay in cache and memory does not grow with the number of draws."""
CHUNK_LAYERS = 1 << 20
"""Draws times layers at once: about a quarter of a second."""

RESCALE_EVERY = 8

Drawn = Float[np.ndarray, " draws"]


@dataclass(frozen=True)
class Draws:
    """Independent draws over initialisations, alpha included.

    Attributes:
        f: the function at x.
        K_w, K_b: weight and bias part of K(x, x).
        gHg: g^T H g, the curvature of f along its own gradient; None where it was not asked for.
    """

    f: Drawn
    K_w: Drawn
    K_b: Drawn
    gHg: Drawn | None = None

    @property
    def K(self) -> Drawn:
        """K(x, x)."""
        return self.K_w + self.K_b

    def dK(self, target: float) -> Drawn:
        """dK/dt = -2 (f - y) g^T H g for gradient flow on (f - y)^2/2 at x. Raises `ValueError` without g^T H g."""
        if self.gHg is None:
            raise ValueError("these draws have no g^T H g: draw with first_step=True")
        return -2 * (self.f - target) * self.gHg


def draw(law: Law, draws: int, rng: np.random.Generator, *, first_step: bool = True) -> Draws:
    """`draws` independent draws in one go; memory is about 200 bytes a draw. For many, use `draw_chunks`."""
    g = rng.standard_normal(draws)
    walk = _Walk(law, g, first_step)
    with np.errstate(over="ignore", invalid="ignore"):
        for n, log_r in zip(law.hidden[::-1], law.log_r[::-1], strict=False):
            width = int(n)
            m = rng.binomial(width, 0.5, draws)
            X = 2 * rng.standard_gamma(0.5 * m)
            walk.step(width, float(np.exp(log_r)), m, X, rng)
        return walk.finish()


def draw_chunks(law: Law, draws: int, seed: int, *, first_step: bool = True) -> Iterator[Draws]:
    """The same draws for the same seed, a chunk at a time, in constant memory."""
    chunk = max(128, min(CHUNK, CHUNK_LAYERS // law.d))
    for start, child in zip(
        range(0, draws, chunk), np.random.SeedSequence(seed).spawn(-(-draws // chunk)), strict=True
    ):
        yield draw(law, min(chunk, draws - start), np.random.default_rng(child), first_step=first_step)


class _Walk:
    """The state of all draws at one layer, counted from the output."""

    def __init__(self, law: Law, g: Drawn, first_step: bool):
        self.law, self.first_step, self.g = law, first_step, g
        size = len(g)
        self.psi, self.u, self.k = g.copy(), np.ones(size), np.ones(size)
        # A linear readout's own bias term survives dead layers: it is added at the end.
        self.h = np.full(size, law.output_bias if law.relu_readout else 0.0)
        self.exponent = np.zeros(size, dtype=np.int64)
        self.layers = 0
        if first_step:
            self.q_along, self.q_across, self.a, self.b = (np.zeros(size) for _ in range(4))

    def step(self, width: int, r: float, m: np.ndarray, X: Drawn, rng: np.random.Generator) -> None:
        """One hidden layer further from the output; r is sigma^2/2 of the weights above it."""
        c = 2 * r / width
        alive = m > 0
        tau = c * X
        root = np.sqrt(tau)
        Y = 2 * rng.standard_gamma(0.5 * np.maximum(m - 1, 0))
        across = self.u * np.sqrt(Y)
        D = c * (self.psi**2 + across**2) * alive
        R = self._curvature(m, c, root, np.sqrt(Y), across, rng) if self.first_step else None
        self.u = np.sqrt(D)
        self.k = D + tau * self.k
        self.h = np.where(alive, self.h, 0) + self.law.bias * np.ldexp(D, 2 * self.exponent)
        self.psi = root * self.psi
        if R is not None:
            self.a = R + tau * root * self.a
            self.b = np.where(alive, root * self.b, 0) + np.ldexp(R, 3 * self.exponent)
        self.layers += 1
        if self.layers % RESCALE_EVERY == 0:
            self._rescale()

    def _curvature(
        self, m: np.ndarray, c: float, root: Drawn, diagonal: Drawn, across: Drawn, rng: np.random.Generator
    ) -> Drawn:
        """Advances the components of q along and across delta; returns R'. Rows of the factor: (psi, across, 0)
        for delta and (k, side, far) for q."""
        size = len(m)
        mixing = rng.standard_normal(size) * (m > 1)
        rest = np.sqrt(2 * rng.standard_gamma(0.5 * np.maximum(m - 2, 0)))
        side = self.q_along * diagonal + self.q_across * mixing
        far = self.q_across * rest
        length = np.hypot(self.psi, across)
        safe = np.where(length > 0, length, 1.0)
        inner = self.psi * self.k + across * side
        scale = np.sqrt(c) * root * (m > 0)
        self.q_along = scale * inner / safe
        self.q_across = scale * np.hypot((self.k * across - self.psi * side) / safe, far)
        return c * root * inner

    def _rescale(self) -> None:
        """Takes 2^e out of psi, 2^2e out of D and k, 2^3e out of R's sums, 2^2e out of q."""
        _, e = np.frexp(np.sqrt(self.k))
        self.exponent += e
        self.psi, self.u, self.k = np.ldexp(self.psi, -e), np.ldexp(self.u, -e), np.ldexp(self.k, -2 * e)
        if self.first_step:
            self.q_along, self.q_across = np.ldexp(self.q_along, -2 * e), np.ldexp(self.q_across, -2 * e)
            self.a = np.ldexp(self.a, -3 * e)

    def finish(self) -> Draws:
        law = self.law
        S1 = law.s1 * np.exp(law.log_r[0])
        open_ = (self.g > 0) if law.relu_readout else np.ones(len(self.g), dtype=bool)
        a2 = law.alpha**2
        f = (
            np.zeros(len(self.g))
            if law.centred
            else law.alpha * np.sqrt(S1) * np.ldexp(self.psi, self.exponent) * open_
        )
        K_b = self.h if law.relu_readout else self.h + law.output_bias
        gHg = None
        if self.first_step:
            by_weights, by_bias = S1**1.5 * np.ldexp(self.a, 3 * self.exponent), law.bias * np.sqrt(S1) * self.b
            gHg = 2 * law.alpha**3 * (by_weights + by_bias) * open_
        return Draws(f, a2 * S1 * np.ldexp(self.k, 2 * self.exponent) * open_, a2 * K_b * open_, gHg)
