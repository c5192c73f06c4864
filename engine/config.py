"""The config of a run: data, network, training, seeds. Imports no JAX.

The conventions behind the settings (parameterizations, beta, loss, time) are said at each class.
"""

from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from engine.data import DataConfig
from engine.data.dataset import MAX_POINTS
from engine.networks.activations import ACTIVATIONS, ActivationName
from engine.schema import Config, ConfigError, Problem

MAX_DEPTH = 1024
MAX_WIDTH = 65536
RK4_LIMIT = 2.785293563405282
"""Where |1 - z + z^2/2 - z^3/6 + z^4/24| = 1: the real stability limit of classical Runge-Kutta."""

MOST_PROBES = 256
"""Their whole kernel is kept at every checkpoint."""


def _distinct(seeds: tuple[int, ...]) -> tuple[int, ...]:
    if len(set(seeds)) < len(seeds):
        raise ValueError(f"{list(seeds)} repeats a seed: give each once")
    return seeds


Width = Annotated[int, Field(ge=1, le=MAX_WIDTH)]
Seed = Annotated[int, Field(ge=0, lt=2**31)]
Seeds = Annotated[tuple[Seed, ...], Field(min_length=1, max_length=64), AfterValidator(_distinct)]


class NetworkConfig(Config):
    """A fully connected network with `depth` hidden layers and a linear (or ReLU) readout.

    z_l = c_l W_l a_{l-1} + b_l-term, a_l = act(z_l), a_0 = x. In the NTK parameterization W ~ N(0, 1),
    c_l = sigma_l/sqrt(n_{l-1}) and the bias enters as sigma_b b; in the standard one W ~ N(0, sigma_l^2/n_{l-1}),
    c_l = 1 and the bias enters as itself, so that one that starts at zero trains with the kernel's term 1, also at
    sigma_b = 0. Both give the same function at initialisation.

    Attributes:
        sigma_w: of the hidden layers; "critical" (the default) keeps a small signal's size
            (`engine.networks.activations`).
        sigma_w_readout: of the last layer; `sigma_w` when left out.
        bias_init: biases start at "zero" or "normal" (standard deviation sigma_b).
        alpha, centred: the trained function is f = alpha (h - h_0) when centred, alpha h otherwise.
    """

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
    alpha: Annotated[float, Field(gt=0, le=1e6)] = 1.0
    centred: bool = False

    @model_validator(mode="before")
    @classmethod
    def _resolve(cls, values: object) -> object:
        """Writes 'critical' as its number, and equal widths as one, so that equal networks are equal configs."""
        if not isinstance(values, dict):
            return values
        values = {"sigma_w": "critical", **values}
        activation = ACTIVATIONS.get(str(values.get("activation", "relu")))
        if values.get("sigma_w_readout") is None:
            values["sigma_w_readout"] = values["sigma_w"]
        for name in ("sigma_w", "sigma_w_readout"):
            if values[name] == "critical":
                values[name] = activation.critical if activation else 1.0
        width = values.get("width")
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
        if self.sigma_b == 0:
            return self.train_bias and self.parameterization == "standard"
        return self.train_bias or self.bias_init == "normal"

    @property
    def spans_start(self) -> bool:
        """Whether f_0 is sure to be a function of H_0: f_0 = sum v df/dv over the readout v, of degree 1 in it, lies in
        the span of the kernel's features where all of v trains, and a centred f_0 is 0.

        A random readout bias that stays lies there only where constants do.
        """
        return self.centred or self.train_bias or not (self.has_bias and self.output_bias)

    @property
    def signal_decay(self) -> float:
        """(sigma_w/critical)^L: the factor by which a small signal shrinks or grows through the hidden layers."""
        return (self.sigma_w / ACTIVATIONS[self.activation].critical) ** self.depth

    def parameter_count(self, input_dim: int, output_dim: int) -> int:
        """Trained parameters, biases included where they train."""
        sizes = (input_dim, *self.widths, output_dim)
        weights = sum(a * b for a, b in pairwise(sizes))
        biases = sum(self.widths) + (output_dim if self.output_bias else 0)
        return weights + (biases if self.has_bias and self.train_bias else 0)


