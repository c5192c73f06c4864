"""What a comparison of spaces takes beside training, an upper bound. Imports no JAX."""

from engine import cost as training
from engine.cost import Calibration
from engine.rkhs.config import RkhsConfig

EIGEN = 25.0
"""Operations per p^3 and checkpoint: decompositions, and inclusion constants at every ridge in both directions."""
START_SECONDS = 10.0
"""Compiling kernels on every set of points."""


def check(config: RkhsConfig, calibration: Calibration | None = None) -> float:
    """Seconds at most. Raises `ConfigError` where training alone is beyond the limits of `engine.cost`."""
    speed = calibration or Calibration()
    return training.check(config.run, calibration=speed).seconds + START_SECONDS + _flops(config) / speed.float64


def _flops(config: RkhsConfig) -> float:
    """Of all seeds: kernels at every checkpoint, grids and samples, and the algebra on them."""
    run, options = config.run, config.options
    both = run.data.size + min(options.held_out, run.data.test_size)
    points = options.times * both**2 + 4 * (options.grid**2 + options.sample**2)
    kernels = points * sum(run.network.widths) * (1.0 + run.data.output_dim)
    algebra = options.times * 2.0 * both**3 + 4.0 * (options.grid**3 + options.sample**3)
    return len(run.seeds) * (kernels + EIGEN * algebra)
