"""Networks at initialisation and their kernels, as `engine` offers them: computed at each call."""

from collections.abc import Callable, Mapping
from math import prod
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike

    from engine.networks.base import NetworkConfig
    from engine.networks.infinite import OperatorSpectrum
    from engine.networks.model import Params


def init(
    network: "NetworkConfig | Mapping[str, Any]", seed: int, input_dim: "int | tuple[int, ...]", output_dim: int = 1
) -> "Params":
    """Float32 parameters of a network at initialisation, the same for the same seed.

    Args:
        input_dim: n_0, or the shape of an input, such as (8, 8, 1) of images.

    >>> params = init({"depth": 2, "width": 8}, seed=0, input_dim=3)
    >>> params["readout"]["w"].shape
    (8, 1)
    """
    from engine.arguments import InitArguments, plain
    from engine.networks.model import init

    given = {"network": plain(network), "seed": seed, "input_dim": input_dim, "output_dim": output_dim}
    asked = InitArguments.from_dict(given)
    return init(asked.placed, asked.seed, prod(asked.shape), asked.output_dim)


def ntk(
    network: "NetworkConfig | Mapping[str, Any] | Callable[[Any, Any], Any]",
    params: Any,
    x: "ArrayLike",
    other: "ArrayLike | None" = None,
    *,
    check: bool = True,
    **settings: Any,
) -> "np.ndarray":
    """The empirical kernel of a network config, or of any function that gives outputs from parameters and examples.

    Args:
        network: a config, its settings, or `apply(params, x)`: (n, k) outputs of n examples, in JAX (flax, or plain).
        params: of `init`; or any tree of arrays that `apply` takes.
        x: (n, n_0), images (n, height, width, channels), or (n, ...) as `apply` takes it.
        other: (m, ...), or `x` itself when left out.
        check: whether `apply` is tried first: it is refused where it mixes examples, draws at random, or rounds to
            fewer bits (`engine.networks.traced.checks`). Along a training once is enough: without, its program is that
            of the first such call, whatever the function closes over since.
        settings: `full` (the kernel between outputs, not the mean over them), `precision` ("float64", "mixed",
            "float32"), `rows` (most examples held at once), `kernel` ("ntk", or "conjugate": that of the readout's
            weights alone, which are the leaves at the paths `readout`).

    Returns:
        (n, m), the mean over outputs, or (n k, m k), entry [i k + h, j k + g] for outputs h and g. alpha^2 is included,
        no factor 1/M.

    Raises:
        ConfigError: what is refused, with the reason.

    >>> import numpy as np, jax.numpy as jnp
    >>> x = np.eye(3)
    >>> K = ntk({"depth": 1, "width": 8}, init({"depth": 1, "width": 8}, seed=0, input_dim=3), x)
    >>> K.shape, bool(np.allclose(K, K.T)), bool(np.linalg.eigvalsh(K).min() > -1e-12)
    ((3, 3), True, True)
    >>> def apply(params, x):
    ...     return jnp.tanh(x @ params["w"]) @ params["v"]
    >>> params = {"w": np.ones((3, 8)), "v": np.ones((8, 2))}
    >>> ntk(apply, params, x, full=True).shape
    (6, 6)
    >>> features = np.tanh(x @ params["w"])
    >>> bool(np.allclose(ntk(apply, params, x, kernel="conjugate", readout=["v"]), features @ features.T))
    True
    """
    from engine.arguments import KernelArguments
    from engine.device import in_float64
    from engine.networks.empirical import empirical

    with in_float64():
        return empirical(network, params, x, other, KernelArguments.from_dict(settings), check)


def ntk_by_leaf(
    network: "NetworkConfig | Mapping[str, Any] | Callable[[Any, Any], Any]",
    params: Any,
    x: "ArrayLike",
    other: "ArrayLike | None" = None,
    *,
    check: bool = True,
) -> "dict[str, np.ndarray]":
    """Which parameters carry the kernel: its part from each leaf, (layers, n, m) by path; all together are `ntk`.

    A leaf that stacks layers has a part for each. Arguments and errors as for `ntk`.

    >>> import numpy as np
    >>> deep = {"depth": 3, "width": 8}
    >>> parts = ntk_by_leaf(deep, init(deep, seed=0, input_dim=8), np.eye(8))
    >>> {path: len(part) for path, part in parts.items() if path.endswith("w")}
    {'hidden_0/w': 3, 'readout/w': 1}
    """
    from engine.device import in_float64
    from engine.networks.empirical import parts

    with in_float64():
        return parts(network, params, x, other, check)


def infinite_ntk(
    network: "NetworkConfig | Mapping[str, Any]", x: "ArrayLike", other: "ArrayLike | None" = None
) -> "np.ndarray":
    """The neural tangent kernel at infinite width, (n, m), with the conventions of `ntk` (`engine.networks.infinite`);
    of many channels, for convolutions, of images (n, height, width, channels).

    >>> import numpy as np
    >>> no_bias = {"depth": 1, "train_bias": False, "output_bias": False}
    >>> bool(np.allclose(np.diag(infinite_ntk(no_bias, np.eye(3))), 4 / 3))
    True
    """
    from engine.networks.infinite import ntk

    return ntk(*_placed(network, x, other))


def nngp(
    network: "NetworkConfig | Mapping[str, Any]", x: "ArrayLike", other: "ArrayLike | None" = None
) -> "np.ndarray":
    """The covariance of the outputs at infinite width, (n, m): E[f f'] over initialisations, alpha^2 included.

    >>> import numpy as np
    >>> bool(np.allclose(np.diag(nngp({"depth": 1, "output_bias": False}, np.eye(3))), 2 / 3))
    True
    """
    from engine.networks.infinite import nngp

    return nngp(*_placed(network, x, other))


def operator_spectrum(
    network: "NetworkConfig | Mapping[str, Any]", data: Mapping[str, Any], degrees: int = 64
) -> "OperatorSpectrum | None":
    """Eigenvalues of the infinitely wide kernel's integral operator on the domain of a dataset, by degree; None on
    domains other than circle, sphere and cube (`engine.networks.infinite.operator_spectrum`).

    >>> spectrum = operator_spectrum({"depth": 1}, {"name": "circle"}, degrees=4)
    >>> spectrum.multiplicities, bool(spectrum.eigenvalues[0] > spectrum.eigenvalues[2] > 0)
    ((1, 2, 2, 2), True)
    """
    from engine.arguments import SpectrumArguments, plain
    from engine.networks.infinite import operator_spectrum

    asked = SpectrumArguments.from_dict({"network": plain(network), "data": plain(data), "degrees": degrees})
    return operator_spectrum(asked.network, asked.data, asked.degrees)


def _placed(
    network: "NetworkConfig | Mapping[str, Any]", x: "ArrayLike", other: "ArrayLike | None"
) -> "tuple[NetworkConfig, np.ndarray, np.ndarray | None]":
    """The network on inputs of this shape, and those flat."""
    from engine.arguments import flat, network_of, placed, points_of

    given, shape = flat(x)
    points = points_of("x", given)
    there = None if other is None else points_of("other", flat(other)[0], points.shape[1])
    return placed(network_of(network), shape or points.shape[1:]), points, there
