"""What is said of one kernel on one set of points, compared with the kernel at the start. No JAX.

Names and shapes are those of `engine.rkhs.result`.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from engine import diagnostics
from engine.rkhs import bias
from engine.rkhs.frontier import MULTIPLIERS, Frontier
from engine.rkhs.gram import FLAGS, RIDGES, Gram
from engine.rkhs.inclusion import inclusion_constant
from engine.rkhs.norms import scale_free, softened

Values = dict[str, np.ndarray | float]

OVERLAP_SIZES = (1, 2, 4, 8, 16, 32, 64)
"""The k of leading eigenspaces that are compared, those below the number of points."""
ANGLES = 8
"""Dimension of the leading eigenspaces whose principal angles are always taken."""


@dataclass(frozen=True, eq=False)
class Space:
    """H of one kernel on p points: its matrix and decomposition."""

    K: Float[np.ndarray, "p p"]
    gram: Gram

    @classmethod
    def of(cls, K: Float[np.ndarray, "p p"], precision: str, rounding: float = 0.0) -> "Space":
        return cls(K, Gram.of(K, precision, rounding))


def described(space: Space, y: Float[np.ndarray, "p k"]) -> tuple[Values, str]:
    """What one space says of a target, and why it has no decay exponent (empty where it has one)."""
    gram, frontier, fit = space.gram, Frontier.of(space.gram, y), bias.decay(space.gram)
    values: Values = {
        **_norm("target", gram, y),
        "condition": gram.condition,
        "rank": gram.rank,
        "trace_mean": gram.mean,
        "eigenvalues": gram.values,
        "floor": gram.floor,
        "target_power": bias.target_power(gram, y),
        "alignment": bias.alignment(space.K, y),
        "alignment_centred": diagnostics.alignment(space.K, y),
        "effective_dimension": np.array([bias.effective_dimension(gram, ridge) for ridge in RIDGES[:-1]]),
        "stable_rank": bias.stable_rank(gram),
        "participation_ratio": bias.participation_ratio(gram),
        "spectral_entropy": bias.spectral_entropy(gram),
        "decay_exponent": fit.exponent,
        "decay_error": fit.error,
        "decay_r_squared": fit.r_squared,
        "decay_range": np.array([fit.first, fit.last]),
        "frontier_radius_squared": frontier.radius_squared(MULTIPLIERS),
        "frontier_error": frontier.error_at(MULTIPLIERS),
    }
    return values, fit.reason


def compared(space: Space, start: Space, f: Float[np.ndarray, "p k"], k: int) -> Values:
    """The space against the one at the start: inclusion, eigenspaces, and the norms in both of a function f.

    Args:
        k: dimension of the leading eigenspaces at the largest gap of the start's spectrum.
    """
    U, V = start.gram.vectors, space.gram.vectors
    sizes = [size for size in OVERLAP_SIZES if size < space.gram.size]
    return {
        **_norm("function", space.gram, f),
        **_norm("function_in_H_0", start.gram, f),
        "H_t_in_H_0": np.array([inclusion_constant(space.K, start.gram, ridge) for ridge in RIDGES]),
        "H_0_in_H_t": np.array([inclusion_constant(start.K, space.gram, ridge) for ridge in RIDGES]),
        "cka": diagnostics.cka(space.K, start.K),
        "mode_strength": bias.mode_strength(space.K, start.gram),
        "gap_angles": bias.principal_angles(U, V, k),
        "angles": bias.principal_angles(U, V, min(ANGLES, space.gram.size // 2)),
        "overlap": np.array([diagnostics.overlap(U, V, size) for size in sizes]),
    }


def across(
    space: Space, start: Space, own: Float[np.ndarray, "p k"], first: Float[np.ndarray, "p k"]
) -> dict[str, np.ndarray]:
    """Norms of the two interpolants in the two spaces, at each ridge.

    Args:
        own, first: interpolants of the same training targets by K_t and by K_0, at p points around the training ones.
    """
    found = {
        "t_in_t": (space.gram, own),
        "t_in_0": (start.gram, own),
        "0_in_t": (space.gram, first),
        "0_in_0": (start.gram, first),
    }
    return {
        f"across_{name}": np.array([softened(gram, f, ridge) for ridge in RIDGES[:-1]])
        for name, (gram, f) in found.items()
    }


def _norm(name: str, gram: Gram, y: Float[np.ndarray, "p k"]) -> Values:
    """A squared norm: raw, scale-free, with its ridge and flag."""
    solved = gram.norm(y)
    return {
        f"{name}_norm": solved.value,
        f"{name}_S": scale_free(gram, y, solved),
        f"{name}_ridge": solved.ridge,
        f"{name}_flag": FLAGS.index(solved.flag),
    }