class TrainingConfig(Config):
    """Gradient descent (with minibatches and momentum where asked for) or gradient flow on the squared loss.

    The loss is 1/(2M) sum |f - y|^2 ("half_mean"), 1/M ("mean") or 1/2 ("half_sum") over M training points. A step of
    size eta moves f by -eta_eff K r with eta_eff = eta/M, 2 eta/M or eta, and time is t = eta_eff step.

    Attributes:
        integrator: "gd" gradient descent; "rk4" classical Runge-Kutta on the gradient flow, whose step in t is eta_eff.
        learning_rate: eta itself. Give this or `stability_fraction`.
        stability_fraction: phi sets eta_eff = 2 phi/lambda_max(K_0); .25 when neither is given.
        momentum: heavy-ball coefficient (gd only).
        batch_size: points per step (gd only), drawn without replacement; None for all.
        stop_residual: stop when ||r|| has fallen to this fraction of its start; None to run to `max_steps`.
        checkpoints: at least so many by the stop, t = 0 and the stop among them.
        allow_unstable: accept eta_eff lambda_max(K_0) at or beyond the stability limit.
        precision: of the training. "auto" is float32, and float64 where float32 does not resolve the run
            (`engine.networks.precision`), which takes about twice as long.
    """

    loss: Literal["half_mean", "mean", "half_sum"] = "half_mean"
    integrator: Literal["gd", "rk4"] = "gd"
    learning_rate: Annotated[float, Field(gt=0, le=1e12)] | None = None
    stability_fraction: Annotated[float, Field(gt=0, le=10)] | None = None
    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.0
    batch_size: Annotated[int, Field(ge=1, le=MAX_POINTS)] | None = None
    max_steps: Annotated[int, Field(ge=1, le=10_000_000)] = 20000
    stop_residual: Annotated[float, Field(gt=0, lt=1)] | None = 0.1
    checkpoints: Annotated[int, Field(ge=2, le=1000)] = 64
    allow_unstable: bool = False
    precision: Literal["auto", "float32", "float64"] = Field("auto", exclude_if=lambda value: value == "auto")

    @model_validator(mode="before")
    @classmethod
    def _default_step(cls, values: object) -> object:
        if (
            isinstance(values, dict)
            and values.get("learning_rate") is None
            and values.get("stability_fraction") is None
        ):
            return {**values, "stability_fraction": 0.25}
        return values

    @model_validator(mode="after")
    def _check(self) -> Self:
        problems = []
        phi, limit = self.stability_fraction, self.stability_limit
        if self.learning_rate is not None and phi is not None:
            problems.append(Problem("learning_rate", "given beside stability_fraction: give one of them"))
        if phi is not None and 2 * phi >= limit and not self.allow_unstable:
            message = (
                f"{phi:g} puts eta_eff lambda_max(K_0) = {2 * phi:g} at or beyond the stability limit {limit:.4g}: "
                f"lower it below {limit / 2:.4g}, or set allow_unstable true"
            )
            problems.append(Problem("stability_fraction", message))
        if self.integrator == "rk4":
            follows = "rk4 follows the gradient flow: {}, or use integrator gd"
            if self.momentum:
                problems.append(Problem("momentum", follows.format("set it to 0")))
            if self.batch_size is not None:
                problems.append(Problem("batch_size", follows.format("set it to null")))
        if problems:
            raise ConfigError(problems)
        return self

    @property
    def stability_limit(self) -> float:
        """The largest stable eta_eff lambda_max: 2 (1 + momentum) for descent, 2.785 for Runge-Kutta."""
        return RK4_LIMIT if self.integrator == "rk4" else 2 * (1 + self.momentum)

    @property
    def most_checkpoints(self) -> float:
        """A run has fewer than this, and more than asked for only where the kernel moves much."""
        return 1.5 * self.checkpoints

    def effective_rate(self, size: int) -> float:
        """eta_eff/eta for `size` training points."""
        return {"half_mean": 1 / size, "mean": 2 / size, "half_sum": 1.0}[self.loss]


class RunConfig(Config):
    """One run: every seed of one network trained on one dataset.

    Attributes:
        seeds: one independent initialisation each (and one order of minibatches).
        store_parameters: keep the parameters at the checkpoints, from which later questions derive kernels.
        kernel_precision: "float64"; "mixed" (float32 signals, float64 Gram); "float32" (GPUs without fast float64).
        probes: points other than the data, where function and kernel are followed too: the training inputs of a
            dataset, whose targets are not used.
    """

    data: DataConfig
    network: NetworkConfig = Field(default_factory=lambda: NetworkConfig.model_validate({}))
    training: TrainingConfig = Field(default_factory=lambda: TrainingConfig.model_validate({}))
    seeds: Seeds = (0,)
    store_parameters: bool = True
    kernel_precision: Literal["float64", "mixed", "float32"] = "float64"
    probes: DataConfig | None = Field(default=None, exclude_if=lambda value: value is None)

    @model_validator(mode="after")
    def _check(self) -> Self:
        batch, size = self.training.batch_size, self.data.size
        if batch is not None and batch > size:
            message = f"{batch} exceeds data.size {size}: lower it, or set it to null for all points"
            raise ConfigError([Problem("training.batch_size", message)])
        if problems := self._problems_of_probes():
            raise ConfigError(problems)
        return self

    def _problems_of_probes(self) -> list[Problem]:
        problems, probes, dim = [], self.probes, self.data.input_dim
        if probes and probes.input_dim != dim:
            given = f"points of {probes.input_dim} coordinates, but the data have {dim}"
            problems.append(Problem("probes", f"{given}: choose a dataset of as many"))
        if probes and probes.size > MOST_PROBES:
            problems.append(Problem("probes.size", f"{probes.size} exceeds the {MOST_PROBES} that are kept: lower it"))
        return problems

    @property
    def lacking(self) -> list[Problem]:
        """What is not on this machine and needed for the data: a file, a package."""
        data = {"data": self.data, "probes": self.probes}
        return [Problem(f"{name}.{p.field}", p.message) for name, own in data.items() if own for p in own.lacking]

    @property
    def beta(self) -> float:
        """Sum over hidden layers of 1/n_l."""
        return self.network.beta

    @property
    def parameter_count(self) -> int:
        return self.network.parameter_count(self.data.input_dim, self.data.output_dim)
