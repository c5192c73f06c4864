"""The one job of the four pages, with what it costs."""

from engine import cost
from engine.config import RunConfig
from engine.rkhs.requests import RkhsConfig
from engine.schema import ConfigError
from pages import calibration
from pages.perturb.jobs import Wanted, of_run

KIND = "rkhs"
EIGEN = 25.0
"""Operations per p^3 and checkpoint: decompositions, and inclusion constants at every ridge in both directions."""
START_SECONDS = 10.0


def wanted(run: RunConfig) -> Wanted:
    """The comparison of a run's spaces. Raises `ConfigError` in the settings of the run."""
    try:
        config = RkhsConfig.from_dict({"run": run.to_dict()})
    except ConfigError as error:
        raise ConfigError([of_run(problem) for problem in error.problems]) from None
    speed = calibration.measured() or cost.Calibration()
    training = cost.check(run, calibration=speed)
    return Wanted(KIND, config, training.seconds + START_SECONDS + _flops(config) / speed.float64)


def _flops(config: RkhsConfig) -> float:
    """Of all seeds, upper bounds: kernels at every checkpoint, grids and samples, and the algebra on them."""
    run, options = config.run, config.options
    held_out = min(options.held_out, run.data.test_size)
    both = run.data.size + held_out
    points = options.times * both**2 + 4 * (options.grid**2 + options.sample**2)
    kernels = points * sum(run.network.widths) * (1.0 + run.data.output_dim)
    algebra = options.times * 2.0 * both**3 + 4.0 * (options.grid**3 + options.sample**3)
    return len(run.seeds) * (kernels + EIGEN * algebra)
