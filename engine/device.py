"""The device that computes, in words."""

import platform
from pathlib import Path

import jax


def device_name() -> str:
    """For example "NVIDIA H100 (80 GB)" or "CPU: AMD EPYC 7543"."""
    device = jax.devices()[0]
    if device.platform == "cpu":
        return f"CPU: {_cpu_model()}"
    memory = (device.memory_stats() or {}).get("bytes_limit")
    return f"{device.device_kind} ({memory / 1e9:.0f} GB usable)" if memory else device.device_kind


def _cpu_model() -> str:
    listing = Path("/proc/cpuinfo")
    if listing.exists():
        for line in listing.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()
