"""The config of the fully connected residual network. Imports no JAX."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from engine.networks.layered import MAX_DEPTH, MAX_WIDTH, LayeredConfig


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
    READOUT_SIGMA = 1.0

    kind: Literal["resnet"] = "resnet"
    depth: Annotated[int, Field(ge=1, le=MAX_DEPTH)] = 3
    width: Annotated[int, Field(ge=1, le=MAX_WIDTH)] = 256
    branch_scale: Annotated[Literal["1/sqrt(L)", "1"], BeforeValidator(_written)] = "1/sqrt(L)"

    @property
    def branch(self) -> float:
        """s."""
        return self.depth**-0.5 if self.branch_scale == "1/sqrt(L)" else 1.0

    @property
    def widths(self) -> tuple[int, ...]:
        """Of the input layer and of every block."""
        return (self.width,) * (self.depth + 1)

    def signals(self) -> int:
        return 2 * sum(self.widths)
