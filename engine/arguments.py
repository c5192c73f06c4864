"""What the functions of `engine` accept beside whole configs: each refused with a `ConfigError` that names it."""

from collections.abc import Mapping
from math import prod
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

import numpy as np
from jaxtyping import Float
from pydantic import Field, model_validator

from engine.config import Seed
from engine.data import DataConfig
from engine.networks.base import NetworkConfig
from engine.networks.kinds import AnyNetwork
from engine.problems import ConfigError, Problem, short_repr
from engine.schema import Config

if TYPE_CHECKING:
    from engine.networks.model import Params

MOST_PARAMETERS = 10**9
"""4 GB in float32."""

Dimension = Annotated[int, Field(ge=1, le=10**6)]


class NetworkArguments(Config):
    """Of what takes a network and nothing else that is checked here."""

    network: AnyNetwork


class InitArguments(NetworkArguments):
    """Of `engine.init`."""

    seed: Seed
    input_dim: Dimension | Annotated[tuple[Dimension, ...], Field(min_length=2, max_length=5)]
    output_dim: Dimension

    @property
    def shape(self) -> tuple[int, ...]:
        """Of an input."""
        return self.input_dim if isinstance(self.input_dim, tuple) else (self.input_dim,)

    @property
    def placed(self) -> NetworkConfig:
        """The network on these inputs. Raises `ConfigError`."""
        return placed(self.network, self.shape)

    @model_validator(mode="after")
    def _check(self) -> Self:
        count = self.placed.stored_count(prod(self.shape), self.output_dim)
        if count is not None and count > MOST_PARAMETERS:
            given = f"{count:,} parameters, at most {MOST_PARAMETERS:,} are drawn"
            raise ConfigError([Problem("network", f"{given}: lower width, depth or a dimension")])
        return self


class SpectrumArguments(NetworkArguments):
    """Of `engine.operator_spectrum`."""

    data: DataConfig
    degrees: Annotated[int, Field(ge=1, le=10_000)]


class KernelArguments(Config):
    """Of `engine.ntk` and `engine.ntk_by_leaf`, beside networks, parameters and points."""

    full: bool = False
    kernel: Literal["ntk", "conjugate"] = "ntk"
    readout: tuple[str, ...] = ()
    precision: Literal["float64", "mixed", "float32"] = "float64"
    rows: Annotated[int, Field(ge=1)] | None = None


def plain(value: Any) -> Any:
    """A mapping as the table that a config reads; anything else as it is."""
    return dict(value) if isinstance(value, Mapping) else value


def network_of(value: Any) -> NetworkConfig:
    """The network, given as a config or as its settings."""
    return NetworkArguments.from_dict({"network": plain(value)}).network


def placed(network: NetworkConfig, shape: tuple[int, ...]) -> NetworkConfig:
    """The network on inputs of this shape. Raises `ConfigError`."""
    try:
        return network.on(shape)
    except ConfigError as error:
        problems = [Problem(f"network.{problem.field}", problem.message) for problem in error.problems]
        raise ConfigError(problems) from None


def flat(value: Any) -> tuple[Any, tuple[int, ...]]:
    """Inputs with a row for each, and the shape of one: images (n, height, width, channels) are flattened."""
    shape = np.shape(value)[1:] if isinstance(value, np.ndarray) or hasattr(value, "shape") else ()
    return (np.reshape(value, (len(value), -1)), shape) if len(shape) == 3 and len(value) else (value, ())


def points_of(name: str, value: Any, input_dim: int | None = None) -> Float[np.ndarray, "n n_0"]:
    """Inputs as float64, a row each; of `input_dim` coordinates where that is known."""
    try:
        points = np.asarray(value)
        points = None if points.dtype.kind in "cmMSU" else points.astype(np.float64)
    except (TypeError, ValueError):
        points = None
    if points is None:
        raise ConfigError([Problem(name, f"{short_repr(value)} given; an array of real numbers is needed")])
    width = "n_0" if input_dim is None else input_dim
    if points.ndim != 2 or not points.size or input_dim not in (None, points.shape[1]):
        raise ConfigError([Problem(name, f"of shape {points.shape}; (n, {width}) is needed, a row for each input")])
    if not np.isfinite(points).all():
        raise ConfigError([Problem(name, "has an entry that is not finite: leave that row out")])
    return points


def examples_of(name: str, value: Any, shape: tuple[int, ...] | None = None) -> np.ndarray:
    """Examples of any shape, the first axis running over them: float64, or whole numbers, of 64 bits where they fit."""
    try:
        found = np.asarray(value)
        if found.dtype.name.startswith(("bfloat", "float8")):  # which are no kinds of NumPy's own
            found = found.astype(np.float64)
    except (TypeError, ValueError):
        found = np.zeros(())
    if found.dtype.kind not in "fiu":
        raise ConfigError([Problem(name, f"{short_repr(value)} given; an array of real numbers is needed")])
    if not found.ndim or not found.size or shape not in (None, found.shape[1:]):
        needed = "..." if shape is None else ", ".join(map(str, shape))
        raise ConfigError(
            [Problem(name, f"of shape {found.shape}; (n, {needed}) is needed, the first axis of examples")]
        )
    if not np.isfinite(found).all():
        raise ConfigError([Problem(name, "has an entry that is not finite: leave that example out")])
    if found.dtype.kind == "f":
        return found.astype(np.float64)
    return found if found.dtype == np.uint64 else found.astype(np.int64)  # JAX divides shorter ones in float32


def check_parameters(network: NetworkConfig, params: "Params", input_dim: int) -> None:
    """Raises `ConfigError` for parameters that are not those of the network on inputs of so many coordinates."""
    import jax.numpy as jnp

    from engine.networks.model import shapes

    try:
        if not all(
            jnp.issubdtype(array.dtype, jnp.floating) for leaves in params.values() for array in leaves.values()
        ):
            raise AttributeError
        given = {block: {leaf: array.shape for leaf, array in leaves.items()} for block, leaves in params.items()}
        outputs = given["readout"]["w"][-1]
    except (AttributeError, IndexError, KeyError):
        raise ConfigError([Problem("params", f"{short_repr(params)} given; what `init` returns is needed")]) from None
    for name, leaves in shapes(network, input_dim, outputs).items():
        if given.pop(name, None) != leaves:
            needed = ", ".join(f"{leaf} {shape}" for leaf, shape in leaves.items())
            message = f"{name} is not that of this network on {input_dim} coordinates: {needed} is needed"
            raise ConfigError([Problem("params", message)])
    if given:
        raise ConfigError(
            [Problem("params", f"this network has no {next(iter(given))!r}: give those of its own `init`")]
        )


def check_kernel(kernel: np.ndarray) -> np.ndarray:
    """The kernel, if it is finite."""
    if not np.isfinite(kernel).all():
        raise ConfigError([Problem("x", "the kernel is not finite: give smaller inputs, or finite and smaller params")])
    return kernel
