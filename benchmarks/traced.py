"""The kernel of any function against the layerwise one, and against neural-tangents on small convolutional networks.

    pip install --no-deps -r benchmarks/peers/requirements.txt
    python -m benchmarks.traced [--mlp] [--images] [--contraction] [--small]

Ratios are medians over paired rounds, of the processor's time of this process, so that other work on the machine
counts little. Everything is float64 for images; one stated dtype a row for the MLP.
"""

import argparse
import sys
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import jax

jax.config.update("jax_enable_x64", True)

import jax.numpy as jnp
import numpy as np
from flax import linen as nn

from benchmarks.kernel import INPUT_DIM, SHAPES
from benchmarks.timing import interleaved
from engine.device import device_name
from engine.networks import model
from engine.networks.gram import Precision
from engine.networks.mlp_config import MLPConfig
from engine.networks.traced.kernel import ntk

ROWS: tuple[tuple[int, Precision], ...] = ((1, "float32"), (1, "float64"), (10, "float32"), (10, "float64"))
IMAGES = ((8, 1), (16, 3))
PEERS = ("STRUCTURED_DERIVATIVES", "JACOBIAN_CONTRACTION")
"""Each in rounds of its own: what holds a whole Jacobian makes whoever comes after it slower."""
ALL = 10**6
"""All examples at once, as the peer holds them."""

Candidates = Mapping[str, Callable[[], Any]]


class Convolutional(nn.Module):
    """Three convolutions, 3 x 3, strides 1, 2, 2; global average pooling; a dense readout."""

    width: int
    outputs: int

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        for strides in (1, 2, 2):
            x = nn.relu(nn.Conv(self.width, (3, 3), strides=strides)(x))
        return nn.Dense(self.outputs)(x.mean((1, 2)))


def ratios(candidates: Candidates, rounds: int) -> dict[str, float]:
    """Seconds of the first, and the median over rounds of each other's time over it."""
    times = interleaved(candidates, rounds, time.process_time)
    first, *others = times
    found = {name: median(b / a for a, b in zip(times[first], times[name], strict=True)) for name in others}
    return {"ms": 1e3 * median(times[first])} | found


def error(candidates: Candidates) -> float:
    """The largest difference between the first two, relative to the largest entry."""
    one, other = (np.asarray(run()) for run in list(candidates.values())[:2])
    return float(np.max(np.abs(one - other)) / np.max(np.abs(one)))


def of_mlp(shape: tuple[int, int, int], outputs: int, precision: Precision) -> Candidates:
    n, w, L = shape
    network = MLPConfig.from_dict({"depth": L, "width": w})
    params = model.init(network, 0, INPUT_DIM, outputs)
    x = jax.random.normal(jax.random.key(1), (n, INPUT_DIM), jnp.float64)

    def apply(params: Any, x: jax.Array) -> jax.Array:
        return network.alpha * model.apply(network, params, x)

    return {
        "layerwise": partial(model.ntk, network, params, x, precision=precision),
        "traced": partial(ntk, apply, params, x, precision=precision, rows=ALL),
    }


def of_images(side: int, features: int, size: int, width: int, outputs: int, peer: str) -> Candidates:
    model = Convolutional(width, outputs)
    x = jnp.asarray(np.random.default_rng(0).standard_normal((size, side, side, features)))
    drawn = jax.jit(model.init)(jax.random.key(0), x[:1])["params"]
    params = jax.tree.map(lambda leaf: leaf.astype(jnp.float64), drawn)
    leaves, tree = jax.tree.flatten(params)

    def apply(params: Any, x: jax.Array) -> jax.Array:
        return model.apply({"params": params}, x)  # type: ignore[return-value]

    def listed(leaves: list[jax.Array], x: jax.Array) -> jax.Array:
        return apply(tree.unflatten(leaves), x)

    return {
        "traced": partial(ntk, apply, params, x, rows=ALL),
        peer.lower(): partial(_peer(listed, peer), x, leaves),
    }


def _peer(f: Callable, implementation: str) -> Callable:
    sys.path.insert(0, str(Path(__file__).parent / "peers"))
    import neural_tangents_shim  # noqa: F401  # pyright: ignore[reportMissingImports]
    import neural_tangents as nt  # isort: skip  # pyright: ignore[reportMissingImports]

    how = nt.NtkImplementation[implementation]
    found = nt.empirical_ntk_fn(f, trace_axes=(-1,), vmap_axes=0, implementation=how)
    return jax.jit(lambda x, leaves: found(x, None, leaves))


def shown(name: str, candidates: Candidates, rounds: int) -> None:
    apart, found = error(candidates), ratios(candidates, rounds)
    values = "  ".join(f"{key} {value:.3g}" for key, value in found.items())
    print(f"{name}  {values}  difference {apart:.1e}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--mlp", action="store_true", help="against the layerwise kernel: time over it")
    parser.add_argument("--images", action="store_true", help="against the peer: its time over ours")
    parser.add_argument("--contraction", action="store_true", help="Jacobian contraction as well")
    parser.add_argument("--small", action="store_true", help="64 images only")
    options = parser.parse_args()
    print(device_name())
    for shape in SHAPES if options.mlp else ():
        for outputs, precision in ROWS:
            shown(f"{shape} k {outputs} {precision}", of_mlp(shape, outputs, precision), 9 if outputs == 1 else 5)
    for side, features in IMAGES if options.images else ():
        for size in (64,) if options.small else (64, 256):
            for width, outputs in ((32, 1), (64, 1), (32, 10), (64, 10)):
                for peer in PEERS[: 1 + options.contraction]:
                    candidates = of_images(side, features, size, width, outputs, peer)
                    rounds = 7 if outputs == 1 else 5
                    shown(f"{side}x{side}x{features} n {size} w {width} k {outputs}", candidates, rounds)


if __name__ == "__main__":
    main()
