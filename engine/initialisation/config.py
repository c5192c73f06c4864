"""Configs of the jobs at initialisation, each with rough seconds of one core, which are bounded. Imports no JAX."""

from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from engine.config import Seed
from engine.cost import Expected
from engine.initialisation.law import InitialNetwork, reasons_without_law
from engine.initialisation.sampler import MAX_BETA
from engine.schema import Config

MAX_SECONDS = 1800.0
"""Longest job accepted."""
STEP = 0.25
"""Largest h lambda_max(K_0) of a Runge-Kutta step in a drift ensemble."""
MAX_STEPS = 20_000
"""Runge-Kutta steps of one chunk; its stiffest network sets the number."""

Target = Annotated[float, Field(ge=-1e6, le=1e6)]


def _within(seconds: float, what: str) -> None:
    if seconds > MAX_SECONDS:
        raise ValueError(f"about {seconds:.2g} s of computing, at most {MAX_SECONDS:g} are accepted: lower draws{what}")


def parameters_of(setting: InitialNetwork) -> int:
    """Weights and biases of the network."""
    return sum((n_in + 1) * n_out for n_in, n_out in zip(setting.widths[:-1], setting.widths[1:], strict=True))


class _NetworkDraws(Config):
    """What brute force, first step and drift share: networks that are really drawn."""

    setting: InitialNetwork
    draws: int = Field(1000, ge=2, le=10_000_000)
    seed: Seed = 0
    target: Target = 0.0

    @field_validator("setting")
    @classmethod
    def _drawable(cls, setting: InitialNetwork) -> InitialNetwork:
        if parameters_of(setting) > 20_000_000:
            raise ValueError(f"{parameters_of(setting):,} parameters, at most 20,000,000: lower widths or depth")
        if setting.depth == 0 or len(set(setting.sigmas[:-1])) > 1:
            raise ValueError("networks are drawn with at least one hidden layer and one sigma_w for all of them")
        if setting.depth > 1024 or max(setting.widths) > 65536:
            raise ValueError("networks are drawn up to 1024 hidden layers and width 65536")
        return setting


class SampleConfig(Config):
    """Draws from the exact law: moments with flags, and the histogram of K.

    Attributes:
        first_step: also draw g^T H g, which takes half as long again.
        importance: also estimate E[K^2] with the importance sampler, for beta up to about 1.
    """

    setting: InitialNetwork
    draws: int = Field(100_000, ge=2, le=100_000_000)
    seed: Seed = 0
    target: Target = 0.0
    first_step: bool = True
    importance: bool = False

    @model_validator(mode="after")
    def _check(self) -> Self:
        if reasons := reasons_without_law(self.setting):
            raise ValueError("; ".join(str(reason) for reason in reasons))
        if self.importance and self.setting.beta > MAX_BETA:
            raise ValueError(
                f"importance: beta {self.setting.beta:.3g} is above {MAX_BETA}, where its error bar lies: leave it out"
            )
        _within(self.seconds, " or depth")
        return self

    @property
    def seconds(self) -> float:
        return self.draws * (self.setting.depth + 1) * (0.5e-6 if self.importance else 0.3e-6)


class BruteForceConfig(_NetworkDraws):
    """Draws by autodiff of real networks."""

    first_step: bool = True

    @model_validator(mode="after")
    def _check(self) -> Self:
        _within(self.seconds, ", widths or depth")
        return self

    @property
    def seconds(self) -> float:
        return self.draws * (1e-4 + 3e-8 * parameters_of(self.setting))


class GramSpectrumConfig(Config):
    """Spectra of the kernel matrix of p inputs at initialisation.

    Attributes:
        points: p.
        inputs: random directions, or p evenly spaced ones on a circle (n_0 = 2); of the setting's norm.
        input_seed: of the random directions.
    """

    setting: InitialNetwork
    points: int = Field(32, ge=1, le=512)
    inputs: Literal["sphere", "circle"] = "sphere"
    input_seed: Seed = 0
    draws: int = Field(100, ge=2, le=100_000)
    seed: Seed = 0

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.inputs == "circle" and self.setting.widths[0] != 2:
            raise ValueError(f"inputs on a circle have n_0 = 2, not {self.setting.widths[0]}")
        if self.draws * self.points > 2_000_000:
            raise ValueError(f"{self.draws} spectra of {self.points} values: at most 2,000,000 values are kept")
        widths = sum(self.setting.widths)
        if 72 * widths * self.points > 2_000_000_000:
            raise ValueError(f"widths add up to {widths:,}: one draw at {self.points} points needs over 2 GB")
        _within(self.seconds, ", points or widths")
        return self

    @property
    def seconds(self) -> float:
        widths = self.setting.widths
        return self.draws * (1e-4 * len(widths) + 4e-9 * sum(widths) * self.points * (self.points + 8))


class FirstStepConfig(_NetworkDraws):
    """One gradient step from each drawn network, for several step sizes.

    Attributes:
        points: M; one point, or M random directions with Gaussian targets of RMS |target|.
        sizes: step sizes eta.
    """

    points: int = Field(1, ge=1, le=64)
    sizes: Annotated[tuple[Annotated[float, Field(gt=0, le=1e6)], ...], Field(min_length=1, max_length=12)] = (
        0.01,
        0.1,
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        _within(self.seconds, ", points, sizes, widths or depth")
        return self

    @property
    def seconds(self) -> float:
        passes = (2 + len(self.sizes)) * (1 + self.points / 8)
        return self.draws * (1e-4 + 2e-8 * parameters_of(self.setting)) * passes


class DriftConfig(_NetworkDraws):
    """Gradient flow from each drawn network, seen at a few times.

    Attributes:
        points: M, as in `FirstStepConfig`.
        times: increasing, after 0.
    """

    points: int = Field(1, ge=1, le=64)
    times: Annotated[tuple[Annotated[float, Field(gt=0, le=1e6)], ...], Field(min_length=1, max_length=12)] = (
        0.01,
        0.1,
        1.0,
    )

    @field_validator("times")
    @classmethod
    def _increasing(cls, times: tuple[float, ...]) -> tuple[float, ...]:
        if list(times) != sorted(set(times)):
            raise ValueError("give increasing times")
        return times

    @model_validator(mode="after")
    def _check(self) -> Self:
        _within(self.seconds, ", times, widths or depth")
        return self

    @property
    def seconds(self) -> float:
        # lambda_max of the stiffest network is a few times E[K] at criticality, s1 d + d.
        signal = 1 + 2 * self.setting.norm_x_squared / self.setting.widths[0]
        top = 4 * self.points * self.setting.alpha**2 * signal * (self.setting.depth + 1)
        steps = min(MAX_STEPS, len(self.times) + top * self.times[-1] / STEP)
        return self.draws * steps * (1e-6 + 2e-9 * parameters_of(self.setting)) * (1 + self.points / 8)


def expected(
    config: SampleConfig | BruteForceConfig | GramSpectrumConfig | FirstStepConfig | DriftConfig,
) -> Expected:
    """Seconds that the job may take, for a queue."""
    return Expected(config.seconds)
