"""What a config says of any network, and training needs. Imports no JAX."""

from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field

from engine.schema import Config, ConfigError, Problem

Precision = Literal["float32", "float64"]
PANEL = 128
"""Rows of a panel of a Gram when symmetry is used: products of a panel with the rows up to its own."""


class NetworkConfig(Config):
    """A network: h from inputs of a shape to outputs, and the function f = alpha (h - h_0) that is trained.

    `from_dict` of this class reads a network of any kind (`engine.networks.kinds`).

    Attributes:
        kind: a Literal in each kind; `UNTAGGED`, which the canonical form leaves out, where none is given.
        alpha, centred: f = alpha (h - h_0) when centred, alpha h otherwise.
    """

    TAG: ClassVar[str] = "kind"
    UNTAGGED: ClassVar[str] = "mlp"
    HAS_LIMIT: ClassVar[bool] = False
    """Whether its kernels at infinite width are known (`engine.networks.infinite`)."""
    HAS_READOUT: ClassVar[bool] = True
    """Whether it is known which of its weights are the readout's."""

    kind: Any
    alpha: Annotated[float, Field(gt=0, le=1e6)] = 1.0
    centred: bool = False

    @classmethod
    def from_dict(cls, values: Any) -> Self:
        if cls is not NetworkConfig:
            return super().from_dict(values)
        from engine.networks.kinds import of_kind

        return of_kind(values)  # type: ignore[return-value]

    @property
    def output_scale(self) -> float:
        """What f is of h: alpha, where nothing ties it to the width."""
        return self.alpha

    @property
    def trained_part(self) -> Literal["all", "readout", "hidden"]:
        """Which layers train: all, the readout alone, or the hidden ones alone."""
        return "all"

    def all_trained(self) -> Self:
        """The same network, of which all layers train."""
        return self

    @property
    def beta(self) -> float | None:
        """Sum over hidden layers of 1/n_l, of a fully connected network; None where nobody has defined it."""
        return None

    @property
    def spans_start(self) -> bool:
        """Whether f_0 is sure to be a function of H_0, the space of the kernel at t = 0."""
        return self.centred

    @property
    def random_output_bias(self) -> bool:
        """Whether a random bias stands at the output, in which the last hidden layer's features have no part."""
        return False

    def on(self, shape: tuple[int, ...]) -> Self:
        """This network on inputs of this shape. Raises `ConfigError` where it takes no such inputs."""
        return self

    @property
    def lacking(self) -> list[Problem]:
        """What is not on this machine and needed to compute it."""
        return []

    def parameter_count(self, input_dim: int, output_dim: int) -> int | None:
        """Trained parameters; None where nobody knows before it runs. What follows is then NaN."""
        raise NotImplementedError

    def stored_count(self, input_dim: int, output_dim: int) -> int | None:
        """Parameters, those that do not train among them."""
        return self.parameter_count(input_dim, output_dim)

    def products(self, input_dim: int, output_dim: int) -> float:
        """Multiplications of one point on its way through the network."""
        raise NotImplementedError

    def signals(self) -> float:
        """Activations of one point."""
        raise NotImplementedError

    def pair_products(self, output_dim: int) -> float:
        """Multiplications of the kernel between two points, once their signals are known."""
        raise NotImplementedError

    def slowness(self, precision: Precision) -> float:
        """Times what they take as products of large matrices that its products take (`engine.cost`)."""
        return 1.0

    @property
    def layers_seconds(self) -> float:
        """What all its layers take in a gradient beyond their products (`engine.cost`)."""
        raise NotImplementedError

    @property
    def start_seconds(self) -> float:
        """To trace and compile the programs of a run (`engine.cost`)."""
        raise NotImplementedError


def known_of(kinds: str, what: str) -> ConfigError:
    """The refusal of a network of another kind than those of which something is known, as in "mlp or resnet"."""
    return ConfigError([Problem("network.kind", f"{what} is known of {kinds} alone: set it so")])
