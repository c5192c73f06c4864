"""The config of the fully connected network. Imports no JAX."""

from itertools import pairwise
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from engine.networks.activations import ACTIVATIONS, ActivationName
from engine.networks.base import NetworkConfig
from engine.networks.widths import pattern
from engine.problems import clipped
from engine.schema import ConfigError, Problem

MAX_DEPTH = 1024
MAX_WIDTH = 65536

Width = Annotated[int, Field(ge=1, le=MAX_WIDTH)]


def resolved_sigmas(values: dict[str, Any], readout: float | None = None) -> dict[str, Any]:
    """The settings with "critical" written as its number, and the readout's scale, where it is left out, as `readout`
    or as that of the hidden layers."""
    values = {"sigma_w": "critical", **values}
    activation = ACTIVATIONS.get(str(values.get("activation", "relu")))
    if values.get("sigma_w_readout") is None:
        values["sigma_w_readout"] = values["sigma_w"] if readout is None else readout
    for name in ("sigma_w", "sigma_w_readout"):
        if values[name] == "critical":
            values[name] = activation.critical if activation else 1.0
    return values


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


class MLPConfig(NetworkConfig):
    """A fully connected network with `depth` hidden layers and a linear (or ReLU) readout.

    z_l = c_l W_l a_{l-1} + b_l-term, a_l = act(z_l), a_0 = x. In the NTK parameterization W ~ N(0, 1),
    c_l = sigma_l/sqrt(n_{l-1}) and the bias enters as sigma_b b; in the standard one W ~ N(0, sigma_l^2/n_{l-1}),
    c_l = 1 and the bias enters as itself, so that one that starts at zero trains with the kernel's term 1, also at
    sigma_b = 0. Both give the same function at initialisation.

    Attributes:
        width: of every hidden layer, one for each, or a pattern over them, such as "16 k^2", which means the list
            16, 64, 144, ... (`engine.networks.widths`).
        sigma_w: of the hidden layers; "critical" (the default) keeps a small signal's size
            (`engine.networks.activations`).
        sigma_w_readout: of the last layer; `sigma_w` when left out.
        bias_init: biases start at "zero" or "normal" (standard deviation sigma_b).
        alpha_exponent: s: in place of alpha stands alpha n_L^{-s/2}, n_L the last hidden width. 0 is the NTK's scale,
            1 that of mean field and muP (Yang and Hu 2011.14522; Bordelon and Pehlevan 2205.09653).
        train: which layers train, "all", the "readout" alone (the kernel is the conjugate kernel, and stays) or the
            "hidden" ones alone; their biases with them where `train_bias`. The kernel is of what trains.
    """

    HAS_LIMIT = True

    kind: Literal["mlp"] = Field("mlp", exclude_if=lambda value: value == "mlp")
    depth: Annotated[int, Field(ge=1, le=MAX_DEPTH)] = 3
    width: Width | tuple[Width, ...] = 256
    activation: ActivationName = "relu"
    parameterization: Literal["ntk", "standard"] = "ntk"
    sigma_w: Annotated[float, Field(gt=0, le=100)]
    sigma_w_readout: Annotated[float, Field(gt=0, le=100)]
    sigma_b: Annotated[float, Field(ge=0, le=100)] = 1.0
    bias_init: Literal["zero", "normal"] = "zero"
    train_bias: bool = True
    output_bias: bool = True
    readout: Literal["linear", "relu"] = "linear"
    alpha_exponent: Annotated[float, Field(ge=0, le=2, exclude_if=lambda value: value == 0)] = 0.0

    train: Annotated[Literal["all", "readout", "hidden"], Field(exclude_if=lambda value: value == "all")] = "all"

    @model_validator(mode="before")
    @classmethod
    def _resolve(cls, values: object) -> object:
        """Writes 'critical' as its number, a pattern as its widths, and equal widths as one, so that equal networks are
        equal configs."""
        if not isinstance(values, dict):
            return values
        values = resolved_sigmas(values)
        if (found := _pattern_in(values.get("width"))) is not None:
            values["width"] = _followed(*found, values.get("depth", 3))
        width = values.get("width", 0)
        if isinstance(width, list | tuple) and len(width) == values.get("depth", 3) and len(set(map(repr, width))) == 1:
            values["width"] = width[0]
        return values

    @model_validator(mode="after")
    def _check(self) -> Self:
        problems = []
        if isinstance(self.width, tuple) and len(self.width) != self.depth:
            listed = f"{len(self.width)} widths for depth {self.depth}: give one width, or one per hidden layer"
            problems.append(Problem("width", listed))
        if problems:
            raise ConfigError(problems)
        return self

    @property
    def widths(self) -> tuple[int, ...]:
        """n_1 .. n_L."""
        return self.width if isinstance(self.width, tuple) else (self.width,) * self.depth

    @property
    def output_scale(self) -> float:
        """alpha n_L^{-s/2}: what f is of h."""
        return self.alpha * self.widths[-1] ** (-self.alpha_exponent / 2)

    @property
    def beta(self) -> float:
        """Sum over hidden layers of 1/n_l: depth/width for equal widths."""
        return sum(1 / width for width in self.widths)

    @property
    def mean_width(self) -> float:
        """Harmonic mean of the hidden widths."""
        return self.depth / self.beta

    @property
    def sigmas(self) -> tuple[float, ...]:
        """sigma_1 .. sigma_d of the d = L + 1 weight layers."""
        return (self.sigma_w,) * self.depth + (self.sigma_w_readout,)

    @property
    def has_bias(self) -> bool:
        """Whether hidden layers carry biases at all: trained ones, or random ones that stay.

        At scale 0 they train in the standard parameterization only: there a bias enters as itself.
        """
        if self.sigma_b == 0:
            return self.train_bias and self.parameterization == "standard"
        return self.train_bias or self.bias_init == "normal"

    @property
    def trained_part(self) -> Literal["all", "readout", "hidden"]:
        return self.train

    def all_trained(self) -> Self:
        return self.model_copy(update={"train": "all"})

    def trains(self, block: str, leaf: str = "w") -> bool:
        """Whether a leaf of the parameters trains ("w", "b"), of a block of hidden layers or of the "readout"."""
        part = self.train == "all" or (self.train == "readout") == (block == "readout")
        return part and (leaf == "w" or self.train_bias)

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

    @property
    def signal_decay(self) -> float:
        """(sigma_w/critical)^L: the factor by which a small signal shrinks or grows through the hidden layers."""
        return (self.sigma_w / ACTIVATIONS[self.activation].critical) ** self.depth

    def parameter_count(self, input_dim: int, output_dim: int) -> int:
        """Trained parameters, biases included where they train."""
        return self._count(input_dim, output_dim, self.train, self.has_bias and self.train_bias)

    def stored_count(self, input_dim: int, output_dim: int) -> int:
        """Parameters, those that do not train among them."""
        return self._count(input_dim, output_dim, "all", self.has_bias)

    def _count(self, input_dim: int, output_dim: int, train: str, biases: bool) -> int:
        *sizes, last = input_dim, *self.widths
        hidden = sum(a * b for a, b in pairwise((*sizes, last))) + biases * sum(self.widths)
        readout = last * output_dim + biases * self.output_bias * output_dim
        return {"all": hidden + readout, "hidden": hidden, "readout": readout}[train]

    def products(self, input_dim: int, output_dim: int) -> int:
        return sum(a * b for a, b in pairwise((input_dim, *self.widths, output_dim)))

    def signals(self) -> int:
        return sum(self.widths)

    def pair_products(self, output_dim: int) -> float:
        return sum(self.widths) * (1.0 + output_dim)
