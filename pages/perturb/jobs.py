"""The two jobs of the page, with what they cost."""

from engine.config import RunConfig
from engine.perturbation import cost
from engine.perturbation.config import Options, PerturbationConfig, StudyConfig
from pages import calibration
from pages.wanted import Wanted


def expansion(run: RunConfig, options: Options | None = None) -> Wanted:
    """The perturbation of a run. Raises `ConfigError`: what cannot be expanded, or costs too much."""
    config = PerturbationConfig.of(run, options)
    return Wanted("perturbation", config, cost.check(config, calibration=calibration.measured()).seconds)


def study(values: dict) -> Wanted:
    """A study from the fields of `StudyConfig`. Raises `ConfigError`."""
    config = StudyConfig.from_dict(values)
    return Wanted("perturbation_study", config, cost.check(config, calibration=calibration.measured()).seconds)
