"""The config of the convolutional network. Imports no JAX."""

from itertools import groupby, pairwise
from math import prod
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from engine.networks.base import Precision
from engine.networks.layered import LayeredConfig, one_for_all
from engine.schema import ConfigError, Problem

MOST_CONVOLUTIONS = 64
"""Each layer of another shape is compiled on its own."""
MOST_CHANNELS = 4096
TAPS = 9
"""Of a 3 x 3 convolution."""
FEW_CHANNELS = 20
"""Below so many XLA's convolutions in float64 on a CPU are plain loops: 5e9 operations per second with 16 channels,
5e10 to 1e11 with 24 and more."""
FEW_SLOWNESS = 12.0
"""Times as long as with many."""

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

    HAS_LIMIT = True
    LAYER_SECONDS = 2e-4

    kind: Literal["conv"] = "conv"
    shape: tuple[Annotated[int, Field(ge=1)], ...] | None = Field(default=None, exclude_if=lambda value: value is None)
    depth: Annotated[int, Field(ge=1, le=MOST_CONVOLUTIONS)] = 3
    width: Annotated[int, Field(ge=1, le=MOST_CHANNELS)] = 32
    stride: Stride | tuple[Stride, ...] = 1
    padding: Literal["zero", "circular"] = "zero"
    pooling: Literal["average", "flatten"] = "average"
    norm: Literal["none", "layer"] = "none"

    @classmethod
    def resolved(cls, values: dict[str, Any]) -> dict[str, Any]:
        """The settings with equal strides written as one."""
        return one_for_all(super().resolved(values), "stride")

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
    def widths(self) -> tuple[int, ...]:
        return (self.width,) * self.depth

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
        return (self.image[2], *self.widths)

    @property
    def runs(self) -> tuple[int, ...]:
        """Those of a stride or with a norm stand alone: of a scanned gain the kernel by layer is not known."""
        alone = [self.norm == "layer" or stride > 1 for stride in self.strides]
        places = [place if own else -1 for place, own in enumerate(alone)]
        return tuple(len(list(run)) for _, run in groupby(zip(pairwise(self.channels), places, strict=True)))

    @property
    def pooled(self) -> int:
        """Numbers that the readout is given."""
        return self.width * (1 if self.pooling == "average" else prod(self.sizes[-1]))

    @property
    def features(self) -> int:
        return self.pooled

    def _hidden_weights(self, input_dim: int) -> int:
        normed = 2 * sum(self.widths) if self.norm == "layer" else 0
        return sum(TAPS * a * b for a, b in pairwise(self.channels)) + normed

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

    def slowness(self, precision: Precision) -> float:
        return FEW_SLOWNESS if precision == "float64" and self.width < FEW_CHANNELS else 1.0
