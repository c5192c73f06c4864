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

ROWS, WIDTH = 64, 256
"""Of the product that is measured on a CPU, as a step of training has it."""
SIZE = 512
"""Of the square one on other devices, which take as long for a small one."""
ROUNDS = 40
"""Of which the quickest counts: the one with the least beside it."""


def calibrate(config: CalibrationConfig, report: Report = silent) -> Entries:
    """Measures products and a compilation; takes about a second. Entry "result": the fields of
    `engine.cost.Calibration`."""
    found = Calibration(_rate(jnp.float32), _rate(jnp.float64), _compile_seconds())
    return {"result": {name: np.array(value) for name, value in asdict(found).items()}}


def _rate(dtype: jnp.dtype) -> float:
    """Floating-point operations per second of a product."""
    rows, width = (ROWS, WIDTH) if device().platform == "cpu" else (SIZE, SIZE)
    product = jax.jit(lambda a, b: jnp.matmul(a, b, precision="highest"))
    a, b = jnp.ones((rows, width), dtype), jnp.ones((width, width), dtype)
    product(a, b).block_until_ready()
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        product(a, b).block_until_ready()
        times.append(time.perf_counter() - start)
    return 2 * rows * width**2 / min(times)


def _compile_seconds() -> float:
    """Processor's time to trace and compile steps of three layers, with a number in them that no kept program has."""
    number = 1 + time.time_ns() % 10**9 / 1e12

    def loss(weights: jax.Array, a: jax.Array) -> jax.Array:
        return (jax.lax.scan(lambda a, w: (jnp.tanh(number * a @ w), None), a, weights)[0] ** 2).sum()

    def step(_: jax.Array, weights: jax.Array) -> jax.Array:
        return weights - 1e-3 * jax.grad(loss)(weights, jnp.ones((16, 64), weights.dtype))

    program = jax.jit(lambda weights: jax.lax.fori_loop(0, 3, step, weights))
    start = time.process_time()
    program(jnp.ones((3, 64, 64), jnp.float32)).block_until_ready()
    return time.process_time() - start
