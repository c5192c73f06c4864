"""Draws from the exact law of the kernel, plain, and by importance for E[K^2]."""

# ruff: noqa: N802, N815 - the field's symbols

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from engine.initialisation.law import Law
from engine.schema import ConfigError, Problem

# Draws of (f, K_w, K_b, g^T H g) at one input from their exact law: O(depth) per draw whatever the width.
#
# A Gaussian W_l splits into its part along a_{l-1}, fixed by z_l, and an independent part; and z_l . delta_l = f by
# homogeneity (theory.md 3). So a layer of n neurons enters only through m ~ Bin(n, 1/2) living ones, X ~ chi2(m),
# and the 2 x 2 Wishart matrix with m - 1 degrees of freedom that carries (delta_l, q_l) through the independent part.
#
# Run from the output to the input, in units that remove S_l: with c = sigma^2/n and tau = c X,
#
# psi = f/sqrt(S):    psi' = sqrt(tau) psi           k = sum S_j D_j/S:      k' = D' + tau k
# D = u^2:            D' = c (psi^2 + W_11)          h = sum w_j D_j:        h' = w D' + A h
# R = delta.q/sqrt(S): R' = c sqrt(tau) (psi k + W_12)
# S-weighted and plain sums of R: a' = R' + tau^(3/2) a,  b' = R' + sqrt(tau) b
#
# W is drawn from its Cholesky factor (Bartlett), so Q - R^2/D never cancels. Every few layers powers of two are taken
# out of psi, D, k, R, a per draw, so depth 10^4 neither underflows on the way nor overflows; results below
# 1e-308 are returned as 0. NumPy's generators are used: faster here than jitted JAX on a CPU.

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


# E[K^2] by a defensive importance sampler, for beta up to about 1 (theory.md 3).
#
# Plain Monte Carlo cannot see E[K^2]: the draws that carry it are rarer than e^{-beta}. Half of the draws here follow
# the law, half the law tilted by prod X_l^2: its m has pmf times m(m + 2), its X is chi2(m + 4). The weight
# 1/(1/2 + prod t_l^2/(2 G_1)), t_l = 2 X_l/n_l, never exceeds 2 (Hesterberg 1995, defensive mixtures).
#
# The output's g and every Y_l are integrated out: given all (m_l, X_l), E[K^2] obeys a linear recursion in the ten
# products of (phi, D, k, h). This takes the relative spread of a draw at beta = 1, width 64, from 87 +- 2 (a sample
# reports half of it) to 3.4. Intervals of 1.96 standard errors cover .91 to .97: they are not called 95%. Numbers of
# the recursion: `engine.initialisation.higher_moments`.

MAX_BETA = 1.1
IMPORTANCE_CHUNK = 1 << 13
DEFENCE = 0.5
"""Share of draws that follow the law itself."""

_FF, _FD, _FK, _FH, _DD, _DK, _DH, _KK, _KH, _HH = range(10)


@dataclass(frozen=True)
class ImportanceEstimate:
    """An estimate of E[K^2].

    Attributes:
        value, standard_error: mean of the weighted draws and its standard error.
        effective_sample_size: (sum a)^2/sum a^2 over weighted draws a: equal draws that would do as well.
        largest_share: part of the sum that comes from its largest draw.
        trusted: at least 400 effective draws and no draw with over 5% of the sum.
    """

    value: float
    standard_error: float
    effective_sample_size: float
    largest_share: float

    @property
    def trusted(self) -> bool:
        return self.effective_sample_size >= 400 and self.largest_share <= 0.05


