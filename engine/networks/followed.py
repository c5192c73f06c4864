"""The kernel that a run follows, by its setting `kernel` (`engine.config.KernelName`)."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
from jaxtyping import Array, Float

from engine.config import KernelName
from engine.networks import infinite, infinite_conv, model
from engine.networks.base import NetworkConfig
from engine.networks.gram import Precision
from engine.networks.traced.kernel import ntk
from engine.schema import ConfigError, Problem

LIMITS: dict[KernelName, infinite.Name] = {
    "ntk": "ntk", "conjugate": "conjugate", "infinite_ntk": "ntk", "infinite_nngp": "nngp",
}  # fmt: skip
"""What each tends to, or is, at infinite width."""


def followed(
    name: KernelName,
    network: NetworkConfig,
    params: Any,
    x: Float[Array, "n n_0"],
    *,
    precision: Precision = "float64",
    rows: int | None = None,
) -> Float[Array, "n n"]:
    """The kernel at `params`, the mean over outputs, alpha^2 included.

    "conjugate" is alpha^2 c^2 a.a' of the last hidden layer's activations a, c what multiplies the readout's weights
    (and with a ReLU readout 1{z > 0} 1{z' > 0}): the part that these weights have in the neural tangent kernel where
    they train, without that of the output's bias. The infinite ones are those of `engine.networks.infinite`, whatever
    `params` are.

    Raises:
        ConfigError: the infinite kernel overflows, or is not known of this kind of network; or the kind does not say
            which weights are its readout's.
        RuntimeError: as `engine.networks.model.ntk`.
    """
    match name:
        case "ntk":
            return model.ntk(network, params, x, precision=precision, rows=rows)
        case "conjugate":
            outputs = model.scaled(network.all_trained())
            return ntk(outputs, params, x, precision=precision, rows=rows, trained=readout(network))
    points = np.ascontiguousarray(x, np.float64)
    return _infinite(name, network, points.shape, points.tobytes())  # pyright: ignore[reportReturnType]


def readout(network: NetworkConfig) -> frozenset[str]:
    """The paths of the readout's weights. Raises `ConfigError` where the kind of the network does not say."""
    if not (paths := model.KINDS[network.kind].readout):
        said = (
            f"conjugate is of the readout's weights, and a network of kind {network.kind} does not say which they are"
        )
        raise ConfigError([Problem("kernel", f"{said}: choose ntk")])
    return frozenset(paths)


@lru_cache(maxsize=8)
def _infinite(
    name: KernelName, network: NetworkConfig, shape: tuple[int, ...], points: bytes
) -> Float[np.ndarray, "n n"]:
    """Kept, since every checkpoint of a run asks for it at the same points."""
    found = infinite.kernel(LIMITS[name], network, np.frombuffer(points).reshape(shape))
    found.setflags(write=False)
    return found


def limit(
    name: KernelName,
    network: NetworkConfig,
    x: Float[np.ndarray, "n n_0"],
    other: Float[np.ndarray, "m n_0"] | None = None,
    waiting: Callable[[], None] = infinite_conv.nothing,
) -> Float[np.ndarray, "n m"] | None:
    """What the kernel tends to at infinite width; None for one that is of infinite width itself, and where that takes
    longer than what stands beside a run may (`engine.networks.infinite.MOST_BESIDE`).

    Raises:
        ConfigError: it overflows.
    """
    asked = infinite.operations(network, len(x), None if other is None else len(other))
    if name.startswith("infinite_") or asked > infinite.MOST_BESIDE:
        return None
    return infinite.kernel(LIMITS[name], network, x, other, waiting)
