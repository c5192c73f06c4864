"""The device that computes: in words, how fast it is, and its 64 bits."""

import os
import platform
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from engine.cost import Calibration, CalibrationConfig
from engine.problems import ConfigError, Problem
from engine.progress import Entries, Report, silent

# The device that computes, in words.


class Device(NamedTuple):
    """What JAX computes on: "cpu", "gpu", ...; its model; the bytes that it lends, 0 where it does not say."""

    platform: str
    model: str
    memory: int


def device() -> Device:
    """The device that computes."""
    first = jax.devices()[0]
    if first.platform == "cpu":
        return Device("cpu", _cpu_model(), 0)
    return Device(first.platform, first.device_kind, int((first.memory_stats() or {}).get("bytes_limit", 0)))


def device_name() -> str:
    """For example "NVIDIA H100 (80 GB usable)" or "CPU: AMD EPYC"."""
    found = device()
    if found.platform == "cpu":
        return f"CPU: {found.model}"
    return f"{found.model} ({found.memory / 1e9:.0f} GB usable)" if found.memory else found.model


def start() -> None:
    """Switches JAX to 64 bits, before anything is traced. Raises `ConfigError` without a device to compute on."""
    jax.config.update("jax_enable_x64", True)
    try:
        jax.devices()
    except RuntimeError as error:
        platforms = os.environ.get("JAX_PLATFORMS", "")
        raise ConfigError([Problem("JAX_PLATFORMS", f"{platforms!r} gives no device: {error}")]) from None


@contextmanager
def in_float64() -> Iterator[None]:
    """64-bit JAX meanwhile, for every thread: JAX's own context would not reach those that measure checkpoints."""
    before = jax.config.read("jax_enable_x64")
    jax.config.update("jax_enable_x64", True)
    try:
        yield
    finally:
        jax.config.update("jax_enable_x64", before)


def _cpu_model() -> str:
    listing = Path("/proc/cpuinfo")
    if listing.exists():
        for line in listing.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


# How fast this machine is: the measured side of `engine.cost`.

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