def second_moment(
    law: Law, draws: int, seed: int, tick: Callable[[float], None] = lambda fraction: None
) -> ImportanceEstimate:
    """E[K^2] from `draws` weighted draws; `tick` is told the fraction done.

    Raises:
        ConfigError: beta above 1.1, where the tilted law misses what carries E[K^2] and the error bar lies.
    """
    if law.beta > MAX_BETA:
        message = f"beta {law.beta:.3g} is above {MAX_BETA}, where the error bar lies: use the exact moment"
        raise ConfigError([Problem("widths", message)])
    total = square = largest = 0.0
    children = np.random.SeedSequence(seed).spawn(-(-draws // IMPORTANCE_CHUNK))
    for i, child in enumerate(children):
        a = _weighted(law, min(IMPORTANCE_CHUNK, draws - i * IMPORTANCE_CHUNK), np.random.default_rng(child))
        total, square, largest = total + a.sum(), square + a @ a, max(largest, a.max())
        tick((i + 1) / len(children))
    if not math.isfinite(square):
        raise ConfigError([Problem("sigma_w", "K^4 exceeds 1e308 at these weights: bring sigma_w nearer to sqrt(2)")])
    mean = total / draws
    variance = max(square / draws - mean**2, 0.0) / max(draws - 1, 1)
    scale = law.kappa * law.alpha**4
    return ImportanceEstimate(
        scale * mean, scale * math.sqrt(variance), float(total**2 / square), float(largest / total)
    )


def _weighted(law: Law, size: int, rng: np.random.Generator) -> np.ndarray:
    """E[K^2 | m, X] times the weight, before kappa and alpha^4, for `size` draws of (m, X)."""
    tilted = rng.random(size) >= DEFENCE
    w = law.bias
    state = np.ones((10, size))
    state[_FF] = 3.0  # E[g^4]; phi = g^2, D = k = 1, h = w at the output
    state[[_FH, _DH, _KH]], state[_HH] = law.output_bias, law.output_bias**2
    log_tilt, living = np.zeros(size), np.ones(size, dtype=bool)
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        for n, log_r in zip(law.hidden[::-1], law.log_r[::-1], strict=False):
            m = _active(int(n), tilted, rng)
            X = 2 * rng.standard_gamma(0.5 * m + 2 * tilted)
            log_tilt += np.log(2 * X / n)
            living &= m > 0
            _advance(state, m, X, 2 * float(np.exp(log_r)) / n, w)
        S1 = law.s1 * float(np.exp(law.log_r[0]))
        K2 = np.where(living, S1**2 * state[_KK] + 2 * S1 * state[_KH] + state[_HH], 0.0)
        if not law.relu_readout:
            K2 += law.output_bias**2 * ~living
        log_G = float(np.log1p(5 / law.hidden).sum())
        return K2 / (DEFENCE + (1 - DEFENCE) * np.exp(2 * log_tilt - log_G))


def _active(n: int, tilted: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """m ~ Bin(n, 1/2), or with pmf times m(m + 2) where tilted.

    m(m + 2) = m(m - 1) + 3m: 2 + Bin(n - 2) with probability (n - 1)/(n + 5), else 1 + Bin(n - 1).
    """
    size = len(tilted)
    if n == 1:
        return np.where(tilted, 1, rng.integers(0, 2, size))
    coin, second = rng.integers(0, 2, size), rng.integers(0, 2, size)
    two = rng.random(size) < (n - 1) / (n + 5)
    return rng.binomial(n - 2, 0.5, size) + np.where(tilted, 1 + np.where(two, 1, coin), coin + second)


def _advance(state: np.ndarray, m: np.ndarray, X: np.ndarray, c: float, w: float) -> None:
    """E over Y ~ chi2(m - 1) of the ten products one layer further; dead draws are left to the caller."""
    t, freedom = c * X, np.maximum(m - 1.0, 0.0)
    y, y2 = c * freedom, c * c * freedom * (freedom + 2)
    ff, fd, fk, fh, dd, dk, dh, kk, kh, hh = state
    D_f, D_k, D_h = c * ff + y * fd, c * fk + y * dk, c * fh + y * dh
    D_D = c * c * ff + 2 * c * y * fd + y2 * dd
    tt = t * t
    state[_HH] = w * w * D_D + 2 * w * D_h + hh
    state[_KH] = w * D_D + D_h + t * (w * D_k + kh)
    state[_KK] = D_D + 2 * t * D_k + tt * kk
    state[_DH] = w * D_D + D_h
    state[_DK] = D_D + t * D_k
    state[_DD] = D_D
    state[_FH] = t * (w * D_f + fh)
    state[_FK] = t * D_f + tt * fk
    state[_FD] = t * D_f
    state[_FF] = tt * ff
