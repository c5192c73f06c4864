"""What `kd.watch` costs a training loop: where no step is due, and in all.

    python -m benchmarks.watch

Ratios of one process: rounds of a loop with and without it, in turn, of the processor's time of this process; the
median over rounds. The loop trains one small network by compiled steps of Adam: a larger one has a smaller share.
"""

import time
from collections.abc import Callable
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax

import engine as kd

ROUNDS, STEPS = 21, 2000
POINTS, HELD_OUT = 96, 48


class Network(nn.Module):
    @nn.compact
    def __call__(self, x: Any) -> Any:
        for width in (128, 128):
            x = nn.relu(nn.Dense(width)(x))
        return nn.Dense(1)(x)


def seconds(loop: Callable[[], object]) -> float:
    began = time.process_time()
    loop()
    return time.process_time() - began


def main() -> None:
    random = np.random.default_rng(0)
    x = random.standard_normal((512, 16)).astype(np.float32)
    y, network, adam = x[:, :1] * x[:, 1:2], Network(), optax.adam(1e-3)
    params: Any = network.init(jax.random.key(0), x[:1])
    apply: Any = network.apply
    start = params, adam.init(params)

    @jax.jit
    def update(state: Any) -> Any:
        params, moments = state
        value, slope = jax.value_and_grad(lambda p: jnp.mean((apply(p, x) - y) ** 2))(params)
        change, moments = adam.update(slope, moments)
        return (optax.apply_updates(params, change), moments), value

    def plain(first: int = 0) -> None:
        state = start
        for _ in range(first, first + STEPS):
            state, _value = update(state)
        jax.block_until_ready(state)

    def watched(watch: Any, first: int) -> None:
        state = start
        for step in range(first, first + STEPS):
            state, value = update(state)
            watch(step, state[0], loss=value)
        jax.block_until_ready(state)

    plain()
    probes = {"held_out": HELD_OUT, "steps": [0]}
    with kd.watch("not due", apply, x[:POINTS], y[:POINTS], **probes) as watch:
        watched(watch, 0)
        pairs = [(seconds(plain), seconds(lambda n=n: watched(watch, n * STEPS))) for n in range(1, ROUNDS + 1)]
    idle = median(with_it / without - 1 for without, with_it in pairs)
    step = median(without for without, _ in pairs) / STEPS
    print(f"a step of the loop: {1e6 * step:.0f} us; where none is due it costs {100 * idle:.2f} % more")
    began, wall = time.process_time(), time.perf_counter()
    with kd.watch("whole", apply, x[:POINTS], y[:POINTS], held_out=HELD_OUT) as watch:
        watched(watch, 0)
        count = len(watch._rows)
    spent = time.process_time() - began - median(without for without, _ in pairs)
    print(f"{count} checkpoints of {POINTS} points: {spent / count * 1e3:.0f} ms each, compiling and keeping included")
    print(f"in {time.perf_counter() - wall:.1f} s")


if __name__ == "__main__":
    with TemporaryDirectory() as folder:
        import os

        os.environ["KERNEL_DRIFT_CACHE"] = folder
        main()
