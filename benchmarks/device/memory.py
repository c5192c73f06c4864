"""What a kernel takes of the device's memory, and the largest that fits: by the engine's estimate, and as measured.

The device's own count is of the most in use since the process began, so that kernels come in ascending order; where
a device keeps none (a CPU) what the compiler set aside stands alone.
"""

import time
from collections.abc import Iterator
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from benchmarks.device.plan import Plan
from benchmarks.device.report import Row, Task
from engine.config import RunConfig
from engine.cost import Limits, estimate
from engine.data.dataset import MAX_POINTS
from engine.device import device
from engine.networks.model import init, ntk, signal_rows

INPUT_DIM, WIDTH, DEPTH = 32, 256, 3
SHARE = 0.8
"""Of the device's memory that a kernel may be expected to take before it is tried."""

PATIENCE = 40.0
"""Seconds of compilation that are waited for. They grow with the points: a kernel is made of panels of rows."""


class Taken(NamedTuple):
    """Bytes of a kernel, and seconds of its compilation."""

    size: float
    compilation: float


def tasks(plan: Plan) -> Iterator[Task]:
    """The kernels, then the largest."""
    found: dict[int, Taken] = {}
    for points in plan.points:
        yield f"{points} points", partial(_kernel, points, found)
    yield "largest that fits", partial(_largest, found)


def run_of(points: int) -> RunConfig:
    """A run with so many training points, two of them held out, and nothing else that is large."""
    data = {"name": "sphere", "dim": INPUT_DIM, "size": points, "test_size": 2}
    network = {"depth": DEPTH, "width": WIDTH}
    training = {"max_steps": 1, "checkpoints": 2}
    return RunConfig.from_dict({"data": data, "network": network, "training": training, "store_parameters": False})


def limit() -> float:
    """Bytes that the device lends; where it does not say, what the engine allows a run."""
    return float(device().memory or Limits().memory_bytes)


def _kernel(points: int, found: dict[int, Taken]) -> Row:
    """The float64 kernel as a run computes it; what it takes goes to `found`."""
    if found:
        last = max(found)
        size, compilation = found[last].size * (points / last) ** 2, found[last].compilation * points / last
        if size > SHARE * limit() or compilation > PATIENCE:
            return {"left out: expected": f"{size / 1e9:.3g} GB, {compilation:.0f} s to compile"}
    network = run_of(points).network
    params = jax.tree.map(lambda leaf: leaf.astype(jnp.float64), init(network, 0, INPUT_DIM))
    x = jax.random.normal(jax.random.key(1), (points, INPUT_DIM), jnp.float64)
    rows = signal_rows(network, 1)
    began = time.perf_counter()
    program = jax.jit(lambda params, x: ntk(network, params, x, rows=rows)).lower(params, x).compile()
    compiled = time.perf_counter()
    program(params, x).block_until_ready()
    took = time.perf_counter() - compiled
    memory: Any = program.memory_analysis()
    set_aside = memory.temp_size_in_bytes + memory.argument_size_in_bytes + memory.output_size_in_bytes
    peak = (jax.devices()[0].memory_stats() or {}).get("peak_bytes_in_use")
    found[points] = Taken(float(max(set_aside, peak or 0)), compiled - began)
    return {
        "estimate of a run GB": estimate(run_of(points)).memory_bytes / 1e9,
        "set aside GB": set_aside / 1e9,
        "most in use GB": peak / 1e9 if peak is not None else "not told",
        "bytes/(8 n^2)": found[points].size / 8 / points**2,
        "compile s": compiled - began,
        "first run s": took,
    }


def _largest(found: dict[int, Taken]) -> Row:
    """Points by the engine's estimate of a run, and by bytes = a + b n^2 through the two largest kernels measured."""
    if len(found) < 2:
        raise RuntimeError("fewer than two kernels were measured")
    allowed, (n, m) = limit(), sorted(found)[-2:]
    b = (found[m].size - found[n].size) / (m**2 - n**2)
    measured = int(((allowed - found[m].size) / b + m**2) ** 0.5)
    return {"of GB": allowed / 1e9, "points by the estimate": _by_estimate(allowed), "by what was measured": measured}


def _by_estimate(allowed: float) -> str:
    """The most points of a run that is estimated to fit."""
    low, high = 2, MAX_POINTS
    if estimate(run_of(high)).memory_bytes <= allowed:
        return f"{high}, the most that a run takes"
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if estimate(run_of(middle)).memory_bytes <= allowed else (low, middle)
    return str(low)
