"""What the configs of networks of layers share: fully connected, residual and convolutional ones. Imports no JAX."""

from collections.abc import Callable
from itertools import groupby, pairwise
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_serializer, model_validator

from engine.networks.activations import ACTIVATIONS, ActivationName
from engine.networks.base import NetworkConfig

MAX_DEPTH = 1024
MAX_WIDTH = 65536


class LayeredConfig(NetworkConfig):
    """Hidden layers and a readout, each with its weights W and biases b.

    In the NTK parameterization W ~ N(0, 1) enters as sigma W/sqrt(fan-in), a bias as sigma_b b.

    Attributes:
        sigma_w: of the hidden layers; "critical" (the default) keeps a small signal's size
            (`engine.networks.activations`).
        bias_init: biases start at "zero" or "normal" (standard deviation sigma_b).
        alpha_exponent: s: in place of alpha stands alpha n_L^{-s/2}, n_L the last hidden width. 0 is the NTK's scale,
            1 that of mean field and muP (Yang and Hu 2011.14522; Bordelon and Pehlevan 2205.09653). Of convolutions n_L
            is the channels, which are what grows: how many positions pooling leaves is the image's affair.
        train: which layers train, "all", the "readout" alone (the kernel is the conjugate kernel, and stays) or the
            "hidden" ones alone; their biases with them where `train_bias`. The kernel is of what trains.
    """

    READOUT_SIGMA: ClassVar[float | None] = None
    """sigma_w_readout where it is left out; None for `sigma_w`."""
    LAYER_SECONDS: ClassVar[float] = 4e-6
    """What a layer takes in a gradient beyond its products (`engine.cost`; 3e-6 to 4e-6 measured)."""
    BLOCK_SECONDS: ClassVar[float] = 2.2
    """To compile what a run does with a block of layers: 1.6 to 2.5 where the kernel is read from the program."""
    FIRST: ClassVar[tuple[str, ...]] = ()
    LAST: ClassVar[tuple[str, ...]] = ("alpha_exponent", "train")
    """Settings that are written before the others, and after them."""

    activation: ActivationName = "relu"
    sigma_w: Annotated[float, Field(gt=0, le=100)]
    sigma_w_readout: Annotated[float, Field(gt=0, le=100)]
    sigma_b: Annotated[float, Field(ge=0, le=100)] = 1.0
    bias_init: Literal["zero", "normal"] = "zero"
    train_bias: bool = True
    output_bias: bool = True
    alpha_exponent: Annotated[float, Field(ge=0, le=2, exclude_if=lambda value: value == 0)] = 0.0
    train: Annotated[Literal["all", "readout", "hidden"], Field(exclude_if=lambda value: value == "all")] = "all"

    @model_validator(mode="before")
    @classmethod
    def _resolve(cls, values: object) -> object:
        """Writes each setting in one way, so that equal networks are equal configs."""
        return cls.resolved(values) if isinstance(values, dict) else values

    @classmethod
    def resolved(cls, values: dict[str, Any]) -> dict[str, Any]:
        """The settings with "critical" written as its number, and the readout's scale where it is left out."""
        values = {"sigma_w": "critical", **values}
        activation = ACTIVATIONS.get(str(values.get("activation", "relu")))
        if values.get("sigma_w_readout") is None:
            values["sigma_w_readout"] = values["sigma_w"] if cls.READOUT_SIGMA is None else cls.READOUT_SIGMA
        for name in ("sigma_w", "sigma_w_readout"):
            if values[name] == "critical":
                values[name] = activation.critical if activation else 1.0
        return values

    @model_serializer(mode="wrap")
    def _in_order(self, plain: Callable[[Any], dict[str, Any]]) -> dict[str, Any]:
        values = plain(self)
        inner = (name for name in values if name not in (*self.FIRST, *self.LAST))
        return {name: values[name] for name in (*self.FIRST, *inner, *self.LAST) if name in values}

    @property
    def widths(self) -> tuple[int, ...]:
        """Units of each hidden layer; channels of a convolution."""
        raise NotImplementedError

    @property
    def mean_width(self) -> float:
        """Harmonic mean of the hidden widths."""
        first, *others = self.widths
        return float(first) if {first} >= {*others} else len(self.widths) / sum(1 / width for width in self.widths)

    @property
    def standard(self) -> bool:
        """Whether weights and biases enter as themselves, with their scale in how they are drawn."""
        return False

    @property
    def features(self) -> int:
        """Numbers that the readout is given."""
        return self.widths[-1]

    @property
    def has_bias(self) -> bool:
        """Whether layers carry biases at all: trained ones, or random ones that stay."""
        return self.sigma_b > 0 and (self.train_bias or self.bias_init == "normal")

    @property
    def output_scale(self) -> float:
        """alpha n_L^{-s/2}: what f is of h."""
        return self.alpha * self.widths[-1] ** (-self.alpha_exponent / 2)

    @property
    def trained_part(self) -> Literal["all", "readout", "hidden"]:
        return self.train

    def all_trained(self) -> Self:
        return self.model_copy(update={"train": "all"})

    def trains(self, block: str, leaf: str = "w") -> bool:
        """Whether a leaf of the parameters trains ("w", "b"), of a block of hidden layers or of the "readout"."""
        part = self.train == "all" or (self.train == "readout") == (block == "readout")
        return part and (leaf != "b" or self.train_bias)

    @property
    def spans_start(self) -> bool:
        """Whether f_0 is sure to be a function of H_0: f_0 = sum v df/dv over the readout v, of degree 1 in it, lies in
        the span of the kernel's features where all of v trains, and a centred f_0 is 0.

        A random readout bias that stays lies there only where constants do.
        """
        if self.centred:
            return True
        return self.trains("readout") and (self.train_bias or not (self.has_bias and self.output_bias))

    @property
    def random_output_bias(self) -> bool:
        return self.bias_init == "normal" and self.sigma_b > 0 and self.output_bias

    def parameter_count(self, input_dim: int, output_dim: int) -> int:
        """Trained parameters, biases included where they train."""
        return self._count(input_dim, output_dim, self.train, self.has_bias and self.train_bias)

    def stored_count(self, input_dim: int, output_dim: int) -> int:
        """Parameters, those that do not train among them."""
        return self._count(input_dim, output_dim, "all", self.has_bias)

    def _count(self, input_dim: int, output_dim: int, part: str, biases: bool) -> int:
        hidden = self._hidden_weights(input_dim) + biases * sum(self.widths)
        readout = (self.features + biases * self.output_bias) * output_dim
        return {"all": hidden + readout, "hidden": hidden, "readout": readout}[part]

    def _hidden_weights(self, input_dim: int) -> int:
        """Parameters of the hidden layers but for their biases."""
        return sum(a * b for a, b in pairwise((input_dim, *self.widths)))

    def products(self, input_dim: int, output_dim: int) -> int:
        return self._hidden_weights(input_dim) + self.features * output_dim

    def signals(self) -> int:
        return sum(self.widths)

    def pair_products(self, output_dim: int) -> float:
        return sum(self.widths) * (1.0 + output_dim)

    @property
    def runs(self) -> tuple[int, ...]:
        """Hidden layers by blocks of one shape, each of which one program computes."""
        return tuple(len(list(run)) for _, run in groupby(pairwise((None, *self.widths))))

    @property
    def layers_seconds(self) -> float:
        return self.LAYER_SECONDS * (1 + sum(self.runs))

    @property
    def start_seconds(self) -> float:
        return self.BLOCK_SECONDS * (1 + len(self.runs))


def one_for_all(values: dict[str, Any], name: str) -> dict[str, Any]:
    """The settings, with a list of as many equal values as there are layers written as one value."""
    given = values.get(name)
    if not isinstance(given, list | tuple) or len(given) != values.get("depth", 3):
        return values
    return {**values, name: given[0]} if len(set(map(repr, given))) == 1 else values
