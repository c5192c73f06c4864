"""The config of the fully connected network. Imports no JAX."""

import re
from math import log
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from engine.networks.activations import ACTIVATIONS
from engine.networks.layered import MAX_DEPTH, MAX_WIDTH, LayeredConfig, one_for_all
from engine.problems import clipped
from engine.schema import ConfigError, Problem

_PATTERN = re.compile(
    r"(?:(?P<before>[0-9]{1,6})\s*[*·]?\s*)?k(?:\s*(?:\^|\*\*)\s*(?P<power>[0-9]))?(?:\s*[*·]\s*(?P<after>[0-9]{1,6}))?"
)


def pattern(text: str) -> tuple[int, int] | None:
    """m and p of "m k^p" as it is commonly written: 16 k^2, 16*k**2, k^2*16, 16k², k; None of anything else.

    For p = 2 the sum of 1/n_k stays below pi^2/(6 m) at any depth.
    """
    found = _PATTERN.fullmatch(text.strip().lower().replace("²", "^2").replace("³", "^3"))
    if found is None or (found["before"] and found["after"]):
        return None
    return int(found["before"] or found["after"] or 1), int(found["power"] or 1)


Width = Annotated[int, Field(ge=1, le=MAX_WIDTH)]


def _pattern_in(width: object) -> tuple[int, int] | None:
    """m and p where a width is given as "m k^p". Raises `ConfigError` where it is meant to be, and is not."""
    text = width[0] if isinstance(width, list | tuple) and len(width) == 1 else width
    if not isinstance(text, str):
        return None
    if (found := pattern(text)) is None and "k" in text.lower():
        raise ConfigError([Problem("width", f"{clipped(text)!r} given; a pattern such as 16 k^2 is needed")])
    return found


def _followed(m: int, p: int, depth: object) -> tuple[int, ...] | int:
    """n_1 .. n_L of n_k = m k^p; m where the depth is none, which has a problem of its own."""
    if not isinstance(depth, int | float) or not 1 <= depth <= MAX_DEPTH:
        return m
    widths = tuple(m * k**p for k in range(1, int(depth) + 1))
    if widths[-1] > MAX_WIDTH:
        reached = f"{m} k^{p} reaches {widths[-1]:,} at layer {len(widths)}, at most {MAX_WIDTH:,} are accepted"
        raise ConfigError([Problem("width", f"{reached}: lower it or depth")])
    return widths


class MLPConfig(LayeredConfig):
    """A fully connected network with `depth` hidden layers and a linear (or ReLU) readout.

    z_l = c_l W_l a_{l-1} + b_l-term, a_l = act(z_l), a_0 = x. In the NTK parameterization W ~ N(0, 1),
    c_l = sigma_l/sqrt(n_{l-1}) and the bias enters as sigma_b b; in the standard one W ~ N(0, sigma_l^2/n_{l-1}),
    c_l = 1 and the bias enters as itself, so that one that starts at zero trains with the kernel's term 1, also at
    sigma_b = 0. Both give the same function at initialisation.

    Attributes:
        width: of every hidden layer, one for each, or a pattern over them, such as "16 k^2", which means the list
            16, 64, 144, ... (`pattern`).
        sigma_w_readout: of the last layer; `sigma_w` when left out.
    """

    HAS_LIMIT = True
    BLOCK_SECONDS = 0.7
    FIRST = ("alpha", "centred", "depth", "width", "activation", "parameterization")

    kind: Literal["mlp"] = Field("mlp", exclude_if=lambda value: value == "mlp")
    depth: Annotated[int, Field(ge=1, le=MAX_DEPTH)] = 3
    width: Width | tuple[Width, ...] = 256
    parameterization: Literal["ntk", "standard"] = "ntk"
    readout: Literal["linear", "relu"] = "linear"

    @classmethod
    def resolved(cls, values: dict[str, Any]) -> dict[str, Any]:
        """The settings with a pattern written as its widths, and equal widths as one."""
        values = super().resolved(values)
        if (found := _pattern_in(values.get("width"))) is not None:
            values["width"] = _followed(*found, values.get("depth", 3))
        return one_for_all(values, "width")

    @model_validator(mode="after")
    def _check(self) -> Self:
        if isinstance(self.width, tuple) and len(self.width) != self.depth:
            listed = f"{len(self.width)} widths for depth {self.depth}: give one width, or one per hidden layer"
            raise ConfigError([Problem("width", listed)])
        return self

    @property
    def widths(self) -> tuple[int, ...]:
        """n_1 .. n_L."""
        return self.width if isinstance(self.width, tuple) else (self.width,) * self.depth

    @property
    def standard(self) -> bool:
        return self.parameterization == "standard"

    @property
    def beta(self) -> float:
        """Sum over hidden layers of 1/n_l: depth/width for equal widths."""
        return sum(1 / width for width in self.widths)

    @property
    def sigmas(self) -> tuple[float, ...]:
        """sigma_1 .. sigma_d of the d = L + 1 weight layers."""
        return (self.sigma_w,) * self.depth + (self.sigma_w_readout,)

    @property
    def has_bias(self) -> bool:
        """Whether hidden layers carry biases at all: trained ones, or random ones that stay.

        At scale 0 they train in the standard parameterization only: there a bias enters as itself.
        """
        return super().has_bias or (self.sigma_b == 0 and self.train_bias and self.standard)

    @property
    def log_signal_decay(self) -> float:
        """ln (sigma_w/critical)^L: of the factor by which a small signal shrinks or grows through the hidden layers."""
        return self.depth * log(self.sigma_w / ACTIVATIONS[self.activation].critical)
