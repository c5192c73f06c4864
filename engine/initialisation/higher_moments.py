"""Moments of K of any order from the exact random-matrix recursion (theory.md 3), at any depth.

Each hidden layer maps (phi, D, k, h) linearly with random coefficients, independent between layers:

    phi' = c X phi;  D' = c (A phi + Y D);  k' = D' + c X k;  h' = w D' + A h,   c = sigma^2/n

phi = f^2/S, k = sum S_j D_j/S, h = sum w_j D_j over the layers above, w = sigma_b^2 where biases train, A = 1
unless the layer is dead. So expected monomials of degree q obey a linear recursion whose coefficients are the
moments E[X^a Y^b] of chi-squares with binomial degrees of freedom. Its entries are non-negative: no cancellation.
Vectors are scaled to 1 at every layer and the scale is carried as a logarithm.
"""

from collections import defaultdict
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import groupby, product
from math import comb, factorial

import numpy as np
from jaxtyping import Float, Int

from engine.initialisation.law import Law
from engine.initialisation.layer_sums import mixed_moment

MAX_ORDER = 12
LEAST_SPREAD = 1e-3
"""CV^2 of K under which rounding would decide central moments of order 6."""
Exponents = tuple[int, ...]

# Each new variable as (old variable, X, Y, A, bias weight) terms; c is one per term but A h's.
_RULES: tuple[tuple[tuple[int, int, int, int, int, int], ...], ...] = (
    ((0, 1, 0, 0, 0, 1),),
    ((0, 0, 0, 1, 0, 1), (1, 0, 1, 0, 0, 1)),
    ((0, 0, 0, 1, 0, 1), (1, 0, 1, 0, 0, 1), (2, 1, 0, 0, 0, 1)),
    ((0, 0, 0, 1, 1, 1), (1, 0, 1, 0, 1, 1), (3, 0, 0, 1, 0, 0)),
)


@dataclass(frozen=True)
class _Structure:
    """The recursion of degree q: entry `entry` of the flattened matrix gets count X^a Y^b c^(cs) w^(ws)."""

    monomials: tuple[Exponents, ...]
    entry: np.ndarray
    count: np.ndarray
    a: np.ndarray
    b: np.ndarray
    cs: np.ndarray
    ws: np.ndarray


@lru_cache(maxsize=16)
def _structure(order: int) -> _Structure:
    monomials = tuple(m for m in product(range(order + 1), repeat=4) if sum(m) == order)
    place = {monomial: i for i, monomial in enumerate(monomials)}
    rows = []
    for monomial in monomials:
        terms: dict[tuple[Exponents, int, int, int, int], int] = {((0, 0, 0, 0), 0, 0, 0, 0): 1}
        for variable, power in enumerate(monomial):
            for _ in range(power):
                terms = _times(terms, variable)
        for (old, a, b, ws, cs), count in terms.items():
            rows.append((place[monomial] * len(monomials) + place[old], count, a, b, cs, ws))
    entry, count, a, b, cs, ws = np.array(rows).T
    return _Structure(monomials, entry, count.astype(float), a, b, cs, ws)


def _times(terms: dict, variable: int) -> dict:
    """A polynomial in (old variables, X, Y, w, c) times one new variable. A is 1: a dead layer leaves no moments."""
    grown: dict = defaultdict(int)
    for (old, a, b, ws, cs), count in terms.items():
        for source, x, y, _, w, c in _RULES[variable]:
            exponents = tuple(e + (i == source) for i, e in enumerate(old))
            grown[(exponents, a + x, b + y, ws + w, cs + c)] += count
    return dict(grown)


