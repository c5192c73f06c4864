"""E[K^2] by a defensive importance sampler, for beta up to about 1 (theory.md 3).

Plain Monte Carlo cannot see E[K^2]: the draws that carry it are rarer than e^{-beta}. Half of the draws here follow
the law, half the law tilted by prod X_l^2: its m has pmf times m(m + 2), its X is chi2(m + 4). The weight
1/(1/2 + prod t_l^2/(2 G_1)), t_l = 2 X_l/n_l, never exceeds 2 (Hesterberg 1995, defensive mixtures).

The output's g and every Y_l are integrated out: given all (m_l, X_l), E[K^2] obeys a linear recursion in the ten
products of (phi, D, k, h). This takes the relative spread of a draw at beta = 1, width 64, from 87 +- 2 (a sample
reports half of it) to 3.4. Intervals of 1.96 standard errors cover .91 to .97: they are not called 95%. Numbers of the
recursion: `engine.initialisation.higher_moments`.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from engine.initialisation.law import Law
from engine.schema import ConfigError, Problem

MAX_BETA = 1.1
CHUNK = 1 << 13
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
        draws: how many were drawn.
        trusted: at least 400 effective draws and no draw with over 5% of the sum.
    """

    value: float
    standard_error: float
    effective_sample_size: float
    largest_share: float
    draws: int

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
    children = np.random.SeedSequence(seed).spawn(-(-draws // CHUNK))
    for i, child in enumerate(children):
        a = _weighted(law, min(CHUNK, draws - i * CHUNK), np.random.default_rng(child))
        total, square, largest = total + a.sum(), square + a @ a, max(largest, a.max())
        tick((i + 1) / len(children))
    if not math.isfinite(square):
        raise ConfigError([Problem("sigma_w", "K^4 exceeds 1e308 at these weights: bring sigma_w nearer to sqrt(2)")])
    mean = total / draws
    variance = max(square / draws - mean**2, 0.0) / max(draws - 1, 1)
    scale = law.kappa * law.alpha**4
    return ImportanceEstimate(
        scale * mean, scale * math.sqrt(variance), float(total**2 / square), float(largest / total), draws
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
