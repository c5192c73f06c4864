"""The one job of the four pages, with what it costs."""

from engine.config import RunConfig
from engine.rkhs import cost
from engine.rkhs.config import RkhsConfig
from engine.schema import ConfigError
from pages import calibration
from pages.wanted import Wanted, of_run


def wanted(run: RunConfig, sizes_left_out: bool = False) -> Wanted:
    """The comparison of a run's spaces. Raises `ConfigError` in the settings of the run.

    Args:
        sizes_left_out: the numbers of rows of a table are the engine's to choose: a small one then holds out enough.
    """
    values = run.to_dict()
    if sizes_left_out and run.data.name == "csv":
        del values["data"]["size"], values["data"]["test_size"]
    try:
        config = RkhsConfig.from_dict({"run": values})
    except ConfigError as error:
        raise ConfigError([of_run(problem) for problem in error.problems]) from None
    return Wanted("rkhs", config, cost.check(config, calibration.measured()))
