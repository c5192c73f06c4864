"""The device that computes, in words."""

import platform
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import jax


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
