"""The configs of networks of other shapes than the fully connected one: residual and convolutional. Import no JAX."""

from itertools import pairwise
from math import prod
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from engine.networks.activations import ActivationName
from engine.networks.base import NetworkConfig
from engine.networks.config import MAX_DEPTH, MAX_WIDTH, resolved_sigmas
from engine.schema import ConfigError, Problem

MOST_CONVOLUTIONS = 64
"""Each layer of another shape is compiled on its own."""
MOST_CHANNELS = 4096
TAPS = 9
"""Of a 3 x 3 convolution."""


class LayeredConfig(NetworkConfig):
    """Layers in the NTK parameterization: W ~ N(0, 1) enters as sigma W/sqrt(fan-in), a bias as sigma_b b.

    Attributes:
        sigma_w: of the hidden layers; "critical" (the default) as in `engine.networks.config.MLPConfig`.
        bias_init: biases start at "zero" or "normal" (standard deviation sigma_b).
    """

    activation: ActivationName = "relu"
    sigma_w: Annotated[float, Field(gt=0, le=100)]
    sigma_w_readout: Annotated[float, Field(gt=0, le=100)]
    sigma_b: Annotated[float, Field(ge=0, le=100)] = 1.0
    bias_init: Literal["zero", "normal"] = "zero"
    train_bias: bool = True
    output_bias: bool = True

    @property
    def has_bias(self) -> bool:
        """Whether layers carry biases at all: trained ones, or random ones that stay."""
        return self.sigma_b > 0 and (self.train_bias or self.bias_init == "normal")

    def stored_count(self, input_dim: int, output_dim: int) -> int:
        """Parameters, biases that do not train among them."""
        return self._weights(input_dim, output_dim) + (self._biases(output_dim) if self.has_bias else 0)

    def parameter_count(self, input_dim: int, output_dim: int) -> int:
        biases = self._biases(output_dim) if self.has_bias and self.train_bias else 0
        return self._weights(input_dim, output_dim) + biases

    def _weights(self, input_dim: int, output_dim: int) -> int:
        raise NotImplementedError

    def _biases(self, output_dim: int) -> int:
        raise NotImplementedError

    @property
    def spans_start(self) -> bool:
        return self.centred or self.train_bias or not (self.has_bias and self.output_bias)

    @property
    def random_output_bias(self) -> bool:
        return self.bias_init == "normal" and self.sigma_b > 0 and self.output_bias


def _written(scale: Any) -> Any:
    """A branch scale given as a number, as the text that it stands for."""
    return "1" if not isinstance(scale, bool) and scale in (1, 1.0) else scale


class ResNetConfig(LayeredConfig):
    """Fully connected residual blocks (pre-activation) between a linear input layer and a linear readout:

    a_0 = W_0 x/sqrt(n_0),   a_l = a_{l-1} + s sigma_w W_l act(a_{l-1})/sqrt(n),   h = sigma_r W a_L/sqrt(n),

    each with its bias; s is 1/sqrt(L) or 1. At critical sigma_w a ReLU block adds s^2 of the signal's square to it.

    Attributes:
        depth: L, the number of blocks.
        sigma_w_readout: 1 when left out: no activation stands before the readout.
    """

    HAS_LIMIT = True

    kind: Literal["resnet"] = "resnet"
    depth: Annotated[int, Field(ge=1, le=MAX_DEPTH)] = 3
    width: Annotated[int, Field(ge=1, le=MAX_WIDTH)] = 256
    branch_scale: Annotated[Literal["1/sqrt(L)", "1"], BeforeValidator(_written)] = "1/sqrt(L)"

    @model_validator(mode="before")
    @classmethod
    def _resolve(cls, values: object) -> object:
        return resolved_sigmas(values, readout=1.0) if isinstance(values, dict) else values

    @property
    def mean_width(self) -> float:
        """That of every hidden layer."""
        return float(self.width)

    @property
    def branch(self) -> float:
        """s."""
        return self.depth**-0.5 if self.branch_scale == "1/sqrt(L)" else 1.0

    @property
    def widths(self) -> tuple[int, ...]:
        """Of the input layer and of every block."""
        return (self.width,) * (self.depth + 1)

    def _weights(self, input_dim: int, output_dim: int) -> int:
        return self.products(input_dim, output_dim)

    def _biases(self, output_dim: int) -> int:
        return sum(self.widths) + self.output_bias * output_dim

    def products(self, input_dim: int, output_dim: int) -> int:
        return sum(a * b for a, b in pairwise((input_dim, *self.widths, output_dim)))

    def signals(self) -> int:
        return 2 * sum(self.widths)

    def pair_products(self, output_dim: int) -> float:
        return sum(self.widths) * (1.0 + output_dim)


Stride = Annotated[int, Field(ge=1, le=8)]


