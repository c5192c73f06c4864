"""How fast this machine is: the measured side of `engine.cost`."""

import time
from dataclasses import asdict

import jax
import jax.numpy as jnp
import numpy as np

from engine.cost import Calibration, CalibrationConfig
from engine.progress import Entries, Report, silent

SIZE = 512


def calibrate(config: CalibrationConfig, report: Report = silent) -> Entries:
    """Measures matrix products; takes about a second. Entry "result": the fields of `engine.cost.Calibration`."""
    found = Calibration(float32=_rate(jnp.float32), float64=_rate(jnp.float64))
    return {"result": {name: np.array(value) for name, value in asdict(found).items()}}


def _rate(dtype: jnp.dtype) -> float:
    """Floating-point operations per second of a square product, the median of a few."""
    product = jax.jit(lambda a: jnp.matmul(a, a, precision="highest"))
    a = jnp.ones((SIZE, SIZE), dtype)
    product(a).block_until_ready()
    times = []
    for _ in range(7):
        start = time.perf_counter()
        product(a).block_until_ready()
        times.append(time.perf_counter() - start)
    return 2 * SIZE**3 / float(np.median(times))
