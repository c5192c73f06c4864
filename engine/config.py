"""The config of a run: data, network, training, seeds. Imports no JAX.

The conventions behind the settings (parameterizations, beta, loss, time) are said at each class.
"""

from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, ValidationInfo, field_validator, model_validator

from engine.data import DataConfig
from engine.data.dataset import MAX_POINTS
from engine.losses import LOSSES, ONE_OF_SQUARED, SQUARED, LossName
from engine.networks.kinds import AnyNetwork
from engine.networks.mlp_config import MLPConfig
from engine.schema import Config, ConfigError, Problem

RK4_LIMIT = 2.785293563405282
"""Where |1 - z + z^2/2 - z^3/6 + z^4/24| = 1: the real stability limit of classical Runge-Kutta."""

MOST_PROBES = 256
"""Their whole kernel is kept at every checkpoint."""


def _distinct(seeds: tuple[int, ...]) -> tuple[int, ...]:
    if len(set(seeds)) < len(seeds):
        raise ValueError(f"{list(seeds)} repeats a seed: give each once")
    return seeds


KernelName = Literal["ntk", "conjugate", "infinite_ntk", "infinite_nngp"]
"""Which kernel of the network a run follows: the whole neural tangent kernel; the part of it that the readout's weights
have; or a kernel of the infinitely wide network, which does not move."""

Seed = Annotated[int, Field(ge=0, lt=2**31)]
Seeds = Annotated[tuple[Seed, ...], Field(min_length=1, max_length=64), AfterValidator(_distinct)]


class TrainingConfig(Config):
    """Gradient descent (with minibatches and momentum where asked for) or gradient flow on a loss.

    The loss is 1/(2M) sum |f - y|^2 ("half_mean"), 1/M ("mean") or 1/2 ("half_sum") over M training points; or of
    classes, with targets y = -1 and +1, the mean over M of log(1 + e^{-y f}) or the softmax's cross-entropy
    ("logistic"), of max(0, 1 - y f)^2/2 ("squared_hinge") or of max(0, 1 - y f) ("hinge"), these two summed over
    outputs, each class against all others. A step of size eta moves f by -eta_eff K r, where r = dl/df is f - y for
    the squared losses, with eta_eff = eta/M, 2 eta/M ("mean") or eta ("half_sum"), and time is t = eta_eff step.

    Stability is that of eta_eff s, s = c lambda_max(K) + d the steepest curvature of the loss in the parameters (of
    Gauss and Newton). c = 1 for the squared losses and the squared hinge. For logistic c = 1/4 (1/2 with several
    outputs) is a bound: below the limit steps are stable, beyond it they may be. The hinge has no curvature, so no
    limit: c = 1 there makes of `stability_fraction` phi a size, of steps that move f by at most 2 phi ||r||.
    d = lambda eta/eta_eff is what weight decay lambda adds.

    Attributes:
        weight_decay: lambda of (lambda/2)|theta|^2, added to the loss; over the parameters that train, as they are
            drawn, so that it depends on the parameterization. With momentum it is part of the gradient, not decoupled.
        integrator: "gd" gradient descent; "rk4" classical Runge-Kutta on the gradient flow, whose step in t is eta_eff.
        learning_rate: eta itself. Give this or `stability_fraction`.
        stability_fraction: phi sets eta_eff = 2 phi/s at t = 0, s = lambda_max(K_0) without more; .25 when neither is
            given.
        momentum: heavy-ball coefficient (gd only).
        batch_size: points per step (gd only), drawn without replacement; None for all.
        stop_residual: stop when ||r|| has fallen to this fraction of its start; None to run to `max_steps`.
        checkpoints: at least so many by the stop, t = 0 and the stop among them.
        allow_unstable: accept eta_eff s at or beyond the stability limit at t = 0.
        precision: of the training. "auto" is float32, and float64 where float32 does not resolve the run
            (`engine.networks.precision`), which takes about twice as long.
    """

    loss: LossName = "half_mean"
    weight_decay: Annotated[float, Field(ge=0, le=1e6, exclude_if=lambda value: value == 0)] = 0.0
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
            what = "eta_eff lambda_max(K_0)" if self.is_linear else "eta_eff times the steepest curvature"
            message = (
                f"{phi:g} puts {what} = {2 * phi:g} at or beyond the stability limit {limit:.4g}: "
                f"lower it below {limit / 2:.4g}, or set allow_unstable true"
            )
            problems.append(Problem("stability_fraction", message))
        if self.integrator == "rk4":
            follows = "rk4 follows the gradient flow: {}, or use integrator gd"
            if self.momentum:
                problems.append(Problem("momentum", follows.format("set it to 0")))
            if self.batch_size is not None:
                problems.append(Problem("batch_size", follows.format("set it to null")))
            if self.loss == "hinge":
                jumps = "the gradient of the hinge jumps, where Runge-Kutta has no order"
                problems.append(Problem("loss", f"{jumps}: choose squared_hinge, or use integrator gd"))
        if problems:
            raise ConfigError(problems)
        return self

    @property
    def stability_limit(self) -> float:
        """The largest stable eta_eff s: 2 (1 + momentum) for descent, 2.785 for Runge-Kutta; inf of the hinge."""
        if not LOSSES[self.loss].curvature[0]:
            return float("inf")
        return RK4_LIMIT if self.integrator == "rk4" else 2 * (1 + self.momentum)

    @property
    def is_linear(self) -> bool:
        """Whether f' = -K (f - y), linear in f while K stays: a squared loss without weight decay."""
        return self.loss in SQUARED and not self.weight_decay

    def nonlinear(self, parent: str, why: str) -> list[Problem]:
        """The settings that are at fault where `is_linear` is not, each with what to do.

        Args:
            parent: of their names.
            why: what needs it, as a clause.
        """
        settings = ("loss", self.loss in SQUARED, f"choose {ONE_OF_SQUARED}"), (
            "weight_decay", not self.weight_decay, "set it to 0",
        )  # fmt: skip
        return [Problem(f"{parent}.{name}", f"{why}: {cure}") for name, fits, cure in settings if not fits]

    @property
    def most_checkpoints(self) -> float:
        """A run has fewer than this, and more than asked for only where the kernel moves much."""
        return 1.5 * self.checkpoints

    def effective_rate(self, size: int) -> float:
        """eta_eff/eta for `size` training points: what S = sum l is multiplied with to give the loss."""
        return LOSSES[self.loss].scale(size)

    def decay(self, size: int) -> float:
        """d = lambda eta/eta_eff: the weight decay of S, as `engine.training.descent` steps it."""
        return self.weight_decay / self.effective_rate(size)


