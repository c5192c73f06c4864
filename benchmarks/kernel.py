"""The layerwise kernel against neural-tangents' structured derivatives, jacrev, and plain matrix products.

    pip install --no-deps -r benchmarks/peers/requirements.txt
    python -m benchmarks.kernel [--float64] [--jacrev] [--json FILE]

One row per shape (n points, width w, L hidden layers), ReLU, biases, input dimension 32; one dtype a row for all.
The floor is the products themselves, in one jitted program: forward (n w w), backward (n w w) and two whole Grams
(n n w) per layer. "half" is the same with the panels of the Grams that symmetry leaves: structured/half is the
most that could be gained on the peer with the same products at no other cost.
Times are the median of interleaved rounds, so that other work on the machine hits all alike.
"""

import argparse
import json
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import jax

jax.config.update("jax_enable_x64", True)

import jax.numpy as jnp

from benchmarks.timing import interleaved
from engine.device import device_name
from engine.networks.gram import PANEL
from engine.networks.mlp_config import MLPConfig
from engine.networks.model import Params, apply, init, ntk

SHAPES = ((128, 256, 4), (512, 512, 8), (1024, 256, 6), (256, 2048, 3), (256, 64, 32))
INPUT_DIM = 32
JACREV_BYTES = 4e9
ROUNDS = 7


def ours(network: MLPConfig, params: Params, x: jax.Array, dtype: jnp.dtype) -> Callable[[], jax.Array]:
    return partial(ntk, network, params, x, precision="float64" if dtype == jnp.float64 else "float32")


def floor(network: MLPConfig, x: jax.Array, dtype: jnp.dtype, panel: int) -> Callable[[], list[jax.Array]]:
    """The matrix products of a kernel and nothing else; Grams in panels of rows up to their own end."""
    n, w, L = x.shape[0], network.widths[0], network.depth
    panels = [(i, min(i + panel, n)) for i in range(0, n, panel)]
    a, W = jnp.ones((n, w), dtype), jnp.full((w, w), 1 / w, dtype)
    first = jnp.ones((INPUT_DIM, w), dtype)

    def add(gram: list[jax.Array], signal: jax.Array) -> list[jax.Array]:
        return [g + signal[i:j] @ signal[:j].T for g, (i, j) in zip(gram, panels, strict=True)]

    @jax.jit
    def products(x: jax.Array, a: jax.Array, W: jax.Array) -> list[jax.Array]:
        total = (x @ first @ W.T).sum()

        def layer(carry: tuple, _: None) -> tuple[tuple, None]:
            forward, backward, gram = carry
            forward, backward = forward @ W, backward @ W.T
            return (forward, backward, add(add(gram, forward), backward)), None

        start = (a, a, add([jnp.full((j - i, j), total) for i, j in panels], x))
        (forward, backward, gram), _ = jax.lax.scan(layer, start, length=L - 1)
        return add(add(gram, forward), backward)

    return partial(products, x.astype(dtype), a, W)


def neural_tangents(network: MLPConfig, params: Params, x: jax.Array, dtype: jnp.dtype) -> Callable[[], jax.Array]:
    """Structured derivatives on per-layer parameters (stacked ones cost the peer 1,500 times the operations)."""
    sys.path.insert(0, str(Path(__file__).parent / "peers"))
    import neural_tangents_shim  # noqa: F401  # pyright: ignore[reportMissingImports]
    import neural_tangents as nt  # isort: skip  # pyright: ignore[reportMissingImports]

    listed = _per_layer(params, dtype)
    scales = [network.sigma_w / w.shape[0] ** 0.5 for w, _ in listed]

    def f(params: list, x: jax.Array) -> jax.Array:
        for i, (w, b) in enumerate(params):
            x = scales[i] * (x @ w) + network.sigma_b * b
            x = jax.nn.relu(x) if i < len(params) - 1 else x
        return x

    implementation = nt.NtkImplementation.STRUCTURED_DERIVATIVES
    kernel = nt.empirical_ntk_fn(f, trace_axes=(-1,), vmap_axes=0, implementation=implementation)
    return partial(jax.jit(lambda x, params: kernel(x, None, params)), x.astype(dtype), listed)


def jacrev(network: MLPConfig, params: Params, x: jax.Array, dtype: jnp.dtype) -> Callable[[], jax.Array] | None:
    """Jacobian contraction; None where the Jacobian does not fit."""
    count = sum(leaf.size for leaf in jax.tree.leaves(params))
    if count * x.shape[0] * jnp.dtype(dtype).itemsize > JACREV_BYTES:
        return None
    params = jax.tree.map(lambda leaf: leaf.astype(dtype), params)

    @jax.jit
    def kernel(params: Params, x: jax.Array) -> jax.Array:
        J = jax.jacrev(lambda params: apply(network, params, x)[:, 0])(params)
        flat = [leaf.reshape(x.shape[0], -1) for leaf in jax.tree.leaves(J)]
        return sum((leaf @ leaf.T for leaf in flat), jnp.zeros((x.shape[0],) * 2, dtype))

    return partial(kernel, params, x.astype(dtype))


def _per_layer(params: Params, dtype: jnp.dtype) -> list[tuple[jax.Array, jax.Array]]:
    layers = []
    for block in (params[name] for name in sorted(params) if name != "readout"):
        layers += [(w.astype(dtype), b.astype(dtype)) for w, b in zip(block["w"], block["b"], strict=True)]
    readout = params["readout"]
    return [*layers, (readout["w"].astype(dtype), readout["b"].astype(dtype))]


def row(shape: tuple[int, int, int], dtype: jnp.dtype, with_jacrev: bool) -> dict:
    n, w, L = shape
    network = MLPConfig.from_dict({"depth": L, "width": w})
    params, x = init(network, 0, INPUT_DIM), jax.random.normal(jax.random.key(1), (n, INPUT_DIM), jnp.float64)
    candidates: dict[str, Callable[[], Any]] = {"ours": ours(network, params, x, dtype)}
    candidates |= {"products": floor(network, x, dtype, n), "half": floor(network, x, dtype, PANEL)}
    candidates["structured"] = neural_tangents(network, params, x, dtype)
    by_jacobian = jacrev(network, params, x, dtype) if with_jacrev else None
    if by_jacobian:
        candidates["jacrev"] = by_jacobian
    error = float(jnp.max(jnp.abs(candidates["ours"]() - candidates["structured"]())) / jnp.max(candidates["ours"]()))
    seconds = {name: median(times) for name, times in interleaved(candidates, ROUNDS).items()}
    own = seconds["ours"]
    return (
        {"n": n, "w": w, "L": L, "dtype": str(jnp.dtype(dtype)), "ms": own * 1e3, "difference": error}
        | {f"{name}/ours": value / own for name, value in seconds.items() if name in ("structured", "jacrev")}
        | {f"ours/{name}": own / seconds[name] for name in ("products", "half")}
        | {"structured/half": seconds["structured"] / seconds["half"]}
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--float64", action="store_true", help="float64 rows as well")
    parser.add_argument("--jacrev", action="store_true", help="Jacobian contraction as well, where it fits in 4 GB")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    print(device_name())
    rows = []
    for dtype in (jnp.float32, jnp.float64) if options.float64 else (jnp.float32,):
        for shape in SHAPES:
            rows.append(row(shape, dtype, options.jacrev))
            shown = {k: f"{v:.3g}" if isinstance(v, float) else v for k, v in rows[-1].items()}
            print("  ".join(f"{name} {value}" for name, value in shown.items()), flush=True)
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
