"""The config of a run: data, network, training, seeds. Imports no JAX.

The conventions behind the settings (parameterizations, beta, loss, time) are said at each class.
"""

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, ValidationInfo, field_validator, model_validator

from engine.data import DataConfig
from engine.data.dataset import MAX_POINTS
from engine.networks.config import MLPConfig
from engine.networks.kinds import AnyNetwork
from engine.schema import Config, ConfigError, Problem

RK4_LIMIT = 2.785293563405282
"""Where |1 - z + z^2/2 - z^3/6 + z^4/24| = 1: the real stability limit of classical Runge-Kutta."""

MOST_PROBES = 256
"""Their whole kernel is kept at every checkpoint."""


def _distinct(seeds: tuple[int, ...]) -> tuple[int, ...]:
    if len(set(seeds)) < len(seeds):
        raise ValueError(f"{list(seeds)} repeats a seed: give each once")
    return seeds


Seed = Annotated[int, Field(ge=0, lt=2**31)]
Seeds = Annotated[tuple[Seed, ...], Field(min_length=1, max_length=64), AfterValidator(_distinct)]


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
    network: AnyNetwork = Field(default_factory=lambda: MLPConfig.model_validate({}))
    training: TrainingConfig = Field(default_factory=lambda: TrainingConfig.model_validate({}))
    seeds: Seeds = (0,)
    store_parameters: bool = True
    kernel_precision: Literal["float64", "mixed", "float32"] = "float64"
    probes: DataConfig | None = Field(default=None, exclude_if=lambda value: value is None)

    @field_validator("network")
    @classmethod
    def _on_these_inputs(cls, network: AnyNetwork, info: ValidationInfo) -> AnyNetwork:
        data = info.data.get("data")
        return network if data is None else network.on(data.shape)  # data that are wrong have problems of their own

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
    def beta(self) -> float | None:
        """Sum over hidden layers of 1/n_l, of a fully connected network."""
        return self.network.beta

    @property
    def parameter_count(self) -> int:
        """Those that train."""
        return self.network.parameter_count(self.data.input_dim, self.data.output_dim)

    @property
    def stored_count(self) -> int:
        """Parameters, those that do not train among them."""
        return self.network.stored_count(self.data.input_dim, self.data.output_dim)
