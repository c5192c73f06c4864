"""The kernel of each layer of a network whose program is read: the parts of its leaves, block by block."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from engine.networks.traced.kernel import Apply, by_leaf


def layer_kernels(apply: Apply, params: dict, x: Float[np.ndarray, "n n_0"]) -> Float[np.ndarray, "d n n"]:
    """The sum over the leaves of each block, in the order of the blocks; a block that stacks layers has several."""
    found: dict[str, np.ndarray] = {}
    for path, part in by_leaf(apply, params, jnp.asarray(x)).items():
        block = path.rsplit("/", 1)[0]
        found[block] = found.get(block, 0.0) + np.asarray(part)
    return np.concatenate([found[block] for block in sorted(found, key=_order)])


def _order(block: str) -> tuple[bool, int, str]:
    """hidden_2 before hidden_10, the readout last."""
    number = block.rpartition("_")[2]
    return block == "readout", int(number) if number.isdecimal() else -1, block