class RunConfig(Config):
    """One run: every seed of one network trained on one dataset.

    Attributes:
        seeds: one independent initialisation each (and one order of minibatches).
        store_parameters: keep the parameters at the checkpoints, from which later questions derive kernels.
        kernel: the one that is followed (`KernelName`); the network trains alike whatever it is. Steps and stability
            are always those of the neural tangent kernel.
        kernel_precision: "float64"; "mixed" (float32 signals, float64 Gram); "float32" (GPUs without fast float64).
        probes: points other than the data, where function and kernel are followed too: the training inputs of a
            dataset, whose targets are not used.
    """

    data: DataConfig
    network: AnyNetwork = Field(default_factory=lambda: MLPConfig.model_validate({}))
    training: TrainingConfig = Field(default_factory=lambda: TrainingConfig.model_validate({}))
    seeds: Seeds = (0,)
    store_parameters: bool = True
    kernel: KernelName = Field("ntk", exclude_if=lambda value: value == "ntk")
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
        if self.data.only_zero and self.network.centred:
            message = (
                "starts at the target 0, so nothing is left to learn: set it to false, or data.value to another number"
            )
            raise ConfigError([Problem("network.centred", message)])
        if problems := [*self._problems_of_kernel(), *self._problems_of_probes(), *self._problems_of_loss()]:
            raise ConfigError(problems)
        return self

    def _problems_of_kernel(self) -> list[Problem]:
        problems = []
        if not (self.kernel_moves or self.network.HAS_LIMIT):
            others = "ntk or conjugate" if self.network.HAS_READOUT else "ntk"
            message = f"{self.kernel} is not known of this kind of network, {self.network.kind}: choose {others}"
            problems.append(Problem("kernel", message))
        if self.kernel == "conjugate" and not self.network.HAS_READOUT:
            message = "which weights are the readout's is not known of a network of one's own: choose ntk"
            problems.append(Problem("kernel", message))
        if not self.kernel_moves and self.kernel_precision != "float64":
            message = f"{self.kernel_precision} is for kernels of the network: at infinite width leave it at float64"
            problems.append(Problem("kernel_precision", message))
        return problems

    def _problems_of_probes(self) -> list[Problem]:
        problems, probes, dim = [], self.probes, self.data.input_dim
        if probes and probes.input_dim != dim:
            given = f"points of {probes.input_dim} coordinates, but the data have {dim}"
            problems.append(Problem("probes", f"{given}: choose a dataset of as many"))
        if probes and probes.size > MOST_PROBES:
            problems.append(Problem("probes.size", f"{probes.size} exceeds the {MOST_PROBES} that are kept: lower it"))
        return problems

    def _problems_of_loss(self) -> list[Problem]:
        """Of a loss of classes on data that are known to have none; of a file the job says it."""
        name, problems = self.training.loss, []
        if not LOSSES[name].classes:
            return []
        if self.data.of_classes is False:
            cure = f"choose {ONE_OF_SQUARED}, or data with classes (of a formula: target sign or parity)"
            problems.append(Problem("training.loss", f"{name} is a loss of classes, and these data have none: {cure}"))
        if self.data.noise:
            problems.append(Problem("data.noise", f"a class has no noise for the loss {name}: set it to 0"))
        return problems

    @property
    def lacking(self) -> list[Problem]:
        """What is not on this machine and needed: a file, a package, a module."""
        parts = {"data": self.data, "network": self.network, "probes": self.probes}
        return [Problem(f"{name}.{p.field}", p.message) for name, own in parts.items() if own for p in own.lacking]

    @property
    def kernel_moves(self) -> bool:
        """Whether the kernel that is followed is one of the network's own."""
        return self.kernel in ("ntk", "conjugate")

    def not_plain_descent(self, parent: str, what: str) -> list[Problem]:
        """Why this run is not of f' = -K (f - y) by plain descent or its flow, each with what to do.

        Args:
            parent: of the settings' names.
            what: needs it, as a subject, such as "the expansion".
        """
        problems = []
        if self.kernel != "ntk":
            message = f"{what} is of f' = -K r, which holds for the neural tangent kernel (ntk) alone: choose that"
            problems.append(Problem(f"{parent}.kernel", message))
        follows = f"{what} is of plain descent or its flow: {{}}"
        if self.training.momentum:
            problems.append(Problem(f"{parent}.training.momentum", follows.format("set it to 0")))
        if self.training.batch_size is not None:
            problems.append(Problem(f"{parent}.training.batch_size", follows.format("set it to null")))
        return problems + self.training.nonlinear(f"{parent}.training", f"{what} is of f' = -K (f - y)")

    @property
    def beta(self) -> float | None:
        """Sum over hidden layers of 1/n_l, of a fully connected network."""
        return self.network.beta

    @property
    def curvature(self) -> float:
        """c of `TrainingConfig`; 1 for the hinge."""
        one, several = LOSSES[self.training.loss].curvature
        return (one if self.data.output_dim == 1 else several) or 1.0

    def steepness(self, lambda_max: Any) -> Any:
        """s = c lambda_max(K) + d of `TrainingConfig`, for a number or an array."""
        return self.curvature * lambda_max + self.training.decay(self.data.size)

    def largest_stable(self, rate: float) -> float:
        """lambda_max at the stability limit of steps eta_eff = rate > 0; inf of the hinge."""
        decay = self.training.decay(self.data.size)
        return (self.training.stability_limit / rate - decay) / self.curvature

    @property
    def parameter_count(self) -> int | None:
        """Those that train; None where nobody knows before it runs."""
        return self.network.parameter_count(self.data.input_dim, self.data.output_dim)

    @property
    def stored_count(self) -> int | None:
        """Parameters, those that do not train among them."""
        return self.network.stored_count(self.data.input_dim, self.data.output_dim)