class ConvConfig(LayeredConfig):
    """Convolutions of 3 x 3 on images, then pooling and a linear readout:

    z_l = sigma_w (W_l * a_{l-1})/sqrt(9 C_{l-1}),   a_l = act(z_l),   h = sigma_r W pool(a_L)/sqrt(C),

    each with its bias. Pooling is the mean over positions ("average"), or keeps all of them ("flatten", with
    sqrt(C positions) in place of sqrt(C)).

    Attributes:
        shape: (height, width, channels) of an image; that of the data where it is left out, and needed where these are
            flat.
        depth: convolutions; width: channels of each.
        stride: of every convolution, or one for each.
        padding: "zero", or "circular": the image goes on beyond its edge with its other side.
        norm: "layer" normalises each example's z_l over positions and channels, before a trained gain (1 at the start)
            and shift (0) for each channel.
        sigma_w_readout: `sigma_w` when left out.
    """

    kind: Literal["conv"] = "conv"
    shape: tuple[Annotated[int, Field(ge=1)], ...] | None = Field(default=None, exclude_if=lambda value: value is None)
    depth: Annotated[int, Field(ge=1, le=MOST_CONVOLUTIONS)] = 3
    width: Annotated[int, Field(ge=1, le=MOST_CHANNELS)] = 32
    stride: Stride | tuple[Stride, ...] = 1
    padding: Literal["zero", "circular"] = "zero"
    pooling: Literal["average", "flatten"] = "average"
    norm: Literal["none", "layer"] = "none"

    @model_validator(mode="before")
    @classmethod
    def _resolve(cls, values: object) -> object:
        if not isinstance(values, dict):
            return values
        stride = values.get("stride")
        if isinstance(stride, list | tuple) and len(stride) == values.get("depth", 3) and len(set(stride)) == 1:
            values = {**values, "stride": stride[0]}
        return resolved_sigmas(values)

    @model_validator(mode="after")
    def _check(self) -> Self:
        problems = []
        if isinstance(self.stride, tuple) and len(self.stride) != self.depth:
            listed = f"{len(self.stride)} strides for depth {self.depth}: give one, or one per convolution"
            problems.append(Problem("stride", listed))
        if self.shape is not None and len(self.shape) != 3:
            given = f"{list(self.shape)} given; (height, width, channels) of an image is needed"
            problems.append(Problem("shape", given))
        if problems:
            raise ConfigError(problems)
        return self

    def on(self, shape: tuple[int, ...]) -> Self:
        image = (*shape, 1) if len(shape) == 2 else shape
        if self.shape is not None and len(shape) == 1 and prod(self.shape) == shape[0]:
            return self
        if len(image) != 3:
            message = "conv takes images; these inputs have no height and width: choose digits or images, or mlp"
            raise ConfigError([Problem("kind", message)])
        if self.shape not in (None, image):
            raise ConfigError([Problem("shape", f"{list(self.shape or ())} given, but an input is {list(image)}")])
        return self.model_copy(update={"shape": image})

    @property
    def mean_width(self) -> float:
        """That of every hidden layer."""
        return float(self.width)

    @property
    def image(self) -> tuple[int, int, int]:
        """(height, width, channels) of an input. Raises `ConfigError` where it is not known."""
        if self.shape is None:
            raise ConfigError([Problem("network.shape", "is missing: give (height, width, channels) of an input")])
        height, width, channels = self.shape
        return height, width, channels

    @property
    def strides(self) -> tuple[int, ...]:
        return self.stride if isinstance(self.stride, tuple) else (self.stride,) * self.depth

    @property
    def sizes(self) -> tuple[tuple[int, int], ...]:
        """(height, width) of the input, and after each convolution."""
        found = [self.image[:2]]
        for stride in self.strides:
            height, width = found[-1]
            found.append((-(-height // stride), -(-width // stride)))
        return tuple(found)

    @property
    def channels(self) -> tuple[int, ...]:
        """Of the input, and after each convolution."""
        return (self.image[2], *(self.width,) * self.depth)

    @property
    def pooled(self) -> int:
        """Numbers that the readout is given."""
        return self.width * (1 if self.pooling == "average" else prod(self.sizes[-1]))

    def _weights(self, input_dim: int, output_dim: int) -> int:
        normed = 2 * self.depth * self.width if self.norm == "layer" else 0
        return sum(TAPS * a * b for a, b in pairwise(self.channels)) + self.pooled * output_dim + normed

    def _biases(self, output_dim: int) -> int:
        return self.depth * self.width + self.output_bias * output_dim

    def products(self, input_dim: int, output_dim: int) -> int:
        layers = zip(pairwise(self.channels), self.sizes[1:], strict=True)
        return sum(TAPS * a * b * prod(size) for (a, b), size in layers) + self.pooled * output_dim

    def signals(self) -> int:
        layers = zip(self.channels[:-1], self.sizes[1:], strict=True)
        return sum((TAPS * a + self.width) * prod(size) for a, size in layers)

    def pair_products(self, output_dim: int) -> float:
        """Of the cheaper of two ways for each convolution: over pairs of positions, or over its weights."""
        k, found = output_dim, float(self.pooled + output_dim)
        for (a, b), size in zip(pairwise(self.channels), self.sizes[1:], strict=True):
            inputs = TAPS * a
            found += min(prod(size) ** 2 * (inputs + k * b), k * inputs * b)
        return found
