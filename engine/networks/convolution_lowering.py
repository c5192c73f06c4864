"""Convolutions on a CPU in the one order of axes that XLA computes fast there.

XLA brings others into it only outside loops (jax-ml/jax issue 12868): in a scan, or in the loop that trains, the
gradients of a convolution, whose axes JAX orders otherwise, took 35 to 115 times as long.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

from jax import Array, lax
from jax.interpreters import mlir

CONVOLUTION = lax.conv_general_dilated_p


def register() -> None:
    """From now on. Results stay as they are up to rounding; other devices, convolutions by groups, and a JAX that keeps
    its lowerings elsewhere, as they are."""
    kept = getattr(mlir, "_platform_specific_lowerings", {}).get("cpu", {}).get(CONVOLUTION)
    default = getattr(kept, "rule", None)
    if callable(default) and getattr(default, "func", None) is not _lowered:
        mlir.register_lowering(CONVOLUTION, partial(_lowered, default), platform="cpu")


def _lowered(default: Callable, context: Any, lhs: Any, rhs: Any, **params: Any) -> Any:
    numbers, groups = params["dimension_numbers"], (params["feature_group_count"], params["batch_group_count"])
    if groups != (1, 1) or numbers == _fast(len(numbers.lhs_spec)):
        return default(context, lhs, rhs, **params)
    return mlir.lower_fun(partial(_reordered, params), multiple_results=False)(context, lhs, rhs)


def _fast(rank: int) -> lax.ConvDimensionNumbers:
    """Images as (batch, places, features), the kernel as (places, features in, features out)."""
    images, kernel = (0, rank - 1, *range(1, rank - 1)), (rank - 1, rank - 2, *range(rank - 2))
    return lax.ConvDimensionNumbers(images, kernel, images)


def _reordered(params: dict[str, Any], lhs: Array, rhs: Array) -> Array:
    numbers = params["dimension_numbers"]
    (n, c, *images), (o, i, *places), (m, d, *outputs) = numbers.lhs_spec, numbers.rhs_spec, numbers.out_spec
    lhs, rhs = lax.transpose(lhs, (n, *images, c)), lax.transpose(rhs, (*places, i, o))
    found = CONVOLUTION.bind(lhs, rhs, **{**params, "dimension_numbers": _fast(lhs.ndim)})
    return lax.transpose(found, [(m, *outputs, d).index(axis) for axis in range(lhs.ndim)])