@lru_cache(maxsize=256)
def _matrix(order: int, n: float, r: float, w: float) -> Float[np.ndarray, "monomials monomials"]:
    """Expected coefficients at one layer of width n; r = sigma^2/2 of the weights above it."""
    s = _structure(order)
    table = np.array(
        [
            [float(mixed_moment(np.array(n), a, b)) if a + b <= order else 0.0 for b in range(order + 1)]
            for a in range(order + 1)
        ]
    )
    # The table has (2/n)^(a+b); terms without X or Y, from A, still carry their c = 2r/n.
    values = s.count * table[s.a, s.b] * (2 / n) ** (s.cs - s.a - s.b) * r**s.cs * w**s.ws
    size = len(s.monomials)
    if w == 0:  # h is 0, yet its own factor of 1 would dwarf all that shrinks
        with_h = np.array(s.monomials)[:, 3] > 0
        values = np.where(with_h[s.entry % size], 0.0, values)
    return np.bincount(s.entry, weights=values, minlength=size * size).reshape(size, size)


def log_moment(law: Law, order: int) -> float:
    """log E[K^order] of one law, alpha included. Raises `ValueError` for an order outside 1..12."""
    if not 1 <= order <= MAX_ORDER:
        raise ValueError(f"order {order} given; moments of order 1 to {MAX_ORDER} are computed")
    state, log_scale, log_alive = _at_the_output(law, order)[None], np.zeros(1), np.zeros(1)
    for (n, log_r), run in groupby(zip(law.hidden[::-1].tolist(), law.log_r[::-1].tolist(), strict=False)):
        layers = len(list(run))
        power, log_power = _power(_matrix(order, n, float(np.exp(log_r)), law.bias), layers)
        state = state @ power.T
        top = state.max(axis=1)
        state, log_scale = state / top[:, None], log_scale + log_power + np.log(top)
        log_alive += layers * np.log1p(-np.exp2(-n))
    log_S = np.log(law.s1) + law.log_r[:1]
    return float(np.logaddexp.reduce(_parts(law, order, state, log_scale, log_alive, log_S))[0])


def _at_the_output(law: Law, order: int) -> Float[np.ndarray, " monomials"]:
    """Expected monomials before any hidden layer: phi = g^2, D = k = 1 and h = w."""
    monomials = np.array(_structure(order).monomials)
    gauss = np.array([factorial(2 * i) / (2**i * factorial(i)) for i in monomials[:, 0]])
    return gauss * law.output_bias ** monomials[:, 3]


def _parts(
    law: Law,
    order: int,
    state: Float[np.ndarray, "shapes monomials"],
    log_scale: Float[np.ndarray, " shapes"],
    log_alive: Float[np.ndarray, " shapes"],
    log_S: Float[np.ndarray, " shapes"],
) -> Float[np.ndarray, "parts shapes"]:
    """log of the terms of E[(K_w + K_b)^order], by the power of K_w; `log_alive`: of the chance of no dead layer."""
    place = _structure(order).monomials.index
    with np.errstate(divide="ignore"):
        parts = [
            np.log(comb(order, i) * state[:, place((0, 0, i, order - i))]) + i * log_S + log_scale
            for i in range(order + 1)
        ]
        if not law.relu_readout:  # a dead network keeps the output's own bias term
            parts[0] = np.logaddexp(parts[0], order * np.log(law.output_bias) + np.log(-np.expm1(log_alive)))
    return np.array(parts) + 2 * order * np.log(law.alpha) + np.log(law.kappa)


def log_terms_by_depth(
    law: Law, order: int, width: int, depths: Int[np.ndarray, " depths"]
) -> Float[np.ndarray, "terms depths"]:
    """log of the terms of E[(K_w + K_b)^order] by the power 0..order of K_w, where every hidden layer has this width.

    As `log_moment`, from which they differ by rounding: one network grows here from depth to depth, in no more steps
    than there are depths. Terms under 1e-300 of the largest are lost (-inf): those of K_w, far
    below criticality.

    Args:
        depths: hidden layers, at least 1, rising.
    """
    readout, hidden = (
        _matrix(order, float(width), float(np.exp(log_r)), law.bias) for log_r in (law.log_r[-1], law.log_r[0])
    )
    state, log_scale, power = readout @ _at_the_output(law, order), 0.0, lru_cache(partial(_power, hidden))
    states, scales = [], []
    for layers in np.diff(depths, prepend=1).tolist():
        several, log_several = power(layers)
        state = several @ state
        top = state.max()
        state, log_scale = state / top, log_scale + log_several + np.log(top)
        states.append(state)
        scales.append(log_scale)
    log_alive = np.asarray(depths) * np.log1p(-np.exp2(-float(width)))
    log_S = np.full(len(states), np.log(law.s1) + law.log_r[0])
    return _parts(law, order, np.array(states), np.array(scales), log_alive, log_S)


