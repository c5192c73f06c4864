"""Classical Runge-Kutta, of fourth order. Needs JAX."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from engine.numerics import RUNGE_KUTTA


def runge_kutta(derivative: Callable[[Any], Any], y: Any, h: Float[Array, ""], first: Any = None) -> Any:
    """y after h of y' = derivative(y), a tree of arrays. The stages are scanned, so that they compile once.

    Args:
        first: derivative(y), where it is known already.
    """

    def stage(carry: tuple[Any, Any], numbers: Float[Array, "2"]) -> tuple[tuple[Any, Any], None]:
        (slope, total), (node, weight) = carry, numbers
        slope = derivative(jax.tree.map(lambda y, k: y + node * h * k, y, slope))
        return (slope, jax.tree.map(lambda total, k: total + weight * k, total, slope)), None

    done, slope = (0, jax.tree.map(jnp.zeros_like, y)) if first is None else (1, first)
    (_, total), _ = jax.lax.scan(stage, (slope, slope), jnp.asarray(RUNGE_KUTTA[done:], h.dtype))
    return jax.tree.map(lambda y, k: y + h / 6 * k, y, total)
