"""The kernel against the device's own matrix products in the same precision, in one process.

The floor is what the products of the kernel would take at the rate of the largest plain product: forward and backward
through every layer, and by symmetry half of the two Grams of each. No program with these products can be faster.
"""

from collections.abc import Callable, Iterator
from functools import partial
from itertools import pairwise
from statistics import median

import jax
import jax.numpy as jnp

from benchmarks.device.plan import Plan
from benchmarks.device.report import Row, Task
from benchmarks.timing import seconds
from engine.networks.mlp_config import MLPConfig
from engine.networks.model import init, ntk

INPUT_DIM = 32
DTYPES = ("float32", "float64")


def tasks(plan: Plan) -> Iterator[Task]:
    """The products first, then each kernel, in either precision."""
    for dtype in DTYPES:
        rates: list[float] = []
        for size in plan.products:
            yield f"product {size} {dtype}", partial(_product, size, dtype, plan.rounds, rates)
        for shape in plan.kernels:
            yield _named(shape, dtype), partial(_kernel, shape, dtype, plan.rounds, rates)


def _named(shape: tuple[int, int, int], dtype: str) -> str:
    return "kernel n {}, w {}, L {} {}".format(*shape, dtype)


def _product(size: int, dtype: str, rounds: int, rates: list[float]) -> Row:
    """A square product at full precision; its rate goes to `rates`."""
    a, b = (jax.random.normal(jax.random.key(seed), (size, size), dtype) for seed in (0, 1))
    product = jax.jit(lambda a, b: jnp.matmul(a, b, precision="highest"))
    row = _timed(lambda: product(a, b), 2.0 * size**3, rounds)
    rates.append(1e12 * row["TFLOP/s"])
    return row


def _kernel(shape: tuple[int, int, int], dtype: str, rounds: int, rates: list[float]) -> Row:
    """The kernel on n points; `times floor` is its time over that of its products at the best of `rates`."""
    n, w, L = shape
    network = MLPConfig.from_dict({"depth": L, "width": w})
    params = jax.tree.map(lambda leaf: leaf.astype(dtype), init(network, 0, INPUT_DIM))
    x = jax.random.normal(jax.random.key(1), (n, INPUT_DIM), dtype)
    precision = "float64" if dtype == "float64" else "float32"
    flops = kernel_flops(network, n)
    row = _timed(lambda: ntk(network, params, x, precision=precision), flops, rounds)
    return row | ({"times floor": row["ms"] / 1e3 * max(rates) / flops} if rates else {})


def _timed(run: Callable[[], jax.Array], flops: float, rounds: int) -> Row:
    times = seconds(run, rounds)
    middle = median(times)
    spread = f"{min(times) * 1e3:.3g} to {max(times) * 1e3:.3g}"
    return {"ms": middle * 1e3, "ms, all": spread, "TFLOP/s": flops / middle / 1e12}


def kernel_flops(network: MLPConfig, n: int) -> float:
    """The floating-point operations of the products that a kernel of n points and one output cannot do without."""
    sizes = (INPUT_DIM, *network.widths, 1)
    layers = list(pairwise(sizes))
    forward = sum(2.0 * n * a * b for a, b in layers)
    backward = sum(2.0 * n * a * b for a, b in layers[1:])
    grams = sum(n * (n + 1.0) * (a + b) for a, b in layers)
    return forward + backward + grams
