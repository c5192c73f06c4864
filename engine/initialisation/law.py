"""Settings of a network at initialisation, and the exact law that they reduce to (theory.md 3).

An `InitialNetwork` is what a person asks for; brute force answers all of them. A `Law` is a setting with an
exact law, reduced to the numbers the formulas need. This module imports no JAX.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self

import numpy as np
from pydantic import BeforeValidator, Field, model_validator

from engine.networks.activations import ACTIVATIONS, ActivationName
from engine.networks.mlp_config import MLPConfig
from engine.schema import Config, ConfigError, Problem

MAX_WIDTH = 1_000_000
MAX_DEPTH = 10_000
MAX_SIGMA = 100.0


def _read_widths(text: str) -> tuple[tuple[int, ...], list[str]]:
    parts = [part.strip() for part in text.split(",")]
    wrong = [part for part in parts if not (part.isascii() and part.removeprefix("-").isdigit() and len(part) <= 20)]
    if wrong:
        return (), [f"{wrong[0][:40]!r} is not a whole number: write n_0,...,n_d as 3,5,4,1"]
    widths = tuple(int(part) for part in parts)
    return widths, _width_problems(widths)


def _width_problems(widths: tuple[int, ...]) -> list[str]:
    problems = []
    if len(widths) < 2:
        problems.append(f"{len(widths)} given; at least two are needed: the input's and the output's")
    elif widths[-1] != 1:
        problems.append(f"the last is {widths[-1]}; the laws are those of a scalar output: end with 1")
    if len(widths) - 2 > MAX_DEPTH:
        problems.append(f"{len(widths) - 2} hidden layers given; at most {MAX_DEPTH}")
    if bad := [width for width in widths if width < 1]:
        problems.append(f"{bad[0]} given; every width is at least 1")
    if bad := [width for width in widths if width > MAX_WIDTH]:
        problems.append(f"{bad[0]} given; every width is at most {MAX_WIDTH}")
    return problems


def _widths(value: Any) -> tuple[int, ...]:
    if isinstance(value, str):
        widths, problems = _read_widths(value)
    elif isinstance(value, list | tuple | range) and all(type(width) is int for width in value):
        widths, problems = tuple(value), _width_problems(tuple(value))
    else:
        raise ValueError("give whole numbers, input first, output last, as in [3, 5, 4, 1]")
    if problems:
        raise ValueError("; ".join(problems))
    return widths


def _sigma(value: Any) -> float | tuple[float, ...] | Literal["critical"]:
    if value == "critical":
        return "critical"
    values = value if isinstance(value, list | tuple) else [value]
    if not all(isinstance(v, int | float) and not isinstance(v, bool) and 0 < v <= MAX_SIGMA for v in values):
        raise ValueError(f"give 'critical', a number in (0, {MAX_SIGMA:g}], or one number per weight layer")
    return tuple(float(v) for v in values) if isinstance(value, list | tuple) else float(value)


def _readout_sigma(value: Any) -> float | Literal["critical"] | None:
    if value is None:
        return None
    if isinstance(value, list | tuple):
        raise ValueError(f"give 'critical' or one number in (0, {MAX_SIGMA:g}]")
    sigma = _sigma(value)
    return sigma if not isinstance(sigma, tuple) else None


class InitialNetwork(Config):
    """A network at initialisation and the input it is evaluated on (conventions of theory.md 1).

    Attributes:
        widths: n_0 (input), hidden widths, n_d = 1 (output).
        readout: linear, or a ReLU on the output neuron.
        norm_x_squared: |x|^2; by rotation invariance nothing else of the input matters.
        sigma_w: weight scale of the hidden layers, or one per weight layer (the last is the readout's).
        sigma_w_readout: weight scale of the last layer; as `sigma_w` when not given.
        sigma_b: bias scale.
        bias_init: initial bias, zero or N(0,1).
        train_bias: whether the biases are parameters.
        output_bias: whether the output layer has a bias.
        train: which layers train: all, the readout alone or the hidden ones alone (brute force and Gram matrices only).
        alpha: output scale, f = alpha h, or alpha (h - h_0) when `centred`.
        activation: of the hidden layers.
        parameterization: `ntk`, or `standard` (brute force only).
    """

    widths: Annotated[tuple[int, ...], BeforeValidator(_widths)]
    readout: Literal["linear", "relu"] = "linear"
    norm_x_squared: float = Field(1.0, gt=0, le=1e12)
    sigma_w: Annotated[float | tuple[float, ...] | Literal["critical"], BeforeValidator(_sigma)] = "critical"
    sigma_w_readout: Annotated[float | Literal["critical"] | None, BeforeValidator(_readout_sigma)] = None
    sigma_b: float = Field(1.0, ge=0, le=MAX_SIGMA)
    bias_init: Literal["zero", "normal"] = "zero"
    train_bias: bool = True
    output_bias: bool = True
    train: Literal["all", "readout", "hidden"] = Field("all", exclude_if=lambda value: value == "all")
    alpha: float = Field(1.0, gt=0, le=1e6)
    centred: bool = False
    activation: ActivationName = "relu"
    parameterization: Literal["ntk", "standard"] = "ntk"

    @model_validator(mode="after")
    def _one_sigma_per_layer(self) -> Self:
        if isinstance(self.sigma_w, tuple):
            layers = len(self.widths) - 1
            if len(self.sigma_w) != layers:
                raise ValueError(f"sigma_w has {len(self.sigma_w)} values for {layers} weight layers: give one each")
            if self.sigma_w_readout is not None:
                raise ValueError("sigma_w already has a value for the readout: leave sigma_w_readout out")
        return self

    @property
    def depth(self) -> int:
        """L, the number of hidden layers."""
        return len(self.widths) - 2

    @property
    def beta(self) -> float:
        """Sum of 1/n_l over hidden layers."""
        return math.fsum(1.0 / width for width in self.widths[1:-1])

    @property
    def sigmas(self) -> tuple[float, ...]:
        """sigma_l of every weight layer l = 1..d, in numbers."""
        if isinstance(self.sigma_w, tuple):
            return self.sigma_w
        critical = ACTIVATIONS[self.activation].critical
        hidden = critical if self.sigma_w == "critical" else self.sigma_w
        readout = critical if self.sigma_w_readout == "critical" else self.sigma_w_readout
        return (hidden,) * self.depth + (hidden if readout is None else readout,)


def network_of(setting: InitialNetwork) -> MLPConfig:
    """The engine's network of a setting. Raises `ConfigError` for what it cannot express."""
    problems = []
    if setting.depth == 0:
        problems.append(Problem("widths", "no hidden layer: brute force needs at least one"))
    if len(set(setting.sigmas[:-1])) > 1:
        problems.append(Problem("sigma_w", "differs between hidden layers: brute force takes one for all of them"))
    if problems:
        raise ConfigError(problems)
    shared = (
        "readout", "sigma_b", "bias_init", "train_bias", "output_bias", "train", "alpha", "centred", "activation",
        "parameterization",
    )  # fmt: skip
    own = {"depth": setting.depth, "width": list(setting.widths[1:-1])}
    own |= {"sigma_w": setting.sigmas[0], "sigma_w_readout": setting.sigmas[-1]}
    return MLPConfig.from_dict({**own, **{name: getattr(setting, name) for name in shared}})


@dataclass(frozen=True)
class Law:
    """The exact law of a setting in the numbers that formulas use; l = 1..d counts weight layers.

    Attributes:
        hidden: hidden widths n_1..n_{d-1}, float64.
        log_r: log(sigma_l^2/2) for l = 1..d; zero at criticality.
        s1: 2 |x|^2/n_0, before sigma_1.
        bias: sigma_b^2 where hidden biases train, else 0.
        output_bias: sigma_b^2 where the output's bias exists and trains, else 0.
        relu_readout: whether a ReLU sits on the output neuron.
        alpha: output scale.
        centred: whether f is zero at initialisation.
        n_0: input width.
    """

    hidden: np.ndarray
    log_r: np.ndarray
    s1: float
    bias: float
    output_bias: float
    relu_readout: bool
    alpha: float
    centred: bool
    n_0: int

    @property
    def d(self) -> int:
        """Weight layers."""
        return len(self.log_r)

    @property
    def beta(self) -> float:
        """Sum of 1/n_l over hidden layers."""
        return math.fsum(1.0 / self.hidden)

    @property
    def kappa(self) -> float:
        """Probability that the readout lets the signal through: 1 (linear) or 1/2 (ReLU)."""
        return 0.5 if self.relu_readout else 1.0


def reasons_without_law(setting: InitialNetwork) -> list[Problem]:
    """Why a setting has no exact law; empty when it has one."""
    problems = []
    if setting.activation != "relu":
        problems.append(
            Problem(
                "activation", f"no exact law for {setting.activation}, only for relu: use brute force (Monte Carlo)"
            )
        )
    if setting.bias_init == "normal" and setting.sigma_b > 0:
        problems.append(
            Problem(
                "bias_init",
                "no exact law for N(0,1) biases (the network is no longer homogeneous in x): "
                "set `bias_init: zero`, or use brute force (Monte Carlo)",
            )
        )
    if setting.train != "all":
        message = (
            f"the exact law is that of all layers, not of {setting.train} alone: set `train: all`, or use brute force"
        )
        problems.append(Problem("train", f"{message} (Monte Carlo)"))
    if setting.parameterization == "standard":
        problems.append(
            Problem(
                "parameterization",
                "the exact law is that of `ntk`; in `standard` each layer's term has its own factor "
                "n_{l-1}/sigma_l^2: use brute force (Monte Carlo)",
            )
        )
    return problems


def exact_law(setting: InitialNetwork) -> Law:
    """The exact law of a setting. Raises `ConfigError` with the reasons when there is none."""
    if problems := reasons_without_law(setting):
        raise ConfigError(problems)
    bias = setting.sigma_b**2 if setting.train_bias else 0.0
    return Law(
        hidden=np.asarray(setting.widths[1:-1], dtype=float),
        log_r=np.array([0.0 if s == ACTIVATIONS["relu"].critical else math.log(s * s / 2) for s in setting.sigmas]),
        s1=2 * setting.norm_x_squared / setting.widths[0],
        bias=bias,
        output_bias=bias if setting.output_bias else 0.0,
        relu_readout=setting.readout == "relu",
        alpha=setting.alpha,
        centred=setting.centred,
        n_0=setting.widths[0],
    )


def law_of(widths: Sequence[int] | str, **settings: Any) -> Law:
    """The exact law of the setting with these fields. Raises `ConfigError`, also where there is none."""
    return exact_law(InitialNetwork.from_dict({"widths": widths, **settings}))