def _power(matrix: Float[np.ndarray, "m m"], count: int) -> tuple[Float[np.ndarray, "m m"], float]:
    """matrix^count (entries not negative) and the log of what it is to be multiplied by. Nothing overflows."""
    power, log_power = np.eye(len(matrix)), 0.0
    square, log_square = matrix, 0.0
    while count:
        if count & 1:
            power, log_power = power @ square, log_power + log_square
        square, log_square = square @ square, 2 * log_square
        top = square.max() or 1.0
        square, log_square = square / top, log_square + np.log(top)
        count >>= 1
    return power, log_power


def log_relative_variance(law: Law, power: int = 2) -> float:
    """log of Var(K^power)/E[K^power]^2, exact."""
    return float(_log_relative_variance(*(np.array(log_moment(law, order)) for order in (2 * power, power))))


def _log_relative_variance(high: Float[np.ndarray, "*n"], low: Float[np.ndarray, "*n"]) -> Float[np.ndarray, "*n"]:
    """From the logs of E[K^2p] and E[K^p]."""
    excess = np.maximum(high - 2 * low, 0)
    with np.errstate(divide="ignore"):
        return excess + np.log(-np.expm1(-excess))


def required_draws(law: Law, error: float = 0.05) -> float:
    """log of the draws that a plain Monte Carlo estimate of E[K^2] needs for relative standard error `error`."""
    return log_relative_variance(law) - 2 * float(np.log(error))


def log_draws_by_depth(
    law: Law, error: float, power: int, width: int, depths: Int[np.ndarray, " depths"]
) -> Float[np.ndarray, " depths"]:
    """As `required_draws`, of E[K^power], of networks as in `log_terms_by_depth`."""
    high, low = (np.logaddexp.reduce(log_terms_by_depth(law, order, width, depths)) for order in (2 * power, power))
    return _log_relative_variance(high, low) - 2 * np.log(error)


def log_skewness(law: Law, power: int) -> float:
    """log of the skewness of K^power, exact; -inf where it is not positive (K without spread)."""
    first, second, third = (log_moment(law, i * power) for i in (1, 2, 3))
    # Central moments in units of E[K^power]^3.
    a, b = np.exp(min(second - 2 * first, 700)), third - 3 * first
    if b < 600:
        central = np.exp(b) - 3 * a + 2
        return float(np.log(central) - 1.5 * np.log(a - 1)) if central > 0 and a > 1 + 1e-12 else -np.inf
    return float(b - 1.5 * log_relative_variance(law, power))


def log_skewness_of_ratio(law: Law) -> float:
    """log of the skewness of the influence of one draw on a sample's E[K^2]/E[K]^2: with K/E[K] = 1 + d and c = Var(d)
    it is d^2 - 2 c d, exact by moments of order 1 to 6. Under `LEAST_SPREAD` that of d^2 for a normal d, sqrt(8); inf
    where the moments are beyond what a float holds."""
    log_mean = log_moment(law, 1)
    scaled = [order * -log_mean + log_moment(law, order) for order in range(1, 7)]
    if scaled[-1] > 600:
        return np.inf
    raw = np.exp([0.0, *scaled])
    central = np.array([sum(comb(k, j) * (-1) ** (k - j) * raw[j] for j in range(k + 1)) for k in range(7)])
    if central[2] < LEAST_SPREAD:
        return 0.5 * np.log(8)
    influence = np.polynomial.Polynomial([-central[2], -2 * central[2], 1.0])
    variance, third = (influence**2).coef @ central[:5], (influence**3).coef @ central
    return float(np.log(third) - 1.5 * np.log(variance)) if third > 0 and variance > 0 else -np.inf
