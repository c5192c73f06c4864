"""The two jobs of the page, with what they cost."""

from dataclasses import dataclass

from engine.config import RunConfig
from engine.perturbation import cost
from engine.perturbation.requests import Options, PerturbationConfig, StudyConfig
from engine.schema import Config, Problem
from pages import calibration


@dataclass(frozen=True)
class Wanted:
    """A job as `pages.initialisation.asking.gather` takes it.

    Attributes:
        seconds: at most, on the machine that computes.
    """

    kind: str
    config: Config
    seconds: float


def expansion(run: RunConfig, options: Options | None = None) -> Wanted:
    """The perturbation of a run. Raises `ConfigError`: what cannot be expanded, or costs too much."""
    config = PerturbationConfig.of(run, options)
    return Wanted("perturbation", config, cost.check(config, calibration=calibration.measured()).seconds)


def study(values: dict) -> Wanted:
    """A study from the fields of `StudyConfig`. Raises `ConfigError`."""
    config = StudyConfig.from_dict(values)
    return Wanted("perturbation_study", config, cost.check(config, calibration=calibration.measured()).seconds)


def of_run(problem: Problem) -> Problem:
    """A study's problem with the name that the controls of a run know: "training.momentum"."""
    return Problem(problem.field.removeprefix("run."), problem.message)
