"""The kernel of each layer of a network whose program is read: the parts of its leaves, block by block."""

import re

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from engine.networks.traced.kernel import Apply, by_leaf


def layer_names(apply: Apply, params: dict, x: Float[np.ndarray, "n n_0"]) -> list[str]:
    """The paths of the blocks; with the number of each layer where a block stacks several."""
    parts = jax.eval_shape(lambda: by_block(apply, params, x))
    return [
        block if len(parts[block]) == 1 else f"{block} {layer + 1}"
        for block in sorted(parts, key=_order)
        for layer in range(len(parts[block]))
    ]


def by_block(apply: Apply, params: dict, x: Float[np.ndarray, "n n_0"]) -> dict[str, Float[Array, "layers n n"]]:
    """The sum over the leaves of each block, the readout last."""
    found: dict[str, Array] = {}
    for path, part in by_leaf(apply, params, jnp.asarray(x)).items():
        block = path.rpartition("/")[0] or path
        found[block] = found[block] + part if block in found else part
    return {block: found[block] for block in sorted(found, key=_order)}


def _order(block: str) -> tuple[bool, list[tuple[int, str]]]:
    """hidden_2 before hidden_10, the readout last."""
    parts = re.split("([0-9]+)", block)
    return block == "readout", [(int(part), "") if part.isdecimal() else (-1, part) for part in parts]
