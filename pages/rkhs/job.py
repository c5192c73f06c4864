"""The one job of the four pages, with what it costs."""

from engine.config import RunConfig
from engine.rkhs import cost
from engine.rkhs.requests import RkhsConfig
from engine.schema import ConfigError
from pages import calibration
from pages.wanted import Wanted, of_run


def wanted(run: RunConfig) -> Wanted:
    """The comparison of a run's spaces. Raises `ConfigError` in the settings of the run."""
    try:
        config = RkhsConfig.from_dict({"run": run.to_dict()})
    except ConfigError as error:
        raise ConfigError([of_run(problem) for problem in error.problems]) from None
    return Wanted("rkhs", config, cost.check(config, calibration.measured()))
